#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What polling costs and how long it takes: the collector's own agents, pollers and sessions (tests/bench/poll_agents) against
# many small agents in one process (tests/bench/responder) and against real snmpds with grappe-agent; beside them parallel
# snmpbulkwalk and collectd. All agents are asked at once, which the product avoids: it spreads them over two seconds.
# Prints medians with quartiles. By hand, as root:
#
#     tests/bench/poll.sh [BUILD] [ROUNDS]      default: . 7
#
# Needs 3 GB of memory and the packages of "quickstart packages bench".
set -u
GRAPPE_BUILD=$(cd "${1:-.}" && pwd) || exit 1
ROUNDS=${2:-7}
. "$(dirname "$0")/../lab/lib.sh"
lab_begin bench-poll
POLL=$GRAPPE_BUILD/tests/bench/poll_agents
RESPONDER=$GRAPPE_BUILD/tests/bench/responder
CAPTURE=$GRAPPE_BUILD/tests/lab/fake_capture
for tool in "$POLL" "$RESPONDER" "$CAPTURE"; do [ -x "$tool" ] || lab_die "no $tool: make it first"; done
for tool in snmpbulkwalk collectd; do command -v $tool >/dev/null || [ -x /usr/sbin/$tool ] || lab_die "no $tool here"; done
AGENT=$(program grappe-agent) || exit 1
ROOT=$(sed -n 's/^MIB_ROOT = //p' "$GRAPPE_BUILD/Makefile")
ROWS=100
LENGTH=5
REAL=50
PORT=16100
ulimit -n "$(ulimit -Hn)"

# quartiles COLUMN [FACTOR [PER]] - median (first and third quartile) of a column, times FACTOR, by another column.
quartiles() {
	awk -v c="$1" -v f="${2:-1}" -v p="${3:-0}" '{ print $c * f / (p ? $p : 1) }' | sort -n | awk '{ v[NR] = $1 }
		function at(q, p) { p = 1 + q * (NR - 1); return v[int(p)] + (p - int(p)) * (v[int(p) + (p > int(p))] - v[int(p)]) }
		END { if (NR) printf "%.2f (%.2f - %.2f)", at(0.5), at(0.25), at(0.75); else printf "-" }'
}
addresses() { # AGENTS
	awk -v n="$1" -v port=$PORT 'BEGIN { for (i = 0; i < n; i++)
		printf "127.%d.%d.%d:%d\n", 1 + int(i / 62500), int(i / 250) % 250, 1 + i % 250, port }'
}
real_addresses() { for ((i = 1; i <= REAL; i++)); do echo "127.200.0.$i:161"; done; }
report() { # WHAT FILE - lines "ROUND AGENTS COUNTERS WALL_MS CPU_MS"; the first one opened the sessions
	sed 1d "$2" >"$2.counted"
	printf '%-52s %6s agents in; ms %s; CPU us/counter %s; n = %d\n' "$1" "$(awk 'NR == 1 || $2 < m { m = $2 } END { print m }' "$2.counted")" \
		"$(quartiles 4 <"$2.counted")" "$(quartiles 5 1000 3 <"$2.counted")" "$(wc -l <"$2.counted")"
}
poll() { # WHAT EXPECTED ARGS... <ADDRESSES
	local what=$1 expected=$2
	shift 2
	in_ns net "$POLL" "$@" $LENGTH "$ROUNDS" "$expected" >"$LAB_DIR/result"
	report "$what" "$LAB_DIR/result"
}
respond() { # ARGS...
	start_in net responder "$RESPONDER" "$@" $PORT
	wait_ready responder 30 || exit 1
}

ns_add net
lscpu | sed -n 's/^Model name: */CPU: /p'
echo "load before: $(cut -d' ' -f1-3 /proc/loadavg); kernel $(uname -r); $ROUNDS rounds, $ROWS rows of 2 counters an agent"

# --- growth -------------------------------------------------------------------------------------

for n in 50 200 500 2000; do
	respond "$n" $ROWS $LENGTH
	addresses "$n" | poll "blocks, v2c, $n agents" "$n"
	addresses "$n" | poll "columns by GETBULK, v2c, $n agents" "$n" --columns
	stop responder
done

# --- one of ten is dead -------------------------------------------------------------------------

respond --silent 1 500 $ROWS $LENGTH
addresses 500 | poll "blocks, v2c, 500 agents, 50 of them silent" 450

# --- other pollers, on the same responder without silent ones -------------------------------------

stop responder
respond 500 $ROWS $LENGTH
addresses 500 >"$LAB_DIR/500"
# timed CMD... - "1 AGENTS COUNTERS WALL_MS CPU_MS" of it and its children; COUNTERS as the task has them.
timed() {
	local TIMEFORMAT='%R %U %S'
	{ time in_ns net "$@" >/dev/null 2>"$LAB_DIR/timed.errors"; } 2>&1 |
		awk '{ printf "1 500 100000 %.1f %.2f\n", $1 * 1000, ($2 + $3) * 1000 }'
}
for ((round = 0; round <= 5; round++)); do
	timed xargs -a "$LAB_DIR/500" -P16 -I{} env MIBS= snmpbulkwalk -v2c -c public -m '' -Onqe -Cr18 {} "$ROOT.1.6.1.3" >>"$LAB_DIR/walk3"
	timed xargs -a "$LAB_DIR/500" -P16 -I{} env MIBS= snmpbulkwalk -v2c -c public -m '' -Onqe -Cr18 {} "$ROOT.1.6.1.4" >>"$LAB_DIR/walk4"
done
paste -d' ' "$LAB_DIR/walk3" "$LAB_DIR/walk4" | awk '{ print $1, $2, $3, $4 + $9, $5 + $10 }' >"$LAB_DIR/walk"
report "snmpbulkwalk, 16 at a time, 500 agents" "$LAB_DIR/walk"

mkdir -p "$LAB_DIR/collectd"
{
	printf 'BaseDir "%s/collectd"\nPIDFile "%s/collectd/pid"\nInterval 3600\nReadThreads 16\nTypesDB "/usr/share/collectd/types.db"\n' \
		"$LAB_DIR" "$LAB_DIR"
	printf 'LoadPlugin snmp\n<Plugin snmp>\n'
	for column in 3:packets 4:bytes; do
		printf ' <Data "%s">\n  Table true\n  Type "derive"\n  TypeInstanceOID ".%s.1.6.1.%s"\n  Values ".%s.1.6.1.%s"\n </Data>\n' \
			"${column#*:}" "$ROOT" "${column%:*}" "$ROOT" "${column%:*}"
	done
	while read -r address; do
		printf ' <Host "%s">\n  Address "%s"\n  Version 2\n  Community "public"\n  Collect "packets" "bytes"\n  Interval 3600\n  BulkSize 18\n </Host>\n' \
			"$address" "udp:$address"
	done <"$LAB_DIR/500"
	printf '</Plugin>\n'
} >"$LAB_DIR/collectd.conf"
for ((round = 0; round <= 5; round++)); do
	timed env MIBS= "$(command -v collectd || echo /usr/sbin/collectd)" -C "$LAB_DIR/collectd.conf" -T >>"$LAB_DIR/collectd.result"
done
report "collectd's snmp plugin (-T: one after the other), 500" "$LAB_DIR/collectd.result"
stop responder

# --- real ones ----------------------------------------------------------------------------------

mkdir -p "$LAB_DIR/periods"
# 4 VMs with 25 peers each.
start_in net capture "$CAPTURE" "$LAB_DIR/periods" $LENGTH 1 4 18
wait_ready capture || exit 1
for ((i = 1; i <= REAL; i++)); do
	mkdir -p "$LAB_DIR/real$i/snmp" "$LAB_DIR/real$i/state"
	cat >"$LAB_DIR/real$i/snmpd.conf" <<-END
		agentaddress udp:127.200.0.$i:161
		engineID bench$i
		rocommunity public
		createUser grappe SHA-256 "first secret" AES "second secret"
		rouser grappe priv
		master agentx
		agentXSocket unix:$LAB_DIR/real$i/agentx
	END
	start_in net "snmpd$i" env SNMP_PERSISTENT_DIR="$LAB_DIR/real$i/snmp" MIBS= "$(snmpd_path)" -f -r -C \
		-c "$LAB_DIR/real$i/snmpd.conf" -LE 3 -I -smux
	cat >"$LAB_DIR/real$i/agent.conf" <<-END
		agentx_socket = "$LAB_DIR/real$i/agentx"
		periods_directory = "$LAB_DIR/periods"
		state_directory = "$LAB_DIR/real$i/state"
	END
done
serves() { in_ns net env MIBS= snmpget -v2c -c public -r 0 "127.200.0.$1:161" 1.3.6.1.2.1.1.3.0; }
for ((i = 1; i <= REAL; i++)); do
	wait_for 60 serves "$i" || lab_die "snmpd $i does not answer"
	start_in net "agent$i" "$AGENT" --config "$LAB_DIR/real$i/agent.conf"
done
for ((i = 1; i <= REAL; i++)); do wait_ready "agent$i" 60 || exit 1; done
(umask 077 && printf 'authentication = first secret\nprivacy = second secret\n' >"$LAB_DIR/keys")
real_addresses | poll "blocks, v2c, $REAL real snmpd with grappe-agent" $REAL
real_addresses | poll "blocks, v3 authPriv, $REAL real, engine IDs unknown" $REAL --keys "$LAB_DIR/keys" --engines "$LAB_DIR/engines"
echo "    the first period, with engine IDs to be found: $(awk 'NR == 1 { print $2 " agents in " $4 " ms" }' "$LAB_DIR/result")"
real_addresses | poll "blocks, v3 authPriv, $REAL real, engine IDs cached" $REAL --keys "$LAB_DIR/keys" --engines "$LAB_DIR/engines"
echo "    the first period, with sessions to be opened: $(awk 'NR == 1 { print $2 " agents in " $4 " ms" }' "$LAB_DIR/result")"
respond 2000 $ROWS $LENGTH
{ addresses 2000 && real_addresses; } | poll "blocks, v2c, 2000 agents and $REAL real, one thread" $((2000 + REAL))
stop responder
echo "load after: $(cut -d' ' -f1-3 /proc/loadavg)"
