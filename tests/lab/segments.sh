#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Segments by VLAN (S-10) on bridges that keep VLANs apart, on VLAN devices and on macvtaps: in a QEMU guest with
# Debian 12's kernel, because the kernel of this machine may have none of them. tests/lab/segments_guest is what runs
# there; its lines "ok ..." and "FAIL ..." come over the serial console and count here.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/guest.sh"

# the guest's whole run may take so many seconds
LIMIT=${SEGMENTS_LIMIT:-300}
lab_begin segments

make_guest() {
	make -s -C "$GRAPPE_BUILD" tests/lab/period_dump >/dev/null && guest_kernel &&
		guest_image "$LAB_DIR/initrd" "veth bridge 8021q macvtap sch_ingress cls_bpf act_bpf" \
			bash ip bridge ethtool \
			"/test/build/grappe-capture=$(program grappe-capture)" \
			"/test/build/tests/lab/period_dump=$GRAPPE_BUILD/tests/lab/period_dump" \
			"/test/tests/lab/lib.sh=$here/lib.sh" \
			"/test/tests/lab/job=$here/segments_guest"
}

# The guest ends by itself; one that does not is ended, and that is a failure.
run_guest() {
	guest_console segments
	start qemu timeout -k 5 "$LIMIT" qemu-system-x86_64 -accel tcg,thread=multi -smp 2 -m 512 -nodefaults \
		-display none -no-reboot -kernel "$GUEST_KERNEL" -initrd "$LAB_DIR/initrd" \
		-append "console=ttyS0 quiet panic=-1 g.name=segments g.job=/test/tests/lab/job" \
		-rtc base=utc -serial "file:$(guest_log segments)"
	wait "${LAB_PIDS[qemu]}"
	local status=$?
	unset 'LAB_PIDS[qemu]'
	return $status
}

count_guest_checks() {
	local line
	while IFS= read -r line; do
		case $line in
		"ok    "*) pass "${line#ok    }" ;;
		"FAIL  "*) fail "${line#FAIL  }" ;;
		esac
	done < <(tr -d '\r' <"$(guest_log segments)")
}

make_guest || lab_die "the guest cannot be made"
check "the guest ran to its end (limit $LIMIT s)" run_guest
count_guest_checks
check "it came to its last line" grep -q '^guest: [0-9]* passed, [0-9]* failed' "$(guest_log segments)"
finish
