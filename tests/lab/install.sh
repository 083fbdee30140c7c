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
sbin/grappe-manager'

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
check "check_grappe --help" "$plugin" --help
check "the MIB is there" test -n "$(find "$root" -name GRAPPE-MIB.txt)"
check "smilint finds nothing in the MIB" \
	test -z "$(smilint -s -l 6 "$(find "$root" -name GRAPPE-MIB.txt)" 2>&1)"
check_equal "make uninstall leaves no file" 0 \
	"$(make -s -C "$GRAPPE_BUILD" uninstall DESTDIR="$root" >/dev/null; find "$root" -type f | wc -l)"
finish
