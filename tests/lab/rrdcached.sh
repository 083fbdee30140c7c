#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Archives through a real rrdcached: the daemon is killed, stopped, replaced by things that answer
# nonsense or nothing; its disk is full, read-only; files are damaged. Afterwards every period is
# stored once. Then the collector itself, with real agents, whose daemon is killed under it.
# Mounts happen in a mount namespace of its own.
if [ -z "$GRAPPE_RRDCACHED_LAB" ]; then
	GRAPPE_RRDCACHED_LAB=1 exec unshare -m --propagation private "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"

lab_begin rrdcached
tool=$GRAPPE_BUILD/tests/lab/archive_tool
CAPTURE=$GRAPPE_BUILD/tests/lab/fake_capture
[ -x "$tool" ] && [ -x "$CAPTURE" ] || lab_die "no $tool or $CAPTURE: make check builds them"
for needed in rrdcached rrdtool jq python3; do command -v $needed >/dev/null || lab_die "no $needed here"; done
AGENT=$(program grappe-agent) && COLLECTOR=$(program grappe-collector) && QUERY=$(program grappe-query) || exit 1
start=1790006400 # end of period 0
disk=$LAB_DIR/disk
socket=$LAB_DIR/rrdcached.sock
mkdir -p "$disk" "$LAB_DIR/journal"

listens() { python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$socket"; }
# cached [OPTION...] - the daemon, until it answers.
cached() {
	rm -f "$LAB_DIR/rrdcached.pid"
	start rrdcached rrdcached -g -l "unix:$socket" -p "$LAB_DIR/rrdcached.pid" -w 3600 -f 7200 -t 2 "$@"
	wait_for 30 listens || { fail "rrdcached answers" && finish; }
}
# attempt FILE ARGS... - archive_tool through the daemon, into a file of $LAB_DIR.
attempt() {
	local file=$LAB_DIR/$1
	shift
	"$tool" "$@" "rrdcached=unix:$socket" >"$file" 2>&1
}
figure() { sed -n "s/.*\\b$2=\\([0-9.]*\\).*/\\1/p" "$LAB_DIR/$1"; }
exact() { check "$1" "$tool" check "$LAB_DIR/rrd" 5 12 $start "$2" "$3"; }
pair=$LAB_DIR/rrd/mac-020000000001/mac-040000000003.rrd
coverage=$LAB_DIR/rrd/mac-020000000001/coverage.rrd

say "--- in peace"
cached -j "$LAB_DIR/journal"
check "twenty periods of 5 receivers with 12 senders" attempt peace write "$LAB_DIR/rrd" 5 12 $start 0 20
check_equal "all are committed" 100 "$(figure peace stored)"
exact "exactly" 0 20
check_equal "nothing waits" 0 "$(stat -c %s "$LAB_DIR/rrd/spool")"

say "--- killed, with a journal and without"
check "ten periods that are not committed" attempt killed write "$LAB_DIR/rrd" 5 12 $start 20 10 no-commit
check_equal "coverage says so" $((start + 19 * 30)) "$(rrdtool last "$coverage")"
stop rrdcached KILL
if attempt away write "$LAB_DIR/rrd" 5 12 $start 30 1; then fail "without the daemon nothing is written"; fi
check "the message tells which daemon" grep -q "rrdcached at unix:$socket cannot be reached" "$LAB_DIR/away"
cached -j "$LAB_DIR/journal"
check "back with its journal: the next ones" attempt back write "$LAB_DIR/rrd" 5 12 $start 30 10 no-commit
stop rrdcached KILL
cached
check "back without one: the next ones" attempt bare write "$LAB_DIR/rrd" 5 12 $start 40 5
exact "all of them exactly" 0 45
check_equal "nothing is damaged" 0 "$(figure bare damaged)"

say "--- what other programs see"
check "five periods more" attempt others write "$LAB_DIR/rrd" 5 12 $start 45 5 no-commit
last_row() { # [OPTION...]
	rrdtool fetch "$pair" AVERAGE -r 30 -s $((start + 48 * 30)) -e $((start + 49 * 30)) "$@" |
		sed -n "s/^$((start + 49 * 30)): \([^ ]*\).*/\1/p" | awk '{ printf "%.0f", $1 * 30 }'
}
check_equal "through the daemon the newest row" 3049 "$(last_row --daemon "unix:$socket")"
check_equal "its coverage waits for the commit" $((start + 44 * 30)) "$(rrdtool last "$coverage")"
check "which comes" attempt commit write "$LAB_DIR/rrd" 5 12 $start 50 1
check_equal "then without the daemon, too" 3049 "$(last_row)"

say "--- nonsense and silence"
stop rrdcached
impostor() { # PYTHON: what it does with a connection c
	rm -f "$socket"
	start impostor python3 -c "
import socket, time, os
s = socket.socket(socket.AF_UNIX); s.bind('$socket'); s.listen(9)
while True:
    c, _ = s.accept()
    $1"
	wait_for 10 listens
}
impostor 'c.sendall(os.urandom(5000)); c.close()'
if attempt nonsense write "$LAB_DIR/rrd" 5 12 $start 51 1; then fail "nonsense is no success"; fi
check "nonsense is told" grep -q "rrdcached at unix:$socket" "$LAB_DIR/nonsense"
stop impostor
impostor 'keep = globals().setdefault("k", []); keep.append(c)'
begin=$EPOCHSECONDS
if attempt silent write "$LAB_DIR/rrd" 1 12 $start 51 1; then fail "silence is no success"; fi
check "silence is told" grep -q "does not answer within" "$LAB_DIR/silent"
check "in time" test $((EPOCHSECONDS - begin)) -le 45
stop impostor
cached
check "then it is written" attempt real write "$LAB_DIR/rrd" 5 12 $start 51 3
exact "exactly" 44 10

say "--- files that are damaged or gone"
check "three periods" attempt three write "$LAB_DIR/rrd" 5 12 $start 54 3 no-commit
head -c 4000 /dev/urandom | dd of="$pair" conv=notrunc 2>/dev/null
rm "$LAB_DIR/rrd/mac-020000000002/mac-040000000005.rrd"
attempt damaged write "$LAB_DIR/rrd" 5 12 $start 57 1
check "another try" attempt again write "$LAB_DIR/rrd" 5 12 $start 58 2
check "the damaged one is set aside" ls "$pair".damaged-*
exact "what was not committed is in new files" 54 6
check "the others have all" "$tool" check "$LAB_DIR/rrd" 1 12 $start 0 60
attempt future write "$LAB_DIR/rrd" 5 12 $start 60 1
rrdtool update "$LAB_DIR/rrd/mac-020000000003/mac-040000000001.rrd" $((start + 100000 * 30)):1:1
attempt future2 write "$LAB_DIR/rrd" 5 12 $start 61 1
check "a file from the future is set aside" ls "$LAB_DIR/rrd/mac-020000000003/mac-040000000001.rrd.damaged-"*
exact "and the period is stored" 61 1

say "--- a disk of 12 MB"
mount -t tmpfs -o size=12m grappe-lab "$disk"
check "three periods of 2 receivers with 4 senders" attempt small write "$disk/rrd" 2 4 $start 0 3
if attempt full write "$disk/rrd" 4 12 $start 3 3; then fail "a disk that is too small is no success"; fi
check "the message says what is wrong" grep -Eq "No space left|disk full" "$LAB_DIR/full"
check "what was stored before is there" "$tool" check "$disk/rrd" 2 4 $start 0 3
mount -o remount,size=64m "$disk"
check "with room again everything is written" attempt roomy write "$disk/rrd" 4 12 $start 3 3
check "the failed periods are complete" "$tool" check "$disk/rrd" 4 12 $start 5 1
check "and so are those before" "$tool" check "$disk/rrd" 2 4 $start 0 6
mount -o remount,ro "$disk"
if attempt readonly write "$disk/rrd" 4 12 $start 6 2; then fail "a read-only disk is no success"; fi
check "the message says so" grep -q "Read-only file system" "$LAB_DIR/readonly"
mount -o remount,rw "$disk"
check "writable again it is written" attempt writable write "$disk/rrd" 4 12 $start 6 2
check "completely" "$tool" check "$disk/rrd" 4 12 $start 5 3
stop rrdcached
umount "$disk"

say "--- the collector, its daemon killed under it"
LENGTH=2
cat >"$LAB_DIR/agent.conf" <<END
agentx_socket = "$LAB_DIR/snmpd.agentx"
periods_directory = "$LAB_DIR/periods"
state_directory = "$LAB_DIR/agent"
history = 40
END
cat >"$LAB_DIR/collector.conf" <<END
period = ${LENGTH}s
allow_short_periods = yes
socket = "$LAB_DIR/collector.sock"
archive_directory = "$LAB_DIR/archives"
state_directory = "$LAB_DIR/state"
timeout = 200ms
history = 20
rrdcached = "unix:$socket"
rrdcached_commit = 6s
agent "hostA" { address = "127.0.0.1:1161" }
END
mkdir -p "$LAB_DIR/periods" "$LAB_DIR/agent"
query() { "$QUERY" --socket "$LAB_DIR/collector.sock" "$@"; }
status() { query status --format json | jq -r "$1"; }
status_is() { [ "$(status "$1")" = "$2" ]; }
periods() { wait_until $((EPOCHSECONDS / LENGTH * LENGTH + $1 * LENGTH)); }
ns_add host
start_snmpd snmpd host 127.0.0.1:1161 || finish
start_in host agent "$AGENT" --config "$LAB_DIR/agent.conf"
wait_ready agent || finish
start_in host capture "$CAPTURE" "$LAB_DIR/periods" $LENGTH 1 4
cached
start_in host collector "$COLLECTOR" -v --config "$LAB_DIR/collector.conf"
wait_ready collector || finish
from=$((EPOCHSECONDS / LENGTH * LENGTH + 3 * LENGTH)) # what came before is not looked at
check "the agent comes up" wait_for 20 status_is .agents_up 1
some_committed() { [ -n "$(ls "$LAB_DIR"/archives/*/coverage.rrd 2>/dev/null)" ]; }
check "periods are committed" wait_for 30 some_committed
stop rrdcached KILL
check "the status says that it is away" wait_for 20 status_is .archive.state failing
check "and why" grep -q "rrdcached at unix" <<<"$(status .archive.error)"
answer=$(query --last ${LENGTH}s --wait $((2 * LENGTH))s --format json)
check_equal "answers go on" true "$(jq .exact <<<"$answer")"
stop collector KILL
cached
start_in host collector "$COLLECTOR" -v --config "$LAB_DIR/collector.conf"
wait_ready collector || finish
periods 4
check "with the daemon back it is well" wait_for 30 status_is .archive.state ok
stop capture
periods 3
stop collector
check_equal "nothing waits after a stop" 0 "$(stat -c %s "$LAB_DIR/archives/spool")"
# The last period that is stored and that capture could still print before it was stopped.
ends=$({ rrdtool last "$(ls "$LAB_DIR"/archives/*/coverage.rrd | head -n 1)"
	awk 'NF == 5 { e = $1 } END { print e }' "$LAB_LOG/capture.log"; } | sort -n | head -n 1)
cat "$LAB_LOG"/capture*.log | awk -v f="$from" -v t="$ends" 'NF == 5 && $1 > f && $1 <= t { n += $4 } END { print n }' >"$LAB_DIR/want"
"$tool" sum "$LAB_DIR/archives" "$from" "$ends" | awk -F, 'NR > 1 { n += $3 } END { printf "%.0f\n", n }' >"$LAB_DIR/got"
check_equal "every packet is in the archives once" "$(cat "$LAB_DIR/want")" "$(cat "$LAB_DIR/got")"
finish
