# SPDX-License-Identifier: GPL-3.0-or-later
# Two hosts at two sites and a whole Grappe on them; read after lib.sh.
#
#       hostA (site-1)                          hostB (site-2)
#     br0: VM ports, wan0 ---- wan (br0) ---- wan0, VM ports :br0
#     mgt0 10.99.0.11 -------- mon (br0) -------- mgt0 10.99.0.12
#
# The sites are bridged, so that a VM keeps its address when it moves. snmpd, grappe-agent and
# grappe-capture run in the hosts' namespaces; grappe-collector and grappe-manager in "mon", which
# reaches the hosts over a network of its own that nothing watches.
#
# TOPOLOGY_PERIOD is the length of a period in seconds (default 5, by the test switch); CAPTURE_MORE and
# AGENT_MORE are further lines of configuration. With TOPOLOGY_LINE="DELAY-MS MBIT" a slow line joins the sites.
# TOPOLOGY_ROOM is how many VMs the manager may place on a host (default 7).

TOPOLOGY_PERIOD=${TOPOLOGY_PERIOD:-5}
TOPOLOGY_ROOM=${TOPOLOGY_ROOM:-7}
declare -A TOPOLOGY_MANAGEMENT=([hostA]=10.99.0.11 [hostB]=10.99.0.12)
declare -A TOPOLOGY_SITE=([hostA]=site-1 [hostB]=site-2)
declare -A VM_HOST=() VM_MAC=() VM_ADDRESS=() VM_PORT=()
declare -A VM_APPLICATION=()
TOPOLOGY_VMS=()

topology_up() {
	local host
	ns_add hostA hostB wan mon || return 1
	for host in hostA hostB mon; do bridge_add "$host" br0 || return 1; done
	ip_in mon addr add 10.99.0.1/24 dev br0
	for host in hostA hostB; do
		link_add "$host" wan0 wan "$host" && port_add "$host" wan0 br0 &&
			link_add "$host" mgt0 mon "$host" && port_add mon "$host" br0 &&
			ip_in "$host" addr add "${TOPOLOGY_MANAGEMENT[$host]}/24" dev mgt0 || return 1
		mkdir -p "$LAB_DIR/$host"
	done
	if [ -n "${TOPOLOGY_LINE:-}" ]; then topology_slow_line; else topology_fast_line; fi
}

topology_fast_line() { bridge_add wan br0 && port_add wan hostA br0 && port_add wan hostB br0; }

# The relay moves frames as they are on a wire: nobody next to it may make longer ones.
topology_slow_line() {
	local end
	for end in hostA/wan0 wan/hostA hostB/wan0 wan/hostB; do
		in_ns "${end%/*}" ethtool -K "${end#*/}" tso off gso off gro off tx off >/dev/null 2>&1 || return 1
	done
	# shellcheck disable=SC2086
	start_in wan relay "$GRAPPE_BUILD/tests/lab/wan_relay" hostA hostB $TOPOLOGY_LINE
	wait_ready relay
}

# topology_vm NAME HOST NUMBER - VM with MAC 02:00:00:00:00:NN and address 10.77.0.NN.
topology_vm() {
	local name=$1 host=$2 number=$3
	VM_HOST[$name]=$host
	VM_MAC[$name]=$(printf '02:00:00:00:00:%02x' "$number")
	VM_ADDRESS[$name]=10.77.0.$number
	VM_PORT[$name]=tap$number
	TOPOLOGY_VMS+=("$name")
	vm_add "$name" "$host" br0 "tap$number" "${VM_MAC[$name]}" "10.77.0.$number/24"
}

# topology_move VM HOST
topology_move() {
	local name=$1 to=$2
	vm_move "${VM_PORT[$name]}" "${VM_HOST[$name]}" "$to" br0 && VM_HOST[$name]=$to &&
		vm_announce "$name" 10.77.0.250
}

# --- configuration ------------------------------------------------------------------------------

# The test switch is written only where it is needed.
topology_period_lines() {
	echo "period = ${TOPOLOGY_PERIOD}s"
	[ "$TOPOLOGY_PERIOD" -ge 30 ] || echo "allow_short_periods = yes"
}

configure_capture() { # HOST
	local name
	{
		topology_period_lines
		echo "periods_directory = \"$LAB_DIR/$1/periods\""
		echo 'bridge "br0" { exclude = {"wan*"} }'
		echo "${CAPTURE_MORE:-}"
		for name in "${TOPOLOGY_VMS[@]}"; do
			echo "vm \"$name\" { mac = {\"${VM_MAC[$name]}\"} vcpu = 1 memory = 512MiB" \
				"application = \"${VM_APPLICATION[$name]:-}\" }"
		done
	} >"$LAB_DIR/$1/capture.conf"
}

configure_agent() { # HOST
	cat >"$LAB_DIR/$1/agent.conf" <<-END
		agentx_socket = "$LAB_DIR/snmpd-$1.agentx"
		periods_directory = "$LAB_DIR/$1/periods"
		state_directory = "$LAB_DIR/$1/agent"
		${AGENT_MORE:-}
	END
}

configure_collector() {
	local host
	{
		topology_period_lines
		echo "socket = \"$LAB_DIR/collector.sock\""
		echo "archive_directory = \"$LAB_DIR/rrd\""
		echo "state_directory = \"$LAB_DIR/collector\""
		for host in hostA hostB; do
			echo "agent \"$host\" { address = \"${TOPOLOGY_MANAGEMENT[$host]}:161\" community = \"public\"" \
				"host = \"$host\" environment = \"${TOPOLOGY_SITE[$host]}\" }"
		done
	} >"$LAB_DIR/collector.conf"
}

# --- daemons ------------------------------------------------------------------------------------

# The hosts' name space is also their host name, as the agents would see it on real hosts.
start_capture() { start_in "$1" "capture-$1" "$(program grappe-capture)" -v --config "$LAB_DIR/$1/capture.conf"; }
start_agent() { start_in "$1" "agent-$1" "$(program grappe-agent)" --config "$LAB_DIR/$1/agent.conf"; }
start_host_snmpd() { start_snmpd "snmpd-$1" "$1" "${TOPOLOGY_MANAGEMENT[$1]}:161"; }
start_collector() { start_in mon collector "$(program grappe-collector)" --config "$LAB_DIR/collector.conf"; }

# start_sensors - snmpd, agent and capture on both hosts, until they serve.
start_sensors() {
	local host
	for host in hostA hostB; do
		configure_capture "$host"
		configure_agent "$host"
		start_host_snmpd "$host" || return 1
		start_capture "$host"
		start_agent "$host"
	done
	for host in hostA hostB; do
		wait_ready "capture-$host" && wait_ready "agent-$host" || return 1
	done
}

start_the_collector() {
	configure_collector
	start_collector
	wait_ready collector
}

# query ARGS... - grappe-query on this collector.
query() { "$(program grappe-query)" --socket "$LAB_DIR/collector.sock" "$@"; }

# next_boundary [N] - epoch of the Nth (default first) end of a period that is still to come.
next_boundary() {
	local now=${EPOCHSECONDS}
	echo $((now - now % TOPOLOGY_PERIOD + ${1:-1} * TOPOLOGY_PERIOD))
}

# configure_manager WINDOW - a window of so many seconds; the sites are joined by TOPOLOGY_LINE, or by
# 5 ms and 480 Mbit/s when it is not set. More lines (webhooks) come from standard input.
configure_manager() {
	local delay rate
	read -r delay rate <<<"${TOPOLOGY_LINE:-5 480}"
	jq -n --argjson delay "$delay" --argjson rate "$rate" --argjson room "$TOPOLOGY_ROOM" '
		def site($name; $host): {name: $name, kind: "site",
			hosts: [{name: $host, vcpu: ($room + 1), mem_GiB: 8, max_vms: $room}]};
		def link($from; $to): {from: $from, to: $to, latency_ms: $delay, bandwidth_MBps: ($rate / 8)};
		{version: 1,
		 environments: [site("site-1"; "hostA"), site("site-2"; "hostB")],
		 links: [link("site-1"; "site-2"), link("site-2"; "site-1")]}' \
		>"$LAB_DIR/environments.json" || return 1
	{
		echo "collector_socket = \"$LAB_DIR/collector.sock\""
		echo "socket = \"$LAB_DIR/manager.sock\""
		echo "state_directory = \"$LAB_DIR/manager\""
		echo "environments = \"$LAB_DIR/environments.json\""
		echo "window = $1s"
		cat
	} >"$LAB_DIR/manager.conf"
}

start_manager() {
	start_in mon manager "$(program grappe-manager)" --config "$LAB_DIR/manager.conf"
	wait_ready manager
}

# --- answers ------------------------------------------------------------------------------------

# matrix FROM TO - the mean of a window as lines "receiver sender packets octets" (per second, names in
# place of ids), for the pairs of known VMs.
matrix() {
	query matrix --from "$1" --to "$2" --kind detail --wait $((2 * TOPOLOGY_PERIOD))s --format csv \
		>"$LAB_DIR/matrix.csv" || return 1
	awk -F, -v seconds="$(($2 - $1))" '
		NR > 1 && $5 != "-" && $4 != "-" { packets[$8 " " $9] += $5; octets[$8 " " $9] += $6 }
		END { for (pair in packets) printf "%s %.1f %.1f\n", pair, packets[pair] / seconds, octets[pair] / seconds }' \
		"$LAB_DIR/matrix.csv"
}
