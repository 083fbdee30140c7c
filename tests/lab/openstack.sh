#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The whole loop with a real OpenStack (Keystone, Placement, Glance, Nova; fake hypervisor): measured traffic, a
# recommendation, a live migration by Nova, its effect measured. The lab moves a VM's cable when, and only when,
# Nova says that the server is on another host. Needs root and the packages of "quickstart packages check-openstack".
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"
. "$here/topology.sh"
lab_begin openstack
. "$here/openstack_server.sh"
TOPOLOGY_PERIOD=5
WAIT=90
GRAPPE=$(program grappe) || exit 1
declare -A COMPUTE_HOST=([compute-a]=hostA [compute-b]=hostB)

# --- the API by hand ----------------------------------------------------------------------------

cloud_lines() { # LOGIN-FILE PROJECT [LINE]
	cat <<-END
		cloud "nova" {
		  kind = openstack
		  url = "$OPENSTACK_URL"
		  login_file = "$1"
		  project = "$2"
		  poll = 500ms
		  ${3:-}
		}
	END
}
login() { echo "$2" >"$LAB_DIR/$1.login" && chmod 600 "$LAB_DIR/$1.login"; }

try() { # CONFIGURATION ARGS...
	local name=$1
	shift
	in_ns mon "$GRAPPE" cloud --config "$LAB_DIR/$name.conf" nova "$@" >"$LAB_DIR/said" 2>&1
}
refused() { # WHAT CONFIGURATION PATTERN ARGS...
	local what=$1 name=$2 pattern=$3
	shift 3
	if try "$name" "$@"; then fail "$what" "it succeeded: $(cat "$LAB_DIR/said")"; return; fi
	check "$what" grep -q -- "$pattern" "$LAB_DIR/said" || cat "$LAB_DIR/said"
}
service_is() { # HOST enabled|disabled
	local id
	id=$(openstack_nova GET "/os-services?binary=nova-compute&host=$1" | jq -r '.services[0].id')
	openstack_nova PUT "/os-services/$id" "{\"status\":\"$2\"}" >/dev/null
}

check "two hosts, two VMs" eval 'topology_up && topology_vm web hostA 1 && topology_vm client hostB 2'
check "an OpenStack of three compute hosts" openstack_start mon compute-a compute-b compute-c
check "with servers" eval 'openstack_boot web compute-a && openstack_boot client compute-b && openstack_boot full compute-c large'
login admin "admin:$OPENSTACK_PASSWORD"
login wrong admin:nonsense
login demo "demo:$OPENSTACK_PASSWORD"
cloud_lines "$LAB_DIR/admin.login" admin >"$LAB_DIR/good.conf"
cloud_lines "$LAB_DIR/wrong.login" admin >"$LAB_DIR/password.conf"
cloud_lines "$LAB_DIR/demo.login" demo >"$LAB_DIR/user.conf"
cloud_lines "$LAB_DIR/admin.login" admin "region = \"Elsewhere\"" >"$LAB_DIR/region.conf"
cloud_lines "$LAB_DIR/admin.login" admin "microversion = \"2.9999\"" >"$LAB_DIR/version.conf"

check "a survey" try good survey
check_equal "  tells where servers are" "compute-a compute-b compute-c" \
	"$(jq -r '[.vms | sort_by(.name)[] | select(.name == "web").host, select(.name == "client").host, select(.name == "full").host] | sort | join(" ")' "$LAB_DIR/said")"
check_equal "  what hosts may give, by Placement" "128 23.25" "$(jq -r '.hosts[] | select(.name == "compute-a") | "\(.vcpu) \(.mem_GiB)"' "$LAB_DIR/said")"
refused "an unknown server" good "there is no server nobody" move nobody compute-b
refused "an unknown host" good "there is no compute host nowhere" move web nowhere
refused "a wrong idea of where it is" good "it is on compute-a, not on compute-c" move web compute-b compute-c
refused "a wrong password" password "Keystone answered 401" move web compute-b
refused "a user without rights" user "may not see it\|has not the right" move web compute-b
refused "a region that is not there" region "is not in the catalog" move web compute-b
refused "a microversion that is not there" version "does not offer this microversion" move web compute-b
service_is compute-b disabled
refused "a host that is disabled" good "nova-compute of compute-b is disabled" move web compute-b
check_equal "  the survey tells it" true "$(try good survey && jq '.hosts[] | select(.name == "compute-b").closed' "$LAB_DIR/said")"
service_is compute-b enabled
check "a host is filled" openstack_boot more compute-a large
refused "  it has no room for another" good "host compute-a has no room for" move full compute-a
openstack_nova DELETE "/servers/$(openstack_id more)" >/dev/null
openstack_nova POST "/servers/$(openstack_id client)/action" '{"os-stop":null}' >/dev/null
check "a server is stopped" wait_for 30 openstack_is client SHUTOFF
refused "  it is not moved" good "its status is SHUTOFF" move client compute-a
openstack_nova POST "/servers/$(openstack_id client)/action" '{"os-start":null}' >/dev/null
check "  it runs again" wait_for 30 openstack_is client ACTIVE
check_equal "nothing of all this was ordered" 0 "$(($(openstack_migrations web) + $(openstack_migrations client)))"
check "a move" try good move web compute-b
check_equal "  is told" "moved, it is on compute-b" "$(tail -n 1 "$LAB_DIR/said")"
check_equal "  and true" compute-b "$(openstack_host web)"
check "and back, by its UUID" try good move "$(openstack_id web)" compute-a compute-b
check_equal "  there" compute-a "$(openstack_host web)"

# --- the whole loop -----------------------------------------------------------------------------

start_traffic() { # SERVER CLIENT Mbit
	start_in "$1" "iperf3-$1" iperf3 -s --forceflush && wait_log "iperf3-$1" listening 10 &&
		start_in "$2" "iperf3-$2" iperf3 -c "${VM_ADDRESS[$1]}" -b "$3M" -t 3600 -i 0
}
configure() {
	{
		cloud_lines "$LAB_DIR/admin.login" admin
		echo 'mode = execute'
		echo "stop_file = \"$LAB_DIR/stop\""
		echo 'effect_window = 15s'
	} | configure_manager 15 || return 1
	jq '.environments |= map(.api = "nova") | .environments[0].hosts[0].api_name = "compute-a" |
		.environments[1].hosts[0].api_name = "compute-b"' "$LAB_DIR/environments.json" >"$LAB_DIR/sites.json" &&
		mv "$LAB_DIR/sites.json" "$LAB_DIR/environments.json"
}
obey() {
	local name host
	for name in web client; do
		host=${COMPUTE_HOST[$(openstack_host "$name")]:-}
		[ -z "$host" ] || [ "$host" = "${VM_HOST[$name]}" ] || { topology_move "$name" "$host" && echo "$name is on $host now"; }
	done
}
history() { in_ns mon "$GRAPPE" history --socket "$LAB_DIR/manager.sock"; }
history_has() { obey >>"$LAB_LOG/moves.log"; history | grep -q -- "$1"; }
manager_status() { in_ns mon "$GRAPPE" status --socket "$LAB_DIR/manager.sock" --format json; }
effect() { manager_status | jq -r ".execution.effects[-1] | $1"; }

check "sensors and traffic" eval 'start_sensors && start_traffic web client 4'
check "the collector serves" start_the_collector
openstack_pace 30
configure
check "the manager serves, and may execute" start_manager
check "a live migration is ordered" wait_for $WAIT history_has ' ordered '
migrating() { [ "$(openstack_field web .status)" = MIGRATING ] || [ "$(openstack_field client .status)" = MIGRATING ]; }
check "  and is under way" wait_for 30 migrating
touch "$LAB_DIR/stop"
check "it is called off by the stop file" wait_for $WAIT history_has ' cancelled '
check_equal "  both are where they were" "compute-a compute-b" "$(openstack_host web) $(openstack_host client)"
check_equal "  no cable was moved, no effect is shown" "hostA hostB 0" \
	"${VM_HOST[web]} ${VM_HOST[client]} $(manager_status | jq '.execution.effects | length')"
stop manager
rm -rf "$LAB_DIR/manager" "$LAB_DIR/stop"
openstack_pace 2
check "the manager begins anew" start_manager
check "it is ordered" wait_for $WAIT history_has ' ordered '
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
finish
