#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A small world to report on, below FOLDER: a day of archives of ten VMs at two sites with two hours
# that nobody watched at one of them, a placement, an environment document, and what a manager kept.
#
# usage: report_world.sh FOLDER     (in a build folder: needs tests/fakes/archive_feed)
set -eu
folder=$1
feed=./tests/fakes/archive_feed
day=1795392000	# 2026-11-23 00:00:00 UTC
mkdir -p "$folder/state"

# Web server and three clients (star), four of a solver (ring), two of a database; from noon on the
# solver talks twice as much. Nobody watches site-2 from 06:00 to 08:00.
awk -v day=$day '
function id(n) { return sprintf("mac-%012x", n) }
function link(a, b, rate) { out[a] = out[a] " " b ":" rate; out[b] = out[b] " " a ":" rate }
BEGIN {
	for (n = 2; n <= 4; n++) link(1, n, 400000)
	link(5, 6, 320000); link(6, 7, 320000); link(7, 8, 320000); link(8, 5, 320000)
	link(9, 10, 750000)
	link(1, 5, 60000)
	split("1 2 1 2 1 2 1 2 1 1", site, " ")
	for (t = day + 30; t <= day + 86400; t += 30)
		for (n = 1; n <= 10; n++) {
			hour = (t - day) / 3600
			dark = site[n] == 2 && hour > 6 && hour <= 8
			line = t " " id(n) " " (dark ? 0 : 1)
			count = dark ? 0 : split(out[n], parts, " ")
			for (k = 1; k <= count; k++) {
				split(parts[k], part, ":")
				rate = part[2] * (1 + 0.3 * sin(hour / 24 * 6.2832))
				if (n >= 5 && n <= 8 && hour > 12) rate *= 2
				line = line " " id(part[1]) " " int(rate * 30 / 1200) " " int(rate * 30)
			}
			print line
		}
}' | "$feed" "$folder/rrd"

{
	echo vm,environment,host,vcpu,mem_GiB
	for n in 1 2 3 4 5 6 7 8 9 10; do
		site=site-1 host=hostA
		case $n in 2 | 4 | 6 | 8) site=site-2 host=hostB ;; esac
		printf 'mac-%012x,%s,%s,2,4\n' $n $site $host
	done
} >"$folder/places.csv"
cat >"$folder/sites.json" <<-END
	{"version": 1, "currency": "EUR", "as_of": "2026-11-01T00:00:00Z", "environments": [
	 {"name": "site-1", "kind": "site", "hosts": [{"name": "hostA", "vcpu": 16, "mem_GiB": 64}],
	  "price_vcpu_hour": 0.02, "price_mem_GiB_hour": 0.003},
	 {"name": "site-2", "kind": "cloud", "hosts": [{"name": "hostB", "vcpu": 16, "mem_GiB": 64}],
	  "price_vcpu_hour": 0.035}],
	 "links": [{"from": "site-1", "to": "site-2", "latency_ms": 8, "bandwidth_MBps": 125, "price_per_GB": 0.02},
	           {"from": "site-2", "to": "site-1", "latency_ms": 8, "bandwidth_MBps": 125}]}
END
cat >"$folder/manager.conf" <<-END
	state_directory = "$folder/state"
	environments = "$folder/sites.json"
END
./grappe plan --config "$folder/manager.conf" --archive "$folder/rrd" --window 3600 --placement "$folder/places.csv" \
	--format json >"$folder/state/recommendation.json" || [ $? = 2 ]
moves=$(tr -d '\n ' <"$folder/state/recommendation.json" | sed 's/.*"id":"\([0-9a-f]*\)".*/\1/')
cat >"$folder/state/history.jsonl" <<-END
	{"time": $((day - 500000)), "id": "0123abcd", "event": "created", "text": "before the window"}
	{"time": $((day + 30000)), "id": "$moves", "event": "created", "text": "2 moves"}
	{"time": $((day + 30010)), "id": "$moves", "event": "posted", "text": "1 webhook"}
	{"time": $((day + 40000)), "id": "$moves", "event": "approved", "text": ""}
	{"time": $((day + 41000)), "id": "$moves", "event": "effect", "text": "5.1 MB/s before, 60 kB/s after, as predicted"}
END
