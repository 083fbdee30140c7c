# SPDX-License-Identifier: GPL-3.0-or-later
# Open MPI over namespaces that play VMs; read after lib.sh and topology.sh.

MPI_VMS='m1 m2 m3 m4 m5 m6 m7 m8'

# mpi_host NUMBER - where the VM of that number is at first: every other one on the other host.
mpi_host() { [ $(($1 % 2)) = 1 ] && echo hostA || echo hostB; }

# mpi_up - two hosts, the VMs, a VM "head" where mpirun runs (so that its words with the processes are
# not in the pairs), sensors, the collector, the program. VM_APPLICATION is set before.
mpi_up() {
	local vm number=0
	topology_up || return 1
	for vm in $MPI_VMS; do
		number=$((number + 1))
		topology_vm "$vm" "$(mpi_host $number)" $number || return 1
	done
	topology_vm head hostA 100 && start_sensors && start_the_collector && mpi_compile
}

# mpi_compile - builds patterns.c; its path is then in $MPI_PATTERNS.
mpi_compile() {
	MPI_PATTERNS=$LAB_DIR/patterns
	mpicc -O2 -Wall -o "$MPI_PATTERNS" "$LAB_SOURCE/tests/lab/mpi/patterns.c"
}

# start_mpi NAME HEAD "VM..." SUBNET/LENGTH CMD... - one process per VM, mpirun in the namespace HEAD.
# Only TCP (no shared memory), only the VMs' subnet, no binding to cores (every "machine" would choose
# the first), and the core is given away while waiting.
start_mpi() {
	local name=$1 head=$2 net=$4 vm hosts=
	for vm in $3; do hosts=$hosts${hosts:+,}$vm:1; done
	shift 4
	mkdir -p "$LAB_DIR/mpi-$name"
	# shellcheck disable=SC2016
	start_in "$head" "$name" env TMPDIR="$LAB_DIR/mpi-$name" \
		unshare -u sh -c 'hostname "$1" && shift && exec "$@"' sh "$head" \
		mpirun.openmpi --allow-run-as-root --host "$hosts" --bind-to none --map-by node \
		--mca plm rsh --mca plm_rsh_no_tree_spawn 1 \
		--mca plm_rsh_agent "bash $LAB_SOURCE/tests/lab/mpi/in-vm.sh $LAB_PREFIX" \
		--mca pml ob1 --mca btl tcp,self --mca btl_tcp_if_include "$net" \
		--mca oob_tcp_if_include "$net" --mca mpi_yield_when_idle 1 "$@"
}
