#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Archives on disks that misbehave: full, read-only, taken away; and what 10,000 pairs cost.
# Mounts happen in a mount namespace of its own.
if [ -z "$GRAPPE_ARCHIVE_LAB" ]; then
	GRAPPE_ARCHIVE_LAB=1 exec unshare -m --propagation private "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"

lab_begin archive
tool=$GRAPPE_BUILD/tests/lab/archive_tool
[ -x "$tool" ] || lab_die "$tool is not built: make check builds it"
start=1790006400 # end of period 0
pair_size=281712 # what a pair's file takes with the default levels
disk=$LAB_DIR/disk
mkdir -p "$disk"

# attempt FILE ARGS... - archive_tool into a file of $LAB_DIR; its exit code is that of the tool.
attempt() {
	local file=$LAB_DIR/$1
	shift
	"$tool" "$@" >"$file" 2>&1
}
figure() { sed -n "s/.*\\b$2=\\([0-9.]*\\).*/\\1/p" "$LAB_DIR/$1"; }
# Files of pairs that have another size than a whole one.
broken_files() { find "$1" -name '*.rrd' ! -size "${pair_size}c" | wc -l; }
leftovers() { find "$1" -name '.new.rrd*' -o -name '*.damaged-*' | wc -l; }

say "--- a disk of 8 MB, filled by new pairs"
mount -t tmpfs -o size=8m grappe-lab "$disk"
check "three periods of 2 receivers with 4 senders" attempt small write "$disk/rrd" 2 4 $start 0 3
if attempt full write "$disk/rrd" 4 12 $start 3 3; then
	fail "a disk that is too small makes periods fail"
else
	check_equal "a disk that is too small: exit code" 2 $?
fi
check "the message says what is wrong" grep -Eq "No space left|disk full" "$LAB_DIR/full"
check "the message names the file" grep -q "$disk/rrd" "$LAB_DIR/full"
sed 's/^/      /' "$LAB_DIR/full" | head -n 3
check_equal "no file is left half made" 0 "$(broken_files "$disk/rrd")"
check_equal "nothing was set aside" 0 "$(leftovers "$disk/rrd")"
check "what was stored before is there" "$tool" check "$disk/rrd" 2 4 $start 0 3
check "pairs that have a file were written on" \
	test "$(rrdtool last "$disk/rrd/mac-020000000000/mac-040000000000.rrd")" = $((start + 5 * 30))
mount -o remount,size=64m "$disk"
check "with room again everything is written" attempt again write "$disk/rrd" 4 12 $start 3 3
check "the failed periods are complete" "$tool" check "$disk/rrd" 4 12 $start 5 1
check "and the first ones still are" "$tool" check "$disk/rrd" 2 4 $start 0 3

say "--- a disk filled by something else"
dd if=/dev/zero of="$disk/ballast" bs=64k 2>/dev/null
check_equal "the disk is full" 0 "$(df --output=avail "$disk" | tail -1 | tr -d ' ')"
check "existing pairs go on" attempt ballast write "$disk/rrd" 4 12 $start 6 20
check "exactly" "$tool" check "$disk/rrd" 4 12 $start 6 20
attempt ballast2 write "$disk/rrd" 5 12 $start 26 1
check_equal "only the new receiver fails" 1 "$(figure ballast2 failed)"
check_equal "the others are committed" 4 "$(figure ballast2 committed)"
rm "$disk/ballast"
check "it is written later" attempt ballast3 write "$disk/rrd" 5 12 $start 26 1
check "completely" "$tool" check "$disk/rrd" 5 12 $start 26 1

say "--- a file with holes on a full disk"
pair=$disk/rrd/mac-020000000000/mac-040000000000.rrd
fallocate --punch-hole --offset 4096 --length 270336 "$pair"
dd if=/dev/zero of="$disk/ballast2" bs=4k 2>/dev/null
attempt sparse write "$disk/rrd" 1 12 $start 27 1
check_equal "a sparse file on a full disk fails alone" 1 "$(figure sparse failed)"
check "and is named" grep -q "room of $pair: No space" "$LAB_DIR/sparse"
check_equal "the other pairs were written" 11 "$(figure sparse updates)"
rm "$disk/ballast2"
check "with room it goes on" attempt sparse2 write "$disk/rrd" 1 12 $start 27 1

say "--- the floor of free space"
attempt floor write "$disk/rrd" 6 12 $start 28 1 floor=1000000000
check_equal "below the floor no file is made" 0 "$(figure floor created)"
check "the message tells both figures" grep -Eq '[0-9]+ kB free .* [0-9]+ kB are to stay free' "$LAB_DIR/floor"
check_equal "existing receivers are committed" 5 "$(figure floor committed)"
check "above it the period that failed is finished at the start" attempt floor2 write "$disk/rrd" 0 0 $start 28 1
check_equal "from the journal" 1 "$(figure floor2 recovered)"
check "completely" "$tool" check "$disk/rrd" 6 12 $start 28 1

say "--- read-only"
mount -o remount,ro "$disk"
attempt readonly write "$disk/rrd" 6 12 $start 29 1
check "the message says so" grep -q "$disk/rrd: Read-only file system" "$LAB_DIR/readonly"
check "reading works" "$tool" check "$disk/rrd" 5 12 $start 28 1
check "sums, too" sh -c "'$tool' sum '$disk/rrd' $((start + 27 * 30)) $((start + 28 * 30)) | grep -q \
	'^mac-04000000000b,mac-020000000004,11028,1102800$'"
mount -o remount,rw "$disk"
mkdir "$LAB_DIR/view"
mount --bind "$disk/rrd/mac-020000000001" "$LAB_DIR/view"
mount --bind "$LAB_DIR/view" "$disk/rrd/mac-020000000001"
mount -o remount,bind,ro "$disk/rrd/mac-020000000001"
attempt oneofmany write "$disk/rrd" 5 12 $start 29 1
check_equal "one receiver's folder read-only: it fails" 1 "$(figure oneofmany failed)"
check_equal "the other four are committed" 4 "$(figure oneofmany committed)"
umount "$disk/rrd/mac-020000000001" "$LAB_DIR/view"
check "writable again, its period is written" attempt writable write "$disk/rrd" 5 12 $start 29 1
check "all complete" "$tool" check "$disk/rrd" 5 12 $start 28 2
check_equal "no file is left half made" 0 "$(broken_files "$disk/rrd")"
umount "$disk"

say "--- the disk is not there yet"
attempt missing write "/proc/nowhere/rrd" 1 1 $start 0 1
check "the message names the folder" grep -q "/proc/nowhere/rrd" "$LAB_DIR/missing"

say "--- what 10,000 pairs cost (100 receivers, one level of a day; for information)"
mount -t tmpfs -o size=1g grappe-lab "$disk"
check "10,000 files are made" attempt create write "$disk/rrd" 100 100 $start 0 1 detail
check "ten periods" attempt update write "$disk/rrd" 100 100 $start 1 10 detail
check "exact" "$tool" check "$disk/rrd" 3 100 $start 0 11
echo "      first period: $(figure create wall_s) s, $(figure create cpu_us_per_update) us CPU a file;" \
	"then $(awk -v w="$(figure update wall_s)" 'BEGIN { print w / 10 }') s a period," \
	"$(figure update cpu_us_per_update) us CPU an update"
umount "$disk"
finish
