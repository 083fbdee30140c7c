# SPDX-License-Identifier: GPL-3.0-or-later
# Open MPI over namespaces that play VMs; read after lib.sh.

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
