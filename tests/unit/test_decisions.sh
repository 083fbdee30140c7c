#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The decisions of tests/data/decisions, and each again with one number changed, by grappe plan.
set -u
data=${srcdir:-.}/tests/data/decisions
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
: >"$folder/none.conf"
passed=0
failed=0

# Who goes where: "vm>place", in order; then whatever else is asked for.
moves() { # FOLDER OPTIONS...
	local at=$1
	shift
	if [ -e "$at/envs.tsv" ]; then
		./grappe plan --config "$folder/none.conf" --instance "$at" "$@" --format json
	else
		./grappe plan --config "$folder/none.conf" --matrix "$at/matrix.csv" --placement "$at/places.csv" \
			--environments "$at/environments.json" "$@" --format json
	fi | python3 -c '
import json, sys
for move in sorted((json.load(sys.stdin)["moves"]), key=lambda m: str(m["vm"])):
    vm, to = move["vm"], move["to"]
    torn = any(h["kind"] == "group" for h in move.get("hazards", []))
    print((vm if isinstance(vm, int) else vm["name"]), ">", (to if isinstance(to, int) else to["environment"]),
          " torn" if torn else "", sep="", end=" ")'
}

check() { # NAME WANTED GOT
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAILED %s\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3"
	fi
}

# The decision, and what becomes of it when one number of one file is another.
decide() { # NAME WANTED FILE OLD NEW WANTED-THEN OPTIONS...
	local name=$1 wanted=$2 file=$3 old=$4 new=$5 then=$6
	shift 6
	check "$name" "$wanted" "$(moves "$data/$name" "$@")"
	cp -r "$data/$name" "$folder/$name"
	chmod -R u+w "$folder/$name"
	check "$name: '$old' stands once in $file" 1 "$(grep -c -- "$old" "$data/$name/$file")"
	sed -i "s/$old/$new/" "$folder/$name/$file"
	check "$name with $new for $old" "$then" "$(moves "$folder/$name" "$@")"
}

decide a-together "a>site-2 b>site-2 " environments.json '"max_vms": 4' '"max_vms": 2' ""
decide b-slower-machines "" environments.json '"latency_ms": 0.1' '"latency_ms": 60' "a>site-2 "
decide c-grid-closes "" envs.tsv '0	8$' '0	24' "0>1 1>1 " --objective cost
decide d-cheaper-but-slower "" environments.json '"price_vcpu_hour": 0.08' '"price_vcpu_hour": 0.04' \
	"a>cloud-b b>cloud-b " --objective cost
printf 'rule\ta\tb\npin\tx\tsite-2\n' >"$folder/rules.tsv"
decide e-whole-groups "" matrix.csv 'd,x,30000,30000000' 'd,x,30000,120000000' "d>site-2 torn " \
	--rules "$folder/rules.tsv"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
