#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a sensor costs and whether it is exact: Grappe's back ends and what Debian has, on the same traffic, in interleaved
# pairs of runs (without a sensor, with it). Run by hand as root, on a quiet machine, from the build folder:
#
#     GRAPPE_BUILD=$PWD bash ../../tests/bench/sensor.sh [OPTION]...
#
#   --sensors "bpf pcap tcpdump softflowd nfpcapd pmacctd"   which (default: these); also pmacctd-default, as it comes
#   --pairs "16 1000 50000"     numbers of pairs (default: these)
#   --rounds 20                 pairs of runs for each
#   --packets 500000            of one run
#   --taps 200                  only: memory with so many interfaces, traffic spread over all of them
#   --memory                    only: resident memory of both daemons with 50,000 pairs and 20 periods kept
#   --output FILE               every single run, as tab-separated values
#
# kernel ns: what a packet costs its sender more than in the run without sensor just before (CPU time, so other load
# on the machine matters little). user ns: CPU time of the sensor's own processes per packet. Both as median and
# quartiles. of tcpdump: both, divided by tcpdump's of the same round. lost: packets that the sensor did not count. pairs off:
# pairs whose count is not what was sent. MB: resident.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../lab/lib.sh"

SENSORS="bpf pcap tcpdump softflowd nfpcapd pmacctd"
COUNTS="16 1000 50000"
ROUNDS=20
PACKETS=500000
TAPS=
MEMORY=
OUTPUT=
PERIOD=5
while [ $# -gt 0 ]; do
	case $1 in
	--sensors) SENSORS=$2 && shift ;;
	--pairs) COUNTS=$2 && shift ;;
	--rounds) ROUNDS=$2 && shift ;;
	--packets) PACKETS=$2 && shift ;;
	--taps) TAPS=$2 && shift ;;
	--output) OUTPUT=$2 && shift ;;
	--memory) MEMORY=1 ;;
	*) sed -n '3,24s/^# \{0,1\}//p' "$0" && exit 2 ;;
	esac
	shift
done
lab_begin bench-sensor
periods=$LAB_DIR/periods
runs=${OUTPUT:-$LAB_DIR/runs.tsv}
generate="$GRAPPE_BUILD/tests/bench/generate/generate"
# Counting run times would cost the bpf programs, the generator's included, more than they take.
stats=$(sysctl -n kernel.bpf_stats_enabled)
lab_cleanup_more() { sysctl -qw "kernel.bpf_stats_enabled=$stats"; }
sysctl -qw kernel.bpf_stats_enabled=0
progress() { echo "$(date +%T) $*" >&2; }

# --- topology: src:s0 -- p0 [br0 in host] tap0… -- eth0… in vm -----------------------------------

make_topology() { # TAPS
	local i
	ns_add src host vm && bridge_add host br0 || return 1
	ip_in host link set dev br0 type bridge ageing_time 0
	# Where the kernel has br_netfilter, its hooks would only add to what is the same for all.
	in_ns host sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null
	link_add src s0 host p0 && port_add host p0 br0 || return 1
	in_ns host ethtool -K p0 gro on >/dev/null
	for ((i = 0; i < $1; i++)); do
		link_add host "tap$i" vm "eth$i" && port_add host "tap$i" br0 || return 1
		in_ns host bridge fdb add "$(printf '02:d0:00:00:%02x:%02x' $((i >> 8)) $((i & 255)))" dev "tap$i" master static
	done
}

# inject PAIRS - prints the CPU time per packet in ns.
inject() {
	in_ns host "$generate" --inject --interface p0 --packets "$PACKETS" --sources "$1" --cpu 1 \
		--expected "$LAB_DIR/expected" | sed 's/.*cpu_ns_pkt=//'
}

# --- sensors ------------------------------------------------------------------------------------

# pids_of NAME - the program and its children.
pids_of() { echo "${LAB_PIDS[$1]}" $(pgrep -P "${LAB_PIDS[$1]}"); }

cpu_ns() { # PID... - of all threads
	local pid
	for pid; do cat "/proc/$pid/task/"*/schedstat 2>/dev/null; done | awk '{ s += $1 } END { printf "%.0f\n", s }'
}

memory_kb() { # PID...
	local pid
	for pid; do awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"; done | awk '{ s += $1 } END { print s + 0 }'
}

shared_kb() { # PID - resident, with its share of what it shares with others
	awk '/^Pss:/ { print $2 }' "/proc/$1/smaps_rollup"
}

write_capture_config() { # BACKEND VMS...
	local backend=$1 i
	shift
	{
		echo "period = ${PERIOD}s allow_short_periods = yes periods_directory = \"$periods\" libvirt = no"
		echo "capture = $backend pairs_per_vif = 200000"
		for i; do echo "vm \"vm$i\" { mac = {\"$(printf '02:d0:00:00:%02x:%02x' $((i >> 8)) $((i & 255)))\"} interface = \"tap$i\" }"; done
	} >"$LAB_DIR/capture.conf"
}

start_grappe() { # BACKEND
	rm -rf "$periods"
	write_capture_config "$1" 0
	start_in host sensor "$(program grappe-capture)" --config "$LAB_DIR/capture.conf" && wait_ready sensor
}
start_bpf() { start_grappe bpf; }
start_pcap() { start_grappe pcap; }
start_tcpdump() {
	start_in host sensor tcpdump -i tap0 -s 64 -w /dev/null -Z root && wait_log sensor "listening on" 10
}
start_softflowd() {
	start_in host sensor softflowd -d -i tap0 -B 8388608 -m 200000 -c "$LAB_DIR/softflowd.ctl" -p "$LAB_DIR/softflowd.pid" -t maxlife=3600 &&
		wait_for 10 test -S "$LAB_DIR/softflowd.ctl"
}
start_nfpcapd() {
	rm -rf "$LAB_DIR/nf" && mkdir "$LAB_DIR/nf"
	start_in host sensor nfpcapd -i tap0 -l "$LAB_DIR/nf" -t 3600 && wait_log sensor "Startup" 10
}
start_pmacctd() {
	cat >"$LAB_DIR/pmacctd.conf" <<-END
		daemonize: false
		pcap_interface: tap0
		plugins: memory[m]
		aggregate[m]: src_host,dst_host
		imt_path[m]: $LAB_DIR/pmacct.pipe
		imt_mem_pools_number[m]: 2000
		imt_mem_pools_size[m]: 65536
		plugin_pipe_size: 67108864
		plugin_buffer_size: 65536
	END
	start_in host sensor pmacctd -f "$LAB_DIR/pmacctd.conf" && wait_for 10 test -S "$LAB_DIR/pmacct.pipe"
}

start_pmacctd-default() {
	cat >"$LAB_DIR/pmacctd.conf" <<-END
		daemonize: false
		pcap_interface: tap0
		plugins: memory[m]
		aggregate[m]: src_host,dst_host
		imt_path[m]: $LAB_DIR/pmacct.pipe
	END
	start_in host sensor pmacctd -f "$LAB_DIR/pmacctd.conf" && wait_for 10 test -S "$LAB_DIR/pmacct.pipe"
}

# settle_NAME - when the sensor has had the time to count everything it is going to.
settle_grappe() {
	local end=$((EPOCHSECONDS - EPOCHSECONDS % PERIOD + PERIOD))
	wait_for $((PERIOD + 5)) test -e "$periods/$end"
}
settle_bpf() { settle_grappe; }
settle_pcap() { settle_grappe; }
settle_other() { wait_until "$((EPOCHSECONDS + 2))"; }

# result_NAME - "source packets" for each pair, as the sensor has it; a total alone where it has no pairs.
result_grappe() {
	stop sensor
	"$GRAPPE_BUILD/tests/lab/period_dump" "$periods/"* | awk '$1 == "row" { n[$5] += $6 } END { for (a in n) print a, n[a] }'
}
result_bpf() { result_grappe; }
result_pcap() { result_grappe; }
result_tcpdump() {
	stop sensor INT
	awk '/packets captured/ { print "total", $1 }' "$LAB_LOG/sensor.log"
}
result_softflowd() {
	in_ns host softflowctl -c "$LAB_DIR/softflowd.ctl" statistics | awk -F: '/Number of packets processed|Packets processed/ { print "total", $2 + 0; exit }'
	stop sensor
}
result_nfpcapd() {
	stop sensor
	nfdump -R "$LAB_DIR/nf" -q -N -A srcip -o "fmt:%sa %pkt" 2>/dev/null | awk 'NF == 2 { print $1, $2 }'
}
result_pmacctd() {
	in_ns host pmacct -s -p "$LAB_DIR/pmacct.pipe" -c src_host,dst_host |
		awk '$1 ~ /^10\./ { print $1, $(NF - 1) }'
	stop sensor
}
result_pmacctd-default() { result_pmacctd; }

# compare - reads a result; prints "LOST PAIRS-OFF", "-" where there are no pairs.
compare() {
	awk -v packets="$PACKETS" '
		NR == FNR { wanted[$1] = $3; next }
		$1 == "total" { total = $2; whole = 1; next }
		{ got[$1] = $2; sum += $2 }
		END {
			if (whole) { print packets - total, "-"; exit }
			for (a in wanted) if (got[a] != wanted[a]) off++
			print packets - sum, off + 0
		}' "$LAB_DIR/expected" -
}

# measure SENSOR PAIRS - one pair of runs, as a line of the table of runs.
measure() {
	local sensor=$1 pairs=$2 base with before after settle=settle_other pids lost rss
	declare -F "settle_$sensor" >/dev/null && settle=settle_$sensor
	base=$(inject "$pairs")
	"start_$sensor" || { echo "$sensor does not start" >&2 && return 1; }
	pids=$(pids_of sensor)
	case $sensor in bpf | pcap) wait_until "$((EPOCHSECONDS - EPOCHSECONDS % PERIOD + PERIOD))" ;; esac
	before=$(cpu_ns $pids)
	with=$(inject "$pairs")
	$settle
	after=$(cpu_ns $pids)
	rss=$(memory_kb $pids)
	lost=$("result_$sensor" 2>/dev/null | compare)
	printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$sensor" "$pairs" "$base" "$with" \
		"$(awk -v a="$before" -v b="$after" -v n="$PACKETS" 'BEGIN { printf "%.1f", (b - a) / n }')" \
		"${lost% *}" "${lost#* }" "$rss" >>"$runs"
}

# --- the table ----------------------------------------------------------------------------------

show_table() {
	python3 - "$runs" <<-'END'
		import sys
		rows = [line.rstrip("\n").split("\t") for line in open(sys.argv[1]) if not line.startswith("#")]
		def quartiles(values):
		    v = sorted(values)
		    at = lambda q: v[min(len(v) - 1, int(q * (len(v) - 1) + 0.5))]
		    return at(0.25), at(0.5), at(0.75)
		def show(q):
		    return f"{q[1]:6.0f} ({q[0]:.0f}-{q[2]:.0f})"
		print(f"{'sensor':10} {'pairs':>6} {'runs':>4}  {'kernel ns':>18} {'user ns':>18} {'both':>18} "
		      f"{'of tcpdump':>16} {'lost, worst':>12} {'pairs off':>9} {'MB':>5}")
		for pairs in sorted({r[1] for r in rows}, key=int):
		    peers = [float(r[3]) - float(r[2]) + float(r[4]) for r in rows if r[1] == pairs and r[0] == "tcpdump"]
		    for sensor in dict.fromkeys(r[0] for r in rows):
		        mine = [r for r in rows if r[0] == sensor and r[1] == pairs]
		        if not mine:
		            continue
		        kernel = [float(r[3]) - float(r[2]) for r in mine]
		        user = [float(r[4]) for r in mine]
		        both = [k + u for k, u in zip(kernel, user)]
		        ratio = "-"
		        if peers:
		            q = quartiles([b / p for b, p in zip(both, peers) if p > 0])
		            ratio = f"{q[1]:.2f} ({q[0]:.2f}-{q[2]:.2f})"
		        off = [r[6] for r in mine]
		        print(f"{sensor:10} {pairs:>6} {len(mine):>4}  {show(quartiles(kernel)):>18} {show(quartiles(user)):>18} "
		              f"{show(quartiles(both)):>18} {ratio:>16} {max(int(r[5]) for r in mine):>12} "
		              f"{'-' if '-' in off else max(map(int, off)):>9} {max(int(r[7]) for r in mine) / 1024:>5.0f}")
	END
}

bench_costs() {
	local round pairs sensor
	make_topology 1 || lab_die "no topology"
	printf '# sensor\tpairs\tns without\tns with\tuser ns\tlost\tpairs off\tkB resident\n' >"$runs"
	for ((round = 1; round <= ROUNDS; round++)); do
		for pairs in $COUNTS; do
			progress "round $round of $ROUNDS, $pairs pairs"
			for sensor in $SENSORS; do measure "$sensor" "$pairs" || return 1; done
		done
	done
	show_table
}

# --- many interfaces ----------------------------------------------------------------------------

maps_kb() { bpftool -j map show | python3 -c '
import json, sys
names = {"settings", "rows", "vif_counts", "stations", "endpoints", "seen", "learnt"}
print(sum(int(m.get("bytes_memlock", 0)) for m in json.load(sys.stdin) if m.get("name") in names) // 1024)'; }

# compare_taps - "LOST PAIRS-OFF" of all interfaces: the last two octets of a destination are its MAC's.
compare_taps() {
	"$GRAPPE_BUILD/tests/lab/period_dump" "$periods/"* | awk '
		NR == FNR { split($2, d, "."); wanted[$1 sprintf(" %02x%02x", d[3], d[4])] = $3; sent += $3; next }
		$1 == "row" { id = $3; gsub(/:/, "", id); got[$5 " " substr(id, length(id) - 3)] += $6; sum += $6 }
		END {
			for (pair in wanted) if (got[pair] != wanted[pair]) off++
			print sent - sum, off + 0
		}' "$LAB_DIR/expected" -
}

bench_taps() {
	local backend
	make_topology "$TAPS" || lab_die "no topology"
	for backend in bpf pcap; do
		rm -rf "$periods"
		write_capture_config "$backend" $(seq 0 $((TAPS - 1)))
		start_in host sensor "$(program grappe-capture)" --config "$LAB_DIR/capture.conf" && wait_ready sensor 60 || return 1
		wait_until "$((EPOCHSECONDS - EPOCHSECONDS % PERIOD + PERIOD))"
		in_ns src "$generate" --interface s0 --packets 200000 --sources 50 --destinations "$TAPS" --rate 50000 \
			--expected "$LAB_DIR/expected" >/dev/null
		settle_grappe
		echo "$backend, $TAPS interfaces: $(memory_kb "${LAB_PIDS[sensor]}") kB resident, maps of bpf $(maps_kb) kB"
		stop sensor
		echo "$backend, $TAPS interfaces: 200000 packets of $((50 * TAPS)) pairs sent; lost, pairs off: $(compare_taps)"
	done
}

# --- both daemons, full -------------------------------------------------------------------------

bench_memory() {
	local i
	make_topology 1 || lab_die "no topology"
	rm -rf "$periods"
	write_capture_config bpf 0
	start_snmpd snmpd host 127.0.0.1:1161 || return 1
	mkdir -p "$LAB_DIR/state"
	printf 'agentx_socket = "%s"\nperiods_directory = "%s"\nstate_directory = "%s"\n' \
		"$LAB_DIR/snmpd.agentx" "$periods" "$LAB_DIR/state" >"$LAB_DIR/agent.conf"
	start_in host sensor "$(program grappe-capture)" --config "$LAB_DIR/capture.conf" && wait_ready sensor || return 1
	start_in host agent "$(program grappe-agent)" --config "$LAB_DIR/agent.conf" && wait_ready agent || return 1
	for ((i = 1; i <= 22; i++)); do
		wait_until "$((EPOCHSECONDS - EPOCHSECONDS % PERIOD + PERIOD))"
		PACKETS=100000 inject 50000 >/dev/null
		progress "period $i of 22: capture $(memory_kb "${LAB_PIDS[sensor]}") kB, agent $(memory_kb "${LAB_PIDS[agent]}") kB"
	done
	settle_grappe
	wait_until "$((EPOCHSECONDS + 1))"
	for i in sensor agent; do
		echo "$i: $(memory_kb "${LAB_PIDS[$i]}") kB resident, $(shared_kb "${LAB_PIDS[$i]}") kB proportional," \
			"at most $(awk '/^VmHWM/ { print $2 }' "/proc/${LAB_PIDS[$i]}/status") kB"
	done
	echo "periods kept: $(find "$periods" -name '[0-9]*' | wc -l), rows of the newest: $("$GRAPPE_BUILD/tests/lab/period_dump" \
		"$(find "$periods" -name '[0-9]*' | sort | tail -n 1)" | grep -c '^row')"
}

if [ -n "$TAPS" ]; then
	bench_taps
elif [ -n "$MEMORY" ]; then
	bench_memory
else
	bench_costs
fi
