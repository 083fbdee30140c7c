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

# --- output that nobody can read is no OK
fill manager-idle
"$plugin" -m recommendation -s "$work/manager" >/dev/full
if [ $? = 3 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL full output"; fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
