#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The commands grappe and grappe-manager as processes: answers, messages and exit codes.
set -u
grappe=./grappe
npb=${srcdir:-.}/tests/data/npb
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
passed=0
failed=0
# No configuration of this machine takes part.
: >"$folder/none.conf"

check() { # NAME EXPECTED GOT
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAILED %s\n  expected: %s\n  got:      %s\n' "$1" "$2" "$3"
	fi
}

# Runs, then checks exit code and that standard error holds the text.
refuses() { # NAME EXIT TEXT COMMAND...
	local name=$1 code=$2 text=$3 got
	shift 3
	"$@" >"$folder/out" 2>"$folder/err" </dev/null
	got=$?
	check "$name: exit code" "$code" "$got"
	case $(cat "$folder/err") in
	*"$text"*) passed=$((passed + 1)) ;;
	*)
		failed=$((failed + 1))
		printf 'FAILED %s\n  no "%s" in: %s\n' "$name" "$text" "$(cat "$folder/err")"
		;;
	esac
}

groups() {
	"$grappe" groups --config "$folder/none.conf" "$@"
}

plan() {
	"$grappe" plan --config "$folder/none.conf" "$@"
}

two='[["10.77.0.1", "10.77.0.2", "10.77.0.3", "10.77.0.4"], ["10.77.0.5", "10.77.0.6", "10.77.0.7", "10.77.0.8"]]'
for by in packets bytes; do
	check "lu.A.8 by $by" \
		"{\"groups\": $two, \"alone\": [\"10.77.0.100\"], \"hubs\": [], \"shape\": \"mesh 2x4\", \"group_shapes\": [\"chain\", \"chain\"], \"group_applications\": [null, null]}" \
		"$(groups --matrix "$npb/lu.A.8.csv" --method thesis --by $by --format json)"
done
check "ep.A.4 has no groups" \
	'{"groups": [], "alone": ["10.77.0.1", "10.77.0.2", "10.77.0.3", "10.77.0.4", "10.77.0.100"], "hubs": [], "shape": "none", "group_shapes": [], "group_applications": []}' \
	"$(groups --matrix "$npb/ep.A.4.csv" --format json)"
check "standard input" "$(groups --matrix "$npb/cg.A.8.csv" --format json)" \
	"$(groups --matrix - --format json <"$npb/cg.A.8.csv")"
check "text" "group 1 (4 VMs, all-to-all): 10.77.0.1 10.77.0.2 10.77.0.3 10.77.0.4" \
	"$(groups --matrix "$npb/bt.A.4.csv" | head -n 1)"
check "a window of an hour lifts the floor" "[]" \
	"$(groups --matrix "$npb/cg.A.4.csv" --window 36000 --format json | sed 's/{"groups": \(\[\]\).*/\1/')"

printf 'src,dst,packets,bytes\na,b,1\n' >"$folder/short.csv"
printf 'src,dst,packets,bytes\na,b,1,-4\n' >"$folder/negative.csv"
printf 'a,b,1,4\n' >"$folder/headless.csv"
refuses "a short line" 1 "short.csv: line 2: 3 fields" groups --matrix "$folder/short.csv"
refuses "a negative number" 1 "negative.csv: line 2" groups --matrix "$folder/negative.csv"
refuses "no header" 1 "line 1: the first line must be src,dst,packets,bytes" groups --matrix "$folder/headless.csv"
refuses "no file" 1 "No such file" groups --matrix "$folder/absent.csv"
refuses "a folder" 1 "Is a directory" groups --matrix "$folder"
refuses "another method" 1 "--method must be one of: auto thesis" groups --matrix "$folder/short.csv" --method magic
refuses "another unit" 1 "--by must be one of: packets bytes" groups --matrix "$folder/short.csv" --by flows
refuses "no number" 1 "--window must be a number above 0" groups --matrix "$npb/bt.A.4.csv" --window -3
refuses "two inputs" 1 "only one of" groups --matrix "$folder/short.csv" --archive "$folder"
refuses "no archives" 1 "no archive in it" groups --archive "$folder"
refuses "no collector" 1 "No such file" groups --collector "$folder/none.sock"
refuses "no command" 1 "Usage: grappe COMMAND" "$grappe"
refuses "another command" 1 "no command is called 'fly'" "$grappe" fly
refuses "a full disk" 1 "cannot be written" sh -c "exec $grappe groups --config '$folder/none.conf' --matrix '$npb/bt.A.4.csv' >/dev/full"

{
	echo vm,environment,host
	for i in 1 2 5 6; do echo "10.77.0.$i,site-1,hostA"; done
	for i in 3 4 7 8; do echo "10.77.0.$i,site-2,hostB"; done
} >"$folder/places.csv"
cat >"$folder/sites.json" <<-END
	{"version":1,"environments":[{"name":"site-1","hosts":[{"name":"hostA","max_vms":5}]},
	 {"name":"site-2","hosts":[{"name":"hostB","max_vms":4}]}]}
END
plan --matrix "$npb/cg.A.8.csv" --placement "$folder/places.csv" --environments "$folder/sites.json" >"$folder/report"
check "the plan brings both groups of cg.A.8 together" 4 "$(grep -c '^ *[0-9]*\. 10' "$folder/report")"
check "traffic after" "traffic after   1.6 MB/s, 1177 packets/s between environments" "$(grep '^traffic after' "$folder/report")"
plan --matrix "$npb/lu.A.8.csv" --placement "$folder/places.csv" --environments "$folder/sites.json" --format json >"$folder/lu.json"
check "lu.A.8 is cut best as it lies" '"moves": [],' "$(grep '"moves"' "$folder/lu.json" | tr -s ' ' | sed 's/^ //')"
refuses "no places" 1 "name a file with --placement" plan --matrix "$npb/cg.A.8.csv"
refuses "places for the collector" 1 "goes with --matrix or --archive" plan --placement "$folder/places.csv"
refuses "places without a header" 1 "line 1: the first line must be vm,environment,host" \
	plan --matrix "$npb/cg.A.8.csv" --placement "$npb/cg.A.8.csv" --environments "$folder/sites.json"
refuses "a bad environment document" 1 "places.csv: line 1" \
	plan --matrix "$npb/cg.A.8.csv" --placement "$folder/places.csv" --environments "$folder/places.csv"
refuses "no manager" 1 "manager at $folder/m.sock: No such file" "$grappe" status --config "$folder/none.conf" --socket "$folder/m.sock"
refuses "no id" 1 "usage: grappe approve" "$grappe" approve --config "$folder/none.conf" --socket "$folder/m.sock"

cat >"$folder/manager.conf" <<-END
	collector_socket = "$folder/c.sock"
	socket = "$folder/m.sock"
	state_directory = "$folder/state"
END
refuses "--once without a collector" 2 "no plan: collector at $folder/c.sock" ./grappe-manager --config "$folder/manager.conf" --once
mkdir "$folder/state/recommendation.json.d" && : >"$folder/file"
sed "s|/state\"|/file/state\"|" "$folder/manager.conf" >"$folder/bad.conf"
refuses "a state directory that cannot be" 1 "Not a directory" ./grappe-manager --config "$folder/bad.conf" --once
echo 'max_moves = many' >>"$folder/manager.conf"
refuses "a bad setting" 1 "manager.conf:4:" ./grappe-manager --config "$folder/manager.conf" --check-config

# --- clouds: a program that moves VMs in a list ---
cat >"$folder/list" <<-'END'
	{"hosts": [{"name": "h1", "mem_GiB": 8}, {"name": "h2", "mem_GiB": 8}, {"name": "h3", "closed": true}],
	 "vms": [{"name": "web", "host": "h1", "mem_GiB": 4}]}
END
cat >"$folder/cloud.conf" <<-END
	cloud "own" {
	  kind = command
	  command = { "sed", "-i", "s/\"host\": \"[a-z0-9]*\"/\"host\": \"{to_host}\"/", "$folder/list" }
	  survey_command = { "cat", "$folder/list" }
	}
	cloud "plain" {
	  kind = command
	  command = { "echo", "{to_host}" }
	}
	cloud "slow" {
	  kind = command
	  command = { "sh", "-c", "trap 'echo tidied up; exit 3' TERM; : >$folder/ordered; sleep 60 & wait" }
	}
END
cloud() { "$grappe" cloud --config "$folder/cloud.conf" "$@"; }
stopped() { # SIGNAL FILE - what a move says that is stopped once it was ordered; FILE has its messages
	local pid
	rm -f "$folder/ordered"
	"$grappe" cloud --config "$folder/cloud.conf" slow move web h2 >"$folder/said" 2>"$2" 7<&- &
	pid=$!
	for ((i = 0; i < 1000; i++)); do [ -e "$folder/ordered" ] && break || sleep 0.02; done
	kill "-$1" "$pid"
	{ [ ! -p "$2" ] || cat "$2"; } 7<&- >/dev/null &
	wait "$pid"
	cat "$folder/said"
}
stopped_while_it_speaks() { # the same, while it cannot say yet that it ordered: its messages are not read
	mkfifo "$folder/pipe"
	exec 7<>"$folder/pipe"
	dd if=/dev/zero of="$folder/pipe" oflag=nonblock bs=4096 count=1000 2>"$folder/err"
	stopped INT "$folder/pipe"
}
check "a survey" '["h1","h2","h3"] web on h1' "$(cloud own survey | jq -r '"\([.hosts[].name] | tojson) \(.vms[0] | .name + " on " + .host)"')"
check "a move" "moved, it is on h2" "$(cloud own move web h2 2>"$folder/err")"
check "  is true" "h2" "$(jq -r '.vms[0].host' "$folder/list")"
check "to where it is: nothing is ordered" "moved, it is on h2" "$(cloud own move web h2 2>&1)"
check "a wrong idea of where it is" "failed, it is on h2: it is on h2, not on h1" "$(cloud own move web h3 h1 2>&1)"
check "a closed host" "failed, it is on h2: host h3 is closed to VMs" "$(cloud own move web h3 2>&1)"
check "an unknown VM" "failed: survey_command lists no VM nobody, or several of that name" "$(cloud own move nobody h1 2>&1)"
check "a name that is an option" "failed: the command: the value of {to_host} begins with '-' and would be read as an option" \
	"$(cloud plain move -- web --all 2>&1)"
check "a move is called off" "cancelled: the command: it was ended: it took too long, or was called off: tidied up" "$(stopped INT "$folder/err")"
check "  at once" "cancelled: the command: it was ended: it took too long, or was called off: tidied up" "$(stopped_while_it_speaks)"
refuses "no survey_command" 1 "it has no survey_command" cloud slow survey
refuses "an unknown cloud" 1 'the configuration has no cloud "no"' cloud no survey
refuses "neither survey nor move" 1 "'fly' is neither survey nor move" cloud own fly

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
