#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The whole of Grappe in front of a real dashboard: two sites with traffic of iperf3, sensors, agents, collector,
# manager, a Nagios that runs check_grappe, and an nginx that takes the manager's posts over TLS with
# a token. A recommendation comes, is posted, and goes once it is carried out; parts fail and come back. Needs root.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"
. "$here/topology.sh"
. "$here/tls.sh"
lab_begin dashboard
. "$here/nagios_server.sh"
TOPOLOGY_PERIOD=5
WAIT=60
PLUGIN=$(program check_grappe) || exit 1
advice="Grappe recommendation"
traffic="Traffic site-1 site-2"
state() { check "$1" nagios_wait $WAIT "$2" "$3" "$4"; }
field_has() { [[ $(nagios_field "$1" "$2" "$3") == *"$4"* ]] || { nagios_field "$1" "$2" "$3" && false; }; }
says() { check "  and says: $3" wait_for $WAIT field_has "$1" "$2" plugin_output "$3"; }

# --- nginx: takes posts with the right token, logs them ---------------------------------------------

configure_nginx() {
	echo lab-token >"$LAB_DIR/token" && chmod 600 "$LAB_DIR/token"
	mkdir -p "$LAB_DIR/www"
	cat >"$LAB_DIR/nginx.conf" <<-END
		daemon off;
		user root;
		pid $LAB_DIR/www/pid;
		error_log stderr;
		worker_processes 1;
		events { worker_connections 64; }
		http {
		  log_format post escape=json '{"id":"\$http_grappe_recommendation","type":"\$content_type","body":"\$request_body"}';
		  access_log off;
		  server { listen 127.0.0.1:8082; return 204; }
		  server {
		    listen 10.99.0.1:8443 ssl;
		    ssl_certificate $LAB_DIR/noc.pem;
		    ssl_certificate_key $LAB_DIR/noc.key;
		    client_body_buffer_size 1m;
		    if (\$http_authorization != "Bearer lab-token") { return 401; }
		    location = /hook { access_log $LAB_DIR/www/posts post; proxy_pass http://127.0.0.1:8082; }
		  }
		}
	END
}
start_nginx() { start_in mon nginx setsid nginx -p "$LAB_DIR/www" -c "$LAB_DIR/nginx.conf"; }
posts() { wc -l <"$LAB_DIR/www/posts" 2>/dev/null || echo 0; }
posted() { [ "$(posts)" -ge "$1" ]; }

# --- two sites -----------------------------------------------------------------------------------

start_traffic() { # SERVER CLIENT Mbit
	start_in "$1" "iperf3-$1" iperf3 -s --forceflush && wait_log "iperf3-$1" listening 10 &&
		start_in "$2" "iperf3-$2" iperf3 -c "${VM_ADDRESS[$1]}" -b "$3M" -t 3600 -i 0
}

make_sites() {
	topology_up && topology_vm web hostA 1 && topology_vm client hostB 2 && topology_vm db1 hostA 3 &&
		topology_vm db2 hostA 4 && start_sensors && start_traffic web client 4 && start_traffic db1 db2 8
}

# open_socket NAME - as an administrator arranges it with a group: Nagios may connect.
open_socket() { chgrp nagios "$LAB_DIR/$1.sock"; }

webhook_lines() {
	cat <<-END
		webhook "noc" {
		  url = "https://10.99.0.1:8443/hook"
		  ca_file = "$LAB_DIR/ca.pem"
		  token_file = "$LAB_DIR/token"
		}
	END
}

# --- the definitions, with the addresses of the lab -------------------------------------------------

make_objects() {
	nagios_configure && cp "$PLUGIN" "$NAGIOS_PLUGINS/" && echo public >"$LAB_DIR/community" &&
		chown nagios "$LAB_DIR/community" && chmod 600 "$LAB_DIR/community" &&
		sed -e 's|192.0.2.10|10.99.0.11|; s|192.0.2.20|10.99.0.12|' \
			-e "s|/etc/grappe/community|$LAB_DIR/community -t 4|" \
			-e "s#^\(\tcheck_command *grappe_\(collector\|archive\|drops\)\)#\1!--socket $LAB_DIR/collector.sock -t 4#" \
			-e "s#^\(\tcheck_command *grappe_\(recommendation\|queue\)\)#\1!--socket $LAB_DIR/manager.sock -t 4#" \
			-e "s|-w 50000000 -c 100000000 --window 300|-w 100000 -c 300000 --window 15 --socket $LAB_DIR/collector.sock -t 4|" \
			"$LAB_SOURCE/nagios/grappe.cfg" >"$NAGIOS_OBJECTS/grappe.cfg" && nagios_verify
}

make_tls() { make_authority ca && make_certificate noc ca IP:10.99.0.1; }
check "a certificate for the receiver" make_tls
configure_nginx
check "the objects are accepted" make_objects
check "two sites with sensors and traffic" make_sites
check "the collector serves" start_the_collector
open_socket collector
check "Nagios and its CGIs run" nagios_start mon

state "the collector: OK" grappe "Grappe collector" OK
says grappe "Grappe collector" "2 of 2 agents up"
for host in hostA hostB; do
	clock=$(in_ns mon "$PLUGIN" -m agent -H "${TOPOLOGY_MANAGEMENT[$host]}" -v | sed -n 's/^\[\([A-Z]*\)\] the clock .*/\1/p')
	state "the agent of $host: ${clock:-none}, as its clock is" "$host" "Grappe agent" "${clock:-none}"
done
state "the archives are written: OK" grappe "Grappe archive" OK
state "no sensor loses packets: OK" grappe "Grappe drops" OK
state "much goes between the sites: CRITICAL" grappe "$traffic" CRITICAL
says grappe "$traffic" "site:site-1 - site:site-2: 5"
pair_value() { nagios_field grappe "$traffic" perf_data | sed -n "s/.*$1=\([0-9]*\).*/\1/p"; }
everything_known() { field_has grappe "$traffic" perf_data "known=100%"; }
check "  all of the window becomes known" wait_for $WAIT everything_known
check_near "  as much as iperf3 sends, B/s" 520000 "$(pair_value traffic)" 15
# What a VM on one site gets from one on the other, asked for by names.
pair_says() { # PATTERN ARGUMENTS...
	local pattern=$1
	shift
	in_ns mon "$PLUGIN" -m pair -s "$LAB_DIR/collector.sock" --window 15 "$@" | tee "$LAB_DIR/pair.output" | grep -q -- "$pattern"
}
check "  between the VMs themselves it is the same" pair_says "CRITICAL - client - web: 5" --from client --to web -w 100000 -c 300000
check "  most of it one way" pair_says " forward=[45][0-9]\{5\}\(\.[0-9]*\)\?B;;;0 backward=[0-9]\{1,5\}[.B]" --from client --to web
check "  VMs that do not talk: a true zero, OK" pair_says "OK - web - db2: 0 B/s in 15 s | traffic=0B;10;;0 .*known=100%" --from web --to db2 -w 10
check "  a VM that is not there: UNKNOWN" pair_says "UNKNOWN - no VM has the name or id nobody | traffic=U;" --from web --to nobody -w 10
state "no manager yet: UNKNOWN" grappe "$advice" UNKNOWN

# --- a recommendation, while the receiver of posts is down --------------------------------------------

webhook_lines | configure_manager 15
check "the manager serves" start_manager
open_socket manager
state "web and client are on two sites: WARNING" grappe "$advice" WARNING
says grappe "$advice" "1 move pending, inter-site "
check_near "  the traffic between the sites, B/s" 520000 \
	"$(nagios_field grappe "$advice" perf_data | sed -n 's/.*inter_before=\([0-9]*\).*/\1/p')" 15
check "  the post waits, its receiver is down" wait_for $WAIT field_has grappe "$advice" perf_data "posts_waiting=1"
webhook_fails() { in_ns mon "$PLUGIN" -m recommendation -s "$LAB_DIR/manager.sock" -v | grep -F '[WARNING] webhook noc fails'; }
check "  which is a problem of its own" webhook_fails
state "  the queue's service says so: WARNING" grappe "Grappe queue" WARNING
says grappe "Grappe queue" "webhook noc fails"
check "  the receiver comes" start_nginx
check "  and has it" wait_for $WAIT posted 1
recommendation=$LAB_DIR/manager/recommendation.json
posted_body() { head -n 1 "$LAB_DIR/www/posts" | jq -r .body; }
check_equal "  with its id" "$(jq -r .id "$recommendation")" "$(head -n 1 "$LAB_DIR/www/posts" | jq -r .id)"
check_equal "  the same in the body" "$(jq -r .id "$recommendation")" "$(posted_body | jq -r .id)"
# What is stored has the numbers of the newest period, what was posted those of the first.
moves_of() { jq -S '.moves | map({step, vm, from, to, parking, forced})'; }
same_moves() { diff <(moves_of <"$recommendation") <(posted_body | moves_of); }
check "  the same moves" same_moves
check "  nothing waits any more" wait_for $WAIT field_has grappe "$advice" perf_data "posts_waiting=0"
wait_until "$(next_boundary 2)"
check_equal "  it was posted once" 1 "$(posts)"

# --- a report of it ----------------------------------------------------------------------------

report() { in_ns mon "$(program grappe)" report --config "$LAB_DIR/manager.conf" --since -3min "$@"; }
check "grappe report asks the collector" report --format json --output "$LAB_DIR/report.json"
report_field() { jq -c "$1" "$LAB_DIR/report.json"; }
check_equal "  four VMs with their names and places" '[4,["client","db1","db2","web"]]' \
	"$(report_field '[.vms, ([.traffic.top[].receiver] | unique)]')"
check_equal "  db1 and db2 talk most, inside a site" true \
	"$(report_field '.traffic.top[0] | [.sender, .receiver] | sort == ["db1", "db2"]')"
check_near "  what db1 sends or gets, B/s" 1040000 "$(report_field '.traffic.top[0].octets_per_s')" 15
check_equal "  traffic between the sites over time" true "$(report_field '[.between_environments.lines[0].octets_per_s[] | numbers] | max > 400000')"
check_equal "  the recommendation and what became of it" true \
	"$(report_field '(.recommendation.moves | length == 1) and ([.outcomes[].events[].event] | index("created") != null)')"
check "  as a page" report --format html --output "$LAB_DIR/report.html"
check "  which is well-formed" xmllint --noout --nonet "$LAB_DIR/report.html"

# --- it is carried out ------------------------------------------------------------------------------

read -r name to < <(jq -r '.moves[0] | "\(.vm.name) \(.to.host)"' "$recommendation")
check "$name goes to $to, as recommended" topology_move "$name" "$to"
state "nothing is pending any more: OK" grappe "$advice" OK
state "nothing waits to be posted: OK" grappe "Grappe queue" OK
state "$name moved, little goes between the sites: OK" grappe "$traffic" OK
says grappe "$advice" "no recommendation is pending"

# --- parts fail ---------------------------------------------------------------------------------------

stop capture-hostB
state "capture of hostB ends: the collector's service is a WARNING" grappe "Grappe collector" WARNING
says grappe "Grappe collector" "1 of 2 agents silent: hostB"
state "  what is between the sites is not known: UNKNOWN" grappe "$traffic" UNKNOWN
state "  and the agent's CRITICAL" hostB "Grappe agent" CRITICAL
signal snmpd-hostA STOP
says grappe "Grappe collector" "2 of 2 agents down or silent: hostA hostB"
state "  no agent delivers: CRITICAL" grappe "Grappe collector" CRITICAL
state "  its host does not answer: UNKNOWN" hostA "Grappe agent" UNKNOWN
signal snmpd-hostA CONT
start_capture hostB
check "  capture runs again" wait_ready capture-hostB
state "  both deliver again: OK" grappe "Grappe collector" OK
stop manager
state "the manager ends: UNKNOWN" grappe "$advice" UNKNOWN
check "  it starts again" start_manager
open_socket manager
state "  and nothing is pending: OK" grappe "$advice" OK
finish
