# SPDX-License-Identifier: GPL-3.0-or-later
# Common ground of the lab tests: checks that count themselves, daemons that are tracked by process
# id, network namespaces with bridges and "VMs", waiting without blind sleeps, and a clean-up that
# also runs on Ctrl-C. Lab tests are bash scripts that need root:
#
#     . "$(dirname "$0")/lib.sh"
#     lab_begin example                        # work folder, traps; everything is named after it
#     ns_add host                              # a namespace; its full name is $(ns host)
#     start_snmpd snmpd host 127.0.0.1:1161
#     start_in host agent "$(program grappe-agent)" --config "$LAB_DIR/agent.conf"
#     wait_ready agent || exit 1
#     check "the agent answers" in_ns host snmpget -v2c -c public 127.0.0.1:1161 sysUpTime.0
#     finish                                   # prints "N passed, N failed", exits 1 on failure
#
# GRAPPE_BUILD is the folder where the programs were built (default: the current directory).
# LAB_KEEP=1 keeps the logs also when everything passed.

# shellcheck disable=SC2034  # for the scripts that read this file
LAB_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
GRAPPE_BUILD=${GRAPPE_BUILD:-$PWD}
LAB_PASSED=0
LAB_FAILED=0
LAB_DIR=
LAB_PREFIX=
LAB_QUIET=${LAB_QUIET:-}
declare -A LAB_PIDS=()
LAB_NAMESPACES=()
export LC_ALL=C

# lab_begin NAME [PREFIX] - makes $LAB_DIR and the traps. PREFIX (default: from NAME and the process
# id, so that runs never collide) begins the name of every namespace.
lab_begin() {
	local name=$1
	[ "$(id -u)" = 0 ] || lab_die "$name makes network namespaces: run it as root"
	LAB_PREFIX=${2:-g-$name-$$-}
	LAB_DIR=${LAB_DIR:-$(mktemp -d "${TMPDIR:-/tmp}/grappe-$name.XXXXXX")} || exit 1
	LAB_LOG=$LAB_DIR/log
	mkdir -p "$LAB_LOG" || exit 1
	trap lab_cleanup EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

lab_die() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

say() { [ -n "$LAB_QUIET" ] || echo "$*"; }

# --- checks -------------------------------------------------------------------------------------

pass() {
	LAB_PASSED=$((LAB_PASSED + 1))
	echo "ok    $1"
}

# fail NAME [WHY] - never stops the script: further checks may say more.
fail() {
	LAB_FAILED=$((LAB_FAILED + 1))
	echo "FAIL  $1${2:+: $2}"
	return 0
}

# check NAME CMD... - passes when CMD succeeds; its output is shown only when it fails.
check() {
	local name=$1
	shift
	if "$@" >"$LAB_DIR/check.output" 2>&1; then
		pass "$name"
	else
		fail "$name" "$* gave $?"
		tail -n 20 "$LAB_DIR/check.output" | sed 's/^/        /'
	fi
}

# check_equal NAME WANTED GOT
check_equal() {
	if [ "$2" = "$3" ]; then pass "$1 ($3)"; else fail "$1" "wanted $2, got $3"; fi
}

# check_near NAME WANTED GOT PERCENT
check_near() {
	if awk -v a="$2" -v b="$3" -v p="$4" \
		'BEGIN { d = a - b; if (d < 0) d = -d; exit !(b ~ /^[0-9.e+]+$/ && d <= a * p / 100) }'; then
		pass "$1 (wanted $2, got $3)"
	else
		fail "$1" "wanted $2 within $4 %, got $3"
	fi
}

# finish - the last line of every lab script.
finish() {
	[ $((LAB_PASSED + LAB_FAILED)) -gt 0 ] || fail "at least one check ran"
	echo "$LAB_PASSED passed, $LAB_FAILED failed"
	[ "$LAB_FAILED" = 0 ]
	exit
}

# --- waiting ------------------------------------------------------------------------------------

# wait_for SECONDS CMD... - tries CMD every 100 ms; 0 as soon as it succeeds, 1 after SECONDS.
wait_for() {
	local until=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt "$until" ] || return 1
		sleep 0.1
	done
}

# wait_log NAME PATTERN [SECONDS] - until the log of NAME has a line with PATTERN; gives up at once
# when the program has ended, and shows why.
wait_log() {
	local name=$1 pattern=$2 seconds=${3:-20}
	local until=$((${EPOCHREALTIME/./} + seconds * 1000000))
	until grep -q -- "$pattern" "$LAB_LOG/$name.log" 2>/dev/null; do
		if ! running "$name" || [ "${EPOCHREALTIME/./}" -ge "$until" ]; then
			echo "$name did not say \"$pattern\" within $seconds s; its log ends with:" >&2
			tail -n 8 "$LAB_LOG/$name.log" 2>/dev/null | sed 's/^/    /' >&2
			return 1
		fi
		sleep 0.1
	done
}

# wait_ready NAME [SECONDS] - until the daemon serves.
wait_ready() { wait_log "$1" READY "${2:-20}"; }

# wait_until EPOCH - until the wall clock is past EPOCH (seconds, may have a fraction).
wait_until() {
	local rest
	rest=$(awk -v t="$1" -v n="$EPOCHREALTIME" 'BEGIN { d = t - n; print (d > 0 ? d : 0) }')
	sleep "$rest" &
	wait $!
}

# run_waiting CMD... - runs CMD so that a signal to this script interrupts it at once.
run_waiting() {
	"$@" &
	LAB_PIDS[foreground]=$!
	wait "${LAB_PIDS[foreground]}"
	local status=$?
	unset 'LAB_PIDS[foreground]'
	return $status
}

# --- programs -----------------------------------------------------------------------------------

# program NAME - path of a program of the build tree.
program() {
	local folder
	for folder in . agent-module collector manager nagios rrd; do
		if [ -x "$GRAPPE_BUILD/$folder/$1" ]; then
			readlink -f "$GRAPPE_BUILD/$folder/$1"
			return
		fi
	done
	echo "$1 is not built below $GRAPPE_BUILD" >&2
	return 1
}

# start NAME CMD... - in the background, output in $LAB_LOG/NAME.log (an older one becomes .log.1).
# A lock that a script holds on descriptor 9 does not pass on.
start() {
	local name=$1
	shift
	[ ! -e "$LAB_LOG/$name.log" ] || mv "$LAB_LOG/$name.log" "$LAB_LOG/$name.log.1"
	"$@" >"$LAB_LOG/$name.log" 2>&1 </dev/null 9>&- &
	LAB_PIDS[$name]=$!
}

# start_in NAMESPACE NAME CMD...
start_in() {
	local space=$1 name=$2
	shift 2
	start "$name" ip netns exec "$(ns "$space")" "$@"
}

running() { [ -n "${LAB_PIDS[$1]:-}" ] && ! lab_gone "${LAB_PIDS[$1]}"; }

# signal NAME SIGNAL
signal() { kill -s "$2" "${LAB_PIDS[$1]:?$1 was not started}"; }

# stop NAME [SIGNAL] - ends it (default TERM; KILL after 10 s) and gives its exit status.
stop() {
	local name=$1 pid=${LAB_PIDS[$1]:-} status
	[ -n "$pid" ] || return 0
	kill -s "${2:-TERM}" "$pid" 2>/dev/null
	wait_for 10 lab_gone "$pid" || kill -s KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	status=$?
	unset "LAB_PIDS[$name]"
	return $status
}

# lab_gone PID - no such process, or a zombie that only waits to be collected.
lab_gone() { ! kill -0 "$1" 2>/dev/null || [ "$(cut -d' ' -f3 "/proc/$1/stat" 2>/dev/null)" = Z ]; }

# start_snmpd NAME NAMESPACE ADDRESS:PORT - an snmpd of its own: own configuration and state, AgentX
# on $LAB_DIR/NAME.agentx, community "public" may read everything. NAMESPACE "-": the machine's own.
# LAB_SNMPD_CONF may hold further configuration lines.
start_snmpd() {
	local name=$1 space=$2 address=$3 folder=$LAB_DIR/$1.d
	mkdir -p "$folder" || return 1
	cat >"$folder/snmpd.conf" <<-END
		agentaddress udp:$address
		rocommunity public
		sysName $name
		master agentx
		agentXSocket unix:$LAB_DIR/$name.agentx
		${LAB_SNMPD_CONF:-}
	END
	set -- env SNMP_PERSISTENT_DIR="$folder" MIBS= "$(snmpd_path)" -f -r -C \
		-c "$folder/snmpd.conf" -Lo -I -smux
	if [ "$space" = - ]; then start "$name" "$@"; else start_in "$space" "$name" "$@"; fi
	wait_log "$name" "NET-SNMP version" 15
}

snmpd_path() { command -v snmpd || echo /usr/sbin/snmpd; }

# --- namespaces ---------------------------------------------------------------------------------

# ns NAME - full name of a namespace of this run.
ns() { echo "$LAB_PREFIX$1"; }

# in_ns NAME CMD...
in_ns() {
	local space=$1
	shift
	ip netns exec "$(ns "$space")" "$@"
}

# ip_in NAME ARGS... - "ip ARGS" in a namespace.
ip_in() {
	local space=$1
	shift
	ip -n "$(ns "$space")" "$@"
}

# ns_add NAME... - with loopback up and IPv6 off (IPv6 announcements would blur exact counts);
# LAB_IPV6=1 leaves it on.
ns_add() {
	local name
	for name in "$@"; do
		ip netns add "$(ns "$name")" || return 1
		LAB_NAMESPACES+=("$name")
		# shellcheck disable=SC2016
		[ -n "${LAB_IPV6:-}" ] || in_ns "$name" sh -c \
			'for w in all default; do echo 1 >/proc/sys/net/ipv6/conf/$w/disable_ipv6; done' 2>/dev/null
		ip_in "$name" link set dev lo up || return 1
	done
}

ns_del() {
	local pid
	for pid in $(ip netns pids "$(ns "$1")" 2>/dev/null); do kill -s KILL "$pid" 2>/dev/null; done
	ip netns del "$(ns "$1")" 2>/dev/null
}

# bridge_add NAMESPACE BRIDGE
bridge_add() {
	ip_in "$1" link add dev "$2" type bridge stp_state 0 forward_delay 0 mcast_snooping 0 &&
		ip_in "$1" link set dev "$2" up
}

# link_add NAMESPACE1 DEVICE1 NAMESPACE2 DEVICE2 - a cable between two namespaces, both ends up.
link_add() {
	ip_in "$1" link add dev "$2" type veth peer name "$4" netns "$(ns "$3")" &&
		ip_in "$1" link set dev "$2" up && ip_in "$3" link set dev "$4" up
}

# port_add NAMESPACE DEVICE BRIDGE
port_add() { ip_in "$1" link set dev "$2" master "$3"; }

# vm_add NAME HOST BRIDGE PORT MAC ADDRESS/LENGTH... - a namespace that plays a VM: its eth0 is the
# other end of PORT on the host's bridge. LAB_OFFLOAD=off makes frames as they are on a wire (no
# super-frames); by default the kernel does as it does with real VMs. LAB_MTU: of both ends.
vm_add() {
	local name=$1 host=$2 port=$4
	ns_add "$name" &&
		ip_in "$host" link add dev "$port" type veth peer name eth0 netns "$(ns "$name")" || return 1
	if [ "${LAB_OFFLOAD:-on}" = off ]; then
		in_ns "$name" ethtool -K eth0 tso off gso off gro off tx off sg off >/dev/null 2>&1 &&
			in_ns "$host" ethtool -K "$port" tso off gso off gro off tx off sg off \
				>/dev/null 2>&1 || return 1
	fi
	vm_connect "$@"
}

# tap_vm_add NAME HOST BRIDGE PORT MAC ADDRESS/LENGTH... - the same with PORT on the tun driver, as a
# hypervisor makes it: tests/lab/tap_guest relays between PORT and the guest's eth0, and both are gone
# after "stop tap-NAME". LAB_LOSE=N: the guest loses every Nth frame that the host delivered.
tap_vm_add() {
	local name=$1 host=$2 port=$4
	ns_add "$name" && start "tap-$name" "$GRAPPE_BUILD/tests/lab/tap_guest" \
		--offload "${LAB_OFFLOAD:-on}" ${LAB_LOSE:+--lose "$LAB_LOSE"} \
		"/run/netns/$(ns "$host")" "$port" "/run/netns/$(ns "$name")" eth0 &&
		wait_ready "tap-$name" && vm_connect "$@"
}

# vm_connect NAME HOST BRIDGE PORT MAC ADDRESS/LENGTH... - what both kinds of VM have in common.
vm_connect() {
	local name=$1 host=$2 bridge=$3 port=$4 mac=$5 address nodad
	shift 5
	ip_in "$name" link set dev eth0 address "$mac" || return 1
	if [ -n "${LAB_MTU:-}" ]; then
		ip_in "$name" link set dev eth0 mtu "$LAB_MTU" &&
			ip_in "$host" link set dev "$port" mtu "$LAB_MTU" || return 1
	fi
	[ -z "${LAB_IPV6:-}" ] || ip_in "$name" link set dev eth0 addrgenmode none || return 1
	for address in "$@"; do
		case $address in *:*) nodad=nodad ;; *) nodad="brd +" ;; esac
		# shellcheck disable=SC2086
		ip_in "$name" addr add "$address" dev eth0 $nodad || return 1
	done
	port_add "$host" "$port" "$bridge" && ip_in "$host" link set dev "$port" up &&
		ip_in "$name" link set dev eth0 up
}

# vm_move PORT FROM TO BRIDGE - "live migration": the host's end of the cable goes to another host.
vm_move() {
	local port=$1 from=$2 to=$3 bridge=$4
	ip_in "$from" link set dev "$port" netns "$(ns "$to")" && port_add "$to" "$port" "$bridge" &&
		ip_in "$to" link set dev "$port" up
}

# vm_announce NAME UNUSED-ADDRESS - makes the VM broadcast an ARP request, as a hypervisor does after
# a migration, so that every bridge learns where it is now.
vm_announce() {
	# shellcheck disable=SC2016
	in_ns "$1" bash -c 'echo >"/dev/udp/$1/9"' bash "$2" 2>/dev/null
}

# port_counter NAMESPACE DEVICE COUNTER - e.g. tx_packets: what the host delivered to the VM.
port_counter() { in_ns "$1" cat "/sys/class/net/$2/statistics/$3"; }

# at_rest - all that happened so far is counted, and nothing was delivered meanwhile (a neighbour probe may come late).
# Sets DELIVERED and COUNTED by the script's own delivered_all, settled and all_counted.
at_rest() {
	local try
	for try in 1 2 3 4 5; do
		DELIVERED=$(delivered_all)
		settled
		COUNTED=$(all_counted)
		[ "$(delivered_all)" = "$DELIVERED" ] && return
	done
	fail "the VMs come to rest"
}

# --- the end ------------------------------------------------------------------------------------

lab_cleanup() {
	local status=$? name pid
	trap - EXIT
	trap '' INT TERM HUP
	for pid in "${LAB_PIDS[@]}"; do
		kill -s TERM "$pid" 2>/dev/null
		kill -s CONT "$pid" 2>/dev/null
	done
	for pid in "${LAB_PIDS[@]}"; do
		wait_for 5 lab_gone "$pid" || kill -s KILL "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	for name in "${LAB_NAMESPACES[@]}"; do ns_del "$name"; done
	[ -z "$(type -t lab_cleanup_more)" ] || lab_cleanup_more
	if [ "$LAB_FAILED" != 0 ] || [ "$status" -gt 0 ] && [ "$status" -lt 128 ] ||
		[ -n "${LAB_KEEP:-}" ]; then
		echo "logs: $LAB_LOG" >&2
	else
		rm -rf "$LAB_DIR"
	fi
	exit "$status"
}
