# SPDX-License-Identifier: GPL-3.0-or-later
# Two hosts at two routed sites, a slow line between these, and virtual networks over it that end on the hosts.
# Read after lib.sh and topology.sh, whose management network, agents and collector it uses.
#
#     hostA (site-1)                                                            hostB (site-2)
#     up0 10.1.0.2/24 ---- a0 10.1.0.1 [router] 10.2.0.1 b0 ---- relay ---- up0 10.2.0.2/24
#     mgt0 10.99.0.11 ------------------ mon (br0) ------------------------ mgt0 10.99.0.12
#
# Each virtual network NAME has a bridge br-NAME on each host: n2n and vxlan carry frames (one subnet, a VM
# may move), wg carries packets between the subnets 10.97.1.0/24 and 10.97.2.0/24.

SITES_DELAY_MS=${SITES_DELAY_MS:-5}
SITES_MBIT=${SITES_MBIT:-200}
declare -A SITES_UNDERLAY=([hostA]=10.1.0.2 [hostB]=10.2.0.2) SITES_NUMBER=([hostA]=1 [hostB]=2)

other_host() { if [ "$1" = hostA ]; then echo hostB; else echo hostA; fi; }

# --- the sites ------------------------------------------------------------------------------------

sites_up() {
	local host
	ns_add hostA hostB router relay mon && bridge_add mon br0 && ip_in mon addr add 10.99.0.1/24 dev br0 &&
		link_add hostA up0 router a0 && link_add hostB up0 relay r1 && link_add relay r0 router b0 &&
		ip_in router addr add 10.1.0.1/24 dev a0 && ip_in router addr add 10.2.0.1/24 dev b0 &&
		in_ns router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward' || return 1
	for host in hostA hostB; do
		mkdir -p "$LAB_DIR/$host" && link_add "$host" mgt0 mon "$host" && port_add mon "$host" br0 &&
			ip_in "$host" addr add "${TOPOLOGY_MANAGEMENT[$host]}/24" dev mgt0 &&
			ip_in "$host" addr add "${SITES_UNDERLAY[$host]}/24" dev up0 &&
			ip_in "$host" route add default via "10.${SITES_NUMBER[$host]}.0.1" || return 1
	done
	sites_slow_line
}

# The relay moves frames as they are on a wire: nobody next to it may make longer ones.
sites_slow_line() {
	local end
	for end in hostA/up0 router/a0 router/b0 relay/r0 relay/r1 hostB/up0; do
		in_ns "${end%/*}" ethtool -K "${end#*/}" tso off gso off gro off tx off >/dev/null 2>&1 || return 1
	done
	start_in relay relay "$GRAPPE_BUILD/tests/lab/wan_relay" r0 r1 "$SITES_DELAY_MS" "$SITES_MBIT"
	wait_ready relay
}

# sites_rtt_ms - round trip between the hosts, the least of ten.
sites_rtt_ms() {
	in_ns hostA ping -q -c 10 -i 0.1 "${SITES_UNDERLAY[hostB]}" | sed -n 's,^rtt [^=]*= \([0-9.]*\)/.*,\1,p'
}

# --- virtual networks -----------------------------------------------------------------------------

has_device() { ip_in "$1" link show dev "$2"; }

vxlan_up() {
	local host
	for host in hostA hostB; do
		bridge_add "$host" br-vxlan &&
			ip_in "$host" link add dev vx0 type vxlan id 42 dstport 4789 \
				local "${SITES_UNDERLAY[$host]}" remote "${SITES_UNDERLAY[$(other_host "$host")]}" &&
			ip_in "$host" link set dev vx0 mtu 1450 up && port_add "$host" vx0 br-vxlan || return 1
	done
}

# An edge encrypts; the supernode only lets the edges find each other.
n2n_up() {
	local host number
	start_in router supernode supernode -l 7654
	for host in hostA hostB; do
		number=${SITES_NUMBER[$host]}
		bridge_add "$host" br-n2n || return 1
		start_in "$host" "edge-$host" edge -d n2n0 -a "10.96.0.$number" -c grappe -k lab \
			-l "10.$number.0.1:7654" -m "52:54:00:96:00:1$number" -r
		wait_for 10 has_device "$host" n2n0 && ip_in "$host" addr flush dev n2n0 &&
			ip_in "$host" link set dev n2n0 mtu 1400 up && port_add "$host" n2n0 br-n2n || return 1
	done
}

# In the kernel where it has WireGuard, else by wireguard-go; names of devices must be new to the whole machine,
# because wireguard-go has its sockets in /run/wireguard.
wg_device() { echo "wg${SITES_NUMBER[$1]}-$$"; }

wg_up() {
	local host
	for host in hostA hostB; do
		bridge_add "$host" br-wg &&
			ip_in "$host" addr add "10.97.${SITES_NUMBER[$host]}.1/24" dev br-wg &&
			in_ns "$host" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward' && wg_make_device "$host" &&
			(umask 077 && wg genkey >"$LAB_DIR/$host/wg.key") || return 1
	done
	wg_join hostA && wg_join hostB
}

wg_make_device() {
	local device
	device=$(wg_device "$1")
	ip_in "$1" link add dev "$device" type wireguard 2>/dev/null && return
	start_in "$1" "wireguard-$1" env WG_PROCESS_FOREGROUND=1 wireguard-go -f "$device"
	wait_for 10 in_ns "$1" wg show "$device"
}

wg_join() { # HOST - its peer is the other host with the VMs behind it
	local host=$1 other device
	other=$(other_host "$host")
	device=$(wg_device "$host")
	in_ns "$host" wg set "$device" listen-port 51820 private-key "$LAB_DIR/$host/wg.key" \
		peer "$(wg pubkey <"$LAB_DIR/$other/wg.key")" \
		endpoint "${SITES_UNDERLAY[$other]}:51820" allowed-ips "10.97.${SITES_NUMBER[$other]}.0/24" &&
		ip_in "$host" link set dev "$device" mtu 1420 up &&
		ip_in "$host" route add "10.97.${SITES_NUMBER[$other]}.0/24" dev "$device"
}
