#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# grappe-capture on real interfaces of one host, with each back end (or only the one that BACKEND names: pcap, tcx or
# clsact): packets are wire packets with and without offloads, flooding makes no
# pairs, every frame that the kernel delivered is in one counter, also while VMs come, go and move, and restarts,
# kills and a full disk do what the manual says.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

PERIOD=5
lab_begin capture "gcap-$$-"
periods=$LAB_DIR/periods

dump() { "$GRAPPE_BUILD/tests/lab/period_dump" "$periods/"[0-9]*; }

# sum KIND FIELDS... - over all periods; rows: what was received.
sum() {
	local kind=$1
	shift
	dump | awk -v kind="$kind" -v fields="$*" '
		BEGIN { n = split(fields, f, " ") }
		$1 == kind && (kind != "row" || $4 == "received") { for (i = 1; i <= n; i++) s += $f[i] }
		END { printf "%.0f\n", s }'
}

id() { printf 'mac-0200000000%02x' "$1"; }

# pair VM-NUMBER received|sent PEER - packets over all periods.
pair() {
	dump | awk -v id="$(id "$1")" -v way="$2" -v peer="$3" \
		'$1 == "row" && $3 == id && $4 == way && $5 == peer { s += $6 } END { printf "%.0f\n", s }'
}

# all_counted - every delivered frame: pairs, multicast, other, not IP, dropped, unmatched, malformed.
all_counted() { echo $(($(sum row 6) + $(sum vif 6 7 8) + $(sum period 4 5 6))); }

delivered() { port_counter host "$1" tx_packets; }

add_vm() { vm_add "vm$1" host "${2:-br0}" "tap$1" "02:00:00:00:00:0$1" "10.9.0.$1/24"; }

write_config() {
	cat >"$LAB_DIR/capture.conf" <<-END
		period = ${PERIOD}s
		allow_short_periods = yes
		periods_directory = "$periods"
		periods_kept = 500
		$CAPTURE_LINES
		bridge "br0" { segment = "t1" exclude = {"up*"} }
		bridge "br1" { segment = "t2" }
		vm "web1" { mac = {"02:00:00:00:00:01"} vcpu = 2 memory = 2GiB }
		vm "direct" { mac = {"02:00:00:00:00:07"} interface = "mvt0" }
		endpoint "nfs" { address = "10.9.0.9" }
	END
}

start_capture() {
	start_in host capture "$(program grappe-capture)" -v --config "$LAB_DIR/capture.conf"
	wait_ready capture
}

next_boundary() { echo $((EPOCHSECONDS - EPOCHSECONDS % PERIOD + ${1:-1} * PERIOD)); }
published() { [ -e "$periods/$1" ]; }

# settled - all that happened so far is in a published period.
settled() {
	local end
	end=$(next_boundary)
	wait_for $((PERIOD + 5)) published "$end" || fail "period $end is published"
}

delivered_all() { echo $(($(delivered tap1) + $(delivered tap2) + $(delivered tap3))); }

# forget - a new, empty directory and a new run of the program. BASE: what had been delivered before; nothing
# was while the program started, or it starts once more (a neighbour probe may come late).
forget() {
	local try
	for try in 1 2 3 4 5; do
		stop capture
		rm -rf "$periods"
		BASE=$(delivered_all)
		start_capture || lab_die "grappe-capture does not start: $LAB_LOG"
		[ "$(delivered_all)" = "$BASE" ] && return
	done
	lab_die "the VMs are never quiet"
}

ping_vm() { in_ns "vm$1" ping -q -c "$3" -i "${4:-0.01}" -W 1 "10.9.0.$2"; }

# A first frame of each, so that the bridge knows where everybody is and everybody knows everybody's MAC.
greet() {
	local a b
	for a in "$@"; do
		for b in "$@"; do [ "$a" = "$b" ] || ping_vm "$a" "$b" 1 >/dev/null; done
	done
}

known() { wait_log capture "watching .*$(id "$1").* on tap$1" 5; }

segments_sent() { in_ns "$1" nstat -asz TcpOutSegs TcpRetransSegs | awk '/^Tcp/ { s += $2 } END { print s }'; }

# bulk FROM TO SECONDS - TCP; prints the segments that FROM sent.
bulk() {
	local before after
	start_in "vm$2" "iperf-$2" iperf3 -s -1 --forceflush
	wait_log "iperf-$2" listening 10 || return 1
	before=$(segments_sent "vm$1")
	in_ns "vm$1" iperf3 -c "10.9.0.$2" -t "$3" >"$LAB_LOG/bulk.log" 2>&1
	after=$(segments_sent "vm$1")
	stop "iperf-$2" KILL 2>/dev/null
	echo $((after - before))
}

# --- the tests ----------------------------------------------------------------------------------

test_wire_packets() { # on|off
	local sent
	sent=$(bulk 2 1 1)
	settled
	check_near "offloads $1: received segments are those that TCP sent" "$sent" "$(pair 1 received 10.9.0.2)" 0.02
	check_equal "offloads $1: none is an estimate" 0 "$(dump | awk '$1 == "period" { s += int($3 / 8) % 2 } END { print s + 0 }')"
}

test_conservation() {
	ping_vm 2 1 200 >/dev/null &
	ping_vm 1 3 200 >/dev/null
	wait $!
	ip_in vm1 neigh replace 10.9.0.200 lladdr 02:00:00:00:00:c8 dev eth0 nud permanent
	in_ns vm1 ping -q -c 50 -i 0.01 -W 0.1 10.9.0.200 >/dev/null
	in_ns vm2 ping -q -b -c 20 -i 0.01 -W 0.1 10.9.0.255 >/dev/null 2>&1
	ip_in vm2 route replace 224.0.0.0/4 dev eth0
	in_ns vm2 ping -q -c 20 -i 0.01 -W 0.1 224.0.0.251 >/dev/null 2>&1
	bulk 3 1 1 >/dev/null
	at_rest
	check_equal "every delivered frame is in one counter" $((DELIVERED - BASE)) "$COUNTED"
	check_equal "echo requests to web1" 200 "$(pair 1 received 10.9.0.2)"
	check_equal "flooded frames make no pair" 0 "$(dump | awk '$1 == "row" && $5 == "10.9.0.200"' | wc -l)"
	[ "$(sum period 5)" -ge 100 ] && pass "flooded frames are unmatched" || fail "flooded frames are unmatched" "$(sum period 5)"
	[ "$(sum vif 6)" -ge 80 ] && pass "broadcast and multicast are apart" || fail "broadcast and multicast are apart" "$(sum vif 6)"
}

test_savefile() {
	local live read
	start_in host tcpdump tcpdump -i tap1 -s 128 -B 65536 --immediate-mode -w "$LAB_DIR/tap1.pcap"
	wait_log tcpdump "listening on" 10
	bulk 2 1 1 >/dev/null
	settled
	stop tcpdump INT
	live=$(pair 1 received 10.9.0.2)
	read=$("$(program grappe-capture)" --read "$LAB_DIR/tap1.pcap" --format csv | awk -F, '$1 == "10.9.0.2" && $2 == "10.9.0.1" { print $3 }')
	check_near "a capture file of the same packets gives the same count" "$live" "${read:-0}" 0.1
}

test_come_and_go() {
	local gone
	start_in vm1 load1 ping -q -i 0.005 10.9.0.2
	add_vm 4
	wait_log capture "capturing on tap4" 5
	greet 4 1
	known 4
	ping_vm 4 1 100 >/dev/null
	# out of the host and back, as a migration does; the guest is quiet meanwhile
	ip_in vm4 link set dev eth0 down
	ip_in host link set dev tap4 netns "$(ns elsewhere)"
	wait_log capture "tap4 is gone" 5
	vm_move tap4 elsewhere host br0
	wait_for 5 eval '[ "$(grep -c "capturing on tap4" "$LAB_LOG/capture.log")" = 2 ]' || fail "tap4 is captured again"
	ip_in vm4 link set dev eth0 up
	ping_vm 4 1 100 >/dev/null
	# to the other bridge: another segment
	ip_in host link set dev tap4 master br1
	in_ns vm4 ping -q -c 3 -i 0.01 -W 0.2 10.9.0.250 >/dev/null
	# removed under load
	ip_in vm1 neigh replace 10.9.0.4 lladdr 02:00:00:00:00:04 dev eth0
	ip_in host link set dev tap4 master br0
	start_in vm1 load4 ping -q -i 0.005 10.9.0.4
	greet 4 1
	wait_until "$((EPOCHSECONDS + 1))"
	ip_in host link set dev tap4 down
	gone=$(delivered tap4) # the counter went along with the interface
	ip_in host link del dev tap4
	wait_log capture "tap4 is gone" 5
	stop load4 INT
	stop load1 INT
	at_rest
	check_equal "a VM that comes, leaves, returns, moves and is removed under load loses nothing" \
		$((gone + DELIVERED - BASE)) "$COUNTED"
	check_equal "no frame was dropped" 0 "$(sum period 4)"
	ip_in vm1 neigh del 10.9.0.4 dev eth0
	ns_del vm4
}

# On macvtap the directions are the other way round; the interface appears while the program runs.
test_macvtap() {
	link_add host mvx elsewhere mvy && ip_in elsewhere addr add 10.9.7.1/24 dev mvy &&
		ip_in elsewhere neigh add 10.9.7.7 lladdr 02:00:00:00:00:07 dev mvy nud permanent
	if ! ip_in host link add link mvx name mvt0 address 02:00:00:00:00:07 type macvtap mode bridge; then
		echo "NOT TESTED: this kernel makes no macvtap"
		return
	fi
	ip_in host link set dev mvt0 up
	wait_log capture "watching direct .* on mvt0" 5
	in_ns elsewhere ping -q -c 20 -i 0.01 -W 0.1 10.9.7.7 >/dev/null
	settled
	check_equal "what a macvtap receives" 20 "$(pair 7 received 10.9.7.1)"
	ip_in host link del dev mvt0
	ip_in host link del dev mvx
}

test_endpoint() {
	ping_vm 1 9 30 >/dev/null
	settled
	check_equal "what is sent to a named endpoint" 30 "$(pair 1 sent 10.9.0.9)"
	check_equal "what comes from it" 30 "$(pair 1 received 10.9.0.9)"
	check_equal "its own port is no VM" 0 "$(dump | grep -c "$(id 9)")"
}

# Well inside one period: so many pings, an orderly restart, as many again.
test_restart() {
	local end
	end=$(next_boundary 2)
	wait_until "$((end - PERIOD))"
	ping_vm 2 1 50 >/dev/null
	stop capture
	check_equal "ended by SIGTERM with exit code" 0 $?
	check "the open period is kept" test -e "$periods/unfinished"
	start_capture
	ping_vm 2 1 50 >/dev/null
	check "the restart was inside one period" test "$EPOCHSECONDS" -lt "$end"
	wait_for $((PERIOD + 5)) published "$end" ||
		fail "period $end is published by $EPOCHSECONDS: $(tail -n 8 "$LAB_LOG/capture.log" && ls -l --time-style=+%s "$periods")"
	check_equal "a restart loses nothing and counts nothing twice" 100 "$(
		dump | awk -v end="$end" '$1 == "row" && $2 == end && $3 == "'"$(id 1)"'" && $5 == "10.9.0.2" { print $6 }')"
	check_equal "the period of the restart is marked partial" 1 "$(dump | awk -v end="$end" '$1 == "period" && $2 == end { print $3 % 2 }')"
	check "nothing is left to hand on" test ! -e "$periods/unfinished"
}

test_kill() {
	local before after
	settled
	before=$(cd "$periods" && sha256sum [0-9]*)
	stop capture KILL
	: >"$periods/1.Ab12Xy"
	start_capture
	check "what a killed run was writing is removed" test ! -e "$periods/1.Ab12Xy"
	ping_vm 2 1 20 >/dev/null
	settled
	after=$(cd "$periods" && sha256sum $(awk '{ print $2 }' <<<"$before"))
	check_equal "a kill leaves every published period as it was" "$(sha256sum <<<"$before")" "$(sha256sum <<<"$after")"
	check "a second program on the same directory is refused" refuses_second
}

refuses_second() {
	! in_ns host "$(program grappe-capture)" --config "$LAB_DIR/capture.conf" 2>"$LAB_DIR/second" &&
		grep -q "another grappe-capture" "$LAB_DIR/second"
}

test_full_disk() {
	local first last
	stop capture
	rm -rf "$periods"
	mkdir "$periods" && mount -t tmpfs -o size=64k none "$periods" || {
		fail "a tmpfs of 64 kB"
		return
	}
	start_capture
	dd if=/dev/zero of="$periods/fill" bs=1k 2>/dev/null
	check "a full disk is told" wait_log capture "cannot write period" $((PERIOD + 5))
	first=$(next_boundary)
	wait_until "$first"
	rm "$periods/fill"
	check "and that it is over" wait_log capture "periods are written again" 5
	settled
	last=$(cd "$periods" && ls | grep -E '^[0-9]+$' | tail -n 1)
	check_equal "no period is missing" $(((last - first) / PERIOD + 2)) "$(cd "$periods" && ls | grep -cE '^[0-9]+$')"
	stop capture
	umount "$periods"
}

lab_cleanup_more() { mountpoint -q "$periods" 2>/dev/null && umount "$periods"; }

# filters - what hangs on a port in the way of clsact.
filters() { in_ns host tc filter show dev "$1" egress && in_ns host tc filter show dev "$1" ingress; }

# Filters outlive a killed program, so the next one removes them; it leaves alone what is not its own.
test_left_over() {
	settled
	in_ns host tc filter add dev tap2 egress prio 7 bpf bytecode '1,6 0 0 4294967295,'
	check_equal "both programs are attached" 2 "$(filters tap1 | grep -c grappe-capture)"
	stop capture KILL
	check_equal "a killed program leaves them behind" 2 "$(filters tap1 | grep -c grappe-capture)"
	ping_vm 2 1 20 >/dev/null
	start_capture
	ping_vm 2 1 20 >/dev/null
	check_equal "the next one has removed them" 2 "$(filters tap1 | grep -c grappe-capture)"
	settled
	check_equal "nothing is counted twice" 20 "$(dump | awk -v id="$(id 1)" -v end="$(next_boundary 0)" '
		$1 == "row" && $2 == end && $3 == id && $5 == "10.9.0.2" { print $6 }')"
	stop capture
	check_equal "at its end the program takes along what it attached" "" "$(filters tap1)"
	check_equal "and the discipline that it made" "" "$(in_ns host tc qdisc show dev tap1 | grep clsact)"
	check "another's filter is left alone" test "$(filters tap2 | grep -c "bytecode")" = 1
	in_ns host tc qdisc del dev tap2 clsact
}

# An interface that another name is given to goes on without a gap, and is not counted twice.
test_renamed() {
	ping_vm 1 3 50 >/dev/null
	ip_in host link set dev tap3 name taken3 || ip_in host link set dev tap3 down name taken3 up
	wait_log capture "watching .*$(id 3).* on taken3" 5 || fail "tap3 is watched by its new name"
	ping_vm 1 3 50 >/dev/null
	wait_until "$((EPOCHSECONDS + 2))" # whatever was to be closed is
	ping_vm 1 3 50 >/dev/null
	ip_in host link set dev taken3 name tap3 || ip_in host link set dev taken3 down name tap3 up
	wait_for 5 eval '[ "$(grep -c "watching .*$(id 3).* on tap3" "$LAB_LOG/capture.log")" -ge 2 ]' || fail "tap3 is watched again"
	at_rest # an interface keeps its counters under another name
	if [ "$1" = pcap ]; then # which has to open it anew
		check "an interface that is renamed is not counted twice" \
			test "$COUNTED" -le $((DELIVERED - BASE)) -a "$COUNTED" -ge $((DELIVERED - BASE - 30))
	else
		check_equal "an interface that is renamed loses nothing and is not counted twice" $((DELIVERED - BASE)) "$COUNTED"
	fi
	check_equal "it stays with its back end" 0 "$(grep -c "captured by pcap\|cannot capture" "$LAB_LOG/capture.log")"
}

# Periods that cover less than half of VM 3.
uncovered() {
	dump | awk -v id="$(id 3)" -v half="$((PERIOD * 500))" '$1 == "period" { all++ }
		$1 == "vif" && $3 == id && $5 >= half { good++ } END { print all - good }'
}

# What is taken off an interface behind the sensor's back is put on again, and the time until then is not covered.
test_taken_off() {
	local delivered counted uncovered
	ping_vm 1 3 20 >/dev/null
	settled
	signal capture STOP
	ip_in vm3 link set dev eth0 down
	ip_in host link set dev tap3 netns "$(ns elsewhere)"
	vm_move tap3 elsewhere host br0
	ip_in vm3 link set dev eth0 up
	signal capture CONT
	at_rest
	delivered=$DELIVERED counted=$COUNTED
	ping_vm 1 3 50 >/dev/null
	at_rest
	check_equal "an interface that was away unseen is counted again" $((DELIVERED - delivered)) $((COUNTED - counted))
	[ "$1" = clsact ] || return
	uncovered=$(uncovered)
	in_ns host tc qdisc del dev tap3 clsact
	at_rest
	delivered=$DELIVERED counted=$COUNTED
	ping_vm 1 3 50 >/dev/null
	at_rest
	check_equal "so is one whose filters were removed" $((DELIVERED - delivered)) $((COUNTED - counted))
	check_equal "and the time without them is not covered" "$((uncovered + 1))" "$(uncovered)"
}

# Others use the same interfaces: what they have there stays, and is no obstacle.
test_beside_others() {
	local delivered counted
	stop capture
	in_ns host tc qdisc add dev tap2 clsact
	in_ns host tc filter add dev tap2 egress prio 7 bpf da bytecode '1,6 0 0 0,'
	in_ns host tc qdisc add dev tap3 ingress
	in_ns host tc qdisc add dev tap1 clsact
	in_ns host tc filter add dev tap1 egress prio 1 bpf bytecode '1,6 0 0 4294967295,'
	forget
	ping_vm 1 2 50 >/dev/null
	settled
	check_equal "an earlier filter that lets none after it run is no obstacle" 50 "$(pair 2 received 10.9.0.1)"
	check_equal "nothing hangs on an interface with an ingress discipline" 0 "$(filters tap3 | grep -c grappe-capture)"
	check "which is told" grep -q "cannot capture on tap[13]: .*an ingress discipline" "$LAB_LOG/capture.log"
	stop capture
	check_equal "what is first of all is left alone, and alone" 0 "$(filters tap1 | grep -c grappe-capture)"
	sed -i 's/capture = bpf/capture = auto/' "$LAB_DIR/capture.conf"
	forget
	greet 1 3
	at_rest
	delivered=$DELIVERED counted=$COUNTED
	ping_vm 1 3 50 >/dev/null
	ping_vm 2 1 50 >/dev/null
	at_rest
	check_equal "with capture = auto such interfaces are captured by pcap" $((DELIVERED - delivered)) $((COUNTED - counted))
	check_equal "both of them" 2 "$(grep -c "capturing on tap[13], ring of" "$LAB_LOG/capture.log")"
	stop capture
	in_ns host tc qdisc del dev tap1 clsact
	in_ns host tc qdisc del dev tap2 clsact
	in_ns host tc qdisc del dev tap3 ingress
	sed -i 's/capture = auto/capture = bpf/' "$LAB_DIR/capture.conf"
}

# offloads on|off
offloads() {
	for n in 1 2 3; do
		in_ns "vm$n" ethtool -K eth0 tx "$1" sg "$1" tso "$1" gso "$1" gro "$1" >/dev/null 2>&1
		in_ns host ethtool -K "tap$n" tx "$1" sg "$1" tso "$1" gso "$1" gro "$1" >/dev/null 2>&1
	done
}

all_tests() {
	offloads off
	start_capture || lab_die "grappe-capture does not start: $LAB_LOG"
	greet 1 2 3 9
	for n in 1 2 3; do check "VM $n is found on the bridge" known $n; done
	forget
	test_wire_packets off
	forget
	test_conservation
	forget
	test_come_and_go
	forget
	test_macvtap
	test_endpoint
	forget
	test_renamed "$1"
	if [ "$1" != pcap ]; then
		forget
		test_taken_off "$1"
	fi
	forget
	test_restart
	test_kill
	offloads on
	forget
	test_wire_packets on
	if [ "$1" = clsact ]; then
		test_beside_others
		forget
		test_left_over
	fi
	if [ "$1" = pcap ]; then
		forget
		test_savefile
		test_full_disk
	fi
	stop capture 2>/dev/null
	rm -rf "$periods"
}

declare -A lines=([pcap]='capture = pcap' [tcx]='capture = bpf bpf_attach = tcx' [clsact]='capture = bpf bpf_attach = clsact')
make -s -C "$GRAPPE_BUILD" tests/lab/period_dump >/dev/null || lab_die "period_dump does not build"
ns_add host elsewhere && bridge_add host br0 && bridge_add host br1 && bridge_add elsewhere br0 || lab_die "no namespaces"
for n in 1 2 3; do add_vm $n || lab_die "no VM $n"; done
vm_add vm9 host br0 up9 02:00:00:00:00:09 10.9.0.9/24
for backend in ${BACKEND:-pcap tcx clsact}; do
	say "back end: $backend"
	CAPTURE_LINES=${lines[$backend]}
	write_config
	all_tests "$backend"
done
finish
