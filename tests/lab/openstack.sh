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
. "$here/cloud_loop.sh"
TOPOLOGY_PERIOD=5
WAIT=90
CLOUD=nova
API_HOST=([compute-a]=hostA [compute-b]=hostB)
api_host() { openstack_host "$1"; }
api_orders() { echo $(($(openstack_migrations web) + $(openstack_migrations client) + $(openstack_migrations full))); }

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
check "a move" try good move web compute-b
check_equal "  is told" "moved, it is on compute-b" "$(tail -n 1 "$LAB_DIR/said")"
check_equal "  and true" compute-b "$(openstack_host web)"
check "and back, by its UUID" try good move "$(openstack_id web)" compute-a compute-b
check_equal "  there" compute-a "$(openstack_host web)"

# --- the whole loop -----------------------------------------------------------------------------

check "sensors and traffic" eval 'start_sensors && start_traffic web client 4'
check "the collector serves" start_the_collector
openstack_pace 30
configure compute-a compute-b
check "the manager serves, and may execute" start_manager
check "a live migration is ordered" wait_for $WAIT history_has ' ordered '
migrating() { [ "$(openstack_field web .status)" = MIGRATING ] || [ "$(openstack_field client .status)" = MIGRATING ]; }
check "  and is under way" wait_for 30 migrating
touch "$LAB_DIR/stop"
check "it is called off by the stop file" wait_for $WAIT history_has ' cancelled '
check_equal "  both are where they were" "compute-a compute-b" "$(openstack_host web) $(openstack_host client)"
check_nothing_moved
stop manager
rm -rf "$LAB_DIR/manager" "$LAB_DIR/stop"
openstack_pace 2
check "the manager begins anew" start_manager
check_loop
finish
