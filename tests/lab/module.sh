#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# grappe.so inside a real snmpd shows what grappe-agent shows through AgentX, keeps its counters over kill -9 of snmpd,
# follows new periods, and costs a fraction for walks. Period files come from tests/lab/period_file. Needs root.
set -u
. "$(dirname "$0")/lib.sh"
lab_begin module
PERIOD_FILE=$GRAPPE_BUILD/tests/lab/period_file
MODULE=$GRAPPE_BUILD/agent-module/grappe.so
AGENT=$(program grappe-agent) || exit 1
for file in "$PERIOD_FILE" "$MODULE"; do [ -e "$file" ] || lab_die "no $file: make it first"; done
ROOT=$(sed -n 's/^MIB_ROOT = //p' "$GRAPPE_BUILD/Makefile" 2>/dev/null)
ROOT=.${ROOT:-1.3.6.1.4.1.8072.9999.9999}
VM=.1.3.6.1.2.1.236
PERIODS=$LAB_DIR/periods
mkdir -p "$PERIODS"

snmp() { local tool=$1; shift; in_ns host env MIBS= "$tool" -v2c -c public -t 2 -r 1 -m '' -Onqe "$@"; }
walk() { snmp snmpbulkwalk -Cr25 "$1" "$2"; }
get() { snmp snmpget -Ov "$1" "$ROOT.1.$2"; }
cpu_ms() {
	for name; do cat "/proc/${LAB_PIDS[$name]}/schedstat"; done | awk '{ ns += $1 } END { printf "%.0f", ns / 1e6 }'
}

configure() { # NAME MORE...
	printf 'periods_directory = "%s"\nstate_directory = "%s"\nagentx_socket = "%s"\n%s\n' \
		"$PERIODS" "$LAB_DIR/$1.state" "$LAB_DIR/outside.agentx" "${2:-}" >"$LAB_DIR/$1.conf"
}
# In /etc/snmp of a mount namespace of its own: on SIGHUP snmpd reads no other place again.
start_inside_snmpd() {
	mkdir -p "$LAB_DIR/inside.d"
	printf '%s\n' "agentaddress udp:127.0.0.1:1162" "rocommunity public" "dlmod grappe $MODULE" \
		"grappeConfig $LAB_DIR/inside.conf" >"$LAB_DIR/inside.d/snmpd.conf"
	# shellcheck disable=SC2016
	start_in host inside env SNMP_PERSISTENT_DIR="$LAB_DIR/inside.snmp" MIBS= unshare -m sh -c \
		'mount --bind "$1" /etc/snmp && exec "$2" -f -r -Lo -I -smux' sh "$LAB_DIR/inside.d" "$(snmpd_path)"
	wait_log inside "NET-SNMP version" 15 || finish
}
start_inside() {
	start_inside_snmpd
	check "snmpd says that the module serves" wait_log inside "READY: serving inside snmpd" 10
}

ns_add host
now=$((EPOCHSECONDS / 30 * 30))
for ((i = 3; i >= 0; i--)); do "$PERIOD_FILE" write "$PERIODS" $((now - 30 * i)) 100 100 || exit 1; done
configure inside
configure outside
LAB_SNMPD_CONF="agentXPerms 0666 0755" start_snmpd outside host 127.0.0.1:1161 || finish
start_in host agent "$AGENT" --config "$LAB_DIR/outside.conf"
wait_ready agent || finish
start_inside

for node in "$ROOT.1.1" "$ROOT.1.2" "$ROOT.1.3" "$ROOT.1.4" "$ROOT.1.5" "$ROOT.1.6" "$ROOT.1.7.1.5.$now" \
	"$VM.1.2" "$VM.1.4" "$VM.1.8"; do
	walk 127.0.0.1:1161 "$node" >"$LAB_DIR/outside.walk"
	walk 127.0.0.1:1162 "$node" >"$LAB_DIR/inside.walk"
	check "the same below $node ($(wc -l <"$LAB_DIR/inside.walk") values)" \
		diff "$LAB_DIR/outside.walk" "$LAB_DIR/inside.walk"
done
check "and there were many" test "$(walk 127.0.0.1:1162 "$ROOT.1.6.1.3" | wc -l)" -ge 10000
check "snmpd's own objects are there" snmp snmpget 127.0.0.1:1162 .1.3.6.1.2.1.1.5.0

before=$(cpu_ms outside agent)
walk 127.0.0.1:1161 "$ROOT.1.6.1.3" >/dev/null
outside=$(($(cpu_ms outside agent) - before))
before=$(cpu_ms inside)
walk 127.0.0.1:1162 "$ROOT.1.6.1.3" >/dev/null
inside=$(($(cpu_ms inside) - before))
say "      a column of 10,000 rows: $outside ms of CPU through AgentX, $inside ms inside snmpd"
check "a walk inside snmpd costs less than half" test $((2 * inside)) -lt "$outside"

start_time=$(get 127.0.0.1:1162 1.5.0)
rm "$PERIODS/$((now - 90))"
wait_until $((now + 30))
now=$((now + 30))
"$PERIOD_FILE" write "$PERIODS" $now 101 100
newest() { [ "$(get 127.0.0.1:1162 1.3.0)" = $now ]; }
check "a new period is shown" wait_for 5 newest
check_equal "and its VMs counted" 101 "$(get 127.0.0.1:1162 1.12.0)"
walk 127.0.0.1:1162 "$ROOT.1.6" >"$LAB_DIR/before"
stop inside KILL 2>/dev/null
start_inside
check "a killed snmpd goes on from the same counters" \
	diff "$LAB_DIR/before" <(walk 127.0.0.1:1162 "$ROOT.1.6")
check_equal "without a discontinuity" "$start_time" "$(get 127.0.0.1:1162 1.5.0)"
for round in 1 2 3; do
	signal inside HUP
	again() { [ "$(grep -c "READY: serving inside" "$LAB_LOG/inside.log")" -gt $round ]; }
	check "after SIGHUP it is loaded again" wait_for 10 again
done
check "and shows the same" diff "$LAB_DIR/before" <(walk 127.0.0.1:1162 "$ROOT.1.6")
check "snmpd ends well" stop inside

echo nonsense >>"$LAB_DIR/inside.conf"
start_inside_snmpd
check "a bad configuration is said" wait_log inside "inside.conf:[0-9]*:.*" 10
check "and snmpd serves the rest" snmp snmpget 127.0.0.1:1162 .1.3.6.1.2.1.1.5.0
finish
