#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# grappe-capture on the kernel that Debian 12 gives its users, 6.1, whatever kernel this machine runs: a QEMU guest in
# software emulation runs tests/lab/kernel61_guest, whose lines "ok ..." and "FAIL ..." come over the serial
# console and count here. There also the real clock is stepped, which no test may do to this machine.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/guest.sh"

# the guest's whole run may take so many seconds
LIMIT=${KERNEL61_LIMIT:-480}
lab_begin kernel61

make_guest() {
	make -s -C "$GRAPPE_BUILD" tests/lab/period_dump tests/lab/flow tests/lab/tap_guest >/dev/null &&
		guest_kernel &&
		guest_image "$LAB_DIR/initrd" "veth bridge tun 8021q sch_ingress cls_bpf act_bpf" \
			bash ip bridge tc ethtool nstat iperf3 \
			"/test/build/grappe-capture=$(program grappe-capture)" \
			"/test/build/tests/lab/period_dump=$GRAPPE_BUILD/tests/lab/period_dump" \
			"/test/build/tests/lab/flow=$GRAPPE_BUILD/tests/lab/flow" \
			"/test/build/tests/lab/tap_guest=$GRAPPE_BUILD/tests/lab/tap_guest" \
			"/test/tests/lab/lib.sh=$here/lib.sh" \
			"/test/tests/lab/job=$here/kernel61_guest"
}

# The guest ends by itself; one that does not is ended, and that is a failure.
run_guest() {
	guest_console k61
	start qemu timeout -k 5 "$LIMIT" qemu-system-x86_64 -accel tcg,thread=multi -smp 2 -m 512 -nodefaults \
		-display none -no-reboot -kernel "$GUEST_KERNEL" -initrd "$LAB_DIR/initrd" \
		-append "console=ttyS0 quiet panic=-1 g.name=k61 g.job=/test/tests/lab/job" \
		-rtc base=utc -serial "file:$(guest_log k61)"
	wait "${LAB_PIDS[qemu]}"
	local status=$?
	unset 'LAB_PIDS[qemu]'
	return $status
}

# Each check of the guest is one here; what it found is in its own words.
count_guest_checks() {
	local line
	while IFS= read -r line; do
		case $line in
		"ok    "*) pass "6.1: ${line#ok    }" ;;
		"FAIL  "*) fail "6.1: ${line#FAIL  }" ;;
		esac
	done < <(tr -d '\r' <"$(guest_log k61)")
}

make_guest || lab_die "the guest cannot be made"
began=$SECONDS
check "the guest ran to its end (limit $LIMIT s)" run_guest
say "      the guest's run took $((SECONDS - began)) s"
check "its kernel is Debian 12's" grep -q '^kernel 6\.1\.' "$(guest_log k61)"
count_guest_checks
check "it came to its last line" grep -q '^guest: [0-9]* passed, [0-9]* failed' "$(guest_log k61)"
finish
