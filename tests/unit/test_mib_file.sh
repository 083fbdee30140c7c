#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The MIB file: nothing to complain for smilint, the same numbers as common/mib.h, and the
# rule that hangs it below another root. smilint ends with 0 whatever it finds: its output counts.
set -eu
source=${srcdir:-.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

fail()
{
	echo "FAILED: $*" >&2
	failed=1
}

for tool in smilint:smitools snmptranslate:snmp; do
	command -v "${tool%:*}" >/dev/null ||
	    { echo "FAILED: no ${tool%:*} here: apt-get install ${tool#*:}" >&2; exit 1; }
done
# The IETF modules it imports; Debian main has them in erlang-snmp only.
mkdir "$work/mibs"
for module in SNMPv2-SMI SNMPv2-TC SNMPv2-CONF SNMP-FRAMEWORK-MIB INET-ADDRESS-MIB; do
	found=
	for file in /usr/lib/erlang/lib/snmp-*/mibs/$module.mib /usr/share/snmp/mibs/$module.txt \
	    /usr/share/snmp/mibs/ietf/$module /var/lib/snmp/mibs/ietf/$module; do
		if test -f "$file"; then
			found=$file
			break
		fi
	done
	test -n "$found" || { echo "FAILED: no $module here: apt-get install erlang-snmp" >&2; exit 1; }
	cp "$found" "$work/mibs/$module"
done

lint()
{
	SMIPATH=$work/mibs smilint -s -l 6 "$1" 2>&1
}

cp "$source/mibs/GRAPPE-MIB.txt" "$work/mibs/GRAPPE-MIB"
test -z "$(lint "$work/mibs/GRAPPE-MIB")" || fail "smilint: $(lint "$work/mibs/GRAPPE-MIB")"
# It would notice something.
sed 's/MAX-ACCESS read-only/MAX-ACCESS read-never/' "$work/mibs/GRAPPE-MIB" >"$work/broken"
test -n "$(lint "$work/broken")" || fail "smilint says nothing about a broken file either"

# The default root changes nothing; others give a module smilint likes as well.
set_root()
{
	awk -v root="$1" -f "$source/mibs/set-root.awk" "$source/mibs/GRAPPE-MIB.txt"
}
set_root 1.3.6.1.4.1.8072.9999.9999 | cmp - "$source/mibs/GRAPPE-MIB.txt" ||
    fail "the default root changes the file"
for root in 1.3.6.1.4.1.32473 1.3.6.1.4.1.32473.1.2.3; do
	set_root $root >"$work/other"
	test -z "$(lint "$work/other")" || fail "smilint at $root: $(lint "$work/other")"
done
! set_root 1.2.3 >/dev/null 2>&1 || fail "a root outside enterprises is taken"

# What is to be installed has the numbers of common/mib.h, no object more and none less.
cp mibs/installed/GRAPPE-MIB.txt "$work/mibs/GRAPPE-MIB"
./tests/unit/mib_numbers | sort >"$work/header"
awk '$2 == "OBJECT-TYPE" { name = $1 } /MAX-ACCESS read-only/ { print name }' \
    "$work/mibs/GRAPPE-MIB" >"$work/names"
while read -r name; do
	echo "$name $(MIBS='' snmptranslate -M "$work/mibs" -m GRAPPE-MIB -On "GRAPPE-MIB::$name" 2>&1 | tail -n 1)"
done <"$work/names" | sort >"$work/file"
diff "$work/header" "$work/file" || fail "common/mib.h (<) and the MIB file (>) differ"
exit $failed
