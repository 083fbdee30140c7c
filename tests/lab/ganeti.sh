#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The whole loop with a real Ganeti cluster: measured traffic, a recommendation, a migration through the
# remote API, its effect measured. The lab moves a VM's cable when, and only when, the API says that the
# instance is on another node; a migration that is refused shows none. Needs root.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"
. "$here/topology.sh"
lab_begin ganeti
. "$here/ganeti_server.sh"
TOPOLOGY_PERIOD=5
WAIT=60
GRAPPE=$(program grappe) || exit 1
declare -A NODE_HOST=([node1]=hostA [node2]=hostB)

# --- the API by hand ----------------------------------------------------------------------------

cloud_lines() { # URL LOGIN-FILE
	cat <<-END
		cloud "rapi" {
		  kind = ganeti
		  url = "$1"
		  address = "$GANETI_ADDRESS"
		  ca_file = "$GANETI_CA"
		  login_file = "$2"
		  poll = 500ms
		}
	END
}

# try NAME ARGS... - what "grappe cloud rapi ARGS" says, by the configuration NAME.
try() {
	local name=$1
	shift
	in_ns mon "$GRAPPE" cloud --config "$LAB_DIR/$name.conf" rapi "$@" >"$LAB_DIR/said" 2>&1
}
# refused WHAT CONFIGURATION PATTERN ARGS... - it fails, and says why.
refused() {
	local what=$1 name=$2 pattern=$3
	shift 3
	if try "$name" "$@"; then fail "$what" "it succeeded: $(cat "$LAB_DIR/said")"; return; fi
	check "$what" grep -q -- "$pattern" "$LAB_DIR/said" || cat "$LAB_DIR/said"
}
jobs_count() { ganeti_rapi GET /2/jobs | jq length; }
place_of() { jq -r --arg vm "$1" '.vms[] | select(.name == $vm).host' "$LAB_DIR/said"; }

check "two hosts, four VMs" eval 'topology_up && topology_vm web hostA 1 && topology_vm client hostB 2 &&
	topology_vm db1 hostA 3 && topology_vm db2 hostB 4'
check "a Ganeti cluster of three nodes" ganeti_start mon
check "with their instances" eval 'ganeti_instance web node1 && ganeti_instance client node2 &&
	ganeti_instance db1 node1 && ganeti_instance db2 node2'

cloud_lines "$GANETI_URL" "$GANETI_LOGIN" >"$LAB_DIR/good.conf"
echo lab:wrong >"$LAB_DIR/wrong.login" && chmod 600 "$LAB_DIR/wrong.login"
cloud_lines "$GANETI_URL" "$LAB_DIR/wrong.login" >"$LAB_DIR/password.conf"
cloud_lines "https://other.example.com:5080" "$GANETI_LOGIN" >"$LAB_DIR/name.conf"
sed '/ca_file/d' "$LAB_DIR/good.conf" >"$LAB_DIR/authority.conf"

check "a survey" try good survey
check_equal "  tells where instances are" "node1 node2" "$(place_of web) $(place_of client)"
check_equal "  of which group a node is" default "$(jq -r '.hosts[0].group' "$LAB_DIR/said")"
check_equal "  and what nodes there are" "node1 node2 node3" "$(jq -r '[.hosts[].name] | sort | join(" ")' "$LAB_DIR/said")"
before=$(jobs_count)
refused "an unknown instance" good "there is no instance nobody" move nobody node2
refused "an unknown node" good "there is no node nowhere" move web nowhere
refused "a wrong idea of where it is" good "it is on node1, not on node3" move web node2 node3
refused "a name that the certificate does not have" name "other.example.com" move web node2
refused "an authority that nobody trusts" authority "certificate" move web node2
check "an instance is stopped" ganeti_job PUT /2/instances/db1/shutdown
before=$(jobs_count)
refused "  it is not moved" good "it does not run (ADMIN_down)" move db1 node2
check "a node is drained" ganeti_job PUT /2/nodes/node3/role '"drained"'
before=$(jobs_count)
refused "  it takes nobody" good "node node3 is drained" move web node3
check "an instance is set to fail over" ganeti_job PUT /2/instances/db2/modify '{"beparams": {"always_failover": true}}'
before=$(jobs_count)
refused "  it is not stopped and started" good "always_failover is set" move db2 node1
refused "a wrong password" password "refuses the login (401)" move web node2
check_equal "nothing of all this was ordered" "$before" "$(jobs_count)"
check "a move" try good move web node2
check_equal "  is told" "moved, it is on node2" "$(tail -n 1 "$LAB_DIR/said")"
check_equal "  and true" node2 "$(ganeti_field web pnode)"
check "and back" try good move web node1 node2
check "to where it is: nothing to do" try good move web node1

# --- the whole loop -----------------------------------------------------------------------------

start_traffic() { # SERVER CLIENT Mbit
	start_in "$1" "iperf3-$1" iperf3 -s --forceflush && wait_log "iperf3-$1" listening 10 &&
		start_in "$2" "iperf3-$2" iperf3 -c "${VM_ADDRESS[$1]}" -b "$3M" -t 3600 -i 0
}

manager_lines() {
	cloud_lines "$GANETI_URL" "$GANETI_LOGIN"
	cat <<-END
		mode = execute
		stop_file = "$LAB_DIR/stop"
		effect_window = 15s
	END
}

configure() {
	manager_lines | configure_manager 15 || return 1
	jq '.environments |= map(.api = "rapi") | .environments[0].hosts[0].api_name = "node1" |
		.environments[1].hosts[0].api_name = "node2"' "$LAB_DIR/environments.json" >"$LAB_DIR/sites.json" &&
		mv "$LAB_DIR/sites.json" "$LAB_DIR/environments.json"
}

# obey - the cables follow what the API tells, and nothing else.
obey() {
	local name host
	for name in web client; do
		host=${NODE_HOST[$(ganeti_field "$name" pnode)]}
		[ "$host" = "${VM_HOST[$name]}" ] || { topology_move "$name" "$host" && echo "$name is on $host now"; }
	done
}
history() { in_ns mon "$GRAPPE" history --socket "$LAB_DIR/manager.sock"; }
history_has() { obey >>"$LAB_LOG/moves.log"; history | grep -q -- "$1"; }
manager_status() { in_ns mon "$GRAPPE" status --socket "$LAB_DIR/manager.sock" --format json; }
effect() { manager_status | jq -r ".execution.effects[-1] | $1"; }

check "sensors and traffic" eval 'start_sensors && start_traffic web client 4'
check "the collector serves" start_the_collector
check "both instances are stopped" eval 'ganeti_job PUT /2/instances/web/shutdown && ganeti_job PUT /2/instances/client/shutdown'
configure
check "the manager serves, and may execute" start_manager
check "a migration is refused" wait_for $WAIT history_has ' failed .*it does not run (ADMIN_down)'
check "  the recommendation failed" wait_for $WAIT history_has 'failed: 0 of 1 moves made'
check "  the other VM is tried, in vain, too" wait_for $WAIT eval '[ "$(history | grep -c "it does not run")" = 2 ]'
check_equal "  no cable was moved" "hostA hostB" "${VM_HOST[web]} ${VM_HOST[client]}"
check_equal "  and no effect is shown" 0 "$(manager_status | jq '.execution.effects | length')"
stop manager

check "the instances run again" eval 'ganeti_job PUT /2/instances/web/startup && ganeti_job PUT /2/instances/client/startup'
rm -rf "$LAB_DIR/manager"
touch "$LAB_DIR/stop"
check "the manager begins anew" start_manager
check "  and knows what the API knows" wait_for $WAIT eval '[ "$(manager_status | jq -c ".execution.clouds[0] | [.hosts, .vms, .error]")" = "[3,4,\"\"]" ]'
check "a recommendation" wait_for $WAIT history_has ' created '
wait_until "$(next_boundary 2)"
check_equal "  nothing happens while the stop file exists" 0 "$(history | grep -c ordered)"
rm "$LAB_DIR/stop"
check "then it is ordered" wait_for $WAIT history_has ' ordered '
check "  and made" wait_for $WAIT history_has ' moved '
check "  sensors see it" wait_for $WAIT history_has ' seen '
check "  its effect is measured" wait_for 90 history_has ' effect .*1 of 1 seen there'
history | sed 's/^/    /'
check_equal "one move was ordered" 1 "$(history | grep -c ' ordered ')"
check_equal "both VMs are on one host" "${VM_HOST[web]}" "${VM_HOST[client]}"
check_near "traffic between the sites before, B/s" 520000 "$(effect .inter_environment_octets_per_s.before)" 15
check_near "  what was predicted to be saved" "$(effect .inter_environment_octets_per_s.before)" \
	"$(effect .inter_environment_octets_per_s.predicted_saving)" 15
check "  what is left, below 2 % of it" eval '[ "$(effect ".inter_environment_octets_per_s | .after * 50 < .before")" = true ]'
check "  it was silent for two periods at most" eval '[ "$(effect ".moves[0].silence.periods <= 2")" = true ]'
check_equal "  no pair fell silent" "[]" "$(effect '.moves[0].fell_silent | tostring')"
check_equal "  it was the manager's move" true "$(effect .ours)"
wait_until "$(next_boundary 3)"
check_equal "and nothing more is recommended" 1 "$(history | grep -c ' created ')"
finish
