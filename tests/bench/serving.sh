#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What serving costs: processor time of grappe-agent and snmpd together for one period of 10,000 rows with two counters,
# by each way to read it; how soon the agent is back after a restart of snmpd; memory of the agent with 50,000 pairs and 20
# periods. Prints medians with quartiles. By hand, as root, on a machine that does nothing else:
#
#     tests/bench/serving.sh [BUILD] [ROUNDS]      default: . 20
set -u
GRAPPE_BUILD=$(cd "${1:-.}" && pwd) || exit 1
ROUNDS=${2:-20}
. "$(dirname "$0")/../lab/lib.sh"
lab_begin bench-serving
chmod 711 "$LAB_DIR"
AGENT=$(program grappe-agent) && COLLECTOR=$(program grappe-collector) || exit 1
CAPTURE=$GRAPPE_BUILD/tests/lab/fake_capture
PERIOD_FILE=$GRAPPE_BUILD/tests/lab/period_file
for tool in "$CAPTURE" "$PERIOD_FILE"; do [ -x "$tool" ] || lab_die "no $tool: make it first"; done
ROOT=$(sed -n 's/^MIB_ROOT = //p' "$GRAPPE_BUILD/Makefile")
ENDPOINT=127.0.0.1:1161
PERIODS=$LAB_DIR/periods
V3="-v3 -l authPriv -u reader -a SHA-256 -A authentication -x AES -X confidential"

snmp() { local tool=$1; shift; in_ns host env MIBS= "$tool" -t 3 -r 1 -m '' -Onqe "$@"; }
get() { snmp snmpget -v2c -c public -Ov $ENDPOINT "$ROOT.1.$1"; }
answers() { get 1.1.0 | grep -q '^"[0-9]'; }

master() {
	LAB_SNMPD_CONF="agentXPerms 0666 0755
		createUser reader SHA-256 authentication AES confidential
		rouser reader priv" start_snmpd snmpd host $ENDPOINT || exit 1
}
start_agent() {
	mkdir -p "$PERIODS" "$LAB_DIR/state"
	cat >"$LAB_DIR/agent.conf" <<-END
		agentx_socket = "$LAB_DIR/snmpd.agentx"
		periods_directory = "$PERIODS"
		state_directory = "$LAB_DIR/state"
		history = 20
	END
	start_in host agent "$AGENT" --config "$LAB_DIR/agent.conf"
	wait_ready agent || exit 1
	wait_for 10 answers
}

# cpu_us NAME... - processor time the daemons have used, us.
cpu_us() {
	local name
	for name; do cat "/proc/${LAB_PIDS[$name]}/schedstat"; done | awk '{ ns += $1 } END { printf "%.0f", ns / 1e3 }'
}

# quartiles DIVISOR - median and quartiles of numbers on standard input.
quartiles() {
	sort -n | awk -v d="$1" '{ v[NR] = $1 / d }
		function at(q, p) { p = 1 + q * (NR - 1); return v[int(p)] + (p - int(p)) * (v[int(p) + (p > int(p))] - v[int(p)]) }
		END { printf "%8.1f  (%.1f - %.1f, n = %d)\n", at(0.5), at(0.25), at(0.75), NR }'
}

# --- ways to read a period ----------------------------------------------------------------------

by_blocks_one() { # one block a request, by one connection, as a simple poller
	local oids=() chunk
	for ((chunk = 1; chunk <= CHUNKS; chunk++)); do oids+=("$ROOT.1.3.1.2.$END.$chunk"); done
	for chunk in "${oids[@]}"; do snmp snmpget "$@" $ENDPOINT "$chunk" >/dev/null; done
}
by_blocks_bulk() { snmp snmpbulkwalk "$@" -Cr10 $ENDPOINT "$ROOT.1.3.1.2.$END" >/dev/null; }
by_walk() { # both columns, one after the other
	snmp snmpbulkwalk "$@" -Cr25 $ENDPOINT "$ROOT.1.7.1.5.$END" >/dev/null
	snmp snmpbulkwalk "$@" -Cr25 $ENDPOINT "$ROOT.1.7.1.6.$END" >/dev/null
}
V2="-v2c -c public"
WAYS=("blocks, v2c, one in a request|by_blocks_one $V2" "blocks, v2c, GETBULK of 10|by_blocks_bulk $V2"
	"blocks, v3, one in a request|by_blocks_one $V3" "blocks, v3, GETBULK of 10|by_blocks_bulk $V3"
	"grappePeriodTable, v2c, GETBULK of 25|by_walk $V2")

ns_add host
master
END=$((EPOCHSECONDS / 30 * 30))
mkdir -p "$PERIODS"
"$PERIOD_FILE" write "$PERIODS" $END 100 100 || exit 1
start_agent
CHUNKS=$(get "2.1.5.$END")
echo "CPU of agent and snmpd for one period of $(get "2.1.4.$END") rows x 2 counters in $CHUNKS blocks, ms"
for ((round = 0; round < ROUNDS; round++)); do
	for way in "${!WAYS[@]}"; do
		# walks are dear: a few rounds tell
		[ "$way" -lt 4 ] || [ "$round" -lt 5 ] || continue
		before=$(cpu_us agent snmpd)
		# shellcheck disable=SC2086  # a command line
		${WAYS[$way]#*|}
		echo $(($(cpu_us agent snmpd) - before)) >>"$LAB_DIR/way$way"
	done
done
for way in "${!WAYS[@]}"; do
	printf '  %-44s' "${WAYS[$way]%|*}"
	quartiles 1000 <"$LAB_DIR/way$way"
done

# --- the collector itself -----------------------------------------------------------------------

stop agent
rm -rf "$PERIODS" "$LAB_DIR/state"
start_agent
start_in host capture "$CAPTURE" "$PERIODS" 2 1 100 93
wait_ready capture || exit 1
per_period() { # FILE
	local round before
	wait_until $((EPOCHSECONDS / 2 * 2 + 3))
	for ((round = 0; round < ROUNDS; round++)); do
		before="$(cpu_us agent) $(cpu_us snmpd)"
		wait_until $((EPOCHSECONDS / 2 * 2 + 3))
		echo "$before $(cpu_us agent) $(cpu_us snmpd)" | awk '{ print $3 - $1, $4 - $2, $3 - $1 + $4 - $2 }' >>"$1"
	done
}
per_period "$LAB_DIR/alone"
cat >"$LAB_DIR/collector.conf" <<END
period = 2s
allow_short_periods = yes
socket = "$LAB_DIR/collector.sock"
archive_directory = "$LAB_DIR/rrd"
state_directory = "$LAB_DIR/collector"
agent "host" { address = "$ENDPOINT" environment = "site-1" }
END
start_in host collector "$COLLECTOR" -v --config "$LAB_DIR/collector.conf"
wait_ready collector || exit 1
per_period "$LAB_DIR/polled"
fetched=$(grep -c "period" "$LAB_LOG/collector.log")
stop collector
stop capture
end=$(get 1.3.0)
echo "A period of $(get "2.1.4.$end") rows as grappe-collector fetches it, ms of CPU a period ($fetched lines of its log)"
for column in 1:agent 2:snmpd 3:both; do
	for file in alone:"taking it in, nobody asks" polled:"with the collector"; do
		printf '  %-6s %-37s' "${column#*:}" "${file#*:}"
		awk -v c="${column%:*}" '{ print $c }' "$LAB_DIR/${file%%:*}" | quartiles 1000
	done
done

# --- restarts -----------------------------------------------------------------------------------

for ((round = 0; round < ROUNDS; round++)); do
	stop snmpd KILL 2>/dev/null
	master
	begin=${EPOCHREALTIME/./}
	wait_for 10 answers
	echo $((${EPOCHREALTIME/./} - begin)) >>"$LAB_DIR/back"
done
printf 'The subagent is back after a restart of snmpd, ms  '
quartiles 1000 <"$LAB_DIR/back"

# --- memory -------------------------------------------------------------------------------------

stop agent
rm -rf "$PERIODS" "$LAB_DIR/state"
start_agent
memory() { awk -v what="$1" '/^VmRSS/ { now = $2 } /^VmHWM/ { most = $2 } /^RssAnon/ { anonymous = $2 }
	END { printf "  %-42s %6d kB resident (%d its own), at most %d\n", what, now, anonymous, most }' \
	"/proc/${LAB_PIDS[agent]}/status"; }
echo "Memory of the agent"
memory "without a period"
start_in host capture "$CAPTURE" "$PERIODS" 1 1 500 93
ring_is_full() { [ "$(snmp snmpbulkwalk -v2c -c public $ENDPOINT "$ROOT.1.2.1.2" | grep -c "$ROOT")" -ge 20 ]; }
wait_for 60 ring_is_full
wait_until $((EPOCHSECONDS + 3))
memory "$(get 1.11.0) pairs, 20 periods coming"
stop capture
wait_until $((EPOCHSECONDS + 3))
memory "... at rest"
snmp snmpbulkwalk -v2c -c public -Cr25 $ENDPOINT "$ROOT.1.6.1.3" >/dev/null
memory "... after a walk of the pairs"
snmp snmpbulkwalk -v2c -c public -Cr25 $ENDPOINT "$ROOT.1.7.1.5.$(get 1.3.0)" >/dev/null
memory "... after a walk of one period"
exit 0
