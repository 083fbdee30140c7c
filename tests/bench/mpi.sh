#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What sensing costs a real MPI program (S-12): HPC Challenge (hpcc), one process in each of four VMs (namespaces) on one
# host, with and without a sensor in interleaved pairs. Run by hand as root, on a quiet machine, from the build folder:
#
#     GRAPPE_BUILD=$PWD bash ../../tests/bench/mpi.sh [--rounds 10] [--size 1000] [--backends "bpf pcap"]
#
# sensor: run time of the bpf programs as the kernel counts it (kernel.bpf_stats_enabled, some 60 ns of measuring in each run
# included) and CPU time of the sensor's processes, as a share of all CPU time that the machine spent during the run. wall:
# mean of the relative differences of the pairs, with its confidence interval of 95 % (Student's t).
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lab/lib.sh"
. "$here/../lab/mpi/mpi.sh"

ROUNDS=10
SIZE=1000
BACKENDS="bpf pcap"
while [ $# -gt 0 ]; do
	case $1 in
	--rounds) ROUNDS=$2 && shift ;;
	--size) SIZE=$2 && shift ;;
	--backends) BACKENDS=$2 && shift ;;
	*) sed -n '3,13s/^# \{0,1\}//p' "$0" && exit 2 ;;
	esac
	shift
done
lab_begin bench-mpi
vms="m1 m2 m3 m4"
runs=$LAB_DIR/runs.tsv

make_vms() {
	local n=0 vm
	ns_add host && bridge_add host br0 || return 1
	for vm in $vms head; do
		n=$((n + 1))
		vm_add "$vm" host br0 "tap$n" "$(printf '02:00:00:00:00:%02x' $n)" "10.77.0.$n/24" || return 1
	done
}

write_input() {
	cp /usr/share/doc/hpcc/examples/_hpccinf.txt "$LAB_DIR/hpccinf.txt" &&
		sed -i -E "s/^[0-9 ]+( +Ns)/$SIZE\1/; s/^[0-9 ]+( +# of process grids)/1\1/; s/^[0-9 ]+( +Ps)/2\1/; s/^[0-9 ]+( +Qs)/2\1/" \
			"$LAB_DIR/hpccinf.txt"
}

# busy_ns - all CPU time of this machine but idle and waiting.
busy_ns() { awk '/^cpu / { printf "%.0f\n", ($2 + $3 + $4 + $7 + $8) * 1e7 }' /proc/stat; }

bpf_ns() {
	bpftool -j prog show | python3 -c '
import json, sys
print(sum(int(p.get("run_time_ns", 0)) for p in json.load(sys.stdin) if p.get("name", "").startswith("grappe_")))'
}

process_ns() { cat "/proc/${LAB_PIDS[sensor]}/task/"*/schedstat | awk '{ s += $1 } END { printf "%.0f\n", s }'; }

run_program() { # prints wall time in s
	local began=$EPOCHREALTIME
	rm -f "$LAB_DIR/hpccoutf.txt"
	(cd "$LAB_DIR" && start_mpi hpcc head "$vms" 10.77.0.0/24 --wdir "$LAB_DIR" hpcc && wait "${LAB_PIDS[hpcc]}")
	grep -q 'End of HPC Challenge tests' "$LAB_DIR/hpccoutf.txt" || { echo "hpcc did not end well" >&2 && return 1; }
	awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f\n", b - a }'
}

start_sensor() { # BACKEND
	rm -rf "$LAB_DIR/periods"
	printf 'periods_directory = "%s"\ncapture = %s\nlibvirt = no\nbridge "br0" { }\n' "$LAB_DIR/periods" "$1" >"$LAB_DIR/capture.conf"
	start_in host sensor "$(program grappe-capture)" --config "$LAB_DIR/capture.conf" && wait_ready sensor
}

measure() { # BACKEND
	local without with busy bpf process
	without=$(run_program) || return 1
	start_sensor "$1" || return 1
	busy=$(busy_ns) bpf=$(bpf_ns) process=$(process_ns)
	with=$(run_program) || return 1
	echo "$1 $without $with $(($(bpf_ns) - bpf)) $(($(process_ns) - process)) $(($(busy_ns) - busy))" | tee -a "$runs" >&2
	stop sensor
}

show_table() {
	python3 - "$runs" <<-'END'
		import statistics, sys
		t95 = [0, 12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10, 2.09]
		rows = [line.split() for line in open(sys.argv[1])]
		for backend in dict.fromkeys(r[0] for r in rows):
		    mine = [list(map(float, r[1:])) for r in rows if r[0] == backend]
		    slower = [(b / a - 1) * 100 for a, b, *_ in mine]
		    share = sorted((bpf + cpu) / busy * 100 for _, _, bpf, cpu, busy in mine)
		    n = len(mine)
		    half = t95[min(n - 1, 19)] * statistics.stdev(slower) / n ** 0.5 if n > 1 else float("nan")
		    print(f"{backend}: {n} pairs of runs of {statistics.median(r[0] for r in mine):.1f} s; sensor "
		          f"{statistics.median(share):.3f} % of all CPU time ({share[0]:.3f} to {share[-1]:.3f}), of it bpf programs "
		          f"{statistics.median(r[2] for r in mine) / 1e6:.0f} ms, process {statistics.median(r[3] for r in mine) / 1e6:.0f} ms; "
		          f"wall time {statistics.mean(slower):+.2f} % +- {half:.2f} %")
	END
}

command -v hpcc >/dev/null && command -v bpftool >/dev/null || lab_die "packages are missing: quickstart packages bench"
make_vms && write_input || lab_die "no VMs"
stats=$(sysctl -n kernel.bpf_stats_enabled)
lab_cleanup_more() { sysctl -qw "kernel.bpf_stats_enabled=$stats"; }
sysctl -qw kernel.bpf_stats_enabled=1
for ((round = 1; round <= ROUNDS; round++)); do
	for backend in $BACKENDS; do
		echo "round $round of $ROUNDS, $backend" >&2
		measure "$backend" || lab_die "a run failed: $LAB_LOG"
	done
done
show_table
