#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Real virtual machines at two routed sites (S-9, S-13): QEMU guests under two libvirtd, joined by n2n, VXLAN and
# WireGuard over a slow line, a whole Grappe on them. While two guests hold a TCP connection whose every octet is
# checked, one of them moves to the other site: the connection goes on, Grappe's counts show the silence, the pair
# stays the same pair in one archive, and no packet is counted twice.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/topology.sh"
. "$here/guest.sh"
. "$here/hypervisor.sh"
. "$here/sites.sh"

TOPOLOGY_PERIOD=5
INTERVAL_MS=10 # between two records of a connection
lab_begin vms

# One pair of guests in each virtual network: the first one is the client.
PAIRS="n2n vxlan wg"
declare -A NUMBER=([n2n-a]=11 [n2n-b]=12 [vxlan-a]=21 [vxlan-b]=22 [wg-a]=31 [wg-b]=32)
declare -A ADDRESS=([n2n-a]=10.96.1.11 [n2n-b]=10.96.1.12 [vxlan-a]=10.98.1.21 [vxlan-b]=10.98.1.22
	[wg-a]=10.97.1.31 [wg-b]=10.97.2.32)
declare -A MTU=([n2n]=1400 [vxlan]=1450 [wg]=1420)

# --- set-up ---------------------------------------------------------------------------------------

# Which guests there are only libvirt says; the bridges say in which segment they are.
configure_capture() { # HOST
	local net
	{
		topology_period_lines
		echo "periods_directory = \"$LAB_DIR/$1/periods\""
		echo "periods_kept = 1000"
		echo "${CAPTURE_MORE:-}"
		echo "libvirt = yes"
		echo "libvirt_uri = \"$(hypervisor_uri "$1" -ro)\""
		echo "libvirt_program = \"$(program grappe-libvirt)\""
		for net in $PAIRS; do
			echo "bridge \"br-$net\" { segment = \"$net\" exclude = {\"n2n*\", \"vx*\"} }"
		done
	} >"$LAB_DIR/$1/capture.conf"
}

start_guest() { # NAME HOST
	local parameters="g.ip=${ADDRESS[$1]}/24 g.mtu=${MTU[${1%-*}]}"
	[ "${1%-*}" != wg ] || parameters="$parameters g.gw=10.97.${SITES_NUMBER[$2]}.1"
	domain_start "$1" "$2" "${NUMBER[$1]}" "br-${1%-*}" "$parameters"
}

make_guests() {
	local name
	for name in $PAIRS; do start_guest "$name-a" hostA && start_guest "$name-b" hostB || return 1; done
	for name in "${!NUMBER[@]}"; do guest_ready "$name" 180 || return 1; done
}

set_up() {
	local name
	guest_kernel && guest_image "$LAB_DIR/initrd" "virtio_pci virtio_net" ethtool \
		"/usr/bin/flow=$GRAPPE_BUILD/tests/lab/flow" || return 1
	sites_up && vxlan_up && n2n_up && wg_up || return 1
	hypervisor_start hostA "${SITES_UNDERLAY[hostA]}" && hypervisor_start hostB "${SITES_UNDERLAY[hostB]}" ||
		return 1
	AGENT_MORE="history = 200"
	start_sensors && start_the_collector || return 1
	make_guests
}

# --- moves as the manager makes them --------------------------------------------------------------

# An operator's programs for a cloud of kind command: virsh, with what only he knows of his hosts.
make_cloud() {
	cat >"$LAB_DIR/migrate" <<-END
		#!/bin/bash
		# migrate NAME FROM TO
		declare -A address=([hostA]="${HYPERVISOR_ADDRESS[hostA]}" [hostB]="${HYPERVISOR_ADDRESS[hostB]}")
		uri() { echo "qemu+unix:///system?socket=$LAB_DIR/\$1/libvirt/run/libvirt-sock"; }
		exec virsh -q -c "\$(uri "\$2")" migrate --live "\$1" "\$(uri "\$3")" "tcp://\${address[\$3]}"
	END
	cat >"$LAB_DIR/survey" <<-END
		#!/bin/bash
		for host in hostA hostB; do
			virsh -q -c "qemu+unix:///system?socket=$LAB_DIR/\$host/libvirt/run/libvirt-sock-ro" list --name |
				sed -n "s/..*/{\"name\": \"&\", \"host\": \"\$host\"}/p"
		done | jq -s '{hosts: [{name: "hostA"}, {name: "hostB"}], vms: .}'
	END
	cat >"$LAB_DIR/cloud.conf" <<-END
		cloud "kvm" {
		  kind = command
		  command = { "$LAB_DIR/migrate", "{name}", "{from_host}", "{to_host}" }
		  survey_command = { "$LAB_DIR/survey" }
		  move_timeout = 5min
		}
	END
	chmod 755 "$LAB_DIR/migrate" "$LAB_DIR/survey"
}
domain_order() { "$GRAPPE" cloud --config "$LAB_DIR/cloud.conf" kvm move "$1" "$3" "$2"; }

# What goes wrong is told, and nothing moves.
test_cloud() {
	local said
	check "virsh's survey" "$GRAPPE" cloud --config "$LAB_DIR/cloud.conf" kvm survey
	said=$("$GRAPPE" cloud --config "$LAB_DIR/cloud.conf" kvm move nobody hostB hostA 2>&1)
	check_equal "  a guest that is not there is not moved: $said" 1 $?
	said=$("$GRAPPE" cloud --config "$LAB_DIR/cloud.conf" kvm move n2n-a hostA hostB 2>&1)
	check "  one that is elsewhere than thought: $said" at_host n2n-a hostA
}

# --- what the guests do and say -------------------------------------------------------------------

# Numbered records from NET-a to NET-b and back, until end_stream.
start_stream() { # NET
	guest_do "$1-b" "flow listen 5000 >/dev/ttyS0 2>&1 & sleep 0.2" >/dev/null &&
		guest_do "$1-a" "flow stream ${ADDRESS[$1-b]} 5000 $INTERVAL_MS 600 >/dev/ttyS0 2>&1 & echo \$! >/tmp/stream" \
			>/dev/null &&
		wait_for 10 guest_said "$1-a" "^flow streams from port"
}

# part NET - the client's figures since the last call: PART_RECORDS PART_RTT_MS (mean) PART_SILENCE_MS.
part() {
	local n
	n=$(parts "$1")
	guest_do "$1-a" 'kill -USR1 $(cat /tmp/stream)' >/dev/null
	wait_for 10 has_parts "$1" $((n + 1)) || return 1
	read -r PART_RECORDS PART_RTT_MS PART_SILENCE_MS < <(tr -d '\r' <"$(guest_log "$1-a")" |
		sed -n 's,^part records \([0-9]*\) rtt-ms [0-9.]* \([0-9.]*\) [0-9.]* silence-ms \([0-9]*\)$,\1 \2 \3,p' | tail -n 1)
}
parts() { grep -c '^part records' "$(guest_log "$1-a")"; }
has_parts() { [ "$(parts "$1")" -ge "$2" ]; }

end_stream() { # NET
	guest_do "$1-a" 'kill -TERM $(cat /tmp/stream)' >/dev/null
	wait_for 40 guest_said "$1-a" "^flow stream port" && wait_for 10 guest_said "$1-b" "^flow listen port"
}

# said_of NAME ROLE - the last line of its flow: "PORT RECORDS SILENCE-MS RETRANSMITTED".
said_of() {
	tr -d '\r' <"$(guest_log "$1")" | sed -n \
		"s,^flow $2 port \([0-9]*\) records \([0-9]*\) silence-ms \([0-9]*\) retransmitted \([0-9]*\)\$,\1 \2 \3 \4,p" |
		tail -n 1
}

# snmp_counter NAME Ip|Tcp COUNTER - of the guest's own kernel.
snmp_counter() {
	guest_do "$1" "grep ^$2: /proc/net/snmp" | awk -v counter="$3" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == counter) at = i }
		NR == 2 { print $at }'
}
nic_counter() { guest_do "$1" "cat /sys/class/net/eth0/statistics/$2"; }

# --- what Grappe says -----------------------------------------------------------------------------

dump() { "$GRAPPE_BUILD/tests/lab/period_dump" "$LAB_DIR/$1/periods/"[0-9]*; }
dump_both() { { dump hostA; dump hostB; } }

# pair RECEIVER SENDER [HOST] - packets over all periods of both hosts.
pair() {
	{ if [ $# = 3 ]; then dump "$3"; else dump_both; fi; } | awk -v id="$(domain_uuid "$1")" -v peer="${ADDRESS[$2]}" \
		'$1 == "row" && $3 == id && $4 == "received" && $5 == peer { s += $6 } END { print s + 0 }'
}

# all_received NAME - every frame for it: pairs, multicast, other and not IP.
all_received() {
	dump_both | awk -v id="$(domain_uuid "$1")" '
		$1 == "vif" && $3 == id { s += $6 + $7 + $8 }
		$1 == "row" && $3 == id && $4 == "received" { s += $6 } END { print s + 0 }'
}

# covered NAME FROM TO - ms that sensors of both hosts together watched its NIC in these periods.
covered() {
	dump_both | awk -v id="$(domain_uuid "$1")" -v from="$2" -v to="$3" \
		'$1 == "vif" && $3 == id && $2 > from && $2 <= to { s += $5 } END { print s + 0 }'
}

published() { [ -e "$LAB_DIR/hostA/periods/$1" ] && [ -e "$LAB_DIR/hostB/periods/$1" ]; }
settled() {
	local end
	end=$(next_boundary)
	wait_for $((TOPOLOGY_PERIOD + 5)) published "$end" || fail "period $end is published"
}

# detail RECEIVER SENDER FROM TO - the collector's answer, period by period: "END PACKETS OCTETS".
detail() {
	query matrix --from "$3" --to "$4" --wait 20s --kind detail --format csv | awk -F, \
		-v r="$(domain_uuid "$1")" -v s="$(domain_uuid "$2")" 'NR > 1 && $3 == r && $4 == s { print $1, $5, $6 }'
}

octets() { detail "$@" | awk '{ s += $3 } END { print s + 0 }'; }

# host_of NAME - where the collector's inventory has it; every place, if there are several.
host_of() {
	query inventory --format csv | awk -F, -v id="$(domain_uuid "$1")" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == "host") at = i }
		$1 == id { print $at }' | paste -sd' '
}
at_host() { [ "$(host_of "$1")" = "$2" ]; }

# seen RECEIVER SENDER - ends of the first and the last period in which the pair had traffic.
seen() {
	dump_both | awk -v id="$(domain_uuid "$1")" -v peer="${ADDRESS[$2]}" '
		$1 == "row" && $3 == id && $5 == peer { if (!from || $2 < from) from = $2; if ($2 > to) to = $2 }
		END { print from + 0, to + 0 }'
}

# archive RECEIVER SENDER - "PACKETS UNKNOWN" of the pair's only file: sum, and periods without a value from its
# first to its last traffic (what is idle before and after is not written).
archive() {
	local from to
	read -r from to < <(seen "$1" "$2")
	rrdtool fetch "$LAB_DIR/rrd/$(domain_uuid "$1")/$(domain_uuid "$2").rrd" AVERAGE -r $TOPOLOGY_PERIOD \
		-s "$((from - TOPOLOGY_PERIOD))" -e "$to" | awk -v length_s=$TOPOLOGY_PERIOD -v from="$from" -v to="$to" '
		/^ *[0-9]+:/ { t = $1 + 0; if (t >= from && t <= to) { if ($2 ~ /nan/) u++; else s += $2 * length_s } }
		END { printf "%.0f %d\n", s, u }'
}
archived() { [ "$(archive "$1" "$2" | cut -d' ' -f1)" = "$3" ]; }

# --- the tests ------------------------------------------------------------------------------------

# silence FROM TO RECEIVER SENDER BASE-FROM - ms without traffic that the pair's octets show between FROM and TO, when
# its rate is that of the time from BASE-FROM to FROM.
silence() {
	awk -v base="$(octets "$3" "$4" "$5" "$1")" -v base_s=$(($1 - $5)) \
		-v got="$(octets "$3" "$4" "$1" "$2")" -v got_s=$(($2 - $1)) \
		'BEGIN { if (base > 0) printf "%.0f\n", (got_s - got * base_s / base) * 1000 }'
}

# Half of it at least; a machine that is busy, and what both sides tell each other afterwards, blur it.
about() { [ "$1" -ge $(($2 / 2)) ] && [ "$1" -le $(($2 * 6 / 5 + 10 * INTERVAL_MS)) ]; }

# move_guest NAME NET TO - in periods of its own: BASE, BEGAN, ENDED are the ends of periods; QUIET_MS: how long the
# client waited for an echo by its own clock, which stood still with it.
move_guest() {
	BASE=$(next_boundary)
	BEGAN=$(next_boundary 4)
	wait_until "$BEGAN.3"
	domain_migrate "$2-a" "$3" || { fail "$1: live migration" && return 1; }
	pass "$1: live migration: $MIGRATION_TOTAL_MS ms, $MIGRATION_MIB, paused for $MIGRATION_DOWNTIME_MS ms"
	ENDED=$(next_boundary)
	wait_until "$ENDED"
	part "$2" || { fail "$1: the connection goes on" && return 1; }
	QUIET_MS=$PART_SILENCE_MS
}

# test_move NET TO less|more - the client's guest moves while its connection goes on; the round trip after it is
# less or more than that of the line between the sites.
test_move() {
	local net=$1 to=$2 from=${DOMAIN_HOST[$1-a]} name before shown
	name="$net, $from to $to"
	check "$name: the inventory has the guest on one host, $from" at_host "$net-a" "$from"
	part "$net" || { fail "$name: the connection works before" && return; }
	before=$PART_RTT_MS
	move_guest "$name" "$net" "$to" || return
	wait_until "$(next_boundary).5"
	part "$net"
	check "$name: $PART_RECORDS records in a period; round trip $before ms before, $PART_RTT_MS ms after" \
		awk -v rtt="$PART_RTT_MS" -v n="$PART_RECORDS" -v way="$3" -v line=$((2 * SITES_DELAY_MS)) \
		'BEGIN { exit !(n > 300 && (way == "less" ? rtt < line : rtt > line)) }'
	shown=$(silence "$BEGAN" "$ENDED" "$net-b" "$net-a" "$BASE")
	check "$name: the pair shows ${shown:-?} ms of silence; QEMU's pause $MIGRATION_DOWNTIME_MS ms, the client's $QUIET_MS ms" \
		about "${shown:-0}" "$MIGRATION_DOWNTIME_MS"
	check "$name: the inventory has it on one host, $to" wait_for $((2 * TOPOLOGY_PERIOD)) at_host "$net-a" "$to"
	check_watched "$name" "$net-a" "$BEGAN" "$ENDED"
}

# check_watched NAME GUEST FROM TO - its NIC was watched all the time, here or there.
check_watched() {
	local wanted=$((($4 - $3) * 1000)) got
	got=$(covered "$2" "$3" "$4")
	check "$1: both sensors together watched it $got of $wanted ms" [ "$got" -ge $((wanted - 50)) ]
}

# The sensor, the guests and their connection do not depend on libvirtd.
test_libvirtd_killed() {
	local began ended
	hypervisor_stop hostB KILL
	began=$(next_boundary)
	ended=$(next_boundary 3)
	wait_until "$ended.5"
	check_near "libvirtd of hostB killed: the pair is counted as before (records in 10 s)" 1000 \
		$(($(octets n2n-b n2n-a "$began" "$ended") / 652)) 10
	check "libvirtd of hostB is back" hypervisor_start hostB
	check "it knows its guests" sh -c "virsh -q -c '$(hypervisor_uri hostB)' list --name | grep -qx n2n-a"
	check "the sensor of hostB ran on" running capture-hostB
}

# One connection from beginning to end, each record at both ends.
test_connection() { # NET
	local client server port records
	end_stream "$1" || fail "$1: the connection ends in order"
	client=$(said_of "$1-a" stream) server=$(said_of "$1-b" listen)
	read -r port records _ <<<"$client"
	check_equal "$1: both ends say the same connection (port) and number of records, none lost or doubled" \
		"${port:-none} ${records:-none}" "$(cut -d' ' -f1,2 <<<"$server")"
	check_equal "$1: one connection was opened, none was reset" "1 0 1 0" "$(snmp_counter "$1-a" Tcp ActiveOpens) $(
		snmp_counter "$1-a" Tcp EstabResets) $(snmp_counter "$1-b" Tcp PassiveOpens) $(
		snmp_counter "$1-b" Tcp EstabResets)"
	say "      $1: longest silence $(cut -d' ' -f3 <<<"$server") ms, segments retransmitted $(
		cut -d' ' -f4 <<<"$client") and $(cut -d' ' -f4 <<<"$server")"
}

# test_counts NET - who stays received exactly what its own kernel says. Who moved received at least that, and at most
# what the other one sent: the rest was delivered to a tap that nobody read any more.
test_counts() {
	local stays moved least most
	stays=$(pair "$1-b" "$1-a")
	check_equal "$1: packets of the pair = datagrams that the staying guest received" \
		"$(snmp_counter "$1-b" Ip InReceives)" "$stays"
	moved=$(pair "$1-a" "$1-b")
	least=$(snmp_counter "$1-a" Ip InReceives)
	most=$(($(snmp_counter "$1-b" Tcp OutSegs) + $(snmp_counter "$1-b" Tcp RetransSegs)))
	check "$1: no packet twice: received $least, counted $moved ($(pair "$1-a" "$1-b" hostA) + $(
		pair "$1-a" "$1-b" hostB)), sent $most" [ "$least" -le "$moved" ] && [ "$moved" -le "$most" ]
}

# test_frames NET - every frame for who stays, read over a boundary of periods at which none was under way.
test_frames() {
	local before after got
	for _ in 1 2 3 4 5 6; do
		before=$(nic_counter "$1-b" rx_packets)
		settled
		got=$(all_received "$1-b")
		after=$(nic_counter "$1-b" rx_packets)
		[ "$before" != "$after" ] || break
	done
	check_equal "$1: all frames for it = those of its NIC" "$after" "$got"
}

# test_archive RECEIVER SENDER - the pair is in one file that goes on through all moves.
test_archive() {
	local wanted
	wanted=$(pair "$1" "$2")
	wait_for 40 archived "$1" "$2" "$wanted"
	check_equal "one archive holds all of $2 to $1, with no unknown period" "$wanted 0" "$(archive "$1" "$2")"
	check_equal "$1 has no other archive of a known sender" 1 \
		"$(find "$LAB_DIR/rrd/$(domain_uuid "$1")" -name '*-*.rrd' ! -name 'mark-*' | wc -l)"
}

# The sensor sees what passes the guest's own NIC: the addresses inside the tunnel.
test_wireguard() {
	check_equal "wg: the only sender at the tap of wg-b" "${ADDRESS[wg-a]}" "$(dump_both |
		awk -v id="$(domain_uuid wg-b)" '$1 == "row" && $3 == id { print $5 }' | sort -u | paste -sd' ')"
	check "wg: it came through the tunnel" [ "$(in_ns hostB wg show "$(wg_device hostB)" transfer |
		awk '{ print $2 }')" -gt "$(octets wg-b wg-a "$first" "$last")" ]
}

# --- all of it ------------------------------------------------------------------------------------

began=$SECONDS
GRAPPE=$(program grappe) || exit 1
make -s -C "$GRAPPE_BUILD" tests/lab/period_dump tests/lab/flow tests/lab/wan_relay >/dev/null
set_up || lab_die "the lab did not come up: $LAB_LOG"
say "      six guests on two hosts after $((SECONDS - began)) s; between the sites $(sites_rtt_ms) ms, $SITES_MBIT Mbit/s"
for host in hostA hostB; do say "      $host: $(sed -n 's/.*back end: //p' "$LAB_LOG/capture-$host.log")"; done
first=$(next_boundary)
wait_until "$first"
for net in $PAIRS; do start_stream "$net" || fail "$net: the guests are connected"; done
make_cloud
test_cloud
for net in n2n vxlan; do test_move $net hostB less; done
test_libvirtd_killed
test_move n2n hostA more
for net in $PAIRS; do test_connection "$net"; done
settled
last=$(next_boundary 0)
for net in $PAIRS; do test_counts "$net"; done
for net in $PAIRS; do test_frames "$net"; done
for net in $PAIRS; do test_archive "$net-b" "$net-a" && test_archive "$net-a" "$net-b"; done
test_wireguard
finish
