#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# check_grappe run by a real Nagios 4 with the object definitions that Grappe installs, seen through
# statusjson.cgi: the manager's recommendation comes and goes, the manager and the collector vanish,
# snmpd runs with and without a grappe-agent. Both definition files are accepted by their programs. Needs
# root (one namespace).
. "$(dirname "$0")/lib.sh"
lab_begin nagios
. "$(dirname "$0")/nagios_server.sh"

PLUGIN=$(program check_grappe) || exit 1
AGENT=$(program grappe-agent) || exit 1
FAKE=$GRAPPE_BUILD/tests/fakes/status_daemon
PERIOD_FILE=$GRAPPE_BUILD/tests/lab/period_file
for path in "$FAKE" "$PERIOD_FILE"; do
	[ -x "$path" ] || lab_die "no $path: make check_PROGRAMS first, e.g. make check TESTS="
done
MANAGER=$LAB_DIR/manager.sock
COLLECTOR=$LAB_DIR/collector.sock
PERIODS=$LAB_DIR/periods
WAIT=30

# --- documents of the fake daemons ----------------------------------------------------------------

# fill NAME FILE - a document of tests/data/status at the present time.
fill() {
	local now
	now=$(date +%s)
	perl -pe 's/NOW([-+]\d+)/'"$now"'+$1/ge' "$LAB_SOURCE/tests/data/status/$1.json" >"$2.new" && mv "$2.new" "$2"
}

# serve NAME SOCKET FILE - readable by the user nagios, as an administrator would arrange it.
serve() {
	start "$1" "$FAKE" "$2" "$3" && wait_ready "$1" && chmod 666 "$2"
}

refused() { ! "$@"; }

# --- the definitions -------------------------------------------------------------------------------

check "Nagios is configured" nagios_configure
cp "$PLUGIN" "$NAGIOS_PLUGINS/" || lab_die "cannot copy $PLUGIN"
cp "$LAB_SOURCE/nagios/grappe.cfg" "$NAGIOS_OBJECTS/"
check "nagios4 -v accepts grappe.cfg as it is installed" nagios_verify
warnings=$(nagios_verify | sed -n 's/^Total Warnings: *//p')
check_equal "  without warnings" 0 "$warnings"
sed -i 's/^\(\tcheck_command *\)grappe_collector$/\1grappe_nothing/' "$NAGIOS_OBJECTS/grappe.cfg"
check "  and would have found a command that does not exist" refused nagios_verify

icinga_verify() {
	icinga2 daemon -C -c "$LAB_DIR/icinga2.conf" -D DataDir="$LAB_DIR/icinga" -D LogDir="$LAB_DIR/icinga" \
		-D CacheDir="$LAB_DIR/icinga" -D SpoolDir="$LAB_DIR/icinga" -D InitRunDir="$LAB_DIR/icinga" \
		-D PidPath="$LAB_DIR/icinga/pid" -D RunAsUser=root -D RunAsGroup=root
}
mkdir -p "$LAB_DIR/icinga"
cat >"$LAB_DIR/icinga2.conf" <<-END
	include <itl>
	const PluginDir = "$NAGIOS_PLUGINS"
	include "$LAB_SOURCE/nagios/grappe-icinga2.conf"
	object Host "hostA" {
	  check_command = "dummy"
	  address = "192.0.2.10"
	  vars.grappe_agent = true
	  vars.grappe_community_file = "/etc/grappe/community"
	}
	object Host "grappe" {
	  check_command = "dummy"
	  vars.grappe_server = true
	  vars.grappe_pairs["shop to site-2"] = { one = "app:shop", other = "site:site-2", warning = 10, critical = "20:" }
	  vars.grappe_pairs["web to db"] = { one = "web1", other = "db1", warning = 10, window = 60 }
	}
END
check "icinga2 daemon -C accepts grappe-icinga2.conf" icinga_verify
objects=$(icinga_verify | grep -o 'Instantiated [0-9]* Services')
check_equal "  with a service for the agent, five for collector and manager, one for each pair" "Instantiated 8 Services" "$objects"
sed -i 's/check_command = "dummy"/check_command = "grappe_nothing"/' "$LAB_DIR/icinga2.conf"
check "  and would have found a command that does not exist" refused icinga_verify

# --- Nagios runs -------------------------------------------------------------------------------------
# The installed file with addresses, sockets and community of the lab; nothing else changes.

echo public >"$LAB_DIR/community"
chown nagios "$LAB_DIR/community"
chmod 600 "$LAB_DIR/community"
sed -e "s|192.0.2.[0-9]*|127.0.0.1|; s|/etc/grappe/community|$LAB_DIR/community --port 1161 -t 4|" \
	-e "s#^\(\tcheck_command *grappe_\(collector\|archive\|drops\)\)#\1!--socket $COLLECTOR -t 2#" \
	-e "s#^\(\tcheck_command *grappe_\(recommendation\|queue\)\)#\1!--socket $MANAGER -t 2#" \
	-e "s|-w 50000000 -c 100000000|& --socket $COLLECTOR -t 2|" \
	"$LAB_SOURCE/nagios/grappe.cfg" >"$NAGIOS_OBJECTS/grappe.cfg"
check "the lab's objects are accepted" nagios_verify
ns_add noc
fill manager-idle "$LAB_DIR/manager.json"
fill collector-ok "$LAB_DIR/collector.json"
check "Nagios and its CGIs run" nagios_start noc

advice="Grappe recommendation"
state() { check "$1" nagios_wait $WAIT "$2" "$3" "$4"; }

# field_has HOST SERVICE FIELD TEXT
field_has() { [[ $(nagios_field "$1" "$2" "$3") == *"$4"* ]] || { nagios_field "$1" "$2" "$3" && false; }; }
says() { check "  and says why: $3" field_has "$1" "$2" plugin_output "$3"; }
# plugin_says TEXT ARGUMENTS... - the plugin by itself.
plugin_says() {
	local text=$1 output
	shift
	output=$(in_ns noc "$PLUGIN" "$@")
	echo "$output"
	[[ $output == *"$text"* ]]
}
labels() { nagios_field "$1" "$2" perf_data | sed "s/=[^ ]*//g"; }

state "no manager: UNKNOWN" grappe "$advice" UNKNOWN
says grappe "$advice" "no answer from the manager"
no_manager=$(labels grappe "$advice")
serve manager "$MANAGER" "$LAB_DIR/manager.json" || finish
state "a manager without advice: OK" grappe "$advice" OK
fill manager-pending "$LAB_DIR/manager.json"
state "a recommendation is pending: WARNING" grappe "$advice" WARNING
says grappe "$advice" "2 moves pending, inter-site 5.1 MB/s -> 10 kB/s, id 9f3c1a2b"
check_equal "  a problem is hard at once" hard "$(nagios_ask query=service hostname=grappe \
	"servicedescription=$advice" formatoptions=enumerate | jq -r .data.service.state_type)"
check_equal "the labels are the same in every state" "$no_manager" "$(labels grappe "$advice")"
fill manager-idle "$LAB_DIR/manager.json"
state "nothing pending any more: OK" grappe "$advice" OK
state "nothing waits to be posted: OK" grappe "Grappe queue" OK
sed -i 's/"waiting": 0/"waiting": 12/; s/"webhooks": \[\]/"webhooks": [{"name": "noc", "waiting": 12, "error": "refused"}], "dashboards": [{"name": "icinga", "kind": "icinga2", "waiting": 0, "merged": 3, "refused": 0, "error": ""}]/' "$LAB_DIR/manager.json"
state "a webhook fails and 12 posts wait: WARNING" grappe "Grappe queue" WARNING
says grappe "Grappe queue" "webhook noc fails: refused, 12 posts waiting"
check "  of two receivers" field_has grappe "Grappe queue" perf_data "waiting=12;10;50;0 delivered=0c;;;0 refused=0c;;;0 dropped=0c;;;0 delivered_age=U;;;0 receivers=2;;;0 failing=1;;;0"
queue_labels=$(labels grappe "Grappe queue")
fill manager-idle "$LAB_DIR/manager.json"
state "posts go out again: OK" grappe "Grappe queue" OK
signal manager STOP
state "a manager that hangs: UNKNOWN" grappe "$advice" UNKNOWN
says grappe "$advice" "does not answer within 2 s"
signal manager CONT
state "it goes on: OK" grappe "$advice" OK
stop manager
state "the manager is gone: UNKNOWN" grappe "$advice" UNKNOWN
state "so is its queue: UNKNOWN" grappe "Grappe queue" UNKNOWN
check_equal "  with the same labels" "$queue_labels" "$(labels grappe "Grappe queue")"

state "no collector: UNKNOWN" grappe "Grappe collector" UNKNOWN
fill collector-ok "$LAB_DIR/collector.json"
serve collector "$COLLECTOR" "$LAB_DIR/collector.json" || finish
state "a collector with two agents: OK" grappe "Grappe collector" OK
sed '/hostB/s/"up"/"down"/' "$LAB_DIR/collector.json" >"$LAB_DIR/new" &&
	mv "$LAB_DIR/new" "$LAB_DIR/collector.json"
state "an agent is down: WARNING" grappe "Grappe collector" WARNING
says grappe "Grappe collector" "1 of 2 agents down: hostB"
fill collector-ok "$LAB_DIR/collector.json"
sed -i 's/"state": "ok", "error": ""/"state": "failing", "error": "disk full"/' "$LAB_DIR/collector.json"
state "the archives fail: CRITICAL" grappe "Grappe collector" CRITICAL
says grappe "Grappe collector" "archives fail: disk full"
state "  so is the archive's service" grappe "Grappe archive" CRITICAL
says grappe "Grappe archive" "archives fail: disk full"
fill collector-ok "$LAB_DIR/collector.json"
state "the archives are written again: OK" grappe "Grappe archive" OK
sed -i 's/"written_end": [0-9]*/"written_end": '$(($(date +%s) - 1200))'/' "$LAB_DIR/collector.json"
state "they stay behind: WARNING" grappe "Grappe archive" WARNING
says grappe "Grappe archive" "the newest archived period is 20 min old"
state "few packets are lost: OK" grappe "Grappe drops" OK
sed -i 's/"drops": 9, "other": 0/"drops": 900, "other": 0/' "$LAB_DIR/collector.json"
state "a sensor loses a tenth: CRITICAL" grappe "Grappe drops" CRITICAL
says grappe "Grappe drops" "agent hostB loses 9.10 % of its packets"
# This collector has a status and nothing else.
state "a pair of which nothing is told: UNKNOWN" grappe "Traffic site-1 site-2" UNKNOWN
check "  with its thresholds and labels" field_has grappe "Traffic site-1 site-2" perf_data \
	"traffic=U;50000000;100000000;0 forward=U;;;0 backward=U;;;0 packets=U;;;0 known=U;;;0"

# --- the agent -----------------------------------------------------------------------------------

state "no snmpd: UNKNOWN" hostA "Grappe agent" UNKNOWN
says hostA "Grappe agent" "it does not answer"
LAB_SNMPD_CONF=$(printf 'createUser grappe SHA-256 "long enough" AES "long as well"\nrouser grappe priv\n')
start_snmpd snmpd noc 127.0.0.1:1161 || finish
wait_for $WAIT field_has hostA "Grappe agent" plugin_output "no grappe-agent"
says hostA "Grappe agent" "no grappe-agent is registered"
state "snmpd without an agent: UNKNOWN, never OK" hostA "Grappe agent" UNKNOWN
mkdir -p "$PERIODS" "$LAB_DIR/state"
now=$(date +%s)
end=$((now - now % 30))
for ((t = end - 90; t <= end; t += 30)); do "$PERIOD_FILE" write "$PERIODS" $t 3 4 || finish; done
cat >"$LAB_DIR/agent.conf" <<-END
	agentx_socket = "$LAB_DIR/snmpd.agentx"
	periods_directory = "$PERIODS"
	state_directory = "$LAB_DIR/state"
END
start_in noc agent "$AGENT" --config "$LAB_DIR/agent.conf"
wait_ready agent || finish
wait_for $WAIT field_has hostA "Grappe agent" perf_data "vms=3;;;0"
# Whether the clock is synchronised is this machine's business: OK if it is, WARNING if not.
clock=$(in_ns noc "$PLUGIN" -m agent -H 127.0.0.1:1161 -v | sed -n 's/^\[\([A-Z]*\)\] the clock .*/\1/p')
state "an agent with fresh periods: ${clock:-no clock}, as its clock is" hostA "Grappe agent" "${clock:-none}"
check_equal "  three VMs" "vms=3;;;0" "$(nagios_field hostA "Grappe agent" perf_data | grep -o 'vms=[^ ]*')"
# SNMPv3, run as Nagios' user: who may read the file, and what a wrong one gives.
write_v3() { printf 'user = %s\nauthentication = %s\nprivacy = long as well\n' "$1" "$2" >"$LAB_DIR/v3"; }
plugin_v3() { in_ns noc setpriv --reuid nagios --clear-groups "$PLUGIN_COPY" -m agent -H 127.0.0.1:1161 -t 4 "$@"; }
v3_says() {
	local text=$1 output
	shift
	output=$(plugin_v3 "$@")
	echo "$output"
	[[ $output == *"$text"* ]]
}
PLUGIN_COPY=$NAGIOS_PLUGINS/check_grappe
write_v3 grappe "long enough"
chown nagios "$LAB_DIR/v3" && chmod 600 "$LAB_DIR/v3"
check "the same by SNMPv3" v3_says "vms=3;;;0" --v3-file "$LAB_DIR/v3"
printf '[check_grappe]\nv3-file = %s\n' "$LAB_DIR/v3" >"$LAB_DIR/plugins.ini"
check "and with the file named in an INI file" v3_says "vms=3;;;0" --extra-opts="@$LAB_DIR/plugins.ini"
chmod 644 "$LAB_DIR/v3"
check "a file that others may read is refused" v3_says "UNKNOWN - v3 file $LAB_DIR/v3: others than its owner have rights" --v3-file "$LAB_DIR/v3"
chmod 600 "$LAB_DIR/v3"
write_v3 nobody "long enough"
check "an unknown user: UNKNOWN" v3_says "UNKNOWN - SNMP on 127.0.0.1:1161: it does not know the user | age=U" --v3-file "$LAB_DIR/v3"
write_v3 grappe "another one"
check "a wrong key: UNKNOWN" v3_says "UNKNOWN - SNMP on 127.0.0.1:1161: user or authentication key is wrong | age=U" --v3-file "$LAB_DIR/v3"
wait_until $((end + 2))
check "old periods: CRITICAL" plugin_says "CRITICAL - the newest period is" -m agent -H 127.0.0.1:1161 -c 1
stop agent
state "the agent is gone: UNKNOWN" hostA "Grappe agent" UNKNOWN
check "a wrong community: UNKNOWN" plugin_says "UNKNOWN - SNMP on 127.0.0.1:1161: it does not answer" \
	-m agent -H 127.0.0.1:1161 -C wrong -t 1
finish
