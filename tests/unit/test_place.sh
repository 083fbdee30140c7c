#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# grappe place: where the VMs of a new application start.
set -u
data=${srcdir:-.}/tests/data
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
: >"$folder/none.conf"
passed=0
failed=0

check() { # NAME WANTED GOT
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAILED %s\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3"
	fi
}

# The VMs by environment, as sets in order: "a b|c d"; or the status and reason.
place() {
	./grappe place --config "$folder/none.conf" "$@" --format json 2>"$folder/err" | python3 -c '
import json, sys
answer = json.load(sys.stdin)
sites = {}
for vm in answer["placement"]:
    sites.setdefault(vm["environment"], []).append(vm["vm"])
print("|".join(sorted(" ".join(vms) for vms in sites.values())) or answer["status"] + ": " + answer["reason"])'
}

sites() { # VMS-ON-A VMS-ON-B
	cat >"$folder/sites.json" <<-END
		{"version":1,"environments":[{"name":"site-1","hosts":[{"name":"hostA","max_vms":$1}]},
		 {"name":"site-2","hosts":[{"name":"hostB","max_vms":$2}]}]}
	END
}

sites 4 4
check "groups stay whole" "app-1 app-2 app-3 app-4|app-5 app-6 app-7 app-8" \
	"$(place --placement none --template groups:2x4 --name app --environments "$folder/sites.json")"
check "a ring is cut twice" 4000000 "$(./grappe place --config "$folder/none.conf" --placement none --template ring:8 \
	--environments "$folder/sites.json" --format json | python3 -c 'import json, sys; print(round(json.load(sys.stdin)["after"]["inter_environment_octets_per_s"]))')"
check "no room" "infeasible: capacity: VMs that availability and rules leave only site-1,site-2 need 9 VMs of 8 there" \
	"$(place --placement none --template chain:9 --environments "$folder/sites.json")"
./grappe place --config "$folder/none.conf" --placement none --template chain:9 --environments "$folder/sites.json" >"$folder/out"
check "its exit code" 2 $?
check "and no host beside" "no placement: capacity" "$(cut -c1-22 <"$folder/out" | head -n 1)"

# The measured matrix of a mesh 2x4: four and four, with the fewest octets between.
sites 5 4
check "lu.A.8 is cut where it is thinnest" \
	"10.77.0.1 10.77.0.2 10.77.0.5 10.77.0.6|10.77.0.3 10.77.0.4 10.77.0.7 10.77.0.8" \
	"$(grep -v '10.77.0.100' "$data/npb/lu.A.8.csv" >"$folder/lu.csv"
	sites 4 4
	place --placement none --matrix "$folder/lu.csv" --environments "$folder/sites.json")"

# Who is there keeps its place and its room, and draws those it talks to.
sites 3 6
printf 'vm,environment,host\ndb,site-2,hostB\nold1,site-1,hostA\nold2,site-1,hostA\n' >"$folder/places.csv"
printf 'src,dst,packets,bytes\nweb,db,3000,3000000\ndb,web,3000,3000000\nweb,cache,3000,3000000\ncache,web,3000,3000000\n' >"$folder/new.csv"
check "new ones go to whom they talk to" "cache web" \
	"$(place --placement "$folder/places.csv" --matrix "$folder/new.csv" --environments "$folder/sites.json")"
check "there" '"environment": "site-2"' "$(./grappe place --config "$folder/none.conf" --placement "$folder/places.csv" \
	--matrix "$folder/new.csv" --environments "$folder/sites.json" --format json | grep -o '"environment": "[^"]*"' | sort -u)"
printf 'rule\ta\tb\npin\tcache\tsite-1\n' >"$folder/rules.tsv"
check "rules hold for them" "cache|web" "$(place --placement "$folder/places.csv" --matrix "$folder/new.csv" \
	--environments "$folder/sites.json" --rules "$folder/rules.tsv")"

# Dear and fast, or cheap and slow: what an hour's work costs decides.
both=$data/decisions/d-cheaper-but-slower/environments.json
check "the cheaper hour is dearer" cloud-a "$(./grappe place --config "$folder/none.conf" --placement none --template ring:3 --vcpu 2 \
	--mem 4 --environments "$both" --objective cost --format json | grep -o 'cloud-.' | sort -u)"
sed 's/0.08/0.05/' "$both" >"$folder/both.json"
check "unless it is much cheaper" cloud-b "$(./grappe place --config "$folder/none.conf" --placement none --template ring:3 --vcpu 2 \
	--mem 4 --environments "$folder/both.json" --objective cost --format json | grep -o 'cloud-.' | sort -u)"

refuses() { # NAME TEXT OPTIONS...
	local name=$1 text=$2
	shift 2
	./grappe place --config "$folder/none.conf" "$@" >/dev/null 2>"$folder/err"
	check "$name: exit code" 1 $?
	check "$name" 1 "$(grep -c -- "$text" "$folder/err")"
}
refuses "no pattern" "one of --template, --matrix and --archive" --placement none
refuses "two patterns" "one of --template, --matrix and --archive" --placement none --template ring:3 --matrix "$folder/new.csv"
refuses "no such template" "'tree:3' is no pattern" --placement none --template tree:3
refuses "no collector" "No such file" --collector "$folder/none.sock" --template ring:3
refuses "no size" "--vcpu must be a number above 0" --placement none --template ring:3 --vcpu none
refuses "facts that are missing" "does not tell" --placement none --template ring:3 --objective cost --environments "$folder/sites.json"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
