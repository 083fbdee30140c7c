#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Rules that hold for the tree as a whole. make check runs it in the build folder, where the file
# tests/style/files.list names what is in the distribution. Prints one line a violation.
set -u
top=${srcdir:-.}
lists=tests/style
faults=0
checked=0

fault() {
	echo "FAULT: $*"
	faults=$((faults + 1))
}

# A check that looked at nothing proves nothing.
looked() { # NUMBER WHAT
	echo "$2: $1 checked"
	[ "$1" -gt 0 ] || fault "$2: there was nothing to check"
	checked=$((checked + 1))
}

# The distribution's own files, without what autotools put there; folders are walked through.
tree_files() {
	sed "s|^$top/||" "$lists/files.list" | while read -r name; do
		case $name in
		Makefile.in | config.h.in | aclocal.m4 | configure | build-aux/* | m4/* | INSTALL | COPYING) ;;
		*) find "$top/$name" -type f -printf '%p\n' | sed "s|^$top/||" ;;
		esac
	done | sort -u
}

# ---- each source file names its licence ----

needs_licence() {
	case $1 in
	tests/fuzz/corpus/* | tests/data/*) return 1 ;;
	*.c | *.h | *.sh | *.py | *.mk | *.am | *.ac | *.[1-8] | *.conf | *.service | *.in | *.cfg) return 0 ;;
	*) head -c 2 "$top/$1" | grep -q '^#!' ;;
	esac
}

check_licences() {
	local count=0 file
	for file in $files; do
		needs_licence "$file" || continue
		count=$((count + 1))
		head -n 5 "$top/$file" | grep -q 'SPDX-License-Identifier: [A-Z]' ||
			fault "$file: no SPDX-License-Identifier in its first five lines"
	done
	looked "$count" "licence lines"
}

# ---- includes go downwards only ----

# Folder, then the folders it may include from.
layers='common: common
rrd: common rrd
collector: common rrd collector
manager: common rrd manager
agent-module: common agent-module
nagios: common nagios'

check_include() { # FILE FOLDER ALLOWED HEADER
	case $4 in
	config.h) return ;;
	*/*) ;;
	*)
		fault "$1: \"$4\" is not written from the top of the tree"
		return
		;;
	esac
	case " $3 " in
	*" ${4%%/*} "*) ;;
	*) fault "$1: $2 must not include \"$4\"" ;;
	esac
}

check_includes() {
	local count=0 file folder allowed header
	while IFS=: read -r folder allowed; do
		for file in $(printf '%s\n' $files | grep "^$folder/.*\.[ch]$"); do
			for header in $(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$top/$file"); do
				count=$((count + 1))
				check_include "$file" "$folder" "$allowed" "$header"
			done
		done
	done <<<"$layers"
	looked "$count" "includes"
	for file in $(printf '%s\n' $files | grep '\.[ch]$' | grep -v '^rrd/'); do
		! grep -q 'include[[:space:]]*<rrd\.h>' "$top/$file" || fault "$file: only rrd/ may include <rrd.h>"
	done
}

# ---- functions that cannot be used safely ----

check_functions() {
	local count=0 file found
	for file in $(printf '%s\n' $files | grep '\.[ch]$'); do
		count=$((count + 1))
		found=$(grep -nE '(^|[^A-Za-z0-9_])(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atof|gets|system|popen)[[:space:]]*\(' \
			"$top/$file") && fault "$file: a function that is not used here: $found"
	done
	looked "$count" "files for unsafe functions"
}

# ---- nothing grows beyond what one reads at a time ----

longest_file=800
longest_function=100

check_sizes() {
	local count=0 file long
	for file in $(printf '%s\n' $files | grep '\.[ch]$'); do
		count=$((count + 1))
		[ "$(wc -l <"$top/$file")" -le $longest_file ] || fault "$file: more than $longest_file lines"
		# A function's braces stand in the first column; so do those of nothing else that is long.
		long=$(awk -v most=$longest_function '/^{/ { from = NR } /^}/ && from { if (NR - from > most) print from; from = 0 }' \
			"$top/$file")
		[ -z "$long" ] || fault "$file:$long: a function of more than $longest_function lines"
	done
	looked "$count" "sizes of files"
}

# ---- units say why they restrict ----

# Each line of [Service] has its reason right above it, but for what every unit has; lines of one kind share it.
check_units() {
	local count=0 file bare
	for file in $(printf '%s\n' $files | grep '\.service\.in$'); do
		count=$((count + 1))
		bare=$(awk -F= '/^\[/ { service = $0 == "[Service]"; next }
			!service || /^(Type|ExecStart|Restart|RestartSec|User|Group)=/ { above = ""; next }
			/^#/ { above = "#"; next }
			NF > 1 { if (above != "#" && above != $1) print; above = $1; next }
			{ above = "" }' "$top/$file")
		[ -z "$bare" ] || fault "$file: no reason above: $bare"
	done
	looked "$count" "units with their reasons"
}

# ---- what git knows is distributed ----

check_distribution() {
	local file
	git -C "$top" rev-parse --is-inside-work-tree >/dev/null 2>&1 || return
	[ "$(git -C "$top" rev-parse --show-toplevel)" = "$(cd "$top" && pwd -P)" ] || return
	for file in $(git -C "$top" ls-files); do
		[ "$file" != .gitignore ] && [ -e "$top/$file" ] || continue
		printf '%s\n' $files COPYING | grep -qxF "$file" || fault "$file is in git but not in the distribution"
	done
}

[ -f "$lists/files.list" ] || {
	echo "FAULT: $lists/files.list is missing: run make check"
	exit 1
}
files=$(tree_files)
check_licences
check_includes
check_functions
check_sizes
check_units
check_distribution
echo "$checked groups of rules, $faults faults"
[ "$faults" -eq 0 ]
