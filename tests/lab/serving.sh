#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What serving must not cost: a walk of 100,000 rows neither delays a period nor loses a packet; snmpd may stop for many
# periods and none is lost; the subagent is back soon after snmpd restarts; grappe-agent may be killed at any moment, and
# the collector, which runs all the time, ends with every packet once. Last, who may open snmpd's AgentX socket. Real
# packets by grappe-capture; snmpd, agent and collector are the real ones. Needs root (three namespaces).
set -u
. "$(dirname "$0")/lib.sh"
lab_begin serving
chmod 711 "$LAB_DIR"
for tool in snmpget snmpbulkwalk iperf3 jq perl setpriv; do
	command -v $tool >/dev/null || lab_die "no $tool here"
done
PERIOD_FILE=$GRAPPE_BUILD/tests/lab/period_file
DUMP=$GRAPPE_BUILD/tests/lab/period_dump
for tool in "$PERIOD_FILE" "$DUMP"; do [ -x "$tool" ] || lab_die "no $tool: make it first"; done
AGENT=$(program grappe-agent) && CAPTURE=$(program grappe-capture) && COLLECTOR=$(program grappe-collector) &&
	QUERY=$(program grappe-query) || exit 1
# Longer runs by hand: SERVING_STOP=300 SERVING_KILLS=50 …
LENGTH=${SERVING_PERIOD:-2}
STOP=${SERVING_STOP:-20} # how long snmpd is stopped, s
ROUNDS=${SERVING_KILLS:-10}
HISTORY=$((STOP / LENGTH + 20))
PERIODS=$LAB_DIR/periods
ROOT=$(sed -n 's/^MIB_ROOT = //p' "$GRAPPE_BUILD/Makefile" 2>/dev/null)
ROOT=.${ROOT:-1.3.6.1.4.1.8072.9999.9999}
ENDPOINT=127.0.0.1:1161
NOBODY=65534
mkdir -p "$PERIODS"
install -d -o $NOBODY "$LAB_DIR/state"

# --- tools --------------------------------------------------------------------------------------

snmp() { local tool=$1; shift; in_ns host env MIBS= "$tool" -v2c -c public -t 2 -r 1 -m '' -Onqe "$@"; }
get() { snmp snmpget -Ov $ENDPOINT "$ROOT.1.$1"; }
answers() { get 1.1.0 | grep -q '^"[0-9]'; }
last_end() { get 1.3.0; }
serves() { [ "$(last_end)" -ge "$1" ]; }
ms_since() { echo $(((${EPOCHREALTIME/./} - $1) / 1000)); }
boundary() { echo $((EPOCHSECONDS / LENGTH * LENGTH + ${1:-1} * LENGTH)); }

start_agent() { # GROUP SOCKET
	cat >"$LAB_DIR/agent.conf" <<-END
		agentx_socket = "${2:-$LAB_DIR/snmpd.agentx}"
		periods_directory = "$PERIODS"
		state_directory = "$LAB_DIR/state"
		history = $HISTORY
	END
	start_in host agent setpriv --reuid=$NOBODY --regid="${1:-$NOBODY}" --clear-groups \
		"$AGENT" -v --config "$LAB_DIR/agent.conf"
}
master() { LAB_SNMPD_CONF=${1:-agentXPerms 0666 0755} start_snmpd snmpd host $ENDPOINT || finish; }

# block_file END - the blocks of a period, put together.
block_file() {
	local end=$1 chunks chunk
	chunks=$(get "2.1.5.$end") || return 1
	for ((chunk = 1; chunk <= chunks; chunk++)); do
		snmp snmpget -Ovx $ENDPOINT "$ROOT.1.3.1.2.$end.$chunk" || return 1
	done | perl -ne 's/[^0-9a-fA-F]//g; print pack "H*", $_'
}

# blocks_are_files FROM TO - every period with FROM < END <= TO is served as it lies in its file.
blocks_are_files() {
	local end
	for ((end = $1 + LENGTH; end <= $2; end += LENGTH)); do
		block_file $end | cmp - "$PERIODS/$end" || return 1
	done
	[ $2 -gt $1 ]
}

received() { # FROM TO - packets in pairs, by the period files of the two VMs
	local end
	for ((end = $1 + LENGTH; end <= $2; end += LENGTH)); do "$DUMP" "$PERIODS/$end" || echo "missing $end"; done |
		awk '$1 == "missing" { print; bad = 1 } $1 == "row" && $4 == "received" { s += $6 } END { if (!bad) printf "%.0f\n", s }'
}

# --- two VMs with traffic, and an old period with 100,000 rows ----------------------------------

ns_add host
bridge_add host br0
LAB_OFFLOAD=off
for vm in 1 2; do
	vm_add "vm$vm" host br0 "tap$vm" "02:00:00:00:00:0$vm" "10.9.0.$vm/24" || lab_die "no VM $vm"
done
big=$(boundary -5)
"$PERIOD_FILE" write "$PERIODS" "$big" 1000 100 $LENGTH || lab_die "no large period"
cat >"$LAB_DIR/capture.conf" <<END
period = ${LENGTH}s
allow_short_periods = yes
periods_directory = "$PERIODS"
periods_kept = 1000
bridge "br0" { }
END
cat >"$LAB_DIR/collector.conf" <<END
period = ${LENGTH}s
allow_short_periods = yes
socket = "$LAB_DIR/collector.sock"
archive_directory = "$LAB_DIR/rrd"
state_directory = "$LAB_DIR/collector"
timeout = 300ms
history = $HISTORY
agent "host" { address = "$ENDPOINT" environment = "site-1" }
END
delivered() { echo $(($(port_counter host tap1 tx_packets) + $(port_counter host tap2 tx_packets))); }
start_in host capture "$CAPTURE" -v --config "$LAB_DIR/capture.conf"
wait_ready capture || finish
base=$(delivered)
master
start_agent
wait_ready agent || finish
start_in host collector "$COLLECTOR" -v --config "$LAB_DIR/collector.conf"
wait_ready collector || finish
query() { "$QUERY" --socket "$LAB_DIR/collector.sock" "$@"; }
first=$(boundary)
start_in vm2 server iperf3 -s -1 --forceflush
wait_log server listening 10 || finish
start_in vm1 client iperf3 -c 10.9.0.2 -u -l 700 -b 10M -t 3600 -i 0
wait_until "$((first + 2 * LENGTH))"
start_time=$(get 1.5.0)

backend=$(get 1.17.0)
check "the MIB says what counts, pcap(2), bpf(3) or mixed(4), and why ($backend, $(get 1.18.0))" \
	test "$backend" -ge 2 -a "$(get 1.18.0)" != '""'

# --- a walk of 100,000 rows ---------------------------------------------------------------------

# When each period was first seen to be served, beside the walk.
watch_ends() {
	local end before=0
	while [ ! -e "$LAB_DIR/walked" ]; do
		end=$(last_end) || continue
		[ "$end" = $before ] || echo "$end ${EPOCHREALTIME}"
		before=$end
	done
}
watch_ends >"$LAB_DIR/seen" &
LAB_PIDS[watcher]=$!
walk_from=$(last_end)
begin=${EPOCHREALTIME/./}
rows=0
rounds=0
while [ $rounds -lt 5 ] && [ $(($(last_end) - walk_from)) -lt $((4 * LENGTH)) ]; do
	rows=$(snmp snmpbulkwalk -Cr25 $ENDPOINT "$ROOT.1.6.1.3" | wc -l)
	rounds=$((rounds + 1))
	say "      $rows rows in $(ms_since "$begin") ms ($rounds walks)"
done
touch "$LAB_DIR/walked"
wait "${LAB_PIDS[watcher]}"
unset 'LAB_PIDS[watcher]'
walk_to=$(last_end)
check "the walk has 100,000 rows" test "$rows" -ge 100000
check "and took several periods" test $((walk_to - walk_from)) -ge $((4 * LENGTH))
late=$(for ((end = walk_from + LENGTH; end <= walk_to; end += LENGTH)); do
	stat -c "$end %.9Y" "$PERIODS/$end" || echo "$end 9999999999"
done | awk '{ d = $2 - $1; if (d > max) max = d } END { printf "%.0f", max * 1000 }')
say "      period files were there $late ms after their end at the latest"
check "meanwhile each period was sealed within a second" test "$late" -lt 1000
late=$(sed 1d "$LAB_DIR/seen" | awk '{ d = $2 - $1; if (d > max) max = d } END { printf "%.0f", max * 1000 }')
say "      and were served $late ms after their end at the latest ($(wc -l <"$LAB_DIR/seen") seen)"
check "and served within 1.5 s" test "$late" -gt 0 -a "$late" -lt 1500
check_equal "in their order, each of them" "$(seq $((walk_from + LENGTH)) $LENGTH "$walk_to" | xargs)" \
	"$(sed 1d "$LAB_DIR/seen" | awk -v f="$walk_from" -v t="$walk_to" '$1 > f && $1 <= t { print $1 }' | xargs)"

# --- snmpd stopped ------------------------------------------------------------------------------

stop_from=$(boundary 0)
signal snmpd STOP
wait_until $((stop_from + STOP))
begin=${EPOCHREALTIME/./}
signal snmpd CONT
check "the agent is back after snmpd was stopped for $STOP s" wait_for 15 answers
say "      after $(ms_since "$begin") ms"
stop_to=$(boundary 0)
check "with the newest period" wait_for 5 serves "$stop_to"
check "and all periods of that time, as they lie in their files" blocks_are_files "$stop_from" "$stop_to"
check_equal "no discontinuity" "$start_time" "$(get 1.5.0)"

# --- snmpd restarted ----------------------------------------------------------------------------

slowest=0
for how in KILL TERM KILL TERM KILL; do
	stop snmpd $how 2>/dev/null
	master
	begin=${EPOCHREALTIME/./}
	wait_for 10 answers
	took=$(ms_since "$begin")
	say "      back $took ms after snmpd was ready (former one: $how)"
	[ "$took" -le $slowest ] || slowest=$took
done
check "the subagent is back within 3 s of an snmpd restart" test $slowest -lt 3000

# --- the agent killed at any moment -------------------------------------------------------------

# pair_counters - all counters of the two VMs' pairs as "OID VALUE".
pair_counters() {
	local vm vif
	for vm in 1 2; do
		vif=$(snmp snmpbulkwalk $ENDPOINT "$ROOT.1.5.1.4" | sed -n "s/.*\.\([0-9]*\) \"tap$vm\"/\1/p")
		snmp snmpbulkwalk $ENDPOINT "$ROOT.1.6.1.3.$vif"
	done
}
RANDOM=7
backwards=0
for ((round = 1; round <= ROUNDS; round++)); do
	pair_counters >"$LAB_DIR/before"
	wait_until "$(awk -v now="$EPOCHREALTIME" -v r=$RANDOM 'BEGIN { printf "%.6f", now + r / 32768 * 1.1 * '$LENGTH' }')"
	stop agent KILL 2>/dev/null
	start_agent
	wait_ready agent || fail "the agent starts after kill $round"
	wait_for 10 answers || fail "the agent serves after kill $round"
	pair_counters >"$LAB_DIR/after"
	backwards=$((backwards + $(awk 'NR == FNR { old[$1] = $2; next } { new[$1] = $2 }
		END { for (i in old) if (!(i in new) || new[i] < old[i]) n++; print n + 0 }' \
		"$LAB_DIR/before" "$LAB_DIR/after")))
done
check "there were counters to compare" test -s "$LAB_DIR/before"
check_equal "no counter went backwards over $ROUNDS kills" 0 $backwards
check_equal "no discontinuity over $ROUNDS kills" "$start_time" "$(get 1.5.0)"
check_equal "no state file was damaged" 0 "$(cat "$LAB_LOG"/agent.log* | grep -c 'of no use')"
killed_to=$(boundary 0)
wait_for 5 serves "$killed_to"
check "closed periods survived" blocks_are_files $((killed_to - 10 * LENGTH)) "$killed_to"

# --- every packet once --------------------------------------------------------------------------

stop client KILL 2>/dev/null
stop server KILL 2>/dev/null
for vm in 1 2; do ip_in vm$vm link set dev eth0 down; done
last=$(boundary)
wait_until "$last"
check "the last period is served" wait_for 10 serves "$last"
total=$(for file in "$PERIODS"/[0-9]*; do [ "${file##*/}" = "$big" ] || "$DUMP" "$file"; done | awk '
	$1 == "row" && $4 == "received" { s += $6 }
	$1 == "vif" { s += $6 + $7 + $8 }
	$1 == "period" { s += $4 + $5 + $6; dropped += $4 }
	END { printf "%.0f %.0f", s, dropped }')
check_equal "frames delivered to the VMs = counted, and none dropped" "$(($(delivered) - base)) 0" "$total"
check "they were enough to mean something" test "${total% *}" -gt 50000
newest() { [ "$(query status --format json | jq .newest_end)" -ge "$last" ]; }
check "the collector has the last period" wait_for 30 newest
filled() { [ "$(query matrix --from "$first" --to "$last" --format json | jq .periods_known)" = $(((last - first) / LENGTH)) ]; }
check "and every one between, also of the stop" wait_for 30 filled
query matrix --from "$first" --to "$last" --kind detail --format csv >"$LAB_DIR/detail.csv"
check_equal "its sum is that of the files: nothing lost, nothing twice" "$(received "$first" "$last")" \
	"$(awk -F, 'NR > 1 && $5 != "-" && $3 ~ /^mac-/ && $4 != "multicast" && $4 != "other" { s += $5 } END { printf "%.0f", s }' "$LAB_DIR/detail.csv")"
stop collector
stop capture
stop agent
stop snmpd

# --- who may open the socket --------------------------------------------------------------------

GROUP=4711
SOCKET=$LAB_DIR/agentx/master
master "agentXSocket unix:$SOCKET
	agentXPerms 0660 0755 root $GROUP"
check_equal "the socket is the group's" "660 0 $GROUP" "$(stat -c '%a %u %g' "$SOCKET")"
start_agent $GROUP "$SOCKET"
check "an unprivileged agent of that group is let in" wait_ready agent
check "and serves" wait_for 10 answers
stop agent
check "nobody answers for it afterwards" bash -c "! ip netns exec '$(ns host)' env MIBS= \
	snmpget -v2c -c public -m '' -Onqv $ENDPOINT $ROOT.1.1.1.0 | grep -q '^\"'"
start_agent $NOBODY "$SOCKET"
check "one outside the group is not" wait_log agent "no snmpd answers at $SOCKET.*may this program open" 15
check_equal "whatever it tries" 0 "$(grep -c READY "$LAB_LOG/agent.log")"
finish
