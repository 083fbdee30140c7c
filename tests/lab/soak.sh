#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# grappe-collector in a simulated world: 12 hosts with 72 VMs, 5 % of answers lost, agents that restart or cannot
# be reached, hosts that reboot, VMs that migrate; the collector is killed again and again, also in the middle of
# its writing. Afterwards every period that an agent still held is in the archives, to the packet, once. The
# collector is the real one with real archives and real UDP; only its time is simulated. Needs root (a namespace).
#
#     soak.sh [--full] [--seed N]      --full: a week and 200 kills (some minutes), else five hours and 30 kills
. "$(dirname "$0")/lib.sh"
hours=5 kills=30 seed=1
while [ $# -gt 0 ]; do
	case $1 in
	--full) hours=168 kills=200 ;;
	--seed) seed=$2 && shift ;;
	*) lab_die "usage: soak.sh [--full] [--seed N]" ;;
	esac
	shift
done
lab_begin soak
make -s -C "$GRAPPE_BUILD" tests/lab/soak tests/lab/soak_shim.so >/dev/null || lab_die "the helpers do not build"
COLLECTOR=$(program grappe-collector) || exit 1
ns_add host

# soak NAME ARGS... - a run in a folder of its own; what it prints is shown.
soak() {
	local name=$1
	shift
	mkdir -p "$LAB_DIR/$name"
	run_waiting ip netns exec "$(ns host)" "$GRAPPE_BUILD/tests/lab/soak" --collector "$COLLECTOR" \
		--shim "$GRAPPE_BUILD/tests/lab/soak_shim.so" --folder "$LAB_DIR/$name" "$@"
}

# passes NAME TEXT ARGS... - the run finds nothing wrong.
passes() {
	local name=$1 text=$2
	shift 2
	if soak "$name" "$@"; then
		pass "$text"
		rm -rf "${LAB_DIR:?}/$name/rrd"
	else
		fail "$text" "$name $*: see $LAB_DIR/$name"
	fi
	# Whatever it was killed in, it finds its files whole.
	check "$name: it complains of agents only" awk '/ (warning|error): / && !/ does not deliver: |the same [0-9]+ times|: a clock is wrong/ {
		print; bad = 1 } END { exit bad || NR == 0 }' "$LAB_DIR/$name/collector.log"
}

passes absent "ten minutes without an agent while its VM moves: all is fetched" --scenario absent
passes reload "agents are added and removed by SIGHUP: nothing is lost" --scenario reload
passes clock "the collector's clock is wrong for a while: nothing is lost" --scenario clock
# The same kills with a collector whose journal comes to nothing must be noticed, or the rest proves nothing.
soak control --seed "$seed" --hours 1 --kills 20 --without-journal >"$LAB_LOG/control.log"
check_equal "without the journal kills leave marks" 2 $?
check "and they are told" grep -q '^WRONG .* period ' "$LAB_LOG/control.log"
say "seed $seed: $hours h, $kills kills"
passes weather "$hours hours, $kills kills: every period that was held is there, once" \
	--seed "$seed" --hours "$hours" --kills "$kills"
finish
