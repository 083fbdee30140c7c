#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# grappe-collector behind real snmpds and agents, with made-up traffic: snmpd, agent and collector are
# killed, stopped and restarted; afterwards the archives, read by rrdtool, hold each period of each
# pair once. Needs root (one namespace).
. "$(dirname "$0")/lib.sh"
lab_begin collector
CAPTURE=$GRAPPE_BUILD/tests/lab/fake_capture
[ -x "$CAPTURE" ] || lab_die "no $CAPTURE: make tests/lab/fake_capture"
for tool in rrdtool jq; do command -v $tool >/dev/null || lab_die "no $tool here"; done
AGENT=$(program grappe-agent) && COLLECTOR=$(program grappe-collector) && QUERY=$(program grappe-query) || exit 1
LENGTH=2
declare -A PORT=([hostA]=1161 [hostB]=1162) FIRST=([hostA]=1 [hostB]=5)

start_host() { # HOST
	mkdir -p "$LAB_DIR/$1/periods" "$LAB_DIR/$1/state"
	cat >"$LAB_DIR/$1/agent.conf" <<-END
		agentx_socket = "$LAB_DIR/snmpd-$1.agentx"
		periods_directory = "$LAB_DIR/$1/periods"
		state_directory = "$LAB_DIR/$1/state"
		history = 40
	END
	start_master "$1"
	start_agent "$1"
	start_in host "capture-$1" "$CAPTURE" "$LAB_DIR/$1/periods" $LENGTH "${FIRST[$1]}" 4
}
start_master() { start_snmpd "snmpd-$1" host "127.0.0.1:${PORT[$1]}" || finish; }
start_agent() {
	start_in host "agent-$1" "$AGENT" --config "$LAB_DIR/$1/agent.conf"
	wait_ready "agent-$1" || finish
}

start_collector() {
	start_in host collector "$COLLECTOR" -v --config "$LAB_DIR/collector.conf"
	wait_ready collector || finish
}

query() { "$QUERY" --socket "$LAB_DIR/collector.sock" "$@"; }
status() { query status --format json | jq -r "$1"; }
status_is() { [ "$(status "$1")" = "$2" ]; }
periods() { wait_until $((EPOCHSECONDS / LENGTH * LENGTH + $1 * LENGTH)); }

cat >"$LAB_DIR/collector.conf" <<END
period = ${LENGTH}s
allow_short_periods = yes
socket = "$LAB_DIR/collector.sock"
archive_directory = "$LAB_DIR/rrd"
state_directory = "$LAB_DIR/state"
timeout = 200ms
history = 30
agent "hostA" { address = "127.0.0.1:1161" environment = "site-1" }
agent "hostB" { address = "127.0.0.1:1162" environment = "site-2" }
END

# --- quiet --------------------------------------------------------------------------------------

ns_add host
start_host hostA
start_host hostB
periods 3
start_collector
check "both agents come up" wait_for 10 status_is .agents_up 2
periods 3
# The newest period: asked for at its end, waited for.
answer=$(query --last ${LENGTH}s --wait ${LENGTH}s --format json)
check_equal "the newest period is exact" true "$(jq .exact <<<"$answer")"
check_equal "and complete" 1 "$(jq .periods_known <<<"$answer")"
check_equal "with all pairs" 64 "$(jq '.rows | length' <<<"$answer")"
end=$(jq .to_s <<<"$answer")
matrix() { jq -r '.rows[] | "\(.receiver) \(.sender) \(.packets_per_period) \(.octets_per_period)"' | sort; }
truth() { cat "$LAB_LOG"/capture-*.log | awk -v f="$1" -v t="$2" 'NF == 5 && $1 > f && $1 <= t'; }
matrix <<<"$answer" >"$LAB_DIR/got"
truth $((end - LENGTH)) "$end" | cut -d' ' -f2- | sort >"$LAB_DIR/want"
check_equal "each of them counted" 64 "$(wc -l <"$LAB_DIR/want")"
check "as in the period files" diff "$LAB_DIR/want" "$LAB_DIR/got"
check_equal "the inventory knows the VMs" 8 "$(query inventory --format json | jq '.rows | length')"
check_equal "and their places" hostB/site-2 \
	"$(query inventory --format json | jq -r '.rows[] | select(.name == "vm5") | .host + "/" + .environment')"
check "the table for people has names" bash -c "'$QUERY' --socket '$LAB_DIR/collector.sock' --last 4s | grep -q 'vm1  *vm5'"
query --to $((EPOCHSECONDS + 60)) >"$LAB_DIR/later" 2>&1
check_equal "the future is handed back" 2 $?
check "with a time to ask again" grep -q "ask again at" "$LAB_DIR/later"

# --- faults -------------------------------------------------------------------------------------

stop snmpd-hostA KILL
check "a killed snmpd is noticed" wait_for 10 status_is '.agents[0].state' down
check "its agent's state says why" test -n "$(status '.agents[0].error')"
start_master hostA
check "and that it is back" wait_for 15 status_is .agents_up 2
signal snmpd-hostB STOP
periods 3
check_equal "a stopped snmpd is down" down "$(status '.agents[1].state')"
answer=$(query --last ${LENGTH}s --wait ${LENGTH}s --format json)
check_equal "an answer is exact then, but incomplete" "true 0" "$(jq -r '"\(.exact) \(.periods_known)"' <<<"$answer")"
check_equal "what is unknown is no zero" null \
	"$(jq -c '.rows[] | select(.receiver_name == "vm5") | .packets_per_period' <<<"$answer")"
signal snmpd-hostB CONT
check "it is back" wait_for 15 status_is .agents_up 2
stop agent-hostA KILL
periods 2
start_agent hostA
check "an agent that was killed is back" wait_for 15 status_is .agents_up 2
stop collector KILL
periods 3
start_collector
check "the collector comes back" wait_for 10 status_is .agents_up 2
check_equal "it remembers the VMs" 8 "$(query inventory --format json | jq '.rows | length')"
stop collector
check_equal "it ends well on SIGTERM" 0 $?
periods 2
start_collector
periods 4

# --- no room, no folder -------------------------------------------------------------------------

# A second collector at the same agents: a full disk for its archives, a file where its state should lie.
small_collector() {
	start_in host small "$COLLECTOR" -v --config "$LAB_DIR/small.conf"
	wait_ready small || finish
}
small() { "$QUERY" --socket "$LAB_DIR/small.sock" "$@"; }
small_is() { [ "$(small status --format json | jq -r "$1")" = "$2" ]; }
lab_cleanup_more() { umount "$LAB_DIR/small" 2>/dev/null; }
mkdir "$LAB_DIR/small"
mount -t tmpfs -o size=1m tmpfs "$LAB_DIR/small" || lab_die "cannot mount a small disk"
sed -e "s,$LAB_DIR/collector.sock,$LAB_DIR/small.sock," -e "s,$LAB_DIR/rrd,$LAB_DIR/small/rrd," \
	-e "s,$LAB_DIR/state,$LAB_DIR/collector.conf/state," "$LAB_DIR/collector.conf" >"$LAB_DIR/small.conf"
small_collector
check "a full disk is seen" wait_for 15 small_is .archive.state failing
check "and said why" test -n "$(small status --format json | jq -r .archive.error)"
check "and logged" grep -q "error: .*\|warning: .*" "$LAB_LOG/small.log"
check "so is a state folder that cannot be" wait_for 10 small_is .state.state failing
periods 2
check_equal "answers come from memory" 64 "$(small --last ${LENGTH}s --wait ${LENGTH}s --format json | jq '.rows | length')"
mount -o remount,size=400m "$LAB_DIR/small"
check "with room again it goes on" wait_for 30 small_is .archive.state ok
small_first=$(small --last 6s --wait ${LENGTH}s --format json | jq .from_s)
caught_up() { [ "$(small status --format json | jq .archive.written_end)" -gt "$small_first" ] && small_is .archive.queue 0; }
check "and catches up" wait_for 30 caught_up
cp "$LAB_DIR/small.conf" "$LAB_DIR/both.conf"
sed -i '/hostB/d' "$LAB_DIR/small.conf"
signal small HUP
check "SIGHUP takes an agent away" wait_for 5 small_is .agents_total 1
periods 2
check_equal "the picture is complete without it" 1 "$(small --last ${LENGTH}s --wait ${LENGTH}s --format json | jq .periods_known)"
echo nonsense >>"$LAB_DIR/small.conf"
signal small HUP
check "a bad configuration changes nothing" wait_log small "everything stays as it was" 5
cp "$LAB_DIR/both.conf" "$LAB_DIR/small.conf"
signal small HUP
check "SIGHUP brings it back" wait_for 10 small_is .agents_up 2
stop small
fetch_all() { # FOLDER FROM TO - "end receiver sender packets octets" of all that rrdtool finds
	local receiver file
	for receiver in "$1"/mac-*; do
		for file in "$receiver"/*.rrd; do
			[[ ${file##*/} == @(coverage|mark-*).rrd ]] ||
				rrdtool fetch "$file" AVERAGE -r $LENGTH -s $(($2 - LENGTH)) -e "$3" |
				awk -v l=$LENGTH -v r="${receiver##*/}" -v s="$(basename "$file" .rrd)" -v f="$2" -v t="$3" '
				/^ *[0-9]+:/ && $2 !~ /nan/ && $1 + 0 >= f && $1 + 0 <= t {
					printf "%d %s %s %.0f %.0f\n", $1, r, s, $2 * l, $3 * l }'
		done
	done | sort
}
# Also the periods from before there was room.
fetch_all "$LAB_DIR/small/rrd" $((small_first - 5 * LENGTH)) "$small_first" >"$LAB_DIR/archived"
truth $((small_first - 6 * LENGTH)) "$small_first" | sort >"$LAB_DIR/counted"
check "nothing was lost meanwhile ($(wc -l <"$LAB_DIR/counted") values)" diff "$LAB_DIR/counted" "$LAB_DIR/archived"

# --- the sums -----------------------------------------------------------------------------------

# Both hosts end with the same period.
wait_until $((EPOCHSECONDS / LENGTH * LENGTH + LENGTH)).5
signal capture-hostA TERM
signal capture-hostB TERM
last=$(cat "$LAB_LOG"/capture-*.log | awk 'NF == 5 { print $1 }' | sort -n | tail -1)
# The first period that both hosts have.
first=$(for log in "$LAB_LOG"/capture-*.log; do awk 'NF == 5 { print $1; exit }' "$log"; done | sort -n | tail -1)
written() { [ "$(status .archive.written_end)" -ge "$last" ] && [ "$(status .archive.queue)" = 0 ]; }
check "all of it reaches the archives" wait_for 30 written
# Older than memory: the archives and memory together are all that was counted.
check_equal "a window that begins in the archives has all packets" \
	"$(truth 0 "$last" | awk '{ s += $4 } END { printf "%.0f", s }')" \
	"$(query --last 30min --wait ${LENGTH}s --format json |
		jq '[.rows[] | select(.sender != null) | .packets_per_period * .known_periods] | add | round')"
stop collector
fetch_all "$LAB_DIR/rrd" "$first" "$last" >"$LAB_DIR/archived"
truth $((first - LENGTH)) "$last" | sort >"$LAB_DIR/counted"
check "each period of each pair is in the archives once ($(wc -l <"$LAB_DIR/counted") values)" \
	diff "$LAB_DIR/counted" "$LAB_DIR/archived"
check "grappe-query reads them without a collector" bash -c \
	"'$QUERY' --archive '$LAB_DIR/rrd' --from $((last - 10)) --to $last --format csv | grep -c ^mac- | grep -qx 64"
finish
