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

# show_matrix FILE - kB/s, a row per receiver.
show_matrix() {
	awk -v vms="${TOPOLOGY_VMS[*]}" '
		{ rate[$1, $2] = $4 }
		END {
			n = split(vms, vm, " ")
			printf "   %-9s", "to \\ from"
			for (j = 1; j <= n; j++) printf " %8s", vm[j]
			print ""
			for (i = 1; i <= n; i++) {
				printf "   %-9s", vm[i]
				for (j = 1; j <= n; j++) {
					r = rate[vm[i], vm[j]] / 1000
					if (!((vm[i], vm[j]) in rate) || r < 0.05) printf " %8s", "."
					else printf " %8.1f", r
				}
				print ""
			}
		}' "$1"
}

# between_sites FILE - octets per second that a matrix has between VMs of different sites, by where
# the VMs are now.
between_sites() {
	local vm where=
	for vm in "${TOPOLOGY_VMS[@]}"; do where="$where $vm ${VM_HOST[$vm]}"; done
	awk -v where="$where" '
		BEGIN { n = split(where, w, " "); for (i = 1; i < n; i += 2) host[w[i]] = w[i + 1] }
		host[$1] != host[$2] { sum += $4 }
		END { printf "%.0f\n", sum }' "$1"
}

rate_of() { awk -v r="$2" -v s="$3" '$1 == r && $2 == s { printf "%.0f\n", $4 }' "$1"; }
human() { awk -v v="$1" 'BEGIN { if (v >= 1e6) printf "%.2f MB/s", v / 1e6; else printf "%.1f kB/s", v / 1e3 }'; }

# watch_two_periods - from the next boundary on that leaves connections two seconds to settle; sets
# $from and $to.
watch_two_periods() {
	from=$(next_boundary)
	[ $((from - EPOCHSECONDS)) -gt 2 ] || from=$((from + TOPOLOGY_PERIOD))
	to=$((from + 2 * TOPOLOGY_PERIOD))
	step "watching two whole periods: $(date -d "@$from" +%H:%M:%S) to $(date -d "@$to" +%H:%M:%S)"
	wait_until "$to"
}

# --- the recommendation ---------------------------------------------------------------------------

recommendation=manager/recommendation.json

# planned - a recommendation for the window that was watched is there.
planned() { [ "$(jq -r .window.to "$LAB_DIR/$recommendation" 2>/dev/null || echo 0)" -ge "$to" ]; }

show_recommendation() {
	jq -r '
		def rate: if . == null then "unknown" elif . >= 1e6 then "\(. / 1e4 | round / 100) MB/s"
			else "\(. / 100 | round / 10) kB/s" end;
		"between the sites: \(.before.inter_environment_octets_per_s | rate) now, " +
			"\(.after.inter_environment_octets_per_s | rate) after \(.moves | length) moves", "",
		(.moves[] | "\(.step). \(.vm.name) goes from \(.from.host) to \(.to.host)", "      because \(.why)"),
		"", "to be checked before the moves, since the environment document does not tell:",
		([.moves[].hazards[] | "   \(.kind) (\(.state)): \(.text)"] | unique[])' \
		"$LAB_DIR/$recommendation" | indent
}

check_recommendation() {
	"$(program check_grappe)" -m recommendation -s "$LAB_DIR/manager.sock"
}

# carry_out - what an operator or a cloud would do.
carry_out() {
	local vm to_host
	while read -r vm to_host; do
		step "$vm goes to $to_host"
		topology_move "$vm" "$to_host" || lab_die "cannot move $vm"
	done < <(jq -r '.moves[] | "\(.vm.name) \(.to.host)"' "$LAB_DIR/$recommendation")
}

groups_found() {
	jq -r '.groups[] | .names | sort | join(" ")' "$LAB_DIR/$recommendation" | sort
}

# One demo at a time: the names of its namespaces are fixed.
lock=/run/grappe-demo.lock
lab_cleanup_more() { rm -f $lock; }

# --- the play -----------------------------------------------------------------------------------

usage() {
	echo "usage: demo.sh [--fast] [--keep] [--dir DIR]  (GRAPPE_BUILD: where the programs are)"
}

# use_folder DIR - an empty or new folder, or one of an earlier demo; it stays afterwards.
use_folder() {
	LAB_DIR=$(mkdir -p "$1" && cd "$1" && pwd) || exit 1
	[ ${#LAB_DIR} -le 80 ] || lab_die "$LAB_DIR: too long a name for the sockets in it (80 bytes at most)"
	if [ -e "$LAB_DIR/.grappe-demo" ]; then
		find "$LAB_DIR" -mindepth 1 -delete
	elif [ -n "$(ls -A "$LAB_DIR")" ]; then
		lab_die "$LAB_DIR is not empty and not from an earlier demo"
	fi
	touch "$LAB_DIR/.grappe-demo" || exit 1
	export LAB_KEEP=1
}

# clear_leftovers - what a demo that was killed could not take away.
clear_leftovers() {
	local space
	for space in $(ip netns list | awk '{ print $1 }' | grep "^$LAB_PREFIX"); do
		ns_del "${space#"$LAB_PREFIX"}"
	done
}

parse_arguments() {
	TOPOLOGY_PERIOD=30
	while [ $# -gt 0 ]; do
		case $1 in
		--fast) TOPOLOGY_PERIOD=5 ;;
		--keep) export LAB_KEEP=1 ;;
		--dir)
			[ $# -gt 1 ] || lab_die "--dir wants a folder"
			use_folder "$2"
			shift
			;;
		--help) usage && exit 0 ;;
		*) usage >&2 && exit 1 ;;
		esac
		shift
	done
}

set_the_scene() {
	step "two sites, ten virtual machines"
	if ! topology_up || ! make_vms; then lab_die "cannot make the network"; fi
	step "snmpd, grappe-agent and grappe-capture on each host; grappe-collector beside them"
	if ! start_sensors || ! start_the_collector; then exit 1; fi
	step "three applications:"
	cat <<-END
	          shop      nginx on web1, curl on three clients, ${pages_kB} kB/s each
	          solver    Open MPI, four processes in a ring, $((solver_bytes / solver_ms)) kB/s to each neighbour; reads ${feed_kB} kB/s from web1
	          database  iperf3 from db1 to db2, ${database_Mbit} Mbit/s: already well placed

	END
	configure_nginx
	configure_manager $((2 * TOPOLOGY_PERIOD)) <<<'webhook "noc" { url = "http://10.99.0.1:8080/grappe" }'
	start_in mon noc nginx -p "$LAB_DIR/noc" -c "$LAB_DIR/noc/nginx.conf"
	if ! start_shop || ! start_solver || ! start_database; then
		lab_die "an application did not start: $LAB_LOG"
	fi
}

look_before() {
	watch_two_periods
	matrix "$from" "$to" >"$LAB_DIR/before" || lab_die "the collector gave no answer"
	before=$(between_sites "$LAB_DIR/before")
	title "1. Who talks to whom: kB/s received, mean of the two periods"
	show_matrix "$LAB_DIR/before"
	echo
	draw "$(human "$before")"
	title "2. Groups"
	"$(program grappe)" groups --config "$LAB_DIR/manager.conf" | indent
}

recommend() {
	start_manager || exit 1
	wait_for $((3 * TOPOLOGY_PERIOD)) planned || lab_die "no recommendation came: $LAB_LOG/manager.log"
	cp "$LAB_DIR/$recommendation" "$LAB_DIR/followed.json"
	title "3. Recommendation of grappe-manager"
	show_recommendation
	echo
	echo "   on the dashboard (check_grappe -m recommendation):"
	check_recommendation >"$LAB_DIR/dashboard"
	dashboard=$?
	indent <"$LAB_DIR/dashboard"
	wait_for 10 test -s "$LAB_DIR/noc/posted"
	echo "   posted to the webhook \"noc\": $(wc -c <"$LAB_DIR/noc/posted") bytes of JSON"
}

compare() {
	watch_two_periods
	matrix "$from" "$to" >"$LAB_DIR/after" || lab_die "the collector gave no answer"
	after=$(between_sites "$LAB_DIR/after")
	predicted=$(jq '.after.inter_environment_octets_per_s | round' "$LAB_DIR/followed.json")
	title "5. What it brought, measured by Grappe over two whole periods each"
	show_matrix "$LAB_DIR/after"
	echo
	draw "$(human "$after")"
	printf '   %-22s %12s %12s %12s\n' "" before predicted measured
	printf '   %-22s %12s %12s %12s\n\n' "between the sites" "$(human "$before")" \
		"$(human "$predicted")" "$(human "$after")"
}

# nothing_left - after the moves the manager has nothing more to recommend for a window without moves.
nothing_left() { check_recommendation; }

verdict() {
	local wanted moved names
	wanted=$(for names in "$shop" "$solver" "$database"; do
		tr ' ' '\n' <<<"$names" | sort | paste -sd ' '
	done | sort)
	moved=$(jq -r '.moves[].vm.name' "$LAB_DIR/followed.json" | sort | tr '\n' ' ')
	check "the groups are the three applications" test "$wanted" = "$(groups_found)"
	check_equal "the dashboard was WARNING while the recommendation was pending" 1 "$dashboard"
	check "moves were recommended" test -n "$moved"
	check "the database was left alone" test "${moved/db/}" = "$moved"
	check_near "octets per second between the sites as predicted" "$predicted" "$after" 15
	check_near "octets per second saved as predicted" $((before - predicted)) $((before - after)) 15
	check_near "the database's own traffic did not change" "$(rate_of "$LAB_DIR/before" db2 db1)" \
		"$(rate_of "$LAB_DIR/after" db2 db1)" 15
	check "the manager recommends nothing more" wait_for $((3 * TOPOLOGY_PERIOD)) nothing_left
	check "the shop still runs" running curl-client1
	check "the solver still runs" running solver
	check "less than six minutes" test $((SECONDS - began)) -lt 360
}

main() {
	parse_arguments "$@"
	exec 9>$lock
	flock -n 9 || lab_die "a demo is running already"
	lab_begin demo grappe-demo-
	clear_leftovers
	echo "Grappe on two sites. Everything is in $LAB_DIR"
	[ "$TOPOLOGY_PERIOD" = 30 ] ||
		echo "Periods of $TOPOLOGY_PERIOD s by a test switch (--fast); real ones have 30 s or more."
	echo
	set_the_scene
	look_before
	recommend
	title "4. The moves are carried out"
	carry_out
	echo
	compare
	title "6. Was it right?"
	verdict
	echo
	finish
}

[ "${BASH_SOURCE[0]}" != "$0" ] || main "$@"
