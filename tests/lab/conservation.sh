#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Nothing is lost and nothing counted twice on the whole way, while everything that can be killed is:
#
#     frames that the kernel delivered to the VMs
#       = pairs + multicast + other + non-IP + unmatched + malformed + dropped   in the period files
#       = the blocks, and the growth of the pair table, over SNMP
#       = the collector's answer, resolved to VMs
#       = the archives, read by rrdtool
#
# The VMs' interfaces run without offloads, so that a frame is a packet on the wire.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/topology.sh"

TOPOLOGY_PERIOD=5
LAB_OFFLOAD=off
lab_begin conservation
root=1.3.6.1.4.1.8072.9999.9999

# delivered[VM]: frames handed to its interface; read before a VM is removed, else at the end. While a
# VM is paused the interface itself drops them: behind the place where the sensor looks.
declare -A delivered=()

read_delivered() { # VM
	local host=${VM_HOST[$1]} port=${VM_PORT[$1]}
	delivered[$1]=$(($(port_counter "$host" "$port" tx_packets) + $(port_counter "$host" "$port" tx_dropped)))
}

# --- traffic ------------------------------------------------------------------------------------

udp() { # FROM TO Mbit/s PORT
	start_in "$2" "iperf3-$2-$4" iperf3 -s -1 --forceflush -p "$4"
	wait_log "iperf3-$2-$4" listening 10 || return 1
	start_in "$1" "iperf3-$1-$2-$4" iperf3 -c "${VM_ADDRESS[$2]}" -p "$4" -u -l 700 -b "$3M" -t 600 -i 0
}

tcp() { # FROM TO Mbit/s PORT
	start_in "$2" "iperf3-$2-$4" iperf3 -s -1 --forceflush -p "$4"
	wait_log "iperf3-$2-$4" listening 10 || return 1
	start_in "$1" "iperf3-$1-$2-$4" iperf3 -c "${VM_ADDRESS[$2]}" -p "$4" -b "$3M" -t 600 -i 0
}

start_traffic() {
	udp a1 b1 2 5001 && tcp b1 a1 4 5002 && tcp a2 b2 3 5003 && udp b2 a2 1 5004 || return 1
	# to an address that no VM has (flooded to all: "unmatched"), to everybody, to a group
	ip_in a1 neigh add 10.77.0.200 lladdr 02:00:00:00:00:c8 nud permanent dev eth0
	start_in a1 ping-absent ping -q -i 0.2 10.77.0.200
	start_in a2 ping-broadcast ping -q -b -i 0.5 10.77.0.255
	ip_in b1 route add 224.0.0.0/4 dev eth0
	start_in b1 ping-group ping -q -i 0.5 224.0.0.251
}

stop_traffic() {
	local name
	for name in "${!LAB_PIDS[@]}"; do
		case $name in iperf3-* | ping-*) stop "$name" KILL ;; esac
	done
}

# --- what each stage says -----------------------------------------------------------------------

dump() { "$GRAPPE_BUILD/tests/lab/period_dump" "$LAB_DIR/$1/periods/"[0-9]*; }

# file_sum HOST AWK-PATTERN FIELDS... - sum of fields over the lines of all period files.
file_sum() {
	local host=$1 kind=$2
	shift 2
	dump "$host" | awk -v kind="$kind" -v fields="$*" '
		BEGIN { n = split(fields, f, " ") }
		$1 == kind && (kind != "row" || $4 == "received") { for (i = 1; i <= n; i++) s += $f[i] }
		END { printf "%.0f\n", s }'
}

walk() { in_ns mon snmpbulkwalk -v2c -c public -t 3 -r 3 -Ox -Oqn "${TOPOLOGY_MANAGEMENT[$1]}:161" "$root.$2" | sed "s/Hex-STRING: //"; }

table_sum() { walk "$1" "$2" | awk '{ s += $2 } END { printf "%.0f\n", s }'; }

# blocks_are_files HOST - every period that the agent still has: its blocks, put together, are the file.
blocks_are_files() {
	local host=$1 end seen=0
	# a long value goes over several lines
	walk "$host" 1.3.1.2 | tr -d '"' | awk '/^\./ { printf "\n" } { printf "%s ", $0 }' |
		grep . >"$LAB_DIR/blocks"
	for end in $(awk '{ n = split($1, i, "."); print i[n - 1] }' "$LAB_DIR/blocks" | sort -u); do
		awk -v end="$end" '{ n = split($1, i, "."); if (i[n - 1] == end) { $1 = ""; print i[n], $0 } }' \
			"$LAB_DIR/blocks" | sort -n | cut -d' ' -f2- | tr -d ' \n' | tr a-f A-F >"$LAB_DIR/got"
		od -An -v -tx1 "$LAB_DIR/$host/periods/$end" | tr -d ' \n' | tr a-f A-F >"$LAB_DIR/wanted"
		cmp "$LAB_DIR/got" "$LAB_DIR/wanted" || return 1
		seen=$((seen + 1))
	done
	[ $seen -ge 5 ] || { echo "only $seen periods over SNMP" && return 1; }
}

# answered - sums of the collector's detail answer: "RECEIVER PACKETS OCTETS" per VM (by name).
answered() {
	query matrix --from "$first" --to "$last" --kind detail --format csv >"$LAB_DIR/detail.csv" || return 1
	query inventory --to "$last" --format csv >"$LAB_DIR/inventory.csv" || return 1
	awk -F, '
		FNR == 1 { next }
		NR == FNR { name[$1] = $2; next }
		$5 != "-" { p[$3] += $5; o[$3] += $6 }
		END { for (r in p) printf "%s %.0f %.0f\n", (r in name) ? name[r] : r, p[r], o[r] }' \
		"$LAB_DIR/inventory.csv" "$LAB_DIR/detail.csv" | sort
}

# archived ID - sum of packets over all archives of a receiver.
archived() {
	local file
	for file in "$LAB_DIR/rrd/$1"/*.rrd; do
		[[ ${file##*/} == @(coverage|mark-*).rrd ]] ||
			rrdtool fetch "$file" AVERAGE -r "$TOPOLOGY_PERIOD" -s "$first" -e "$last"
	done | awk -v length_s="$TOPOLOGY_PERIOD" -v first="$first" -v last="$last" '
		/^ *[0-9]+:/ { t = $1 + 0; if (t > first && t <= last && $2 !~ /nan/) s += $2 * length_s }
		END { printf "%.0f\n", s }'
}

# received_in_files NAME - packets that a VM received by the period files of both hosts: pairs,
# multicast and other.
received_in_files() {
	{ dump hostA; dump hostB; } | awk -v name="$1" '
		$1 == "vif" && $4 == name { id[$3] = 1; s += $6 + $7 }
		$1 == "row" && $4 == "received" { row[$3] += $6 }
		END { for (i in id) s += row[i]; printf "%.0f\n", s }'
}

id_of() { { dump hostA; dump hostB; } | awk -v name="$1" '$1 == "vif" && $4 == name { print $3; exit }'; }

# --- the test -----------------------------------------------------------------------------------

newest_end() { query status --format json | jq -r .newest_end; }
collected() { [ "$(newest_end)" -ge "$1" ]; }

set_up() {
	topology_up && topology_vm a1 hostA 1 && topology_vm a2 hostA 2 && topology_vm b1 hostB 3 &&
		topology_vm b2 hostB 4 || return 1
	# named before it exists: it is plugged in under load
	VM_MAC[late]=02:00:00:00:00:05
	TOPOLOGY_VMS+=(late)
	CAPTURE_MORE="periods_kept = 200" AGENT_MORE="history = 200"
	export CAPTURE_MORE AGENT_MORE
	start_sensors && start_the_collector &&
		make -s -C "$GRAPPE_BUILD" tests/lab/period_dump >/dev/null
}

restart_after() { # SECONDS NAME START-COMMAND...
	local seconds=$1 name=$2
	shift 2
	stop "$name" KILL
	wait_until "$((EPOCHSECONDS + seconds))"
	"$@"
	case $name in snmpd-*) ;; *) wait_ready "$name" ;; esac
}

# watched HOST VM - the sensor has opened the VM's interface.
watched() { wait_log "capture-$1" "capturing on ${VM_PORT[$2]}," 10 || fail "the sensor of $1 sees $2 come"; }

set_up || lab_die "the lab did not come up: $LAB_LOG"
first=$((EPOCHSECONDS - EPOCHSECONDS % TOPOLOGY_PERIOD))
start_traffic || lab_die "no traffic: $LAB_LOG"
wait_until "$(next_boundary 2)"

say "the agent of hostA is killed, and back after a period"
restart_after 6 agent-hostA start_agent hostA
say "the snmpd of hostB is killed, and back"
restart_after 3 snmpd-hostB start_host_snmpd hostB
say "the snmpd of hostA is stopped for a period and a half"
signal snmpd-hostA STOP
wait_until "$((EPOCHSECONDS + 8))"
signal snmpd-hostA CONT
say "the collector is killed, and back after a period"
restart_after 6 collector start_collector
say "a VM is plugged in, another one moves, another one is removed"
topology_vm late hostA 5
watched hostA late
udp late b1 1 5005 && udp a1 late 1 5006
# as with a real guest: the interface is there, and watched, before the guest runs on
ip_in a2 link set dev eth0 down
vm_move "${VM_PORT[a2]}" hostA hostB br0 && VM_HOST[a2]=hostB
watched hostB a2
ip_in a2 link set dev eth0 up
vm_announce a2 10.77.0.250
ip_in hostB link set dev "${VM_PORT[b2]}" down
read_delivered b2
ip_in hostB link del dev "${VM_PORT[b2]}"
wait_until "$(next_boundary 2)"
stop_traffic
# no late word of a kernel (ARP, TCP) after the reading
for vm in a1 a2 b1 late; do ip_in $vm link set dev eth0 down; done
for vm in a1 a2 b1 late; do read_delivered $vm; done
last=$(next_boundary)
wait_until "$last"
check "the collector has the last period" wait_for 30 collected "$last"
wait_until "$(next_boundary)"

total=0
say "delivered: $(for vm in "${!delivered[@]}"; do echo "$vm ${delivered[$vm]}"; done | sort | paste -sd ' ')"
for vm in "${!delivered[@]}"; do total=$((total + ${delivered[$vm]})); done
counted=0
for host in hostA hostB; do
	counted=$((counted + $(file_sum $host row 6) + $(file_sum $host vif 6 7 8) + $(file_sum $host period 4 5 6)))
	say "$host: $(file_sum $host row 6) in pairs, $(file_sum $host vif 6) multicast," \
		"$(file_sum $host vif 7) other, $(file_sum $host vif 8) non-IP," \
		"$(file_sum $host period 5) unmatched, $(file_sum $host period 6) malformed," \
		"$(file_sum $host period 4) dropped"
done
check_equal "frames delivered = all that the period files hold" $total $counted
check "no packet was dropped" test "$(($(file_sum hostA period 4) + $(file_sum hostB period 4)))" = 0
check "there was enough traffic to mean something" test $total -gt 10000
for host in hostA hostB; do
	check "$host: unmatched frames were seen" test "$(file_sum $host period 5)" -gt 10
	check_equal "$host: packets of the pair table over SNMP" "$(file_sum $host row 6)" \
		"$(table_sum $host 1.6.1.3)"
	check_equal "$host: octets of the pair table over SNMP" "$(file_sum $host row 7)" \
		"$(table_sum $host 1.6.1.4)"
	check "$host: blocks over SNMP are the period files" blocks_are_files $host
done
answered >"$LAB_DIR/answered" || fail "the collector answers"
for vm in a1 a2 b1 b2 late; do
	wanted=$(received_in_files $vm)
	check_equal "$vm: packets in the collector's answer" "$wanted" \
		"$(awk -v vm=$vm '$1 == vm { print $2 }' "$LAB_DIR/answered")"
	check_equal "$vm: packets in the archives" "$wanted" "$(archived "$(id_of $vm)")"
done
finish
