#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Counts are packets on the wire wherever the VMs sit (S-8): bulk TCP between VMs on taps of the tun driver and on
# veths, with and without offloads, MTU 1500 and 1450, IPv4 and IPv6, with losses and in both directions at once, is
# compared with what the sender's own TCP says it sent (TcpOutSegs + TcpRetransSegs) and with the octets of its IP.
# The VMs send nothing else: their neighbours are static, they have no link-local addresses, and every pair of VMs
# carries one connection test only, so that its counters are that test's.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

PERIOD=5
BACKENDS=${WIRE_BACKENDS:-bpf pcap}
AMOUNT=${WIRE_AMOUNT:-40M}
SHORT_AMOUNT=4M
lab_begin wire "gw-$$-"
periods=$LAB_DIR/periods
backend=

# What the sensor may be off: bpf nothing, pcap 0.1 %; and how a period names them.
declare -A TOLERANCE=([pcap]=0.1 [bpf]=0) NUMBER=([pcap]=1 [bpf]=2)

# --- what the sensor counted ----------------------------------------------------------------------

dump() { "$GRAPPE_BUILD/tests/lab/period_dump" "$LAB_DIR/periods${1:-}/"[0-9]*; }

id() { printf 'mac-0200000000%02x' "$1"; }

# counted RECEIVER PEER 6|7 [HOST] - packets (6) or octets (7) over all periods.
counted() {
	dump "${4:-}" | awk -v id="$(id "$1")" -v peer="$2" -v field="$3" \
		'$1 == "row" && $3 == id && $4 == "received" && $5 == peer { s += $field } END { printf "%.0f\n", s }'
}

# header FIELD - of all periods' headers.
header() { dump | awk -v field="$1" '$1 == "period" { s += $field } END { printf "%.0f\n", s }'; }

flagged() { dump | awk '$1 == "period" && int($3 / 8) % 2 { n++ } END { print n + 0 }'; }

write_config() { # HOST
	cat >"$LAB_DIR/capture$1.conf" <<-END
		period = ${PERIOD}s
		allow_short_periods = yes
		periods_directory = "$periods$1"
		periods_kept = 500
		bridge "br0" { exclude = {"up*"} }
		capture = $backend
		buffer_total = 256MiB
	END
}

start_capture() { # [HOST]
	rm -rf "$periods${1:-}"
	write_config "${1:-}"
	start_in "host${1:-}" "capture${1:-}" "$(program grappe-capture)" -v --config "$LAB_DIR/capture${1:-}.conf"
	wait_ready "capture${1:-}" || lab_die "grappe-capture does not start: $LAB_LOG"
}

next_boundary() { echo $((EPOCHSECONDS - EPOCHSECONDS % PERIOD + PERIOD)); }
published() { [ -e "$periods${2:-}/$1" ]; }

settled() { # [HOST]
	local end
	end=$(next_boundary)
	wait_for $((PERIOD + 5)) published "$end" "${1:-}" || fail "period $end is published"
}

# --- VMs ------------------------------------------------------------------------------------------

# VM n is 10.9.0.n and fd00::n.
four() { echo "10.9.0.$1"; }
six() { printf 'fd00::%x' "$1"; }
address() { if [ "$2" = 4 ]; then four "$1"; else six "$1"; fi; }
mac() { printf '02:00:00:00:00:%02x' "$1"; }

add_vm() { # tap|veth NUMBER [HOST]
	local add=vm_add
	[ "$1" = veth ] || add=tap_vm_add
	LAB_IPV6=1 $add "vm$2" "host${3:-}" br0 "port$2" "$(mac "$2")" "$(four "$2")/24" "$(six "$2")/64" ||
		lab_die "no VM $2"
	# shellcheck disable=SC2016
	in_ns "vm$2" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/eth0/router_solicitations'
}

acquaint() { # VM VM
	local a b
	for a in "$1 $2" "$2 $1"; do
		b=${a#* } a=${a% *}
		ip_in "vm$a" neigh replace "$(four "$b")" lladdr "$(mac "$b")" dev eth0 nud permanent &&
			ip_in "vm$a" neigh replace "$(six "$b")" lladdr "$(mac "$b")" dev eth0 nud permanent || return 1
		# one broadcast, which is in no pair, shows the bridge and the sensor where the VM is
		in_ns "vm$a" ping -q -c 1 -W 0.01 -b 10.9.0.255 >/dev/null 2>&1
	done
	return 0
}

known() { wait_log "capture${2:-}" "watching .*$(id "$1").* on port$1" 10 || fail "VM $1 is found"; }

# counters VM - its own statistics, as "NAME=VALUE NAME=VALUE …".
counters() {
	in_ns "vm$1" nstat -asz TcpOutSegs TcpRetransSegs TcpExtTCPRetransFail TcpExtTCPSynRetrans IpOutRequests \
		IpExtOutOctets Ip6OutRequests Ip6OutOctets Icmp6OutMsgs IcmpOutMsgs UdpOutDatagrams | awk '!/^#/ { print $1, $2 }'
}

# since BEFORE AFTER NAME... - sum of the named counters' growth.
since() {
	local before=$1 after=$2
	shift 2
	awk -v names="$*" 'BEGIN { n = split(names, f, " "); for (i = 1; i <= n; i++) w[f[i]] = 1 }
		$1 in w { s += (FILENAME == ARGV[2] ? $2 : -$2) } END { printf "%.0f\n", s }' "$before" "$after"
}

# lost VM - frames that were lost before the host's sensor could see them: of the VM's own NIC, and of its port.
lost() { echo $(($(port_counter "vm$1" eth0 tx_dropped) + $(port_counter "${2:-host}" "port$1" rx_dropped))); }

# --- one transfer ---------------------------------------------------------------------------------

# transfer NAME FROM TO 4|6 AMOUNT OPTIONS... - bulk TCP; leaves NAME.{from,to}.{before,after} in $LAB_DIR.
transfer() {
	local name=$1 from=$2 to=$3 family=$4 amount=$5
	shift 5
	start_in "vm$to" "server-$name" iperf3 -s -1 --forceflush
	wait_log "server-$name" listening 10 || return 1
	counters "$from" >"$LAB_DIR/$name.from.before"
	counters "$to" >"$LAB_DIR/$name.to.before"
	in_ns "vm$from" timeout 60 iperf3 -c "$(address "$to" "$family")" -n "$amount" "$@" >"$LAB_LOG/client-$name.log" 2>&1 ||
		fail "$name: the transfer ends" "$(tail -n 1 "$LAB_LOG/client-$name.log")"
	wait "${LAB_PIDS[server-$name]}" 2>/dev/null
	unset "LAB_PIDS[server-$name]"
	wait_for 5 closed "$from" "$to" || fail "$name: the connections end"
	counters "$from" >"$LAB_DIR/$name.from.after"
	counters "$to" >"$LAB_DIR/$name.to.after"
}

# What comes after FIN is part of the count: wait until neither side has anything but TIME-WAIT.
closed() {
	local vm
	for vm in "$@"; do
		[ -z "$(in_ns "vm$vm" ss -Htn state connected exclude time-wait)" ] || return 1
	done
}

# segments NAME from|to - packets that this side's TCP says it sent. A SYN-ACK sent again is in both of its counters;
# only the side that was called ("to") sends any.
segments() {
	local before=$LAB_DIR/$1.$2.before after=$LAB_DIR/$1.$2.after twice=TcpExtTCPRetransFail
	[ "$2" = from ] || twice="$twice TcpExtTCPSynRetrans"
	# shellcheck disable=SC2086
	echo $(($(since "$before" "$after" TcpOutSegs TcpRetransSegs) - $(since "$before" "$after" $twice)))
}

# octets NAME from|to 4|6 - IP octets on the wire of the same: those its IP counted, where a super-frame has one
# header, and the headers (with time stamps, as every established segment here) of the other packets of super-frames.
octets() {
	local before=$LAB_DIR/$1.$2.before after=$LAB_DIR/$1.$2.after handed header=52
	[ "$3" = 4 ] || header=72
	handed=$(since "$before" "$after" IpOutRequests Ip6OutRequests)
	echo $(($(since "$before" "$after" IpExtOutOctets Ip6OutOctets) + ($(segments "$1" "$2") - handed) * header))
}

quiet() { # NAME
	echo $(($(since "$LAB_DIR/$1.from.before" "$LAB_DIR/$1.from.after" Icmp6OutMsgs IcmpOutMsgs UdpOutDatagrams) +
		$(since "$LAB_DIR/$1.to.before" "$LAB_DIR/$1.to.after" Icmp6OutMsgs IcmpOutMsgs UdpOutDatagrams)))
}

# compare NAME FROM TO 4|6 - both directions of what transfer did.
compare() {
	local name=$1 from=$2 to=$3 family=$4 percent=${TOLERANCE[$backend]}
	check_equal "$name: the VMs sent nothing else" 0 "$(quiet "$name")"
	check_near "$name: packets" "$(segments "$name" from)" "$(counted "$to" "$(address "$from" "$family")" 6)" "$percent"
	check_near "$name: packets back" "$(segments "$name" to)" "$(counted "$from" "$(address "$to" "$family")" 6)" "$percent"
}

compare_octets() {
	local name=$1 from=$2 to=$3 family=$4 percent=${TOLERANCE[$backend]}
	check_near "$name: octets" "$(octets "$name" from "$family")" "$(counted "$to" "$(address "$from" "$family")" 7)" "$percent"
	check_near "$name: octets back" "$(octets "$name" to "$family")" "$(counted "$from" "$(address "$to" "$family")" 7)" "$percent"
}

# --- the tests ------------------------------------------------------------------------------------

# Pairs of VMs: 1-2, 3-4 …; each "NUMBER KIND OFFLOAD MTU".
plan() {
	local kind offload mtu n=1
	for kind in tap veth; do
		for offload in on off; do
			for mtu in 1500 1450; do
				echo "$n $kind $offload $mtu"
				n=$((n + 2))
			done
		done
	done
}

make_pairs() {
	local n kind offload mtu
	while read -r n kind offload mtu; do
		LAB_OFFLOAD=$offload LAB_MTU=$mtu
		add_vm "$kind" "$n" && add_vm "$kind" $((n + 1))
	done < <(plan)
	LAB_OFFLOAD=on LAB_MTU=1500
	# a pair that loses what was delivered to it: retransmissions, and selective acknowledgements beside data
	LAB_LOSE=23 add_vm tap 17
	LAB_LOSE=29 add_vm tap 18
	add_vm tap 19
	add_vm tap 20
}

acquaint_all() {
	local n
	for n in 1 3 5 7 9 11 13 15 17 19; do acquaint $n $((n + 1)); done
	for n in {1..20}; do known "$n"; done
}

test_bulk() {
	local n kind offload mtu family name retransmitted=0
	while read -r n kind offload mtu; do
		for family in 4 6; do
			transfer "$backend-$kind-$offload-$mtu-v$family" "$n" $((n + 1)) $family "$AMOUNT"
		done
	done < <(plan)
	transfer "$backend-losses" 17 18 4 "$SHORT_AMOUNT"
	transfer "$backend-losses-both-ways" 17 18 6 "$SHORT_AMOUNT" --bidir
	settled
	while read -r n kind offload mtu; do
		for family in 4 6; do
			compare "$backend-$kind-$offload-$mtu-v$family" "$n" $((n + 1)) $family
			compare_octets "$backend-$kind-$offload-$mtu-v$family" "$n" $((n + 1)) $family
		done
	done < <(plan)
	compare "$backend-losses" 17 18 4
	compare "$backend-losses-both-ways" 17 18 6
	for name in "$backend-losses" "$backend-losses-both-ways"; do
		for n in from to; do
			retransmitted=$((retransmitted + $(since "$LAB_DIR/$name.$n.before" "$LAB_DIR/$name.$n.after" TcpRetransSegs)))
		done
	done
	check "$backend: there were retransmissions ($retransmitted)" test "$retransmitted" -gt 5
	for n in {1..18}; do lost "$n"; done >"$LAB_DIR/lost"
	check_equal "$backend: no frame was lost before it could be counted" 0 "$(awk '{ s += $1 } END { print s }' "$LAB_DIR/lost")"
	check_equal "$backend: the sensor lost none" 0 "$(header 4)"
	check_equal "$backend: the periods say who counted" "${NUMBER[$backend]}" \
		"$(dump | awk '$1 == "period" { print $8 }' | sort -u)"
	check_equal "$backend: no packet is an estimate" 0 "$(header 7)"
	check_equal "$backend: and no period is marked so" 0 "$(flagged)"
}

# With offloads the guests hand over super-frames, without they do not, else nothing was tested; and by their
# gso_size they are as many packets as TCP says.
test_super_frames() {
	local n kind offload mtu super segments sent b
	while read -r n kind offload mtu; do
		[ "$kind" = tap ] || continue
		stop "tap-vm$((n + 1))"
		read -r super segments < <(awk '/^to-guest/ { print $3, $4 }' "$LAB_LOG/tap-vm$((n + 1)).log")
		sent=0
		for b in $BACKENDS; do
			sent=$((sent + $(segments "$b-tap-$offload-$mtu-v4" from) + $(segments "$b-tap-$offload-$mtu-v6" from)))
		done
		check_equal "tap-$offload-$mtu: the frames in the tap are the packets that TCP sent" "$sent" "$segments"
		if [ "$offload" = on ]; then
			check "tap-on-$mtu: there were super-frames ($super)" test "$super" -gt 1000
		else
			check_equal "tap-off-$mtu: there was no super-frame" 0 "$super"
		fi
	done < <(plan)
}

# The path has a smaller MTU than the SYNs told: bpf sees the size of the segments, pcap infers it and says so.
test_path_mtu() {
	ip_in vm19 route replace "$(four 20)" dev eth0 mtu lock 1300 advmss 1460
	transfer "$backend-path-mtu" 19 20 4 "$SHORT_AMOUNT"
	settled
	if [ "$backend" = bpf ]; then
		compare "$backend-path-mtu" 19 20 4
		check_equal "$backend-path-mtu: no packet is an estimate" 0 "$(header 7)"
	else
		check_near "$backend-path-mtu: packets" "$(segments "$backend-path-mtu" from)" "$(counted 20 "$(four 19)" 6)" 2
		check "$backend-path-mtu: packets are marked estimated" test "$(header 7)" -gt "$(($(segments "$backend-path-mtu" from) / 2))"
		check "$backend-path-mtu: the period is marked" test "$(flagged)" -ge 1
	fi
}

# A connection older than the sensor: nobody knows its MSS.
test_old_connection() {
	local sent
	acquaint 19 20
	start_in vm20 server-old iperf3 -s -1 --forceflush
	wait_log server-old listening 10 || return
	start_in vm19 old iperf3 -c "$(four 20)" -t 60 -b 200M --forceflush
	wait_log old MBytes 10 || return
	start_capture
	known 19
	known 20
	settled
	settled
	sent=$(counted 20 "$(four 19)" 6)
	check "$backend-old-connection: its packets are counted ($sent)" test "$sent" -gt 10000
	if [ "$backend" = bpf ]; then
		check_equal "$backend-old-connection: no packet is an estimate" 0 "$(header 7)"
	else
		check "$backend-old-connection: packets are marked estimated ($(header 7))" test "$(header 7)" -gt $((sent / 2))
		check "$backend-old-connection: the period is marked" test "$(flagged)" -ge 1
	fi
	stop old INT
	stop server-old INT
	stop capture
}

# send_file NAME FROM TO - exactly the octets of a file, which iperf3 does not do.
send_file() {
	local name=$1 from=$2 to=$3
	start_in "vm$to" "server-$name" python3 -c '
import socket
server = socket.create_server(("", 5201))
print("listening", flush=True)
connection = server.accept()[0]
while connection.recv(1 << 20):
    pass
connection.close()'
	wait_log "server-$name" listening 10 || return 1
	counters "$from" >"$LAB_DIR/$name.from.before"
	# shellcheck disable=SC2016
	in_ns "vm$from" bash -c 'cat "$1" >"/dev/tcp/$2/5201"' bash "$LAB_DIR/octets" "$(four "$to")"
	wait_for 10 lab_gone "${LAB_PIDS[server-$name]}" || fail "$name: the transfer ends"
	stop "server-$name"
	wait_for 5 closed "$from" "$to" || fail "$name: the connection ends"
	counters "$from" >"$LAB_DIR/$name.from.after"
}

# The same octets between VMs of one host, and between hosts with a cable that has no offloads.
test_placement() { # tap|veth FROM TO TO-ON-THE-OTHER-HOST
	local kind=$1 from=$2 near=$3 far=$4 apart apart_octets again
	acquaint "$from" "$near"
	acquaint "$from" "$far"
	for n in "$from" "$near"; do known "$n"; done
	known "$far" 2
	send_file "$backend-$kind-together" "$from" "$near"
	send_file "$backend-$kind-apart" "$from" "$far"
	settled
	settled 2
	check_near "$backend-$kind-apart: what TCP sent to the other host" "$(segments "$backend-$kind-apart" from)" \
		"$(counted "$far" "$(four "$from")" 6 2)" "${TOLERANCE[$backend]}"
	# what a guest sends again is its own doing
	again=$(since "$LAB_DIR/$backend-$kind-apart.from.before" "$LAB_DIR/$backend-$kind-apart.from.after" TcpRetransSegs)
	apart=$(($(counted "$far" "$(four "$from")" 6 2) - again))
	apart_octets=$(($(counted "$far" "$(four "$from")" 7 2) - again * 1500))
	again=$(since "$LAB_DIR/$backend-$kind-together.from.before" "$LAB_DIR/$backend-$kind-together.from.after" TcpRetransSegs)
	check_near "$backend-$kind: together as apart, segments" "$apart" "$(($(counted "$near" "$(four "$from")" 6) - again))" 1
	check_near "$backend-$kind: together as apart, octets" "$apart_octets" \
		"$(($(counted "$near" "$(four "$from")" 7) - again * 1500))" 1
}

make_two_hosts() {
	local end
	ns_add host2 && bridge_add host2 br0 && link_add host up1 host2 up2 && port_add host up1 br0 &&
		port_add host2 up2 br0 || lab_die "no second host"
	for end in "host up1" "host2 up2"; do
		# shellcheck disable=SC2086
		in_ns ${end% *} ethtool -K ${end#* } tso off gso off gro off tx off sg off >/dev/null 2>&1
	done
	add_vm tap 21 && add_vm tap 22 && add_vm tap 23 2 && add_vm veth 24 && add_vm veth 25 && add_vm veth 26 2
	truncate -s 40000000 "$LAB_DIR/octets"
}

test_backend() {
	backend=$1
	say "--- $backend"
	start_capture
	acquaint_all
	test_bulk
	test_path_mtu
	start_capture 2
	test_placement tap 21 22 23
	test_placement veth 24 25 26
	stop capture2
	stop capture
	test_old_connection
}

make -s -C "$GRAPPE_BUILD" tests/lab/period_dump tests/lab/tap_guest >/dev/null || lab_die "the helpers do not build"
ns_add host && bridge_add host br0 || lab_die "no namespaces"
make_pairs
make_two_hosts
for b in $BACKENDS; do test_backend "$b"; done
test_super_frames
finish
