# SPDX-License-Identifier: GPL-3.0-or-later
# Hangs GRAPPE-MIB below another node: awk -v root=1.3.6.1.4.1.NNN -f set-root.awk GRAPPE-MIB.txt
# Rewrites the lines between "-- root" and "-- end of root" with one node for each number.

function parents(    count, numbers, first, prefix, i, above)
{
	count = split(root, numbers, ".")
	first = split("1.3.6.1.4.1", prefix, ".")
	above = "enterprises"
	if (index(root ".", "1.3.6.1.4.1.") != 1 || count <= first) {
		print "set-root.awk: root must be a node below 1.3.6.1.4.1, not '" root "'" > "/dev/stderr"
		failed = 1
		exit 1
	}
	declared = ""
	for (i = first + 1; i < count; i++) {
		declared = declared "grappeParent" (i - first) " OBJECT IDENTIFIER ::= { " above " " \
		    numbers[i] " }\n"
		above = "grappeParent" (i - first)
	}
	return "\t::= { " above " " numbers[count] " }\n\n" declared
}

/^\t-- end of root$/ { inside = 0 }
!inside { print }
/^\t-- root$/ { inside = 1; found++; printf "%s", parents() }
END {
	if (!failed && (found != 1 || inside)) {
		print "set-root.awk: no root lines found" > "/dev/stderr"
		exit 1
	}
}
