#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The manager tells real monitoring systems the states of services: a Nagios by its FIFO and by its CGI, an
# Icinga 2 by its API over TLS. Traffic between two sites is measured; servers stop and come back. Needs root.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"
. "$here/topology.sh"
lab_begin dashboards
. "$here/nagios_server.sh"
. "$here/icinga_server.sh"
TOPOLOGY_PERIOD=5
WAIT=60
VM_APPLICATION=([web]=shop [client]=shop)
fifo=$NAGIOS_DIR/var/rw/nagios.cmd
nagios_has() { check "$1" nagios_wait $WAIT grappe "$2" "$3"; }
icinga_has() { check "$1" icinga_wait $WAIT grappe "$2" "$3"; }

# --- servers ------------------------------------------------------------------------------------

# The services of nagios/grappe-passive.cfg once for each way, with a prefix of its own.
make_nagios() {
	local way
	nagios_configure && sed -e 's/freshness_threshold  *[0-9]*/freshness_threshold 25/' \
		"$LAB_SOURCE/nagios/grappe-passive.cfg" >"$LAB_DIR/passive.cfg" || return 1
	{
		sed '/^define service/,$d' "$LAB_DIR/passive.cfg" # command
		sed -n '/name  *grappe-passive$/,/^}/p' "$LAB_DIR/passive.cfg" | sed '1i define service {'
		sed -n '/^define host/,/^}/p' "$LAB_DIR/passive.cfg"
		for way in fifo cgi; do
			awk -v RS= '/service_description/' ORS='\n\n' "$LAB_DIR/passive.cfg" | sed "s/Grappe /$way /"
		done
	} >"$NAGIOS_OBJECTS/grappe.cfg"
	nagios_verify
}

make_icinga() {
	sed 's/"change this"/"lab secret"/' "$LAB_SOURCE/nagios/grappe-passive-icinga2.conf" >"$LAB_DIR/passive.conf" &&
		cat >"$LAB_DIR/host.conf" <<-END
			object Host "grappe" {
			  check_command = "dummy"
			  vars.grappe_applications = [ "shop" ]
			  vars.grappe_sites = [ "site-1", "site-2" ]
			}
		END
	icinga_configure "$LAB_DIR/passive.conf" "$LAB_DIR/host.conf"
}

logins() {
	echo "$NAGIOS_LOGIN" >"$LAB_DIR/nagios.login" && echo "grappe:lab secret" >"$LAB_DIR/icinga.login" &&
		chmod 600 "$LAB_DIR"/*.login
}

dashboard_lines() {
	cat <<-END
		dashboard "fifo" {
		  kind = nagios-fifo
		  path = "$fifo"
		  service_prefix = "fifo "
		}
		dashboard "cgi" {
		  kind = nagios-cgi
		  url = "http://$NAGIOS_ADDRESS/cgi-bin/nagios4/cmd.cgi"
		  login_file = "$LAB_DIR/nagios.login"
		  service_prefix = "cgi "
		  timeout = 2s
		}
		dashboard "icinga" {
		  kind = icinga2
		  url = "$ICINGA_URL"
		  address = "$ICINGA_ADDRESS"
		  ca_file = "$ICINGA_CA"
		  login_file = "$LAB_DIR/icinga.login"
		  ttl = 20s
		}
	END
}

start_traffic() { # SERVER CLIENT Mbit
	start_in "$1" "iperf3-$1" iperf3 -s --forceflush && wait_log "iperf3-$1" listening 10 &&
		start_in "$2" "iperf3-$2" iperf3 -c "${VM_ADDRESS[$1]}" -b "$3M" -t 3600 -i 0
}

check "a Nagios with passive services" make_nagios
check "an Icinga with passive services" make_icinga
logins
check "two sites with sensors and traffic" eval 'topology_up && topology_vm web hostA 1 && topology_vm client hostB 2 &&
	start_sensors && start_traffic web client 4'
check "the collector serves" start_the_collector
check "Nagios and its CGIs run" nagios_start mon
check "Icinga runs" icinga_start mon

# --- states -------------------------------------------------------------------------------------

status_of() { # DASHBOARD JQ
	in_ns mon "$(program grappe)" status --socket "$LAB_DIR/manager.sock" --format json |
		jq -r --arg name "$1" ".publish.dashboards[] | select(.name == \$name) | $2"
}
status_is() { [ "$(status_of "$1" "$2")" = "$3" ]; }

dashboard_lines | configure_manager 15
check "the manager serves" start_manager
for service in recommendation "application shop" "site site-1" "site site-2"; do
	nagios_has "a move is wanted, by FIFO: $service WARNING" "fifo $service" WARNING
	nagios_has "  by CGI" "cgi $service" WARNING
	icinga_has "  by Icinga's API" "Grappe $service" WARNING
done
# A new period may come between the questions, so that what each tells is put together: one line, which carries traffic
# and id, has to be among what all three told.
told=$LAB_DIR/told
tell_the_same() {
	nagios_field grappe "fifo recommendation" plugin_output >>"$told.fifo"
	nagios_field grappe "cgi recommendation" plugin_output >>"$told.cgi"
	icinga_field grappe "Grappe recommendation" last_check_result.output | head -n 1 >>"$told.icinga"
	text=$(sort "$told.fifo" | comm -12 - <(sort "$told.cgi") | comm -12 - <(sort "$told.icinga") | grep -m 1 'id [0-9a-f]')
}
check "the three tell the same" wait_for $WAIT tell_the_same
say "      ${text:-$(tail -n 3 "$told".*)}"
inter() { sed -n 's/.*inter_before=\([0-9]*\).*/\1/p'; }
check_near "traffic between the sites, B/s, in Nagios' graphs" 520000 "$(nagios_field grappe "cgi recommendation" perf_data | inter)" 15
check_near "  and in Icinga's" 520000 "$(icinga_field grappe "Grappe recommendation" 'last_check_result.performance_data | tostring' | inter)" 15
check_equal "  with the ttl" 20 "$(icinga_field grappe "Grappe recommendation" last_check_result.ttl)"
first=$(icinga_field grappe "Grappe recommendation" last_check_result.execution_end)
later() { awk -v a="$first" -v b="$(icinga_field grappe "Grappe recommendation" last_check_result.execution_end)" 'BEGIN { exit !(b > a) }'; }
check "it is told each period, also when nothing changed" wait_for 20 later

# --- servers that are away ----------------------------------------------------------------------

stop nagios
stop icinga
waits() { status_is "$1" '.waiting > 0 and .error != ""' true; }
check "Nagios and Icinga end: results wait for the FIFO" wait_for $WAIT waits fifo
check "  and for Icinga" wait_for $WAIT waits icinga
read -r name to < <(jq -r '.moves[0] | "\(.vm.name) \(.to.host)"' "$LAB_DIR/manager/recommendation.json")
check "$name goes to $to, as recommended" topology_move "$name" "$to"
done_now() { [ "$(jq -r .state "$LAB_DIR/manager/recommendation.json")" = done ]; }
check "nothing is to be moved any more" wait_for $WAIT done_now
signal manager KILL
wait "${LAB_PIDS[manager]}" 2>/dev/null
check "the manager dies and comes back" start_manager
check "  what waited still waits" waits fifo
start_in mon nagios setsid nagios4 "$NAGIOS_DIR/etc/nagios.cfg"
check "Nagios comes back" wait_for 20 nagios_ask query=programstatus
check "Icinga comes back" icinga_start mon
nagios_has "both are told: OK, by FIFO" "fifo recommendation" OK
nagios_has "  by CGI" "cgi recommendation" OK
icinga_has "  by Icinga's API" "Grappe recommendation" OK
check "nothing waits any more" wait_for $WAIT status_is fifo .waiting 0
# What came meanwhile was told in its order: the last WARNING before the first OK.
order() {
	grep "PASSIVE SERVICE CHECK: grappe;fifo recommendation;" "$NAGIOS_DIR/var/nagios.log" | sed 's/.*recommendation;\([0-3]\);.*/\1/' | uniq | tr '\n' ' '
}
log_passive() { [[ $(order) == *"1 0 "* ]]; }
check "  in its order: $(order)" log_passive

# --- the manager is away ------------------------------------------------------------------------

stop manager
icinga_has "the manager ends: Icinga says UNKNOWN by the ttl" "Grappe recommendation" UNKNOWN
check_equal "  and why" "the manager has told nothing for too long" \
	"$(icinga_field grappe "Grappe recommendation" last_check_result.output)"
nagios_has "Nagios says UNKNOWN by freshness" "fifo recommendation" UNKNOWN
finish
