# SPDX-License-Identifier: GPL-3.0-or-later
# A cloud's API by hand, and the loop of traffic, recommendation, migration and effect, for labs of two VMs, web and
# client, on the hosts of topology.sh. The lab moves a VM's cable when, and only when, the API says that it is on
# another host. Before use the lab sets CLOUD (the name of its section), writes good.conf in $LAB_DIR (that section),
# and defines
#   api_host VM    the API's name of the host where it is; nothing when the API does not say
#   api_orders     how many moves the API was ever given
# and API_HOST, from names of the API's hosts to those of the topology's.
GRAPPE=$(program grappe) || exit 1
declare -A API_HOST

# try NAME ARGS... - what "grappe cloud $CLOUD ARGS" says, by the configuration NAME, in $LAB_DIR/said.
try() {
	local name=$1
	shift
	in_ns mon "$GRAPPE" cloud --config "$LAB_DIR/$name.conf" "$CLOUD" "$@" >"$LAB_DIR/said" 2>&1
}

# refused WHAT CONFIGURATION PATTERN ARGS... - it fails, says why, and the API was given no move.
refused() {
	local what=$1 name=$2 pattern=$3 before
	shift 3
	before=$(api_orders)
	if try "$name" "$@"; then fail "$what" "it succeeded: $(cat "$LAB_DIR/said")"; return; fi
	check "$what" grep -q -- "$pattern" "$LAB_DIR/said" || cat "$LAB_DIR/said"
	[ "$(api_orders)" = "$before" ] || fail "$what: nothing is ordered"
}

start_traffic() { # SERVER CLIENT Mbit
	start_in "$1" "iperf3-$1" iperf3 -s --forceflush && wait_log "iperf3-$1" listening 10 &&
		start_in "$2" "iperf3-$2" iperf3 -c "${VM_ADDRESS[$1]}" -b "$3M" -t 3600 -i 0
}

# configure HOST-A HOST-B - a manager that may execute; the API's names of the two hosts.
configure() {
	{
		cat "$LAB_DIR/good.conf"
		echo 'mode = execute'
		echo "stop_file = \"$LAB_DIR/stop\""
		echo 'effect_window = 15s'
	} | configure_manager 15 || return 1
	jq --arg api "$CLOUD" --arg a "$1" --arg b "$2" '.environments |= map(.api = $api) |
		.environments[0].hosts[0].api_name = $a | .environments[1].hosts[0].api_name = $b' \
		"$LAB_DIR/environments.json" >"$LAB_DIR/sites.json" && mv "$LAB_DIR/sites.json" "$LAB_DIR/environments.json"
}

# obey - the cables follow what the API tells, and nothing else.
obey() {
	local name host
	for name in web client; do
		host=$(api_host "$name")
		host=${host:+${API_HOST[$host]:-}}
		[ -z "$host" ] || [ "$host" = "${VM_HOST[$name]}" ] || { topology_move "$name" "$host" && echo "$name is on $host now"; }
	done
}

history() { in_ns mon "$GRAPPE" history --socket "$LAB_DIR/manager.sock"; }
history_has() { obey >>"$LAB_LOG/moves.log"; history | grep -q -- "$1"; }
manager_status() { in_ns mon "$GRAPPE" status --socket "$LAB_DIR/manager.sock" --format json; }
effect() { manager_status | jq -r ".execution.effects[-1] | $1"; }

# check_nothing_moved - no cable, and no effect is shown.
check_nothing_moved() {
	check_equal "  no cable was moved" "hostA hostB" "${VM_HOST[web]} ${VM_HOST[client]}"
	check_equal "  and no effect is shown" 0 "$(manager_status | jq '.execution.effects | length')"
}

# check_loop - from the order to the effect of the only move.
check_loop() {
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
	check_equal "  what is left is below 2 % of it" true \
		"$(effect ".inter_environment_octets_per_s | .after * 50 < .before")"
	check_equal "  it was silent for two periods at most" true "$(effect ".moves[0].silence.periods <= 2")"
	check_equal "  no pair fell silent" "[]" "$(effect '.moves[0].fell_silent | tostring')"
	check_equal "  it was the manager's move" true "$(effect .ours)"
	wait_until "$(next_boundary 3)"
	check_equal "and nothing more is recommended" 1 "$(history | grep -c ' created ')"
}
