#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# grappe-collector-agent behind a real snmpd, beside a real collector with real agents: what snmpwalk
# and snmptable show, when an agent, the collector or snmpd is killed, stopped and restarted, when the disk is
# full, and when something else answers at the collector's socket. Needs root (one namespace).
. "$(dirname "$0")/lib.sh"
lab_begin noc
CAPTURE=$GRAPPE_BUILD/tests/lab/fake_capture
FAKE=$GRAPPE_BUILD/tests/fakes/status_daemon
for tool in "$CAPTURE" "$FAKE"; do [ -x "$tool" ] || lab_die "no $tool: make check TESTS="; done
for tool in snmpget snmpbulkwalk snmptable jq; do command -v $tool >/dev/null || lab_die "no $tool here"; done
AGENT=$(program grappe-agent) && COLLECTOR=$(program grappe-collector) && QUERY=$(program grappe-query) &&
	NOC=$(program grappe-collector-agent) || exit 1
LENGTH=2
declare -A PORT=([hostA]=1161 [hostB]=1162) FIRST=([hostA]=1 [hostB]=5)

# --- tools --------------------------------------------------------------------------------------

mkdir -p "$LAB_DIR/mibs"
for module in SNMPv2-SMI SNMPv2-TC SNMPv2-CONF SNMP-FRAMEWORK-MIB INET-ADDRESS-MIB; do
	cp /usr/lib/erlang/lib/snmp-*/mibs/$module.mib "$LAB_DIR/mibs/$module" ||
		lab_die "no $module here: apt-get install erlang-snmp"
done
cp "$GRAPPE_BUILD/mibs/installed/GRAPPE-MIB.txt" "$LAB_DIR/mibs/GRAPPE-MIB" || lab_die "the MIB is not built"
snmp() { # TOOL OPTIONS... OBJECT - at the snmpd of hostA
	local tool=$1
	shift
	in_ns host env MIBS= "$tool" -M "$LAB_DIR/mibs" -m GRAPPE-MIB -v2c -c public -t 1 -r 1 "${@:1:$#-1}" \
		"127.0.0.1:${PORT[hostA]}" "GRAPPE-MIB::${*: -1}"
}
value() { snmp snmpget -OqvU "$1" | tr -d '"'; }
value_is() { [ "$(value "$1")" = "$2" ]; }
below() { [ "$(value "$1")" -lt "$2" ]; }
above() { [ "$(value "$1")" -gt "$2" ]; }
state_of() { value "grappeCollectorAgentState.'$1'"; }
state_is() { [ "$(state_of "$1")" = "$2" ]; }
status() { "$QUERY" --socket "$LAB_DIR/collector.sock" status --format json | jq -r "$1"; }
periods() { wait_until $((EPOCHSECONDS / LENGTH * LENGTH + $1 * LENGTH)); }

start_master() { start_snmpd "snmpd-$1" host "127.0.0.1:${PORT[$1]}" || finish; }
start_agent() {
	start_in host "agent-$1" "$AGENT" --config "$LAB_DIR/$1/agent.conf"
	wait_ready "agent-$1" || finish
}
start_host() { # HOST
	mkdir -p "$LAB_DIR/$1/periods" "$LAB_DIR/$1/state"
	cat >"$LAB_DIR/$1/agent.conf" <<-END
		agentx_socket = "$LAB_DIR/snmpd-$1.agentx"
		periods_directory = "$LAB_DIR/$1/periods"
		state_directory = "$LAB_DIR/$1/state"
	END
	start_master "$1"
	start_agent "$1"
	start_in host "capture-$1" "$CAPTURE" "$LAB_DIR/$1/periods" $LENGTH "${FIRST[$1]}" 4
}
start_collector() {
	start_in host collector "$COLLECTOR" --config "$LAB_DIR/collector.conf"
	wait_ready collector || finish
}
start_noc() {
	start_in host noc "$NOC" --config "$LAB_DIR/noc.conf"
	wait_ready noc || finish
}
cat >"$LAB_DIR/collector.conf" <<END
period = ${LENGTH}s
allow_short_periods = yes
socket = "$LAB_DIR/collector.sock"
archive_directory = "$LAB_DIR/disk/rrd"
state_directory = "$LAB_DIR/state"
timeout = 200ms
agent "hostA" { address = "127.0.0.1:1161" environment = "site-1" }
agent "hostB" { address = "127.0.0.1:1162" environment = "site-2" }
END
cat >"$LAB_DIR/noc.conf" <<END
agentx_socket = "$LAB_DIR/snmpd-hostA.agentx"
collector_socket = "$LAB_DIR/collector.sock"
interval = 1s
timeout = 500ms
END
lab_cleanup_more() { umount "$LAB_DIR/disk" 2>/dev/null; }
mkdir "$LAB_DIR/disk"
mount -t tmpfs -o size=200m tmpfs "$LAB_DIR/disk" || lab_die "cannot mount a small disk"

# --- before and after the collector's start -----------------------------------------------------

ns_add host
start_host hostA
start_host hostB
start_noc
check "it is confined" grep -q "^Seccomp:	2" "/proc/${LAB_PIDS[noc]}/status"
check_equal "and has no capability" 0000000000000000 "$(awk '/^CapEff/ { print $2 }' "/proc/${LAB_PIDS[noc]}/status")"
check_equal "without a collector it says so" down "$(value grappeCollectorState.0)"
check "and why" grep -q "no collector answers at .*collector.sock" <<<"$(value grappeCollectorError.0)"
check_equal "nothing is told then" "0 0 0" \
	"$(value grappeCollectorAnswerTime.0) $(value grappeCollectorAgentsTotal.0) $(value grappeCollectorNewestEnd.0)"
check_equal "and no agent has a row" 0 "$(snmp snmpbulkwalk -Oqn grappeCollectorAgentTable | grep -c '\.3\.2\.1\.')"
check "the host's own branch is served beside it" test "$(value grappeAgentStartTime.0)" -ge 0
start_collector
check "with the collector it is up" wait_for 5 value_is grappeCollectorState.0 up
check "both agents are" wait_for 15 value_is grappeCollectorAgentsUp.0 2
check "periods become complete" wait_for 15 below grappeCollectorLag.0 $((3 * LENGTH + 2))
periods 2
check_equal "the newest is" true "$(value grappeCollectorNewestComplete.0)"
check_equal "with all pairs and receivers" "64 8" "$(value grappeCollectorPairs.0) $(value grappeCollectorReceivers.0)"
check "the answer is fresh" below grappeCollectorAge.0 3
check_equal "version and start are the collector's" "$(status .version) $(status .started)" \
	"$(value grappeCollectorVersion.0) $(value grappeCollectorStartTime.0)"
check "the archives are written" wait_for 15 below grappeCollectorArchiveLag.0 $((4 * LENGTH + 3))
check_equal "and well" "ok ok" "$(value grappeCollectorArchiveState.0) $(value grappeCollectorFolderState.0)"
check "memory is what the kernel says" check_near "memory" "$(awk '/^VmRSS/ { print $2 }' \
	"/proc/${LAB_PIDS[collector]}/status")" "$(value grappeCollectorMemory.0)" 25
check "periods of the hour are counted" wait_for 15 above grappeCollectorHourComplete.0 1
check_equal "an agent's row" "up 127.0.0.1:1162 hostB site-2" "$(state_of hostB) $(value "grappeCollectorAgentAddress.'hostB'") \
$(value "grappeCollectorAgentHost.'hostB'") $(value "grappeCollectorAgentEnvironment.'hostB'")"
snmp snmptable -Ci grappeCollectorAgentTable >"$LAB_DIR/table"
check_equal "snmptable shows both" 2 "$(grep -c "^'host[AB]' *127.0.0.1" "$LAB_DIR/table")"
snmp snmpbulkwalk -Oq grappeCollector >"$LAB_DIR/walk"
check_equal "a walk ends, with every object" $((33 + 2 * 12)) "$(grep -c '^GRAPPE-MIB::grappeCollector' "$LAB_DIR/walk")"
cpu_ms() { awk '{ print ($14 + $15) * 10 }' "/proc/${LAB_PIDS[noc]}/stat"; }

# --- an agent -----------------------------------------------------------------------------------

stop agent-hostB KILL
check "a killed agent is told" wait_for 10 state_is hostB down
check "and why" test -n "$(value "grappeCollectorAgentError.'hostB'")"
check_equal "the counts agree" "1 1 2" \
	"$(value grappeCollectorAgentsUp.0) $(value grappeCollectorAgentsDown.0) $(value grappeCollectorAgentsTotal.0)"
check "no period is complete without it" wait_for 15 above grappeCollectorLag.0 $((4 * LENGTH))
check_equal "and the newest says so" false "$(value grappeCollectorNewestComplete.0)"
check "missed periods are counted" wait_for 10 above "grappeCollectorAgentMissed.'hostB'" 0
check "its lag goes on" above "grappeCollectorAgentLag.'hostB'" $((2 * LENGTH))
start_agent hostB
check "it is back" wait_for 15 state_is hostB up
check "and periods are complete again" wait_for 15 below grappeCollectorLag.0 $((3 * LENGTH + 2))
signal snmpd-hostB STOP
check "a stopped snmpd of a host is down" wait_for 10 state_is hostB down
check "its time-outs are counted" wait_for 10 above "grappeCollectorAgentTimeouts.'hostB'" 0
signal snmpd-hostB CONT
check "it is up when it goes on" wait_for 15 state_is hostB up

# --- the archives -------------------------------------------------------------------------------

mv "$LAB_DIR/disk/rrd" "$LAB_DIR/disk/away" && : >"$LAB_DIR/disk/rrd"
check "archives that cannot be written are told" wait_for 15 value_is grappeCollectorArchiveState.0 failing
check "with the reason" test -n "$(value grappeCollectorArchiveError.0)"
check "failures are counted" wait_for 10 above grappeCollectorArchiveFailures.0 0
rm "$LAB_DIR/disk/rrd" && mv "$LAB_DIR/disk/away" "$LAB_DIR/disk/rrd"
check "it goes on" wait_for 30 value_is grappeCollectorArchiveState.0 ok

# --- the collector ------------------------------------------------------------------------------

signal collector STOP
check "a stopped collector is down" wait_for 5 value_is grappeCollectorState.0 down
check "because it does not answer" grep -q "does not answer in time" <<<"$(value grappeCollectorError.0)"
check_equal "no agent counts as up" 0 "$(value grappeCollectorAgentsUp.0)"
check_equal "their state is unknown" "unknown unknown" "$(state_of hostA) $(state_of hostB)"
check_equal "so is that of the archives" unknown "$(value grappeCollectorArchiveState.0)"
check "the age goes on" wait_for 10 above grappeCollectorAge.0 3
before=$(value grappeCollectorLag.0)
check "so does the lag" wait_for 10 above grappeCollectorLag.0 "$before"
signal collector CONT
check "it is up when it goes on" wait_for 5 value_is grappeCollectorState.0 up
stop collector KILL
check "a killed one is down" wait_for 5 value_is grappeCollectorState.0 down
# Its socket is still there, with nobody behind it.
check "because nobody is there" grep -q "no collector answers" <<<"$(value grappeCollectorError.0)"
old=$(value grappeCollectorStartTime.0)
start_collector
check "a new one is up" wait_for 5 value_is grappeCollectorState.0 up
check "with its own start" above grappeCollectorStartTime.0 "$old"

# --- snmpd --------------------------------------------------------------------------------------

began=${EPOCHREALTIME/./}
stop snmpd-hostA KILL
start_master hostA
check "after a restart of snmpd it is served again" wait_for 10 value_is grappeCollectorState.0 up
took_ms=$(((${EPOCHREALTIME/./} - began) / 1000))
check "within some seconds ($took_ms ms)" test $took_ms -lt 6000
check "and says so" wait_log noc "READY: .*again" 5
signal snmpd-hostA STOP
newest=$(status .newest_end)
periods 4
check "the collector goes on while that snmpd is stopped" test "$(status .newest_end)" -gt "$newest"
signal snmpd-hostA CONT
check "and it is served when snmpd goes on" wait_for 10 value_is grappeCollectorState.0 up
check "with a fresh answer" wait_for 10 below grappeCollectorAge.0 3

# --- others at the socket -----------------------------------------------------------------------

stop collector
for what in silent garbage endless; do
	start fake "$FAKE" "$LAB_DIR/collector.sock" $what
	wait_ready fake || finish
	check "$what: down" wait_for 8 value_is grappeCollectorState.0 down
	check "$what: the tables are answered" wait_for 5 value_is grappeCollectorAgentsTotal.0 2
	stop fake
done
echo '{"program": "grappe-manager"}' >"$LAB_DIR/status.json"
start fake "$FAKE" "$LAB_DIR/collector.sock" "$LAB_DIR/status.json"
wait_ready fake || finish
check "another daemon is named" wait_for 5 value_is grappeCollectorError.0 "what answers is not grappe-collector"
awk 'BEGIN { printf "{\"program\": \"grappe-collector\", \"agents\": ["
	for (i = 0; i < 3000; i++) printf "%s{\"name\": \"host%04d\", \"state\": \"up\", \"last_end\": 1}", i ? "," : "", i
	print "]}" }' >"$LAB_DIR/status.json"
check "3000 agents are taken" wait_for 10 value_is grappeCollectorAgentsUp.0 3000
ms=$(cpu_ms)
check_equal "and walked" 3000 "$(snmp snmpbulkwalk -Cr25 -Oqv grappeCollectorAgentState | grep -c up)"
say "the walk of a column with 3000 rows took $(($(cpu_ms) - ms)) ms of its CPU time, answers included"
stop noc
check_equal "it ends well on SIGTERM" 0 $?
check "and its branch is gone" wait_for 5 grep -q "No Such" <(snmp snmpget -Oqv grappeCollectorState.0)
check "the host's own is not" wait_for 5 value_is grappeAgentVms.0 4
finish
