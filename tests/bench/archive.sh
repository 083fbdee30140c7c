#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What archiving costs: microseconds per update of a pair, Grappe's writer (journal and
# coverage included) beside rrdtool fed through a pipe with the same updates of the same files.
#
#     tests/bench/archive.sh [BUILD] [PAIRS...]        default: . 1000 10000; needs 50 kB a pair in $TMPDIR
set -e
build=${1:-.}
[ $# = 0 ] || shift
[ $# -gt 0 ] || set -- 1000 10000
tool=$build/tests/lab/archive_tool
[ -x "$tool" ] || { echo "$tool is not built: make $tool" >&2; exit 1; }
folder=$(mktemp -d "${TMPDIR:-/tmp}/grappe-bench.XXXXXX")
trap 'rm -rf "$folder"' EXIT
start=1790006400
rounds=10

figure() { sed -n "s/.*\\b$1=\\([0-9.]*\\).*/\\1/p"; }

# The same rounds as lines for "rrdtool -".
commands() {
	local round
	for round in $(seq $((rounds + 1)) $((2 * rounds))); do
		find "$folder/rrd" -name 'mac-04*.rrd' -printf "update %p $((start + round * 30)):$round:$round\n"
	done
}

printf '%8s  %22s  %22s  %22s\n' pairs "first period (us/file)" "Grappe (us/update)" "rrdtool - (us/update)"
for pairs; do
	rm -rf "$folder/rrd"
	receivers=$(((pairs + 99) / 100))
	first=$("$tool" write "$folder/rrd" $receivers 100 $start 1 1 detail | figure us_per_update)
	ours=$("$tool" write "$folder/rrd" $receivers 100 $start 2 $((rounds - 1)) detail | figure us_per_update)
	commands >"$folder/commands"
	begin=${EPOCHREALTIME/./}
	rrdtool - <"$folder/commands" >"$folder/answers"
	end=${EPOCHREALTIME/./}
	if grep -q ERROR "$folder/answers"; then
		grep ERROR "$folder/answers" | head -n 3 >&2
		exit 1
	fi
	theirs=$(awk -v t=$((end - begin)) -v n="$(wc -l <"$folder/commands")" 'BEGIN { printf "%.1f", t / n }')
	printf '%8d  %22s  %22s  %22s\n' $((receivers * 100)) "$first" "$ours" "$theirs"
done
