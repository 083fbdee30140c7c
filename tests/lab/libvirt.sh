#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# VMs learnt from a real libvirtd with QEMU guests (S-9, S-10), beside a VM that only the bridge knows and one of the
# static list: names, UUIDs, sizes and labels; a NIC plugged in and out; the name of a tap used again; libvirtd killed,
# hung and back under traffic. All is read from period files. Migration is in vms.sh.
#
#     web1, web2 (libvirt)    tap-web1, tap-web2 on br0        10.98.0.11, .12
#     web1's second NIC       tap-hot on br1, plugged in later 10.98.0.11 again, another segment
#     byport, bylist (veth)   on br1                           10.98.0.12 again, .14
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/guest.sh"
. "$here/hypervisor.sh"

PERIOD=5
NAMESPACE=urn:grappe:domain:1
lab_begin libvirt
periods=$LAB_DIR/periods

# --- set-up ---------------------------------------------------------------------------------------

write_config() { # MORE-LINES
	cat >"$LAB_DIR/capture.conf" <<-END
		period = ${PERIOD}s
		allow_short_periods = yes
		periods_directory = "$periods"
		periods_kept = 500
		libvirt_uri = "$(hypervisor_uri host -ro)"
		libvirt_program = "$(program grappe-libvirt)"
		$1
	END
}

all_sources='bridge "br1" { segment = "store" }
segment "front" { bridge = "br0" }
vm "web2" { application = "db" }
vm "bylist" { mac = {"02:00:00:00:00:0e"} interface = "p-bylist" }'

start_capture() {
	start_in host capture "$(program grappe-capture)" -v --config "$LAB_DIR/capture.conf"
	wait_ready capture
}

start_guest() { # NAME NUMBER GROUP
	DOMAIN_METADATA="<g:grappe xmlns:g='$NAMESPACE'><g:group>$3</g:group></g:grappe>" \
		domain_start "$1" host "$2" br0 "g.ip=10.98.0.$2/24"
}

set_up() {
	ns_add host && bridge_add host br0 && bridge_add host br1 || return 1
	vm_add byport host br1 p-byport 02:00:00:00:00:0c 10.98.0.12/24 &&
		vm_add bylist host br1 p-bylist 02:00:00:00:00:0e 10.98.0.14/24 || return 1
	mkdir -p "$LAB_DIR/host" && guest_kernel && guest_image "$LAB_DIR/initrd" "virtio_pci virtio_net" ip || return 1
	hypervisor_start host 10.0.0.1 && start_guest web1 11 shop && start_guest web2 12 shop &&
		guest_ready web1 180 && guest_ready web2 180
}

# --- what Grappe says -----------------------------------------------------------------------------

dump() { "$GRAPPE_BUILD/tests/lab/period_dump" "$periods/"[0-9]*; }
next_boundary() { echo $((EPOCHSECONDS - EPOCHSECONDS % PERIOD + PERIOD)); }
published() { [ -e "$periods/$1" ]; }

# settled - all that happened so far is in a published period.
settled() {
	local end
	end=$(next_boundary)
	wait_for $((PERIOD + 10)) published "$end" || fail "period $end is published"
}

# newest_vif INTERFACE FIELD... - of the vif on that interface in the newest period.
newest_vif() {
	local interface=$1
	shift
	dump | awk -v interface="$interface" -v fields="$*" '
		BEGIN { n = split(fields, f, " ") }
		$1 == "period" { newest = $2 }
		$1 == "vif" && $10 == interface { line = $0; of = $2 }
		END {
			if (of != newest) { print "none"; exit }
			split(line, w, " ")
			for (i = 1; i <= n; i++) printf "%s%s", w[f[i]], i < n ? " " : "\n"
		}'
}

# pair VM-ID SEGMENT PEER - packets over all periods.
pair() {
	dump | awk -v id="$1" -v segment="$2" -v peer="$3" \
		'$1 == "row" && $3 == id && $4 == "received" && $5 == peer && $8 == segment { s += $6 } END { print s + 0 }'
}

# counted - frames over all periods: pairs, multicast, other, not IP, dropped, unmatched, malformed.
counted() {
	dump | awk '
		$1 == "row" && $4 == "received" { s += $6 }
		$1 == "vif" { s += $6 + $7 + $8 }
		$1 == "period" { s += $4 + $5 + $6 }
		END { print s + 0 }'
}

# delivered - frames that the host handed to the interfaces that are watched.
delivered() {
	local interface sum=0
	for interface in "$@"; do sum=$((sum + $(port_counter host "$interface" tx_packets))); done
	echo $sum
}

in_log() { grep -c -- "$1" "$LAB_LOG/capture.log"; }
more_in_log() { [ "$(in_log "$1")" -gt "$2" ]; }

guest_ping() { # NAME ADDRESS COUNT [INTERFACE]
	guest_do "$1" "ping -q -c $3 -A ${4:+-I $4} $2 | grep ' 0% packet loss'" 120
}

# --- the tests ------------------------------------------------------------------------------------

# No section at all: libvirt alone says what there is.
test_libvirt_alone() {
	write_config "libvirt = auto"
	check "a configuration without bridges and VMs is valid" \
		"$(program grappe-capture)" --check-config --config "$LAB_DIR/capture.conf"
	check "grappe-capture starts" start_capture
	check "web1 is watched by its UUID" wait_log capture "watching web1 ($(domain_uuid web1)) on tap-web1" 5
	check "so is web2" wait_log capture "watching web2 ($(domain_uuid web2)) on tap-web2" 5
	settled
	check_equal "what nobody names is not watched" 2 "$(dump | awk '$1 == "vif" { print $3 }' | sort -u | wc -l)"
	check_equal "name, segment, label, kind, state, CPUs, memory (KiB)" \
		"web1 default shop hvm 4 1 98304" "$(newest_vif tap-web1 4 9 11 12 13 14 15 | awk '{ $7 /= 1024; print }')"
	stop capture
	rm -rf "$periods"
}

test_all_sources() {
	write_config "libvirt = yes
$all_sources"
	# everybody is quiet until the sensor is there
	BASE=$(delivered tap-web1 tap-web2 p-byport p-bylist)
	check "grappe-capture starts with all three sources" start_capture
	vm_announce byport 10.98.0.99
	check "the VM that only the bridge knows" wait_log capture "watching mac-02000000000c (.*) on p-byport, segment store" 10
	check "the VM of the list" wait_log capture "watching bylist (mac-02000000000e) on p-bylist, segment store" 10
	check "a VM of libvirt is in the segment of its bridge" wait_log capture "watching web1 (.*) on tap-web1, segment front" 5
	check "web1 reaches web2" guest_ping web1 10.98.0.12 100
	settled
	check_equal "web2 received its 100 echo requests" 100 "$(pair "$(domain_uuid web2)" front 10.98.0.11)"
	check_equal "a vm section gives a label without a MAC" "web2 db" "$(newest_vif tap-web2 4 11)"
	dump >"$LAB_DIR/dump"
	check "web1's address is claimed" grep -q "^address .* $(domain_uuid web1) front 10.98.0.11 claimed" "$LAB_DIR/dump"
}

test_hot_plug() {
	local mac=52:54:00:77:01:0b
	check "a NIC is plugged in" virsh_on host attach-interface web1 bridge br1 --target tap-hot --mac $mac --model virtio --live
	check "it is web1's" wait_log capture "watching web1 ($(domain_uuid web1)) on tap-hot, segment store" 10
	check "the guest finds it" wait_for 30 guest_do web1 "ip link set eth1 up && ip addr add 10.98.0.11/24 dev eth1"
	check "web1 reaches the other 10.98.0.12 by it" guest_ping web1 10.98.0.12 50 eth1
	settled
	check_equal "the other one received them in its own segment" 50 "$(pair mac-02000000000c store 10.98.0.11)"
	check_equal "web1 keeps a row of 10.98.0.12 for each segment" "100 50" \
		"$(pair "$(domain_uuid web1)" front 10.98.0.12) $(pair "$(domain_uuid web1)" store 10.98.0.12)"
	HOT=$(delivered tap-hot)
	check "it is plugged out" virsh_on host detach-interface web1 bridge --mac $mac --live
	check "and no longer watched" wait_log capture "no longer watching web1 .* on tap-hot" 20
	settled
	settled
	check_equal "and no longer in the periods" none "$(newest_vif tap-hot 3)"
	check_equal "its VM is" "$(domain_uuid web1)" "$(newest_vif tap-web1 3)"
}

test_metadata() {
	check "the label is changed" virsh_on host metadata web1 --uri $NAMESPACE --key g \
		--set "<grappe><group>mail</group></grappe>" --live
	settled
	check_equal "and the period has it" mail "$(newest_vif tap-web1 11)"
}

# Under traffic: libvirtd dies, hangs, and its asker is killed. The sensor goes on.
test_libvirtd_away() {
	local away back before
	away="VMs known last stay" back="libvirt tells its VMs again"
	guest_do web1 "ping -q -i 0.05 10.98.0.12 >/tmp/ping 2>&1 & echo \$! >/tmp/pid" >/dev/null
	before=$(in_log "$back")
	hypervisor_stop host KILL
	check "libvirtd killed: it is told" wait_log capture "$away" 10
	settled
	settled
	check_equal "the VMs stay" "web1 web2" "$(newest_vif tap-web1 4) $(newest_vif tap-web2 4)"
	check "libvirtd starts again" hypervisor_start host
	check "and is asked again" wait_for 40 more_in_log "$back" "$before"
	before=$(in_log "$back")
	signal libvirtd-host STOP
	check "libvirtd hangs: it is told" wait_for 60 more_in_log "$away" 1
	signal libvirtd-host CONT
	check "and is asked again" wait_for 90 more_in_log "$back" "$before"
	before=$(in_log "$back")
	kill -s KILL "$(asker)"
	check "its asker is killed: it is told" wait_log capture "died of signal 9" 10
	check "and started again" wait_for 20 more_in_log "$back" "$before"
	check_equal "no VM was lost or found all the while" "" \
		"$(grep -A 1000 "$away" "$LAB_LOG/capture.log" | grep "watching" | head -n 3)"
	guest_do web1 "kill -INT \$(cat /tmp/pid); sleep 1; cat /tmp/ping" >"$LAB_LOG/ping.log"
	settled
	PINGS=$(awk '/packets transmitted/ { print $1 }' "$LAB_LOG/ping.log")
	check_equal "and no packet" $((100 + PINGS)) "$(pair "$(domain_uuid web2)" front 10.98.0.11)"
	say "      $PINGS echo requests while libvirtd was away and back"
}

# The process that asks libvirt now: the newest child of grappe-capture's child.
asker() {
	local child
	child=$(children "${LAB_PIDS[capture]}")
	children "${child%% *}"
}
children() { sed 's/ *$//' "/proc/$1/task/$1/children"; }

test_nothing_lost() {
	check_equal "every frame that was delivered is in one counter" \
		$(($(delivered tap-web1 tap-web2 p-byport p-bylist) - BASE + HOT)) "$(counted)"
}

# web2 ends; at once another VM gets its tap.
test_name_used_again() {
	local old
	old=$(domain_uuid web2)
	# shellcheck disable=SC2034,SC2154
	DOMAIN_NUMBER[web3]=13
	guest_console web3 && domain_xml web3 br0 "g.ip=10.98.0.13/24" |
		sed "s,tap-web3,tap-web2,; s,<metadata></metadata>,," >"$LAB_DIR/web3.xml"
	check "web2 ends and web3 gets its tap at once" sh -c "$(declare -f hypervisor_folder hypervisor_uri virsh_on)
		LAB_DIR=$LAB_DIR; virsh_on host destroy web2 && virsh_on host create '$LAB_DIR/web3.xml'"
	check "web3 is watched there by its own UUID" wait_log capture "watching web3 ($(domain_uuid web3)) on tap-web2" 10
	guest_ready web3 180 || fail "web3 starts"
	check "web1 reaches web3" guest_ping web1 10.98.0.13 60
	settled
	check_equal "web3 counts them" 60 "$(pair "$(domain_uuid web3)" front 10.98.0.11)"
	check_equal "web2 does not" $((100 + PINGS)) "$(pair "$old" front 10.98.0.11)"
	check_equal "web2 is no longer there" 0 "$(dump | awk -v id="$old" '$1 == "period" { n = 0 } $3 == id { n++ } END { print n }')"
}

# VmRSS (kB) of the two processes that watch libvirt.
tell_memory() {
	local pid
	for pid in $(children "${LAB_PIDS[capture]}") $(asker); do
		awk -v pid="$pid" '/^VmRSS|^RssAnon/ { printf "      process %s: %s %s kB\n", pid, $1, $2 }' "/proc/$pid/status"
	done
}

test_end() {
	local asking
	asking="$(children "${LAB_PIDS[capture]}") $(asker)"
	check "grappe-capture ends in good order" stop capture
	# shellcheck disable=SC2086
	check "and what asked libvirt with it" wait_for 5 all_gone $asking
	check_equal "no VM of libvirt was ever known by its MAC" "" "$(dump | awk '$1 == "vif" && $3 ~ /^mac-5254/')"
}
all_gone() {
	local pid
	for pid in "$@"; do lab_gone "$pid" || return 1; done
}

# Guests outlive libvirtd.
lab_cleanup_more() {
	local file
	for file in "$(hypervisor_folder host)"/run/qemu/*.pid; do
		[ ! -s "$file" ] || kill -s KILL "$(cat "$file")" 2>/dev/null
	done
}

set_up || lab_die "the host and its guests cannot be made"
test_libvirt_alone
test_all_sources
test_hot_plug
test_metadata
test_libvirtd_away
test_nothing_lost
test_name_used_again
tell_memory
test_end
finish
