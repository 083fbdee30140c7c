#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a program, a configuration file or the MIB has is in its manual page, and the other way round. make check runs it in
# the build folder; tests/style/{programs,manuals}.list name what is installed. Prints one line a fault.
#   options    every long option of --help, of commands too: in the page of the program
#   settings   every key of every section: in PROGRAM.conf(5), under "Ss Section NAME", with its default; no other key there
#   documents  the keys of the environment document, the rules of a rules file: in their pages, no other ones there
#   the MIB    every object, by name and number: in GRAPPE-MIB(7)
#   all pages  nothing for mandoc to warn of; pages of Grappe that they name exist
set -u
top=${srcdir:-.}
lists=tests/style
faults=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

fault() {
	echo "FAULT: $*"
	faults=$((faults + 1))
}

# A check that looked at nothing proves nothing.
looked() { # NUMBER WHAT
	echo "$2: $1 checked"
	[ "$1" -gt 0 ] || fault "$2: there was nothing to check"
}

# same FOUND WANTED WHAT - two sorted files have the same lines.
same() {
	local line
	while read -r line; do fault "$3: \"$line\" is missing"; done < <(comm -13 "$1" "$2")
	while read -r line; do fault "$3: \"$line\" is in the page only"; done < <(comm -23 "$1" "$2")
}

# page_of NAME - its file, in the build folder or in the source.
page_of() {
	local page
	page=$(grep -E "(^|/)$1\.[1-8]$" "$lists/manuals.list") || return 1
	[ -f "$page" ] || page=$top/$page
	echo "$page"
}

# ---- programs: options ----

# The help of a program and of its commands, if it has any. A plugin ends with 3 after it.
help_of() { # PROGRAM
	local all command
	all=$("$1" --help)
	case $? in
	0) ;;
	3) [[ $1 == */check_* ]] || return 1 ;;
	*) return 1 ;;
	esac
	printf '%s\n' "$all"
	for command in $(printf '%s\n' "$all" | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
		"$1" "$command" --help || return 1
	done
}

options_of_help() { sed -n 's/^ *\(-[A-Za-z], \)\{0,1\}--\([a-z][a-z0-9-]*\).*/\2/p' "$work/help" | sort -u; }

check_options() { # PROGRAM PAGE
	local text option
	text=$(sed 's/\\//g; s/^\.It Fl/ Fl/' "$2")
	for option in $(options_of_help); do
		options=$((options + 1))
		grep -qE -- "Fl -$option( |,|\$)|, -$option( |,|\$)|Fl . , -?-?$option( |\$)" <<<"$text" ||
			fault "$2: --$option of $1 --help is missing"
	done
}

# ---- programs: settings ----

# "SECTION KEY DEFAULT" for each setting of --help; the section of those outside is "-".
keys_of_help() {
	sed -n '/^Settings of the configuration file/,/^$/p' "$work/help" | sed -n \
		-e 's/^  \([a-z_]*\) "NAME" {.*/section \1/p' \
		-e 's/^\(  \(  \)\{0,1\}\)\([a-z_][a-z0-9_]*\) = [^;]*; *\(default \)\{0,1\}\(.*\)$/\1=\3 \5/p' |
		awk '$1 == "section" { section = $2; next }
			{ where = /^    =/ ? section : "-"; sub(/^ *=/, ""); print where, $0 }' | sort -u
}

# "SECTION KEY" for each entry of the page.
keys_of_page() {
	awk '/^\.Sh/ { inside = /^\.Sh SETTINGS/; section = "-" }
		/^\.Ss Section / { section = $3 }
		inside && /^\.It Ic / { print section, $3 }' "$1" | sort -u
}

# entry_of PAGE SECTION KEY - the text of an entry, without macros.
entry_of() {
	awk -v wanted="$2 $3" '/^\.Sh/ { inside = /^\.Sh SETTINGS/; section = "-" }
		/^\.Ss Section / { section = $3 }
		/^\.(It|El|Ss|Sh)/ { here = inside && /^\.It Ic / && section " " $3 == wanted }
		here' "$1" | sed 's/\\&//g; s/^\.[A-Z][a-z] //; s/ [A-Z][a-z] / /g' | tr '\n' ' '
}

# Folders are told as they are by default in Debian's packages.
check_default() { # PAGE SECTION KEY DEFAULT
	local value=$4
	case $value in
	empty | '{}' | 'must be given') return ;;
	*/etc/grappe/*) value=/etc/grappe/${value##*/etc/grappe/} ;;
	*/lib/grappe/*) value=/var/lib/grappe/${value##*/lib/grappe/} ;;
	*/grappe-libvirt) return ;;
	esac
	entry_of "$1" "$2" "$3" | grep -qE -- "(^|[^A-Za-z0-9.])${value//./\\.}($|[^A-Za-z0-9])" ||
		fault "$1: the entry of $3 (section $2) does not tell the default $4"
}

check_settings() { # PROGRAM
	local file page section key default
	file=$(sed -n 's|^Settings of the configuration file (.*/\([a-z-]*\.conf\) unless.*|\1|p' "$work/help")
	[ -n "$file" ] || return
	if ! page=$(page_of "grappe-$file"); then
		fault "$1: $file has no manual page grappe-$file"
		return
	fi
	keys_of_help >"$work/keys"
	cut -d' ' -f1,2 "$work/keys" | sort -u >"$work/wanted"
	keys_of_page "$page" >"$work/found"
	same "$work/found" "$work/wanted" "$page, section and key"
	while read -r section key default; do
		settings=$((settings + 1))
		check_default "$page" "$section" "$key" "$default"
	done <"$work/keys"
}

check_programs() {
	local programs=0 options=0 settings=0 program page
	for program in $(cat "$lists/programs.list"); do
		if ! page=$(page_of "$(basename "$program")"); then
			fault "$program has no manual page"
			continue
		fi
		programs=$((programs + 1))
		if ! help_of "./$program" >"$work/help"; then
			fault "$program: --help fails"
			continue
		fi
		check_options "$program" "$page"
		check_settings "$program"
	done
	looked "$options" "options of $programs programs"
	looked "$settings" "settings, with their defaults"
}

# ---- documents ----

entries_of() { sed -n 's/^\.It I*C*[cm] \([A-Za-z_]*\).*/\1/p' "$1" | sort -u; }

# The words of the lists called keys in the reader of the environment document.
check_environments() {
	local page
	page=$(page_of grappe-environments) || { fault "no page grappe-environments" && return; }
	sed -n '/keys\[\] = *{*/,/NULL}/p' "$top/manager/environment.c" | grep -oE '"[A-Za-z_]+"' | tr -d '"' | sort -u >"$work/wanted"
	entries_of "$page" >"$work/found"
	same "$work/found" "$work/wanted" "$page, key"
	looked "$(wc -l <"$work/wanted")" "keys of the environment document"
}

check_rules() {
	local page
	page=$(page_of grappe-rules) || { fault "no page grappe-rules" && return; }
	sed -n 's/^ *\[RULE_[A-Z]*\] = {"\([a-z]*\)".*/\1/p' "$top/manager/solve_rules.c" | sort -u >"$work/wanted"
	entries_of "$page" >"$work/found"
	same "$work/found" "$work/wanted" "$page, rule"
	looked "$(wc -l <"$work/wanted")" "kinds of rules"
}

# ---- the MIB ----

# Names by the file, numbers by net-snmp: tables and nodes as headings, everything else as entries.
check_mib() {
	local page name number count=0
	page=$(page_of GRAPPE-MIB) || { fault "no page GRAPPE-MIB" && return; }
	command -v snmptranslate >/dev/null || { fault "no snmptranslate here: apt-get install snmp" && return; }
	mkdir "$work/mibs" || return
	cp mibs/installed/GRAPPE-MIB.txt "$work/mibs/" || { fault "no MIB in the build folder" && return; }
	for name in SNMPv2-SMI SNMPv2-TC SNMPv2-CONF SNMP-FRAMEWORK-MIB INET-ADDRESS-MIB; do
		cp /usr/lib/erlang/lib/snmp-*/mibs/$name.mib "$work/mibs/$name" || fault "no $name here: apt-get install erlang-snmp"
	done
	MIBS='' snmptranslate -M "$work/mibs" -m GRAPPE-MIB -TO 2>/dev/null | sort -u >"$work/numbers"
	for name in $(awk '$2 == "OBJECT-TYPE" && $1 !~ /Entry$/ { print $1 }' mibs/installed/GRAPPE-MIB.txt); do
		count=$((count + 1))
		number=$(MIBS='' snmptranslate -M "$work/mibs" -m GRAPPE-MIB -On "GRAPPE-MIB::$name" 2>&1 | tail -n 1)
		number=${number#.}
		grep -qxF -e ".It Sy $name No ( $number )" "$page" ||
			{ grep -xF -A1 -e ".Ss $name" "$page" | grep -qxF "Node $number."; } ||
			fault "$page: $name, $number, is missing"
	done
	looked "$count" "objects of the MIB, with their numbers"
}

# ---- all pages ----

check_pages() {
	local count=0 page name found
	command -v mandoc >/dev/null || { fault "no mandoc here: apt-get install mandoc" && return; }
	for page in $(cat "$lists/manuals.list"); do
		[ -f "$page" ] || page=$top/$page
		count=$((count + 1))
		found=$(mandoc -T lint -W warning "$page" 2>&1) || fault "mandoc: $found"
		for name in $(sed -n 's/^\.Xr \([A-Za-z_-]*\(grappe\|GRAPPE\)[A-Za-z._-]*\) \([1-8]\).*/\1.\3/p' "$page"); do
			grep -qE "(^|/)$name\$" "$lists/manuals.list" || fault "$page names $name, which is no page"
		done
	done
	looked "$count" "pages"
}

for list in programs manuals; do
	[ -f "$lists/$list.list" ] || {
		echo "FAULT: $lists/$list.list is missing: run make check"
		exit 1
	}
done
check_programs
check_environments
check_rules
check_mib
check_pages
echo "$faults faults"
[ "$faults" -eq 0 ]
