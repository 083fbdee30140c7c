# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# A throw-away OpenStack for lab tests: Keystone, Placement, Glance and Nova as Debian has them, with Nova's fake
# hypervisor on as many hosts as are wanted; sourced after lib.sh. No systemd, Neutron, Cinder or libvirt.
# Everything lies in $LAB_DIR/openstack and runs in one network namespace, on 127.0.0.1 and the usual ports there.
#
#     openstack_start NAMESPACE HOST...           # until all hosts take servers
#     openstack_boot NAME HOST [FLAVOR]           # tiny (512 MB) or large (12 GB); until it is ACTIVE
#     openstack_nova METHOD PATH [BODY]           # what Nova answers the administrator
#     openstack_field NAME FIELD                  # of a server, e.g. '["OS-EXT-SRV-ATTR:host"]'
#     openstack_migrations NAME                   # how many live migrations it had
#     openstack_pace SECONDS                      # how long live migrations take from now on
#
# For clients: Keystone is at $OPENSTACK_URL; admin and demo (no rights) have $OPENSTACK_PASSWORD.

OPENSTACK_DIR=$LAB_DIR/openstack
OPENSTACK_CODE=$LAB_SOURCE/tests/lab/openstack
OPENSTACK_URL=http://127.0.0.1:5000/v3
OPENSTACK_NOVA=http://127.0.0.1:8774/v2.1
OPENSTACK_PLACEMENT=http://127.0.0.1:8778
OPENSTACK_GLANCE=http://127.0.0.1:9292
OPENSTACK_PASSWORD=labpass
OPENSTACK_HOSTS=()
PYTHON=/usr/bin/python3 # not another one that may come before Debian's

# --- configuration ------------------------------------------------------------------------------

openstack_database() { echo "mysql+pymysql://root@localhost/$1?unix_socket=$OPENSTACK_DIR/run/db.sock&charset=utf8"; }

# openstack_section NAME - a section of a service's configuration that logs in as the administrator.
openstack_section() {
	cat <<-END
		[$1]
		auth_type = password
		auth_url = $OPENSTACK_URL
		www_authenticate_uri = $OPENSTACK_URL
		username = admin
		password = $OPENSTACK_PASSWORD
		project_name = admin
		user_domain_name = Default
		project_domain_name = Default
		region_name = RegionOne
	END
}

openstack_configure_keystone() {
	mkdir -p "$OPENSTACK_DIR/etc/keystone"
	cat >"$OPENSTACK_DIR/etc/keystone/keystone.conf" <<-END
		[database]
		connection = $(openstack_database keystone)
		[fernet_tokens]
		key_repository = $OPENSTACK_DIR/etc/keystone/fernet
		[credential]
		key_repository = $OPENSTACK_DIR/etc/keystone/credential
		[token]
		provider = fernet
	END
}

openstack_configure_placement() {
	mkdir -p "$OPENSTACK_DIR/etc/placement"
	{
		printf '[api]\nauth_strategy = keystone\n[placement_database]\nconnection = %s\n' "$(openstack_database placement)"
		openstack_section keystone_authtoken
	} >"$OPENSTACK_DIR/etc/placement/placement.conf"
}

openstack_configure_glance() {
	mkdir -p "$OPENSTACK_DIR/etc/glance" "$OPENSTACK_DIR/images"
	{
		cat <<-END
			[DEFAULT]
			bind_host = 127.0.0.1
			bind_port = 9292
			workers = 0
			enabled_backends = file:file
			[database]
			connection = $(openstack_database glance)
			[paste_deploy]
			flavor = keystone
			config_file = /etc/glance/glance-api-paste.ini
			[glance_store]
			default_backend = file
			[file]
			filesystem_store_datadir = $OPENSTACK_DIR/images
			[os_glance_staging_store]
			filesystem_store_datadir = $OPENSTACK_DIR/state/staging
			[os_glance_tasks_store]
			filesystem_store_datadir = $OPENSTACK_DIR/state/tasks
			[oslo_concurrency]
			lock_path = $OPENSTACK_DIR/lock
		END
		openstack_section keystone_authtoken
	} >"$OPENSTACK_DIR/etc/glance/glance-api.conf"
}

openstack_configure_nova() {
	local host section
	mkdir -p "$OPENSTACK_DIR/etc/nova" && cp /etc/nova/api-paste.ini "$OPENSTACK_DIR/etc/nova/" || return 1
	{
		cat <<-END
			[DEFAULT]
			my_ip = 127.0.0.1
			host = controller
			state_path = $OPENSTACK_DIR/state
			transport_url = rabbit://guest:guest@127.0.0.1:5672/
			enabled_apis = osapi_compute
			osapi_compute_listen = 127.0.0.1
			osapi_compute_workers = 1
			compute_driver = lab_driver.Driver
			rpc_response_timeout = 60
			report_interval = 5
			service_down_time = 20
			sync_power_state_interval = -1
			update_resources_interval = 10
			heal_instance_info_cache_interval = -1
			use_cow_images = false
			[api]
			auth_strategy = keystone
			[api_database]
			connection = $(openstack_database nova_api)
			[database]
			connection = $(openstack_database nova_cell1)
			[conductor]
			workers = 1
			[scheduler]
			workers = 1
			discover_hosts_in_cells_interval = 15
			[filter_scheduler]
			track_instance_changes = false
			[service_user]
			send_service_user_token = false
			[cinder]
			os_region_name = RegionOne
			[vnc]
			enabled = false
			[oslo_concurrency]
			lock_path = $OPENSTACK_DIR/lock
			[upgrade_levels]
			compute = auto
		END
		for section in keystone_authtoken placement glance neutron; do openstack_section $section; done
	} >"$OPENSTACK_DIR/etc/nova/nova.conf"
	for host in "${OPENSTACK_HOSTS[@]}"; do
		mkdir -p "$OPENSTACK_DIR/state-$host"
		printf '[DEFAULT]\nhost = %s\nstate_path = %s\n' "$host" "$OPENSTACK_DIR/state-$host" >"$OPENSTACK_DIR/etc/nova/$host.conf"
	done
}

# --- daemons ------------------------------------------------------------------------------------

openstack_in() { in_ns "$OPENSTACK_SPACE" "$@"; }
openstack_run() { # NAME CMD...
	local name=$1
	shift
	start_in "$OPENSTACK_SPACE" "$name" env PYTHONWARNINGS=ignore "$@"
}
openstack_answers() { [ "$(openstack_in curl -s -o /dev/null -w '%{http_code}' -m 3 --noproxy '*' "$1")" != 000 ]; }

# Reached only by a socket of a closed folder. SQLite is no choice: Nova's threads lock one another out.
openstack_mariadb() {
	mariadb-install-db --no-defaults --user=root --datadir="$OPENSTACK_DIR/db" --auth-root-authentication-method=normal \
		--skip-test-db >"$LAB_LOG/mariadb-install.log" 2>&1 || return 1
	openstack_run mariadb /usr/sbin/mariadbd --no-defaults --user=root --datadir="$OPENSTACK_DIR/db" \
		--socket="$OPENSTACK_DIR/run/db.sock" --skip-networking --skip-grant-tables --innodb-flush-log-at-trx-commit=0 \
		--innodb-buffer-pool-size=64M --skip-log-bin --max-connections=300 --character-set-server=utf8mb3 \
		--collation-server=utf8mb3_general_ci
	wait_for 30 mariadb --no-defaults -S "$OPENSTACK_DIR/run/db.sock" -e 'select 1'
}

openstack_rabbit() {
	local folder=$OPENSTACK_DIR/rabbit
	mkdir -p "$folder" && : >"$folder/env.conf" && echo '[].' >"$folder/plugins"
	openstack_run rabbit env HOME="$folder" RABBITMQ_NODENAME=lab@localhost RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 \
		RABBITMQ_MNESIA_BASE="$folder/mnesia" RABBITMQ_LOG_BASE="$folder/log" RABBITMQ_LOGS="$folder/log/rabbit.log" \
		RABBITMQ_ENABLED_PLUGINS_FILE="$folder/plugins" RABBITMQ_CONFIG_FILE="$folder/rabbitmq" \
		RABBITMQ_CONF_ENV_FILE="$folder/env.conf" RABBITMQ_PID_FILE="$folder/pid" ERL_EPMD_ADDRESS=127.0.0.1 \
		RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none" \
		/usr/lib/rabbitmq/bin/rabbitmq-server
}
openstack_rabbit_up() { openstack_in bash -c 'exec 3<>/dev/tcp/127.0.0.1/5672' 2>/dev/null; }

openstack_wsgi() { # NAME PORT FILE
	openstack_run "$1" env OS_KEYSTONE_CONFIG_FILES="$OPENSTACK_DIR/etc/keystone/keystone.conf" \
		OS_PLACEMENT_CONFIG_DIR="$OPENSTACK_DIR/etc/placement" /usr/bin/uwsgi_python3 --http-socket "127.0.0.1:$2" \
		--wsgi-file "$3" --master --processes 1 --threads 4 --lazy-apps --enable-threads --die-on-term --no-orphans \
		--buffer-size 65535 --listen 64 --add-header 'Connection: close' --disable-logging
}

openstack_tables() {
	local name keystone=(keystone-manage --config-file "$OPENSTACK_DIR/etc/keystone/keystone.conf")
	local nova=(nova-manage --config-file "$OPENSTACK_DIR/etc/nova/nova.conf")
	for name in keystone placement glance nova_api nova_cell0 nova_cell1; do echo "create database $name;"; done |
		mariadb --no-defaults -S "$OPENSTACK_DIR/run/db.sock" &&
		"${keystone[@]}" db_sync && "${keystone[@]}" fernet_setup --keystone-user root --keystone-group root &&
		"${keystone[@]}" credential_setup --keystone-user root --keystone-group root &&
		"${keystone[@]}" bootstrap --bootstrap-password "$OPENSTACK_PASSWORD" --bootstrap-region-id RegionOne \
			--bootstrap-public-url "$OPENSTACK_URL" --bootstrap-internal-url "$OPENSTACK_URL" --bootstrap-admin-url "$OPENSTACK_URL" &&
		placement-manage --config-dir "$OPENSTACK_DIR/etc/placement" db sync &&
		glance-manage --config-file "$OPENSTACK_DIR/etc/glance/glance-api.conf" db_sync &&
		"${nova[@]}" api_db sync && "${nova[@]}" cell_v2 map_cell0 --database_connection "$(openstack_database nova_cell0)" &&
		"${nova[@]}" cell_v2 create_cell --name cell1 && "${nova[@]}" db sync
}

# --- the administrator --------------------------------------------------------------------------

openstack_token() {
	openstack_in curl -si -m 20 --noproxy '*' "$OPENSTACK_URL/auth/tokens" -H 'Content-Type: application/json' -d "$(jq -nc \
		--arg password "$OPENSTACK_PASSWORD" '{auth: {identity: {methods: ["password"], password: {user: {name: "admin",
		domain: {id: "default"}, password: $password}}}, scope: {project: {name: "admin", domain: {id: "default"}}}}}')" |
		tr -d '\r' | sed -n 's/^X-Subject-Token: //Ip'
}
openstack_ask() { # METHOD URL [BODY]
	openstack_in curl -sS -m 60 --noproxy '*' -X "$1" -H "X-Auth-Token: $OPENSTACK_TOKEN" -H 'OpenStack-API-Version: compute 2.88' \
		${3:+-H "Content-Type: application/json" -d "$3"} "$2"
}
openstack_nova() { openstack_ask "$1" "$OPENSTACK_NOVA$2" "${3:-}"; }

openstack_catalog() {
	local entry id kind
	for entry in "compute $OPENSTACK_NOVA" "placement $OPENSTACK_PLACEMENT" "image $OPENSTACK_GLANCE" "network http://127.0.0.1:9696"; do
		id=$(openstack_ask POST "$OPENSTACK_URL/services" "{\"service\":{\"type\":\"${entry% *}\",\"name\":\"${entry% *}\"}}" | jq -r .service.id)
		for kind in public internal admin; do
			openstack_ask POST "$OPENSTACK_URL/endpoints" "{\"endpoint\":{\"interface\":\"$kind\",\"region_id\":\"RegionOne\",
				\"service_id\":\"$id\",\"url\":\"${entry#* }\"}}" >/dev/null || return 1
		done
	done
}

# A user who may use a project, and no more.
openstack_demo_user() {
	local project user role
	project=$(openstack_ask POST "$OPENSTACK_URL/projects" '{"project":{"name":"demo","domain_id":"default"}}' | jq -r .project.id)
	user=$(openstack_ask POST "$OPENSTACK_URL/users" \
		"{\"user\":{\"name\":\"demo\",\"domain_id\":\"default\",\"password\":\"$OPENSTACK_PASSWORD\"}}" | jq -r .user.id)
	role=$(openstack_ask GET "$OPENSTACK_URL/roles?name=member" | jq -r '.roles[0].id')
	openstack_ask PUT "$OPENSTACK_URL/projects/$project/users/$user/roles/$role"
}

openstack_image() {
	openstack_nova POST /flavors '{"flavor":{"name":"tiny","ram":512,"vcpus":1,"disk":1,"id":"1"}}' >/dev/null &&
		openstack_nova POST /flavors '{"flavor":{"name":"large","ram":12288,"vcpus":4,"disk":10,"id":"2"}}' >/dev/null || return 1
	OPENSTACK_IMAGE=$(openstack_ask POST "$OPENSTACK_GLANCE/v2/images" \
		'{"name":"empty","container_format":"bare","disk_format":"raw","visibility":"public"}' | jq -r .id)
	head -c 1024 /dev/zero | openstack_in curl -sS --noproxy '*' -X PUT -H "X-Auth-Token: $OPENSTACK_TOKEN" \
		-H 'Content-Type: application/octet-stream' --data-binary @- "$OPENSTACK_GLANCE/v2/images/$OPENSTACK_IMAGE/file"
}

openstack_pace() { echo "$1" >"$OPENSTACK_DIR/pace"; }

openstack_hosts_up() {
	[ "$(openstack_nova GET '/os-services?binary=nova-compute' | jq '[.services[]? | select(.state == "up")] | length')" = ${#OPENSTACK_HOSTS[@]} ] &&
		[ "$(openstack_ask GET "$OPENSTACK_PLACEMENT/resource_providers" | jq '.resource_providers | length')" = ${#OPENSTACK_HOSTS[@]} ]
}

openstack_hosts() {
	local host
	openstack_pace 2
	for host in "${OPENSTACK_HOSTS[@]}"; do
		openstack_run "compute-$host" env LAB_MIGRATE_FILE="$OPENSTACK_DIR/pace" $PYTHON "$OPENSTACK_CODE/nova_compute.py" \
			--config-file "$OPENSTACK_DIR/etc/nova/nova.conf" --config-file "$OPENSTACK_DIR/etc/nova/$host.conf"
	done
	wait_for 120 openstack_hosts_up &&
		openstack_in nova-manage --config-file "$OPENSTACK_DIR/etc/nova/nova.conf" cell_v2 discover_hosts >>"$LAB_LOG/tables.log" 2>&1
}

openstack_start() { # NAMESPACE HOST...
	local path nova=(--config-file "$OPENSTACK_DIR/etc/nova/nova.conf")
	OPENSTACK_SPACE=$1
	shift
	OPENSTACK_HOSTS=("$@")
	for path in /usr/bin/keystone-wsgi-public /usr/bin/placement-api /usr/bin/glance-api /usr/bin/nova-api /usr/bin/nova-conductor \
		/usr/sbin/mariadbd /usr/lib/rabbitmq/bin/rabbitmq-server /usr/bin/uwsgi_python3 /usr/bin/jq; do
		[ -x "$path" ] || lab_die "no $path: sudo ./quickstart packages check-openstack"
	done
	mkdir -p "$OPENSTACK_DIR"/{db,run,state,lock} && chmod 700 "$OPENSTACK_DIR" || return 1
	openstack_configure_keystone && openstack_configure_placement && openstack_configure_glance && openstack_configure_nova || return 1
	openstack_rabbit
	openstack_mariadb && openstack_tables >"$LAB_LOG/tables.log" 2>&1 && wait_for 60 openstack_rabbit_up || return 1
	openstack_wsgi keystone 5000 /usr/bin/keystone-wsgi-public
	wait_for 60 openstack_answers "$OPENSTACK_URL" && OPENSTACK_TOKEN=$(openstack_token) && [ -n "$OPENSTACK_TOKEN" ] &&
		openstack_catalog && openstack_demo_user || return 1
	openstack_run networks $PYTHON "$OPENSTACK_CODE/no_networks.py" 9696
	openstack_wsgi placement 8778 /usr/bin/placement-api
	openstack_run glance glance-api --config-file "$OPENSTACK_DIR/etc/glance/glance-api.conf"
	openstack_run conductor nova-conductor "${nova[@]}"
	openstack_run scheduler nova-scheduler "${nova[@]}"
	openstack_run nova-api nova-api "${nova[@]}"
	wait_for 90 openstack_answers "$OPENSTACK_PLACEMENT" && wait_for 90 openstack_answers "$OPENSTACK_GLANCE" &&
		wait_for 90 openstack_answers "$OPENSTACK_NOVA" && openstack_image && openstack_hosts
}

# --- servers ------------------------------------------------------------------------------------

openstack_id() { openstack_nova GET "/servers?name=%5E$1%24" | jq -r '.servers[0].id'; }
openstack_field() { openstack_nova GET "/servers/$(openstack_id "$1")" | jq -r ".server$2"; }
openstack_host() { openstack_field "$1" '["OS-EXT-SRV-ATTR:host"]'; }
openstack_is() { [ "$(openstack_field "$1" .status)" = "$2" ]; }
openstack_boot() { # NAME HOST [FLAVOR]
	openstack_nova POST /servers "$(jq -nc --arg name "$1" --arg host "$2" --arg image "$OPENSTACK_IMAGE" \
		--arg flavor "$([ "${3:-tiny}" = large ] && echo 2 || echo 1)" \
		'{server: {name: $name, imageRef: $image, flavorRef: $flavor, networks: "none", host: $host}}')" >/dev/null &&
		wait_for 60 openstack_is "$1" ACTIVE
}
openstack_migrations() {
	openstack_nova GET "/os-migrations?instance_uuid=$(openstack_id "$1")" | jq '[.migrations[] | select(.migration_type == "live-migration")] | length'
}
