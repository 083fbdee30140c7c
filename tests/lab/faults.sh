#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What may go wrong around a running sensor, with each back end (or only the one that BACKEND names: pcap or bpf): an
# interface that vanishes in the middle of a burst, a sensor that is held up, a ring and a table that are too small, the
# wall clock set by an hour, kill -9 of grappe-capture and of grappe-agent at any moment. Packets may be lost only where
# nothing else is possible, they are counted as lost, and no number is ever too large.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

PERIOD=5
lab_begin faults "gf-$$-"
periods=$LAB_DIR/periods
backend=

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
mac() { printf '02:00:00:00:00:%02x' "$1"; }

# pair VM PEER - packets received over all periods.
pair() {
	dump | awk -v id="$(id "$1")" -v peer="$2" \
		'$1 == "row" && $3 == id && $4 == "received" && $5 == peer { s += $6 } END { printf "%.0f\n", s }'
}

# flagged MASK - periods with one of these flags.
flagged() { dump | awk -v mask="$1" '$1 == "period" && int($3 / mask) % 2 { n++ } END { print n + 0 }'; }

# all_counted - every delivered frame: pairs, multicast, other, not IP, dropped, unmatched, malformed.
all_counted() { echo $(($(sum row 6) + $(sum vif 6 7 8) + $(sum period 4 5 6))); }

delivered() { port_counter host "$1" tx_packets; }
delivered_all() { echo $(($(delivered port1) + $(delivered port2) + $(delivered port3))); }

write_config() { # LINES...
	{
		printf '%s\n' "period = ${PERIOD}s" "allow_short_periods = yes" "periods_directory = \"$periods\"" \
			"periods_kept = 500" "capture = $backend" 'bridge "br0" { exclude = {"up*"} }' "$@"
	} >"$LAB_DIR/capture.conf"
}

start_capture() {
	start_in host capture "${PRELOAD[@]}" "$(program grappe-capture)" -v --config "$LAB_DIR/capture.conf"
	wait_ready capture || lab_die "grappe-capture does not start: $LAB_LOG"
}
PRELOAD=(env)

# begin LINES... - a new, empty directory and a new run with these settings. BASE: what had been delivered before.
begin() {
	local try
	stop capture
	write_config "$@"
	for try in 1 2 3 4 5; do
		stop capture
		rm -rf "$periods"
		BASE=$(delivered_all)
		start_capture
		for n in 1 2 3; do known "$n" || fail "VM $n is found"; done
		[ "$(delivered_all)" = "$BASE" ] && return
	done
	lab_die "the VMs are never quiet"
}

known() { wait_log capture "watching .*$(id "$1").* on port$1" 5; }
next_boundary() { echo $((EPOCHSECONDS - EPOCHSECONDS % PERIOD + ${1:-1} * PERIOD)); }
published() { [ -e "$periods/$1" ]; }

settled() {
	local end
	end=$(next_boundary)
	wait_for $((PERIOD + 5)) published "$end" || fail "period $end is published"
}

add_vm() {
	LAB_OFFLOAD=off vm_add "vm$1" host br0 "port$1" "$(mac "$1")" "10.9.0.$1/24" || lab_die "no VM $1"
}

# Everybody's first frame, so that the bridge and the sensor know where they are; in no pair.
greet() { in_ns "vm$1" ping -q -c 1 -W 0.01 -b 10.9.0.255 >/dev/null 2>&1; }

# Datagrams to 10.9.0.250 reach a VM that has no such address: it throws them away and answers nothing.
aim() { ip_in "vm$1" neigh replace 10.9.0.250 lladdr "$(mac "$2")" dev eth0 nud permanent; }
# --- the tests ----------------------------------------------------------------------------------

# The bridge floods what comes for a VM that is gone, so that the third VM's port tells what the gone one did not get.
test_vanish() {
	local flooded sent
	begin
	add_vm 4
	wait_log capture "on port4" 5
	greet 4
	known 4 || fail "VM 4 is found"
	aim 1 4
	start_in vm1 burst "$GRAPPE_BUILD/tests/lab/flow" datagrams 10.9.0.250 9 600000 10 100
	wait_for 5 eval '[ "$(port_counter host port4 tx_packets)" -gt 20000 ]'
	flooded=$(delivered port3)
	ip_in host link del dev port4
	wait "${LAB_PIDS[burst]}"
	unset 'LAB_PIDS[burst]'
	flooded=$(($(delivered port3) - flooded))
	sent=$(awk '/^sent/ { print $2 }' "$LAB_LOG/burst.log")
	wait_log capture "port4 is gone" 5 || fail "the sensor sees that the interface is gone"
	at_rest
	check "$backend: there was a burst before and after ($flooded of $sent)" test $((sent - flooded)) -gt 10000 -a "$flooded" -gt 10000
	# a frame or two fall between: the port no longer forwards and is not yet forgotten
	check_near "$backend: what an interface got before it vanished in a burst" $((sent - flooded)) "$(pair 4 10.9.0.1)" 0.02
	check_equal "$backend: and all other frames" $((DELIVERED - BASE)) \
		$((COUNTED - $(pair 4 10.9.0.1) - $(sum_of 4)))
	ns_del vm4
	aim 1 2
}

# What a VM got beside its pair with VM 1.
sum_of() {
	dump | awk -v id="$(id "$1")" '$1 == "vif" && $3 == id { s += $6 + $7 + $8 }
		$1 == "row" && $3 == id && $4 == "received" && $5 != "10.9.0.1" { s += $6 } END { printf "%.0f\n", s }'
}

# A sensor that is stopped for longer than a period while frames come; the ring is as small as can be.
test_held_up() {
	local sent before
	begin "buffer_total = 1MiB"
	before=$(delivered port2)
	start_in vm1 burst "$GRAPPE_BUILD/tests/lab/flow" datagrams 10.9.0.250 9 300000 30 100
	wait_for 5 eval '[ "$(delivered port2)" -gt $((before + 50000)) ]'
	signal capture STOP
	wait_until "$((EPOCHSECONDS + 2 * PERIOD + 1))"
	signal capture CONT
	wait "${LAB_PIDS[burst]}"
	unset 'LAB_PIDS[burst]'
	sent=$(awk '/^sent/ { print $2 }' "$LAB_LOG/burst.log")
	at_rest
	if [ "$backend" = pcap ]; then
		# what is lost may also be some of the few frames of a sender that the sensor wanted to learn from
		check "$backend: a sensor held up for two periods: every frame is in one counter" \
			test "$COUNTED" -ge $((DELIVERED - BASE)) -a "$COUNTED" -le $((DELIVERED - BASE + sent / 32))
		check "$backend: the ring was full, and the periods tell what was lost ($(sum period 4))" test "$(sum period 4)" -gt 10000
		check "$backend: so does the log" grep -q "packets were lost before they could be counted" "$LAB_LOG/capture.log"
		check "$backend: the other packets are counted ($(pair 2 10.9.0.1) of $sent)" test "$(pair 2 10.9.0.1)" -gt 40000
	else
		check_equal "$backend: a sensor held up for two periods: every frame is in one counter" \
			$((DELIVERED - BASE)) "$COUNTED"
		check_equal "$backend: nothing was lost" 0 "$(sum period 4)"
		check_equal "$backend: each packet is in its pair" "$sent" "$(pair 2 10.9.0.1)"
		check "$backend: the period that has more than its own is marked" test "$(flagged 32)" -ge 1
	fi
}

# 64 sources, room for 8 of each VM: the others are in one sum.
test_table_full() {
	local i rows
	begin "pairs_per_vif = 8"
	for i in {100..163}; do
		in_ns vm1 ping -q -c 10 -i 0.002 -W 1 -I "10.9.0.$i" 10.9.0.2 >/dev/null || fail "ping from 10.9.0.$i"
	done
	at_rest
	rows=$(dump | awk -v id="$(id 2)" '$1 == "row" && $3 == id { n[$2]++ } END { for (e in n) if (n[e] > m) m = n[e]; print m + 0 }')
	check_equal "$backend: a full table has so many pairs" 8 "$rows"
	check_equal "$backend: what found no room is in one sum" 640 \
		$(($(sum vif 7) + $(dump | awk -v id="$(id 2)" '$1 == "row" && $3 == id { s += $6 } END { print s + 0 }')))
	check "$backend: and that is most of it ($(sum vif 7))" test "$(sum vif 7)" -gt 400
	check_equal "$backend: with a full table every frame is in one counter" $((DELIVERED - BASE)) "$COUNTED"
}

set_clock() { printf '%-15s' "$1" | dd of="$LAB_DIR/clock" conv=notrunc status=none; }

# The wall clock is set while frames come: the program sees another clock than the kernel's monotonic one.
test_clock() {
	local step
	set_clock 0
	PRELOAD=(env LD_PRELOAD="$GRAPPE_BUILD/tests/lab/clock_shim.so" GRAPPE_CLOCK="$LAB_DIR/clock")
	begin
	start_in vm1 burst "$GRAPPE_BUILD/tests/lab/flow" datagrams 10.9.0.250 9 1000000 200 100
	for step in 3600 0 -3600 -7 0; do
		wait_until "$((EPOCHSECONDS + PERIOD + 2))"
		set_clock "$step"
	done
	wait_until "$((EPOCHSECONDS + PERIOD))"
	stop burst
	wait_for $((2 * PERIOD)) eval '[ "$(all_counted)" = "$(($(delivered_all) - BASE))" ]'
	check_equal "$backend: the clock is set by an hour, to and fro: every frame is in one counter" \
		$(($(delivered_all) - BASE)) "$(all_counted)"
	check "$backend: the periods in which it was set are marked ($(flagged 4))" test "$(flagged 4)" -ge 4
	check_equal "$backend: nothing was lost" 0 "$(sum period 4)"
	check_equal "$backend: no period was issued twice" 0 "$(grep -c "an earlier run has published it" "$LAB_LOG/capture.log")"
	stop capture
	PRELOAD=(env)
}

# --- kill -9 ------------------------------------------------------------------------------------

start_agent() {
	start_in host agent "$(program grappe-agent)" --config "$LAB_DIR/agent.conf"
	wait_ready agent || fail "grappe-agent starts"
}

ROOT=$(sed -n 's/^MIB_ROOT = //p' "$GRAPPE_BUILD/Makefile" 2>/dev/null)
PAIR_PACKETS=.${ROOT:-1.3.6.1.4.1.8072.9999.9999}.1.6.1.3

# Packets of all pairs as the agent tells them, since it began to count.
agent_packets() {
	in_ns host snmpbulkwalk -v2c -c public -t 3 -r 3 -Oqn 127.0.0.1:1161 $PAIR_PACKETS | awk '{ s += $2 } END { printf "%.0f\n", s }'
}
files_packets() { dump | awk '$1 == "row" { s += $6 } END { printf "%.0f\n", s }'; }

# As long as datagrams come at a steady rate: kill one of the two at a moment that is not chosen.
test_kills() {
	local i before missing sent parts
	begin
	rm -rf "$LAB_DIR/agent"
	cat >"$LAB_DIR/agent.conf" <<-END
		agentx_socket = "$LAB_DIR/snmpd.agentx"
		periods_directory = "$periods"
		state_directory = "$LAB_DIR/agent"
	END
	start_agent
	start_in vm1 burst "$GRAPPE_BUILD/tests/lab/flow" datagrams 10.9.0.250 9 1000000 500 100
	: >"$LAB_DIR/closed"
	for i in {1..16}; do
		wait_until "$(awk -v now="$EPOCHREALTIME" -v r=$RANDOM 'BEGIN { printf "%.3f", now + 0.2 + r / 20000 }')"
		# what is closed now must be the same at the end
		(cd "$periods" && sha256sum [0-9]* 2>/dev/null) >>"$LAB_DIR/closed"
		if [ $((i % 3)) = 0 ]; then
			stop agent KILL
			start_agent
		else
			stop capture KILL
			start_capture
		fi
	done
	wait_until "$((EPOCHSECONDS + PERIOD))"
	stop burst
	settled
	sent=$(awk '/^sent/ { print $2 }' "$LAB_LOG/burst.log")
	before=$(sort -u "$LAB_DIR/closed")
	check "$backend: periods were closed between the kills ($(wc -l <<<"$before"))" test "$(wc -l <<<"$before")" -ge 2
	missing=$(cd "$periods" && sha256sum -c --quiet <<<"$before" 2>&1)
	check_equal "$backend: what was closed before a kill is the same after, bit by bit" "" "$missing"
	check "$backend: after kills of grappe-capture no packet is counted twice" \
		test "$(pair 2 10.9.0.1)" -le "$sent" -a "$(all_counted)" -le $(($(delivered_all) - BASE))
	parts=$(dump | awk '$1 == "period" && $3 % 2 == 0 { print $2 }' | wc -l)
	say "      $(pair 2 10.9.0.1) of $sent packets are in periods, $parts periods are whole"
	check "$backend: periods with a kill are partial" test "$(flagged 1)" -ge 2
	wait_for $((2 * PERIOD)) eval '[ "$(agent_packets)" = "$(files_packets)" ]'
	check_equal "$backend: after kills of both the agent has each closed period once" "$(files_packets)" "$(agent_packets)"
	stop agent
}

all_tests() {
	backend=$1
	say "--- $backend"
	test_vanish
	test_held_up
	test_table_full
	[ "$backend" = pcap ] || test_clock
	test_kills
}

make -s -C "$GRAPPE_BUILD" tests/lab/period_dump tests/lab/flow tests/lab/clock_shim.so >/dev/null || lab_die "the helpers do not build"
ns_add host && bridge_add host br0 && start_snmpd snmpd host 127.0.0.1:1161 || lab_die "no namespaces"
for n in 1 2 3; do
	add_vm $n
	greet $n
done
aim 1 2
for i in {100..163}; do ip_in vm1 addr add "10.9.0.$i/24" dev eth0; done
ip_in vm1 neigh replace 10.9.0.2 lladdr "$(mac 2)" dev eth0 nud permanent
ip_in vm2 neigh replace 10.9.0.1 lladdr "$(mac 1)" dev eth0 nud permanent
for i in {100..163}; do ip_in vm2 neigh replace "10.9.0.$i" lladdr "$(mac 1)" dev eth0 nud permanent; done
for b in ${BACKEND:-pcap bpf}; do all_tests "$b"; done
finish
