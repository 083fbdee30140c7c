#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What archiving costs, directly and through rrdcached: making the files at first contact, a period in
# the steady state (of ten, with the commit that follows them), and a matrix of the last hour. CPU of the
# collector's side and of the daemon, wall time, and what goes to the disk. Medians of the repetitions,
# lowest and highest in brackets. One level of a day (47 kB a pair): 100,000 pairs take 4.7 GB in $TMPDIR.
#
#     tests/bench/archive.sh [BUILD] [PAIRS...]      default: . 1000 10000 100000
#     REPEAT=5 PERIODS=10                            repetitions of the ten periods
set -e
build=${1:-.}
[ $# = 0 ] || shift
[ $# -gt 0 ] || set -- 1000 10000 100000
tool=$build/tests/lab/archive_tool
[ -x "$tool" ] || { echo "$tool is not built: make $tool" >&2; exit 1; }
command -v rrdcached >/dev/null || { echo "no rrdcached here (Debian package rrdcached)" >&2; exit 1; }
folder=$(mktemp -d "${TMPDIR:-/tmp}/grappe-bench.XXXXXX")
daemon=
# shellcheck disable=SC2154
trap '[ -z "$daemon" ] || kill "$daemon"; rm -rf "$folder"' EXIT
start=1790006400
repeat=${REPEAT:-5}
periods=${PERIODS:-10}
ticks=$(getconf CLK_TCK)

figure() { sed -n "s/.*\\b$1=\\([0-9.]*\\).*/\\1/p" "$folder/out"; }
run() { "$tool" "$@" >"$folder/out" || { cat "$folder/out" >&2; exit 1; }; }
# CPU seconds and bytes of the daemon so far.
daemon_cpu() { [ -n "$daemon" ] && awk -v t="$ticks" '{ print ($14 + $15) / t }' "/proc/$daemon/stat" || echo 0; }
# median, lowest and highest of a column of $folder/runs.
spread() {
	cut -d' ' -f"$1" "$folder/runs" | sort -g | awk -v f="$2" '{ v[NR] = $1 }
		END { printf f " (" f "-" f ")", v[int((NR + 1) / 2)], v[1], v[NR] }'
}

start_daemon() {
	rrdcached -g -l "unix:$folder/socket" -p "$folder/pid" -w 3600 -f 7200 -t 2 >"$folder/log" 2>&1 &
	daemon=$!
	until [ -S "$folder/socket" ]; do
		kill -0 "$daemon" || { cat "$folder/log" >&2; exit 1; }
		sleep 0.05
	done
}
stop_daemon() {
	local rc=0
	kill "$daemon"
	wait "$daemon" || rc=$?
	daemon=
	# 143: by the signal
	[ $rc = 0 ] || [ $rc = 143 ] || { echo "rrdcached ended with $rc" >&2; cat "$folder/log" >&2; exit 1; }
}

# measure HOW RECEIVERS SENDERS [rrdcached=...]
measure() {
	local how=$1 receivers=$2 senders=$3 number=2 i cpu first
	shift 3
	rm -rf "$folder/rrd"
	: >"$folder/runs"
	run write "$folder/rrd" "$receivers" "$senders" $start 1 1 detail "$@"
	first="$(figure cpu_s) s CPU, $(figure wall_s) s"
	for ((i = 0; i < repeat; i++)); do
		cpu=$(daemon_cpu)
		run write "$folder/rrd" "$receivers" "$senders" $start $number "$periods" detail "$@"
		number=$((number + periods))
		echo "$(figure cpu_s) $(figure commit_cpu_s) $cpu $(daemon_cpu) $(figure wall_s) $(figure commit_wall_s)" | awk -v n="$periods" '{ c = ($1 + $2) / n
			printf "%.4f %.3f %.4f %.3f %.3f\n", c, c / 30 * 100, ($4 - $3) / n, ($5 + $6) / n, $6 }' >>"$folder/runs"
	done
	printf '%7d  %-9s  %-26s  %-24s  %-22s  %-22s  %-20s  %s\n' $((receivers * senders)) "$how" "$first" \
		"$(spread 1 %.3f)" "$(spread 2 %.2f)" "$(spread 3 %.3f)" "$(spread 4 %.2f)" "$(spread 5 %.2f)"
}

# reading PAIRS - matrices of the last hour of what was written last.
reading() {
	local i last=$((start + (1 + repeat * periods) * 30)) before after
	: >"$folder/runs"
	for ((i = 0; i < repeat; i++)); do
		before=${EPOCHREALTIME/./}
		TIMEFORMAT='%U %S'
		{ time "$tool" sum "$folder/rrd" $((last - 3600)) $last >"$folder/out"; } 2>"$folder/time"
		after=${EPOCHREALTIME/./}
		awk -v w=$((after - before)) '{ printf "%.3f %.3f\n", $1 + $2, w / 1e6 }' "$folder/time" >>"$folder/runs"
	done
	echo "$1 pairs: a matrix of the last hour takes $(spread 1 %.3f) s CPU, $(spread 2 %.2f) s wall"
}

printf '%7s  %-9s  %-26s  %-24s  %-22s  %-22s  %-20s  %s\n' pairs how "first contact" "CPU s a period" \
	"% of a core at 30 s" "daemon's CPU s a period" "wall s a period" "wall s of the commit"
for pairs; do
	senders=100
	receivers=$(((pairs + senders - 1) / senders))
	measure direct $receivers $senders
	start_daemon
	measure rrdcached $receivers $senders "rrdcached=unix:$folder/socket"
	stop_daemon
	reading $((receivers * senders))
done
