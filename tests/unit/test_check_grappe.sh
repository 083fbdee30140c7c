#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# check_grappe as a monitoring system runs it: a process with arguments, an exit code and one line on
# standard output. The daemons are tests/fakes/status_daemon with documents of tests/data/status.
set -u
srcdir=${srcdir:-.}
plugin=./nagios/check_grappe
daemon=./tests/fakes/status_daemon
work=$(mktemp -d "${TMPDIR:-/tmp}/grappe-check.XXXXXX") || exit 1
pids=()
failed=0 passed=0
trap 'for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done; wait; rm -rf "$work"' EXIT

# expect CODE PATTERN ARGUMENTS... - the first line must match the extended regular expression, and nothing
# may go to standard error.
expect() {
	local code=$1 pattern=$2 got first
	shift 2
	"$plugin" "$@" >"$work/out" 2>"$work/err"
	got=$?
	first=$(head -n 1 "$work/out")
	if [ "$got" = "$code" ] && [[ $first =~ $pattern ]] && [ ! -s "$work/err" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL check_grappe $*: wanted $code and /$pattern/, got $got:"
		cat "$work/out" "$work/err"
	fi
}

# fill NAME - a document of tests/data/status at the present time, for the daemon that reads it.
fill() {
	local now
	now=$(date +%s)
	perl -pe 's/NOW([-+]\d+)/'"$now"'+$1/ge' "$srcdir/tests/data/status/$1.json" >"$work/data.new" &&
		mv "$work/data.new" "$work/data"
}

# serve NAME WHAT - a fake daemon on the socket $work/NAME.
serve() {
	"$daemon" "$work/$1" "$2" 2>"$work/$1.log" &
	pids+=($!)
	for _ in $(seq 200); do
		grep -q READY "$work/$1.log" && return
		kill -0 "${pids[-1]}" 2>/dev/null || break
		sleep 0.05
	done
	echo "the fake daemon $1 does not serve:"
	cat "$work/$1.log"
	exit 1
}

unset MP_CONFIG_FILE NAGIOS_CONFIG_PATH
[ -x "$plugin" ] && [ -x "$daemon" ] || { echo "build $plugin and $daemon first"; exit 1; }
age='[0-9]+s'

# --- arguments: always UNKNOWN, said on standard output
expect 3 '^check_grappe v[0-9.]+ \(grappe\)$' --version
expect 3 '^check_grappe v' --help
expect 3 '^check_grappe v' -h
expect 3 '^GRAPPE UNKNOWN - --mode is missing'
expect 3 '^GRAPPE UNKNOWN - no mode nonsense$' -m nonsense
expect 3 '^GRAPPE UNKNOWN - an option is not known' -m collector --nonsense
expect 3 '^GRAPPE UNKNOWN - an option is not known or lacks its value' -m
expect 3 '^GRAPPE UNKNOWN - word: there are no arguments' -m collector word
expect 3 '^GRAPPE UNKNOWN - a/b,c: there are no arguments' -m collector 'a|b;c'
expect 3 '^GRAPPE UNKNOWN - --warning abc is no range' -m collector -w abc
expect 3 '^GRAPPE UNKNOWN - --critical 10x is no range' -m collector -c 10x
expect 3 '^GRAPPE UNKNOWN - --critical 20:10: a range starts' -m collector -c 20:10
expect 3 '^GRAPPE UNKNOWN - --timeout 0 is not' -m collector -t 0
expect 3 '^GRAPPE UNKNOWN - --timeout 2:1 is no whole' -m collector -t 2:1
expect 3 '^GRAPPE UNKNOWN - --timeout 99999999999 is no whole' -m collector -t 99999999999
expect 3 '^GRAPPE UNKNOWN - --timeout-state bad is none' -m collector --timeout-state bad
expect 3 '^GRAPPE UNKNOWN - mode agent needs --hostname' -m agent
expect 3 '^GRAPPE UNKNOWN - mode agent asks by SNMP' -m agent -H h -s /x
expect 3 '^GRAPPE UNKNOWN - mode collector asks a local socket' -m collector -H h

expect 3 '^GRAPPE UNKNOWN - mode pair needs --from and --to' -m pair --from a
expect 3 '^GRAPPE UNKNOWN - --from, --to and --window are of mode pair' -m collector --from a
expect 3 '^GRAPPE UNKNOWN - --from, --to and --window are of mode pair' -m drops --window 60
expect 3 '^GRAPPE UNKNOWN - --window 5min is no whole' -m pair --from a --to b --window 5min
expect 3 '^GRAPPE UNKNOWN - --window 0 is not' -m pair --from a --to b --window 0
expect 3 '^GRAPPE UNKNOWN - --warning 10MB is no range' -m pair --from a --to b -w 10MB
expect 3 '^GRAPPE UNKNOWN - --unmatched is of mode drops' -m queue --unmatched
expect 3 '^GRAPPE UNKNOWN - mode drops asks a local socket' -m drops -H h
expect 3 '^GRAPPE UNKNOWN - --from or --to has no name' -m pair --from app: --to b
expect 3 '^GRAPPE UNKNOWN - --extra-opts is written out' -m queue --extra=x

# --- every line of the help fits a terminal
long=$("$plugin" --help | awk 'length > 95')
if [ -z "$long" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL help line: $long"; fi

# --- the manager
metrics="input_age=$age;900;3600;0 moves=[0-9]+;;;0 inter_before="
fill manager-pending
serve manager "$work/data"
expect 1 "^GRAPPE WARNING - 2 moves pending, inter-site 5.1 MB/s -> 10 kB/s, id 9f3c1a2b \| input_age=$age;900;3600;0 moves=2;;;0 inter_before=5100000B;;;0 inter_after=10000B;;;0 posts_waiting=0;;;0$" \
	-m recommendation -s "$work/manager"
expect 1 '^GRAPPE WARNING - 2 moves pending' --mode=recommendation --socket="$work/manager" -v
for line in '  [WARNING] 1. web1: site-1/hostA -> site-2/hostB: web1 exchanges 5.1 MB/s with db1 in site-2' \
	'  [WARNING] 2. mac-020000000003: site-1 -> site-2/hostB: it follows web1' '[OK] webhook noc takes posts'; do
	if grep -qxF -- "$line" "$work/out"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL -v lacks: $line"; fi
done
expect 1 '^GRAPPE WARNING - 2 moves pending' -m recommendation -s "$work/manager" -vv
if grep -qxF '    [OK] hazard address (unknown): is 10.0.0.1 free / there; ?' "$work/out" &&
	[ "$(grep -c '|' "$work/out")" = 1 ]; then
	passed=$((passed + 1))
else
	failed=$((failed + 1))
	echo "FAIL -vv:"
	cat "$work/out"
fi
expect 2 "^GRAPPE CRITICAL - the manager's input is 4[0-9] s old \(\+1 more\) \| input_age=$age;10;20;0" \
	-m recommendation -s "$work/manager" -w 10 -c 20
fill manager-idle
expect 0 "^GRAPPE OK - no recommendation is pending \| $metrics" -m recommendation -s "$work/manager"
expect 1 "^GRAPPE WARNING - the manager's input is 4[0-9] s old \|" -m recommendation -s "$work/manager" -w 10
expect 0 "^GRAPPE OK - .*input_age=$age;@1000:2000;~:5000;0" -m recommendation -s "$work/manager" -w @1000:2000 -c '~:5000'

# --- the collector
fill collector-ok
serve collector "$work/data"
expect 0 "^GRAPPE OK - 2 of 2 agents up, newest period 3[0-9] s old \| age=$age;120;300;0 agents_up=2;;;0 agents_total=2;;;0 complete=1;;;0 vms=8;;;0 pairs=40;;;0 archive_queue=1;;;0 archive_failures=0c;;;0$" \
	-m collector -s "$work/collector"
expect 2 '^GRAPPE CRITICAL - the newest period is 3[0-9] s old' -m collector -s "$work/collector" -c 10
sed -i '/hostB/s/"up"/"down"/' "$work/data"
expect 1 '^GRAPPE WARNING - 1 of 2 agents down: hostB \|' -m collector -s "$work/collector"
# a document of the other daemon is no reason to be content
expect 3 '^GRAPPE UNKNOWN - ' -m recommendation -s "$work/collector"

# --- daemons that misbehave; the labels stay
unknown='input_age=U;;;0 moves=U;;;0 inter_before=U;;;0 inter_after=U;;;0 posts_waiting=U;;;0$'
rm "$work/data"
expect 3 "^GRAPPE UNKNOWN - the manager refuses: no .*data \| $unknown" -m recommendation -s "$work/manager"
expect 3 "^GRAPPE UNKNOWN - no answer from the manager: No such file or directory \| $unknown" \
	-m recommendation -s "$work/nothing"
expect 2 "^GRAPPE CRITICAL - no answer from the manager: " -m recommendation -s "$work/nothing" --timeout-state critical
echo >"$work/file"
expect 3 "^GRAPPE UNKNOWN - no answer from the manager: " -m recommendation -s "$work/file"
serve silent silent
expect 3 "^GRAPPE UNKNOWN - the manager does not answer within 1 s \| $unknown" -m recommendation -s "$work/silent" -t 1
expect 1 "^GRAPPE WARNING - the manager does not answer within 1 s" -m recommendation -s "$work/silent" -t 1 --timeout-state=1
serve garbage garbage
expect 3 "^GRAPPE UNKNOWN - the answer of the manager cannot be read: .* \| $unknown" -m recommendation -s "$work/garbage"
serve endless endless
expect 3 "^GRAPPE UNKNOWN - the answer of the manager cannot be read: .* \| $unknown" -m recommendation -s "$work/endless"
expect 3 '^GRAPPE UNKNOWN - no answer from the manager: ' -m recommendation -s "/$(printf 'x%.0s' $(seq 300))"

# --- agents: nobody there, no such name, community files
unknown='age=U;;;0 drops=U;;;0 overflow=U;;;0 unmatched=U;;;0 clock_offset=U pairs=U;;;0 vms=U;;;0 vifs=U;;;0$'
expect 3 "^GRAPPE UNKNOWN - SNMP on 127.0.0.1:1: it does not answer \| $unknown" -m agent -H 127.0.0.1:1 -t 1
expect 2 "^GRAPPE CRITICAL - SNMP on 127.0.0.1" -m agent -H 127.0.0.1 -p 1 -t 1 --timeout-state 2
expect 3 "^GRAPPE UNKNOWN - no host and port: unix:/x \|" -m agent -H unix:/x
expect 3 "^GRAPPE UNKNOWN - a community has 1 to 255 characters" -m agent -H 127.0.0.1:1 -C ''
echo secret >"$work/community"
chmod 644 "$work/community"
expect 3 "^GRAPPE UNKNOWN - community file .* is open to everybody" -m agent -H 127.0.0.1:1 --community-file "$work/community"
chmod 640 "$work/community"
expect 3 "^GRAPPE UNKNOWN - SNMP on 127.0.0.1:1: it does not" -m agent -H 127.0.0.1:1 -t 1 --community-file "$work/community"
printf 'a\nb\n' >"$work/community"
expect 3 "^GRAPPE UNKNOWN - community file .* more than one line" -m agent -H 127.0.0.1:1 --community-file "$work/community"
: >"$work/community"
expect 3 "^GRAPPE UNKNOWN - a community has 1 to 255 characters" -m agent -H 127.0.0.1:1 --community-file "$work/community"
expect 3 "^GRAPPE UNKNOWN - community file .*: No such file" -m agent -H 127.0.0.1:1 --community-file "$work/none"

# --- SNMPv3: files with a user
printf 'user = grappe\nauthentication = long enough\nprivacy = long as well\n' >"$work/v3"
chmod 640 "$work/v3"
expect 3 "^GRAPPE UNKNOWN - v3 file .*/v3: others than its owner have rights to it" -m agent -H 127.0.0.1:1 --v3-file "$work/v3"
chmod 600 "$work/v3"
expect 3 "^GRAPPE UNKNOWN - SNMP on 127.0.0.1:1: it does not answer \| $unknown" -m agent -H 127.0.0.1:1 -t 2 --v3-file "$work/v3"
expect 3 "^GRAPPE UNKNOWN - mode queue asks a local socket: .*no --v3-file" -m queue --v3-file "$work/v3"
echo 'password = secret' >>"$work/v3"
expect 3 "^GRAPPE UNKNOWN - v3 file .*/v3: line 4: the name is none of user" -m agent -H 127.0.0.1:1 --v3-file "$work/v3"
if grep -q secret "$work/out"; then failed=$((failed + 1)); echo "FAIL a secret is told"; else passed=$((passed + 1)); fi
expect 3 "^GRAPPE UNKNOWN - v3 file .*/none: No such file" -m agent -H 127.0.0.1:1 --v3-file "$work/none"

# --- options from files
cat >"$work/plugins.ini" <<-END
	[check_other]
	whatever
	[check_grappe]
	mode = recommendation
	socket = $work/manager
	w = 10
	[loop]
	extra-opts = loop@$work/plugins.ini
	[helpful]
	help =
	[odd]
	nonsense = 1
	[valueless]
	mode
	[valued]
	verbose = 3
	[secret]
	mode = agent
	hostname = 127.0.0.1:1
	community = secret
	timeout = 1
END
chmod 644 "$work/plugins.ini"
fill manager-idle
expect 1 "^GRAPPE WARNING - the manager's input is 4[0-9] s old \|" "--extra-opts=@$work/plugins.ini"
expect 0 "^GRAPPE OK - no recommendation is pending" -w 1000 --extra-opts "@$work/plugins.ini"
MP_CONFIG_FILE=$work/plugins.ini expect 1 "^GRAPPE WARNING - the manager's input" --extra-opts
MP_CONFIG_FILE=$work/plugins.ini expect 3 "^GRAPPE UNKNOWN - --extra-opts: .*plugins.ini: no section \[none\]" --extra-opts none
MP_CONFIG_FILE=$work/nothing expect 3 "^GRAPPE UNKNOWN - --extra-opts: .*nothing: No such file" --extra-opts -m queue
expect 3 "^GRAPPE UNKNOWN - .*plugins.ini: no option extra-opts for a file" "--extra-opts=loop@$work/plugins.ini"
expect 3 "^GRAPPE UNKNOWN - .*plugins.ini: no option help for a file" "--extra-opts=helpful@$work/plugins.ini"
expect 3 "^GRAPPE UNKNOWN - .*plugins.ini: no option nonsense for a file" "--extra-opts=odd@$work/plugins.ini"
expect 3 "^GRAPPE UNKNOWN - .*plugins.ini: mode needs a value" "--extra-opts=valueless@$work/plugins.ini"
expect 3 "^GRAPPE UNKNOWN - .*plugins.ini: verbose takes no value" "--extra-opts=valued@$work/plugins.ini"
expect 3 "^GRAPPE UNKNOWN - .*plugins.ini holds a community and is open to everybody" "--extra-opts=secret@$work/plugins.ini"
chmod 640 "$work/plugins.ini"
expect 3 "^GRAPPE UNKNOWN - SNMP on 127.0.0.1:1: it does not answer" "--extra-opts=secret@$work/plugins.ini"

# --- what waits to be posted, archives, lost packets
fill manager-pending
expect 0 '^GRAPPE OK - 0 posts waiting for 1 receiver \| waiting=0;10;50;0 delivered=3c' -m queue -s "$work/manager"
fill collector-ok
expect 0 "^GRAPPE OK - newest archived period 6[0-9] s old, 1 waiting \| age=$age;900;3600;0" -m archive -s "$work/collector"
expect 2 "^GRAPPE CRITICAL - the newest archived period is" -m archive -s "$work/collector" -c 10
expect 0 '^GRAPPE OK - 1 of 2 agents lose packets, 0.10 % at worst \| lost=0.1%;1;5;0 drops=9c' -m drops -s "$work/collector"
expect 1 '^GRAPPE WARNING - agent hostB loses 0.10 % of its packets \| lost=0.1%;0.05;5;0' -m drops -s "$work/collector" -w 0.05
sed -i '/hostB/s/"recent".*, "error"/"error"/' "$work/data"
expect 3 '^GRAPPE UNKNOWN - 1 of 2 agents tell nothing new of their packets \| lost=0%' -m drops -s "$work/collector"

# --- traffic between two sides, from answers that were written beforehand
canned=./tests/fakes/canned_daemon
mkdir "$work/canned"
"$canned" "$work/pair" "$work/canned" >"$work/requests" 2>"$work/pair.log" &
pids+=($!)
for _ in $(seq 200); do grep -q READY "$work/pair.log" && break; sleep 0.05; done
now=$(date +%s)
newest=$((now / 30 * 30))
from=$((newest - 300))
head='"status":"ok","exact":true,"approximate":false'
tabs() { tr ' ' '\t'; }
answer_status() { printf '{%s,"periods":[0,0],"from":0,"to":%s,"length":30,"data":%s}\n.end 0\n' "$head" "$newest" "$1" >"$work/canned/status"; }
answer_inventory() {
	printf '{%s,"periods":[0,0],"from":0,"to":%s,"length":30,"columns":["id","name","host","environment","segment","vcpu","memory_bytes","addresses","since","seen","application"]}\n' "$head" "$newest"
	for vm in "1 web1 hostA site-1" "2 db1 hostB site-2" "3 log1 hostB site-2"; do
		# shellcheck disable=SC2086
		printf 'mac-02000000000%s %s %s %s default 1 1000 - 0 %s shop\n' $vm "$newest" | tabs
	done
	echo ".end 3"
}
answer_matrix() { # FROM ROW...
	printf '{%s,"periods":[9,10],"from":%s,"to":%s,"length":30,"columns":["receiver","sender","packets","octets","known"]}\n' "$head" "$1" "$newest"
	printf '%s\n' "${@:2}" | tabs
	echo ".end $(($# - 1))"
}
both=("mac-020000000001 mac-020000000002 30 3000 10" "mac-020000000002 mac-020000000001 300 300000 5" "mac-020000000003 - 0 0 10")
answer_status "{\"length\":30,\"newest_end\":$newest}"
answer_inventory >"$work/canned/inventory"
answer_matrix "$from" "${both[@]}" >"$work/canned/matrix"
pair=(-m pair -s "$work/pair")
expect 0 '^GRAPPE OK - web1 - db1: 10 kB/s in 300 s, 75.0 % known \| traffic=10100B;;;0 forward=10000B;;;0 backward=100B;;;0 packets=11;;;0 known=75%;;;0$' \
	"${pair[@]}" --from web1 --to db1
if [ "$(grep -c '"select":"mac-02000000000[12]"' "$work/requests")" = 2 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL requests:"; cat "$work/requests"; fi
expect 1 '^GRAPPE WARNING - web1 - db1: 10 kB/s .*traffic=10100B;10000;20000;0' "${pair[@]}" --from web1 --to db1 -w 10000 -c 20000
expect 2 '^GRAPPE CRITICAL - site:site-2 - site:site-1: 10 kB/s .* forward=100B;;;0 backward=10000B' "${pair[@]}" --from site:site-2 --to site:site-1 -w 1 -c 10000
expect 0 '^GRAPPE OK - web1 - log1: 0 B/s in 300 s \| traffic=0B;1;;0' "${pair[@]}" --from web1 --to log1 -w 1
expect 3 '^GRAPPE UNKNOWN - no VM has the name or id web2 \| traffic=U;5;6;0 forward=U;;;0 backward=U;;;0 packets=U;;;0 known=U;;;0$' "${pair[@]}" --from web2 --to db1 -w 5 -c 6
expect 3 '^GRAPPE UNKNOWN - no VM belongs to the application none' "${pair[@]}" --from web1 --to app:none
answer_matrix "$from" "mac-020000000001 - - - 0" >"$work/canned/matrix"
expect 3 '^GRAPPE UNKNOWN - nothing is known of web1 - db1 in 300 s \| traffic=U;' "${pair[@]}" --from web1 --to db1 -w 5
answer_matrix "$from" "mac-020000000001 mac-020000000002 30 -5 10" >"$work/canned/matrix"
expect 3 '^GRAPPE UNKNOWN - the answer of the collector cannot be read' "${pair[@]}" --from web1 --to db1
answer_matrix $((from - 30)) "${both[@]}" >"$work/canned/matrix"
expect 3 '^GRAPPE UNKNOWN - the collector answered another window' "${pair[@]}" --from web1 --to db1
answer_matrix "$from" "${both[@]}" | head -n 2 >"$work/canned/matrix"
expect 3 '^GRAPPE UNKNOWN - the answer of the collector cannot be read' "${pair[@]}" --from web1 --to db1
printf '{"status":"later","error":"the period is not over","retry_at":%s}\n.end 0\n' "$now" >"$work/canned/matrix"
expect 3 '^GRAPPE UNKNOWN - the collector refuses: the period is not over' "${pair[@]}" --from web1 --to db1
rm "$work/canned/matrix"
expect 3 '^GRAPPE UNKNOWN - the answer of the collector cannot be read' "${pair[@]}" --from web1 --to db1
sed 's/"segment"/"part"/' "$work/canned/inventory" >"$work/canned/new" && mv "$work/canned/new" "$work/canned/inventory"
expect 3 '^GRAPPE UNKNOWN - the answer of the collector cannot be read' "${pair[@]}" --from web1 --to db1
answer_status "{\"length\":30,\"newest_end\":$((newest - 600))}"
expect 3 "^GRAPPE UNKNOWN - the collector's newest period is 1[01] min old" "${pair[@]}" --from web1 --to db1
for agent in "hostC $newest 0" "hostC $from 3"; do
	read -r name last code <<<"$agent"
	answer_inventory >"$work/canned/inventory"
	answer_matrix "$from" "${both[@]}" >"$work/canned/matrix"
	answer_status "{\"length\":30,\"newest_end\":$newest,\"agents\":[{\"name\":\"$name\",\"environment\":\"site-3\",\"last_end\":$last}]}"
	expect "$code" 'GRAPPE (OK - site:site-1 - site:site-3: 0 B/s in 300 s|UNKNOWN - no VM is in the site site-3)' "${pair[@]}" --from site:site-1 --to site:site-3 -w 10
done
answer_status '{"length":30,"newest_end":0}'
expect 3 '^GRAPPE UNKNOWN - the collector has no period yet' "${pair[@]}" --from web1 --to db1
expect 2 '^GRAPPE CRITICAL - no answer from the collector' -m pair -s "$work/nothing" --from web1 --to db1 --timeout-state 2

# --- the labels of a mode are the same with and without a daemon
labels() { head -n 1 "$work/out" | sed 's/.* | //; s/=[^ ]*//g'; }
for mode in recommendation queue collector archive drops pair; do
	sides=()
	[ $mode != pair ] || sides=(--from a --to b)
	expect 3 '^GRAPPE UNKNOWN - no answer from ' -m $mode -s "$work/nothing" "${sides[@]}"
	without=$(labels)
	expect 3 '^GRAPPE UNKNOWN - .* does not answer within 1 s' -m $mode -s "$work/silent" -t 1 "${sides[@]}"
	if [ -n "$without" ] && [ "$without" = "$(labels)" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL labels of $mode: $without, $(labels)"; fi
done

# --- output that nobody can read is no OK
fill manager-idle
"$plugin" -m recommendation -s "$work/manager" >/dev/full
if [ $? = 3 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL full output"; fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
