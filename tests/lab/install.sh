#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What "make install DESTDIR=..." puts where: every program runs from there, has a man page that
# knows its options and settings, and nothing lies outside.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
lab_begin install
root=$LAB_DIR/root

programs='bin/grappe bin/grappe-query sbin/grappe-capture sbin/grappe-agent sbin/grappe-collector
sbin/grappe-collector-agent sbin/grappe-manager'

# Long options and setting keys that --help tells.
words_of_help() {
	"$1" --help | grep -oE '(^|[ ,])--[a-z][a-z-]+|^ +[a-z_]+ = ' | grep -oE '[a-z][a-z_-]+'
}

page_of() { find "$root" -path "*/man/*" -name "$(basename "$1").[1-8]"; }

page_tells_all() {
	local program=$1 text word missing=
	text=$(mandoc -T utf8 "$(page_of "$program")" | sed 's,.\x08,,g') || return 1
	for word in $(words_of_help "$program"); do
		grep -qE -- "(^|[^a-z_-])(--)?$word([^a-z_-]|\$)" <<<"$text" || missing="$missing $word"
	done
	[ -z "$missing" ] || { echo "not in the page:$missing" && return 1; }
}

check "make install DESTDIR=... works" make -s -C "$GRAPPE_BUILD" install DESTDIR="$root"
prefix=$(sed -n 's/^prefix = //p' "$GRAPPE_BUILD/Makefile")
for name in $programs; do
	file=$root$prefix/$name
	check "$name is there" test -x "$file"
	check "$name --version" "$file" --version
	check "$name --help" "$file" --help
	check "$name has a man page" test -f "$(page_of "$file")"
	check "$name: mandoc finds no error in the page" mandoc -T lint -W error "$(page_of "$file")"
	check "$name: the page tells every option and setting" page_tells_all "$file"
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
check "check_grappe: the page tells every option" page_tells_all "$plugin"
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
