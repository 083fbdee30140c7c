#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The model held against reality: Open MPI programs over two sites with a slow line between them. The
# programs run as fast as their network lets them; for each the script prints how long a round takes,
# as a ratio of before, after half of the advised moves and after all of them: as predicted with
# the default waiting_share, as predicted with the share that the first half of the moves showed,
# and as measured. doc/model.md has such a table and says what follows from it.
#
#     model.sh [CASE]...     CASE: PATTERN:BYTES:COMPUTE-MS, default the first of doc/model.md
#
# Checked is only what a busy machine leaves true: that the plan brings the groups home, and that each half of the moves
# makes rounds shorter. How near the predictions are is printed.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/topology.sh"
. "$here/mpi/mpi.sh"

TOPOLOGY_PERIOD=5
TOPOLOGY_LINE='5 200' # ms, Mbit/s
TOPOLOGY_ROOM=9
watched=15 # seconds of each measurement
[ $# -gt 0 ] || set -- groups:200:10
lab_begin model

# --- the lab --------------------------------------------------------------------------------------

configure() { # WAITING-SHARE
	configure_manager $watched <<-END
		objective = time
		waiting_share = $1
	END
	printf 'rule\ta\tb\npin\thead\tsite-1\n' >"$LAB_DIR/rules.tsv"
}

move_back() {
	local vm number=0
	for vm in $MPI_VMS; do
		number=$((number + 1))
		[ "${VM_HOST[$vm]}" = "$(mpi_host $number)" ] || topology_move "$vm" "$(mpi_host $number)" || return 1
	done
}

# --- what is measured -----------------------------------------------------------------------------

# round_ms NAME FROM TO - how long a round took in that time, mean of both halves of the program.
round_ms() {
	awk -v from="$2" -v to="$3" '
		/^rank/ && $6 >= from && $6 <= to {
			if (!($2 in first)) { first[$2] = $3; begin[$2] = $6 }
			last[$2] = $3; end[$2] = $6
		}
		END {
			for (rank in first)
				if (last[rank] > first[rank]) {
					sum += 1000 * (end[rank] - begin[rank]) / (last[rank] - first[rank])
					n++
				}
			printf "%.3f\n", (n ? sum / n : 0)
		}' "$LAB_LOG/$1.log"
}

# watch NAME - waits until the window is full of what is now; sets measured.
watch() {
	local to
	to=$(next_boundary $((watched / TOPOLOGY_PERIOD + 1)))
	wait_until "$(awk -v t="$to" 'BEGIN { print t + 1 }')"
	measured=$(round_ms "$1" $((to - watched)) "$to")
}

# plan FILE OPTION... - a plan of what is seen now.
plan() {
	local file=$1
	shift
	"$(program grappe)" plan --config "$LAB_DIR/manager.conf" --window $watched --rules "$LAB_DIR/rules.tsv" \
		--format json "$@" >"$LAB_DIR/$file"
}

# The hours of the application after the plan's moves, as a share of before.
predicted() { jq '.applications[] | select(.application == "solver") | .vm_hours_per_h_after / .vm_hours_per_h_before' "$LAB_DIR/$1"; }

carry_out() {
	local vm to
	while read -r vm to; do
		topology_move "$vm" "$to" || return 1
	done < <(jq -r '.moves[] | "\(.vm.name) \(.to.host)"' "$LAB_DIR/$1")
}

# share_seen RATIO LOW HIGH - the waiting share for which the ratio comes out, the prediction being
# LOW at 0 and HIGH at the default share; it is a straight line.
share_seen() {
	awk -v r="$1" -v a="$2" -v b="$3" -v d=$default_share 'BEGIN {
		s = a == b ? d : d * (a - r) / (a - b); print (s < 0 ? 0 : s > 1 ? 1 : s) }'
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f\n", (b > 0 ? a / b : 0) }'; }
percent() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%+.0f %%\n", (b > 0 ? 100 * (a / b - 1) : 0) }'; }

# --- a case ---------------------------------------------------------------------------------------

default_share=0.02

# first_half NAME - carries out the first two of the moves; sets seen (the ratio) and share (for which it comes out).
first_half() {
	local name=$1 zero first
	plan half.json --max-moves 2 && first=$(predicted half.json) && configure 0 &&
		plan zero.json --max-moves 2 && zero=$(predicted zero.json) && carry_out half.json || return 1
	watch "$name"
	half=$measured
	seen=$(ratio "$half" "$before")
	share=$(share_seen "$seen" "$zero" "$first")
}

# the_rest NAME - carries out what is left, predicted with the share that was seen.
the_rest() {
	configure "$share" && plan rest.json && rest=$(predicted rest.json) && carry_out rest.json || return 1
	watch "$1"
	after=$measured
	seen=$(ratio "$after" "$half")
}

moves_of() { jq '.moves | length' "$LAB_DIR/$1"; }
is_less() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }'; }
inter_site() { jq '.after.inter_environment_octets_per_s' "$LAB_DIR/$1"; }

run_case() { # PATTERN BYTES COMPUTE-MS
	local name=$1-$2-$3 before half after guess rest seen share
	configure $default_share
	start_mpi "$name" head "$MPI_VMS" 10.77.0.0/24 "$MPI_PATTERNS" "$1" "$2" "$3" 3600 work
	wait_ready "$name" || { fail "$name starts"; return; }
	watch "$name"
	before=$measured
	plan whole.json || { fail "$name: a plan"; return; }
	guess=$(predicted whole.json)
	first_half "$name" || { fail "$name: the first half of the moves"; return; }
	say "$name: $before ms a round; after $(moves_of half.json) moves $half ms: waiting_share $share fits that"
	the_rest "$name" || { fail "$name: the rest of the moves"; return; }
	stop "$name"
	say "    the other $(moves_of rest.json) moves: predicted $rest, measured $seen ($(percent "$rest" "$seen")): $after ms"
	say "    all moves with waiting_share $default_share: predicted $guess, measured $(ratio "$after" "$before")"
	if [ "$1" = groups ]; then
		check_equal "$name: the groups come home" 0 "$(inter_site rest.json)"
		check "$name: both halves of the moves make it faster" eval "is_less $half $before && is_less $after $half"
	fi
	move_back || lab_die "the VMs did not come back"
}

for vm in $MPI_VMS; do VM_APPLICATION[$vm]=solver; done
mpi_up || lab_die "the lab did not come up: $LAB_LOG"
for one in "$@"; do
	IFS=: read -r pattern bytes ms <<<"$one"
	run_case "$pattern" "$bytes" "$ms"
done
finish
