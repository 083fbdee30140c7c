#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# 200 VMs of one host start at once, with each back end (or only the one that BACKEND names: pcap or bpf): all are watched
# soon, what each received is right to the packet, and the sensor's memory stays what was said.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"

PERIOD=5
VMS=${MANY_VMS:-200}
EACH=50       # packets that each VM gets from the one before it
STREAM=30000  # packets that one VM gets meanwhile
FIRST=4       # so many VMs are there before
BUDGET_MB=128
lab_begin many "gm-$$-"
periods=$LAB_DIR/periods
backend=

dump() { "$GRAPPE_BUILD/tests/lab/period_dump" "$periods/"[0-9]*; }
mac() { printf '02:00:00:00:%02x:%02x' $(($1 / 256)) $(($1 % 256)); }
next_boundary() { echo $((EPOCHSECONDS - EPOCHSECONDS % PERIOD + PERIOD)); }
published() { [ -e "$periods/$1" ]; }
settled() {
	local end
	end=$(next_boundary)
	wait_for $((PERIOD + 5)) published "$end" || fail "period $end is published"
}

start_capture() {
	rm -rf "$periods"
	cat >"$LAB_DIR/capture.conf" <<-END
		period = ${PERIOD}s
		allow_short_periods = yes
		periods_directory = "$periods"
		periods_kept = 500
		capture = $backend
		buffer_total = ${BUDGET_MB}MiB
		bridge "br0" {}
	END
	start_in host capture "$(program grappe-capture)" -v --config "$LAB_DIR/capture.conf"
	wait_ready capture || lab_die "grappe-capture does not start: $LAB_LOG"
}

apply() { # FROM TO
	batch "$@" >"$LAB_DIR/batch"
	batch_vms "$@" >"$LAB_DIR/batch.vms"
	ip_in host -batch "$LAB_DIR/batch" && ip_in vms -batch "$LAB_DIR/batch.vms" || lab_die "ip -batch"
}

# One call makes all interfaces, enslaves them and brings them up.
batch() { # FROM TO
	local n
	for ((n = $1; n <= $2; n++)); do
		echo "link add dev port$n type veth peer name vm$n address $(mac "$n") netns $(ns vms)"
		echo "link set dev port$n master br0 up"
	done
}

batch_vms() {
	local n
	for ((n = $1; n <= $2; n++)); do echo "link set dev vm$n up"; done
}

# send.py announce - a broadcast frame of each VM; pairs - EACH packets from each VM to the next; stream - STREAM
# packets from a third address behind VM 1 to VM 2, 5,000 in a second.
cat >"$LAB_DIR/send.py" <<'END'
import socket, struct, sys, time
what, vms, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
mac = lambda n: bytes([2, 0, 0, 0, n // 256, n % 256])
address = lambda n: bytes([10, 9, n // 256, n % 256])
# a bridge with netfilter throws away what has no checksum
def checksum(header):
    total = sum(struct.unpack(">10H", header))
    return ~((total & 0xffff) + (total >> 16)) & 0xffff
def packet(n, source, to, target):
    parts = [0x45, 0, 28, 0, 0, 64, 17, 0, source, target]
    parts[7] = checksum(struct.pack(">BBHHHBBH4s4s", *parts))
    header = struct.pack(">BBHHHBBH4s4s", *parts)
    return to + mac(n) + b"\x08\x00" + header + struct.pack(">HHHH", 9, 9, 8, 0) + bytes(18)
def opened(n):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("vm%d" % n, 0))
    return s
if what == "announce":
    for n in range(1, vms + 1):
        opened(n).send(packet(n, address(n), b"\xff" * 6, b"\xff" * 4))
        time.sleep(0.002) # the bridge makes VMS of each
elif what == "pairs":
    sockets = {n: opened(n) for n in range(1, vms + 1)}
    for i in range(count):
        for n in range(1, vms + 1):
            to = n % vms + 1
            sockets[n].send(packet(n, address(n), mac(to), address(to)))
else:
    s, due = opened(1), time.monotonic()
    for i in range(count):
        s.send(packet(1, bytes([10, 8, 0, 1]), mac(2), address(2)))
        due += 0.0002
        time.sleep(max(0, due - time.monotonic()))
    print("sent", count)
END
send() { in_ns vms python3 "$LAB_DIR/send.py" "$@"; }

watched() { grep -c "watching mac-" "$LAB_LOG/capture.log"; }
all_watched() { [ "$(watched)" -ge "$1" ]; }
opened() { [ "$(grep -c "capturing on port" "$LAB_LOG/capture.log")" -ge "$VMS" ]; }

# What the rings of the process hold, and what it has beside them, in kB.
rings_kb() { awk '/^[0-9a-f]+-/ { ring = /socket:/ } ring && $1 == "Size:" { s += $2 } END { print s + 0 }' "/proc/${LAB_PIDS[capture]}/smaps"; }
heap_kb() { awk '/^[0-9a-f]+-/ { other = !/socket:/ } other && $1 == "Rss:" { s += $2 } END { print s + 0 }' "/proc/${LAB_PIDS[capture]}/smaps"; }
ms_since() { echo $(((${EPOCHREALTIME/./} - $1) / 1000)); }

forwarding() { [ "$(in_ns host bridge link show | grep -c "state forwarding")" -ge "$1" ]; }

test_start() {
	local begun made
	apply 1 $FIRST
	wait_for 20 forwarding $FIRST || fail "the bridge forwards"
	send announce $FIRST 0
	wait_for 10 all_watched $FIRST || fail "the first VMs are watched"
	start_in vms stream python3 "$LAB_DIR/send.py" stream "$VMS" $STREAM
	begun=${EPOCHREALTIME/./}
	apply $((FIRST + 1)) "$VMS"
	made=${EPOCHREALTIME/./}
	check "$backend: all interfaces are captured" wait_for 20 opened
	say "      after $(ms_since "$made") ms; ip -batch took $(((made - begun) / 1000)) ms"
	wait_for 20 forwarding "$VMS" || fail "the bridge forwards"
	send announce "$VMS" 0
	made=${EPOCHREALTIME/./}
	check "$backend: all VMs are watched after their first frame" wait_for 10 all_watched "$VMS"
	say "      after $(ms_since "$made") ms"
}

test_counts() {
	local got lost
	send pairs "$VMS" $EACH
	wait "${LAB_PIDS[stream]}"
	unset 'LAB_PIDS[stream]'
	settled
	got=$(dump | awk '$1 == "row" && $3 == "mac-020000000002" && $5 == "10.8.0.1" { s += $6 } END { print s + 0 }')
	lost=$(dump | awk '$1 == "period" { s += $4 } END { print s + 0 }')
	say "      the stream: $got of $STREAM; lost of all frames: $lost"
	if [ "$backend" = bpf ]; then
		check_equal "$backend: of a VM that got packets all the time none is lost or counted twice" "$STREAM 0" "$got $lost"
	else
		# to open an interface the sensor may have to wait for whoever else changes interfaces
		check "$backend: of a VM that got packets all the time none is counted twice, and what is lost is told" \
			test "$got" -le $STREAM -a $((got + lost)) -ge $STREAM -a "$got" -ge $((STREAM / 2))
	fi
	check_equal "$backend: each VM received from the one before it" "$VMS" "$(
		dump | awk -v each=$EACH '$1 == "row" && $4 == "received" { s[$3 " " $5] += $6 }
			END { for (pair in s) n += s[pair] == each; print n + 0 }')"
	check_equal "$backend: and from nobody else" "$VMS" "$(
		dump | awk '$5 != "10.8.0.1" && $1 == "row" && $4 == "received" { s[$3 " " $5] = 1 } END { for (pair in s) n++; print n + 0 }')"
}

test_memory() {
	local rings heap
	rings=$(rings_kb)
	heap=$(heap_kb)
	say "      rings $rings kB of $((BUDGET_MB * 1024)), all else resident $heap kB"
	check "$backend: the rings stay inside buffer_total" test "$rings" -le $((BUDGET_MB * 1024))
	if [ "$backend" = bpf ]; then
		check_equal "$backend: there is no ring" 0 "$rings"
	else
		check "$backend: each interface has its ring" test "$rings" -ge $((VMS * 460))
	fi
	check "$backend: 200 VMs take no more than 40 MB beside the rings" test "$heap" -le 40960
}

# With too little memory each interface has the least, and the log tells.
test_small_budget() {
	local budget=$BUDGET_MB
	stop capture
	BUDGET_MB=16 start_capture
	check "$backend: that buffer_total is too small is told" wait_log capture "take more than buffer_total" 10
	wait_for 20 opened
	check_near "$backend: and each interface has the least" $((VMS * 512)) "$(rings_kb)" 8
	stop capture
	BUDGET_MB=$budget
	start_capture
	wait_for 20 opened
}

# All are gone at once, too.
test_end() {
	local n
	for ((n = 1; n <= VMS; n++)); do echo "link del dev port$n"; done >"$LAB_DIR/batch.del"
	ip_in host -batch "$LAB_DIR/batch.del"
	check "$backend: all interfaces are let go" wait_for 20 eval '[ "$(grep -c "no longer watching" "$LAB_LOG/capture.log")" -ge "$VMS" ]'
	check_equal "$backend: no ring is left" 0 "$(rings_kb)"
	settled
	check "$backend: the sensor goes on" running capture
	stop capture
}

make -s -C "$GRAPPE_BUILD" tests/lab/period_dump >/dev/null || lab_die "period_dump does not build"
ns_add host vms && bridge_add host br0 || lab_die "no namespaces"
for backend in ${BACKEND:-pcap bpf}; do
	say "--- $backend"
	start_capture
	test_start
	test_counts
	test_memory
	if [ "$backend" = pcap ]; then
		check "$backend: rings became smaller while they were in use" grep -q "port2 has a ring of .* now" "$LAB_LOG/capture.log"
		test_small_budget
		send announce "$VMS" 0
		wait_for 10 all_watched "$VMS"
	fi
	test_end
done
finish
