#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Six Open MPI programs, one process per VM, four VMs on each of two hosts: the groups that the
# command "grappe groups" finds from the running collector are those of the program.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/topology.sh"
. "$here/mpi/mpi.sh"

TOPOLOGY_PERIOD=5
lab_begin patterns

# name, then the groups wanted (JSON) and the shapes of the whole and of each group
wanted() {
	local all='["m1","m2","m3","m4","m5","m6","m7","m8"]'
	case $1 in
	chain) echo "[$all] chain [\"chain\"]" ;;
	ring) echo "[$all] ring [\"ring\"]" ;;
	mesh) echo "[$all] mesh 2x4 [\"mesh 2x4\"]" ;;
	alltoall) echo "[$all] all-to-all [\"all-to-all\"]" ;;
	groups) echo '[["m1","m2","m3","m4"],["m5","m6","m7","m8"]] none ["all-to-all","all-to-all"]' ;;
	silent) echo '[] none []' ;;
	esac
}

# found OPTION... - the groups of the last two periods, in the same form.
found() {
	"$(program grappe)" groups --config "$LAB_DIR/manager.conf" --window $((2 * TOPOLOGY_PERIOD)) \
		--format json "$@" >"$LAB_DIR/groups.json" || return 1
	jq -r '"\([.groups[] | sort] | sort | tojson) \(.shape) \(.group_shapes | tojson)"' "$LAB_DIR/groups.json"
}

mpi_up && configure_manager $((2 * TOPOLOGY_PERIOD)) </dev/null ||
	lab_die "the lab did not come up: $LAB_LOG"
for pattern in chain ring mesh alltoall groups silent; do
	start_mpi "$pattern" head "$MPI_VMS" 10.77.0.0/24 "$MPI_PATTERNS" "$pattern" 40000 100 600
	wait_ready "$pattern" || fail "$pattern starts"
	to=$(next_boundary 3)
	wait_until "$to"
	check_equal "$pattern, by packets" "$(wanted $pattern)" "$(found --by packets)"
	check_equal "$pattern, by bytes" "$(wanted $pattern)" "$(found --by bytes)"
	stop "$pattern"
done
finish
