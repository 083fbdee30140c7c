#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What "make install DESTDIR=..." puts where: every program runs from there and has a man page (make check holds its
# options and settings against it), and nothing lies outside.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
lab_begin install
root=$LAB_DIR/root

programs='bin/grappe bin/grappe-query sbin/grappe-capture sbin/grappe-agent sbin/grappe-collector
sbin/grappe-collector-agent sbin/grappe-manager'

page_of() { find "$root" -path "*/man/*" -name "$(basename "$1").[1-8]"; }

check "make install DESTDIR=... works" make -s -C "$GRAPPE_BUILD" install DESTDIR="$root"
prefix=$(sed -n 's/^prefix = //p' "$GRAPPE_BUILD/Makefile")
for name in $programs; do
	file=$root$prefix/$name
	check "$name is there" test -x "$file"
	check "$name --version" "$file" --version
	check "$name --help" "$file" --help
	check "$name has a man page" test -f "$(page_of "$file")"
	check "$name: mandoc finds no error in the page" mandoc -T lint -W error "$(page_of "$file")"
done
plugin=$(find "$root" -name check_grappe -type f)
check "check_grappe is there" test -x "$plugin"
# A plugin's --help and --version end with 3, UNKNOWN.
ends_with() {
	local wanted=$1 got
	shift
	"$@"
	got=$?
	[ "$got" = "$wanted" ] || { echo "ended with $got" && return 1; }
}
check "check_grappe --help" ends_with 3 "$plugin" --help
check "check_grappe --version" ends_with 3 "$plugin" --version
check "check_grappe has a man page" test -f "$(page_of "$plugin")"
check "check_grappe: mandoc finds no error in the page" mandoc -T lint -W error "$(page_of "$plugin")"
for name in grappe-capture.conf grappe-agent.conf grappe-collector.conf grappe-collector-agent.conf grappe-manager.conf \
	grappe-environments grappe-rules GRAPPE-MIB; do
	check "the man page $name is there" test -f "$(page_of "$name")"
done
for name in grappe.cfg grappe-icinga2.conf; do
	check "the example $name is there" test -n "$(find "$root" -path "*/examples/$name")"
done
for name in grappe_pairs.xml cacti_host_template_grappe.xml; do
	check "$name for Cacti is there" test -n "$(find "$root" -path "*/grappe/cacti/$name")"
done
check "the MIB is there" test -n "$(find "$root" -name GRAPPE-MIB.txt)"
# The modules it imports are in Debian's erlang-snmp, by names that smilint does not look for.
mkdir -p "$LAB_DIR/mibs"
for module in SNMPv2-SMI SNMPv2-TC SNMPv2-CONF SNMP-FRAMEWORK-MIB INET-ADDRESS-MIB; do
	cp /usr/lib/erlang/lib/snmp-*/mibs/$module.mib "$LAB_DIR/mibs/$module" || lab_die "no $module here: apt-get install erlang-snmp"
done
# lint FILE - smilint ends with 0 whatever it finds: its output counts.
lint() { SMIPATH=$LAB_DIR/mibs smilint -s -l 6 "$1" 2>&1; }
check_equal "smilint finds nothing in the MIB" "" "$(lint "$(find "$root" -name GRAPPE-MIB.txt)")"
check_equal "make uninstall leaves no file" 0 \
	"$(make -s -C "$GRAPPE_BUILD" uninstall DESTDIR="$root" >/dev/null; find "$root" -type f | wc -l)"
finish
