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
. "$here/cloud_loop.sh"
TOPOLOGY_PERIOD=5
WAIT=60
CLOUD=rapi
API_HOST=([node1]=hostA [node2]=hostB)
api_host() { ganeti_field "$1" pnode; }
api_orders() { ganeti_rapi GET /2/jobs | jq length; }

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
refused "an unknown instance" good "there is no instance nobody" move nobody node2
refused "an unknown node" good "there is no node nowhere" move web nowhere
refused "a wrong idea of where it is" good "it is on node1, not on node3" move web node2 node3
refused "a name that the certificate does not have" name "other.example.com" move web node2
refused "an authority that nobody trusts" authority "certificate" move web node2
check "an instance is stopped" ganeti_job PUT /2/instances/db1/shutdown
refused "  it is not moved" good "it does not run (ADMIN_down)" move db1 node2
check "a node is drained" ganeti_job PUT /2/nodes/node3/role '"drained"'
refused "  it takes nobody" good "node node3 is drained" move web node3
check "an instance is set to fail over" ganeti_job PUT /2/instances/db2/modify '{"beparams": {"always_failover": true}}'
refused "  it is not stopped and started" good "always_failover is set" move db2 node1
refused "a wrong password" password "refuses the login (401)" move web node2
check "a move" try good move web node2
check_equal "  is told" "moved, it is on node2" "$(tail -n 1 "$LAB_DIR/said")"
check_equal "  and true" node2 "$(ganeti_field web pnode)"
check "and back" try good move web node1 node2
check "to where it is: nothing to do" try good move web node1

# --- the whole loop -----------------------------------------------------------------------------

check "sensors and traffic" eval 'start_sensors && start_traffic web client 4'
check "the collector serves" start_the_collector
check "both instances are stopped" eval 'ganeti_job PUT /2/instances/web/shutdown && ganeti_job PUT /2/instances/client/shutdown'
configure node1 node2
check "the manager serves, and may execute" start_manager
check "a migration is refused" wait_for $WAIT history_has ' failed .*it does not run (ADMIN_down)'
check "  the recommendation failed" wait_for $WAIT history_has 'failed: 0 of 1 moves made'
check "  the other VM is tried, in vain, too" wait_for $WAIT eval '[ "$(history | grep -c "it does not run")" = 2 ]'
check_nothing_moved
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
check_loop
finish
