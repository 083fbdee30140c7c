#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The demonstration: two sites, three distributed applications placed badly, and Grappe that sees who
# talks to whom, says what to move and why, and measures what the moves brought. "quickstart demo"
# builds first and then runs this; "quickstart check" runs it as a test.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"
. "$here/topology.sh"
. "$here/mpi/mpi.sh"
began=$SECONDS

# --- what the demo is made of -------------------------------------------------------------------

# name, host at the beginning, number of MAC and address
vms='
web1 hostA 1
client1 hostA 2
client2 hostB 3
client3 hostB 4
mpi1 hostA 11
mpi2 hostB 12
mpi3 hostA 13
mpi4 hostB 14
db1 hostA 21
db2 hostA 22
'
shop='web1 client1 client2 client3'
solver='mpi1 mpi2 mpi3 mpi4'
database='db1 db2'
pages_kB=400	# per second to each client
feed_kB=60	# per second from web1 to mpi1: what remains between the sites
solver_bytes=64000 solver_ms=200
database_Mbit=6

make_vms() {
	local name host number
	while read -r name host number; do
		[ -z "$name" ] || topology_vm "$name" "$host" "$number" || lab_die "cannot make $name"
	done <<<"$vms"
}

# nginx at web1 for the shop, and at "mon" one that plays a dashboard: it logs what is posted to it.
configure_nginx() {
	local common="daemon off; user root; worker_processes 1; error_log stderr;
events { worker_connections 64; }"
	mkdir -p "$LAB_DIR/web1" "$LAB_DIR/noc" && truncate -s 2G "$LAB_DIR/web1/catalogue"
	cat >"$LAB_DIR/web1/nginx.conf" <<-END
		$common
		pid $LAB_DIR/web1/pid;
		http {
			access_log off;
			sendfile on;
			server {
				listen ${VM_ADDRESS[web1]}:80;
				location /pages/ { alias $LAB_DIR/web1/; limit_rate ${pages_kB}k; }
				location /feed/ { alias $LAB_DIR/web1/; limit_rate ${feed_kB}k; }
			}
		}
	END
	cat >"$LAB_DIR/noc/nginx.conf" <<-END
		$common
		pid $LAB_DIR/noc/pid;
		http {
			log_format body escape=none '\$request_body';
			server {
				listen 10.99.0.1:8080;
				client_body_buffer_size 1m;
				location / { access_log $LAB_DIR/noc/posted body; proxy_pass http://127.0.0.1:8081; }
			}
			server { listen 127.0.0.1:8081; access_log off; location / { return 204; } }
		}
	END
}

start_shop() {
	local vm url=http://${VM_ADDRESS[web1]}
	start_in web1 nginx-web1 nginx -p "$LAB_DIR/web1" -c "$LAB_DIR/web1/nginx.conf"
	wait_for 10 in_ns web1 curl -sI -o /dev/null "$url/pages/catalogue" || return 1
	for vm in client1 client2 client3; do
		start_in "$vm" "curl-$vm" curl -sS --retry 1000 --retry-all-errors -o /dev/null "$url/pages/catalogue"
	done
	start_in mpi1 curl-feed curl -sS --retry 1000 --retry-all-errors -o /dev/null "$url/feed/catalogue"
}

start_solver() {
	mpi_compile || return 1
	start_mpi solver mpi1 "$solver" 10.77.0.0/24 "$MPI_PATTERNS" ring $solver_bytes $solver_ms 36000
	wait_ready solver
}

start_database() {
	start_in db2 iperf3-db2 iperf3 -s --forceflush
	wait_log iperf3-db2 listening 10 || return 1
	start_in db1 iperf3-db1 iperf3 -c "${VM_ADDRESS[db2]}" -b ${database_Mbit}M -t 36000 -i 0
	wait_log iperf3-db2 "Accepted connection" 10
}

# --- what is shown ------------------------------------------------------------------------------

step() {
	local t=$((SECONDS - began))
	printf '[%2d:%02d] %s\n' $((t / 60)) $((t % 60)) "$*"
}

title() { printf '\n== %s\n\n' "$*"; }
indent() { sed 's/^/   /'; }

vms_at() {
	local vm line=
	for vm in "${TOPOLOGY_VMS[@]}"; do
		[ "${VM_HOST[$vm]}" != "$1" ] || line="$line $vm"
	done
	echo "${line# }"
}

# draw TEXT - the sites with what is in them; TEXT stands on the link.
draw() {
	local a b width=26
	mapfile -t a < <(vms_at hostA | fmt -w $width)
	mapfile -t b < <(vms_at hostB | fmt -w $width)
	printf '   %-*s %12s %s\n' $((width + 4)) "site-1 (hostA)" "" "site-2 (hostB)"
	local rule i n=${#a[@]} text
	[ ${#b[@]} -le "$n" ] || n=${#b[@]}
	rule=$(printf '%*s' $((width + 2)) "" | tr ' ' -)
	printf '   +%s+ %12s +%s+\n' "$rule" "" "$rule"
	for ((i = 0; i < n; i++)); do
		text=
		[ $i != 0 ] || text=$(printf '%*s' $(((12 + ${#1}) / 2)) "$1")
		[ $i != 1 ] || text="============"
		printf '   | %-*s | %-12s | %-*s |\n' $width "${a[i]:-}" "$text" $width "${b[i]:-}"
	done
	printf '   +%s+ %12s +%s+\n\n' "$rule" "" "$rule"
}
