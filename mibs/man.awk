# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the manual page GRAPPE-MIB.7 of the MIB file: awk -f man.awk GRAPPE-MIB.txt
# What the file says of an object is what the page says; so neither is behind the other. Knows of SMIv2 what this one
# file uses, and ends with an error when a line "::= { parent number }" has no known parent.

BEGIN {
	oid["enterprises"] = "1.3.6.1.4.1"
	print ".\\\" SPDX-License-Identifier: BSD-3-Clause"
	print ".\\\" Made by mibs/man.awk of GRAPPE-MIB.txt."
}

# Words of the MIB, so that troff takes none of them for its own.
function plain(text)
{
	gsub(/\\/, "\\e", text)
	return text ~ /^['.]/ ? "\\&" text : text
}

# A text in quotes, paragraph by paragraph; lines stay as they are.
function say(text,    count, lines, i, line, blank)
{
	count = split(text, lines, "\n")
	blank = 0
	for (i = 1; i <= count; i++) {
		line = lines[i]
		gsub(/^[ \t]+|[ \t]+$/, "", line)
		if (line == "") {
			blank = i > 1
			continue
		}
		if (blank)
			print ".Pp"
		blank = 0
		# each sentence begins a line, as mdoc wants it
		while (match(line, /[.?] +[A-Z0-9]/)) {
			print plain(substr(line, 1, RSTART))
			line = substr(line, RSTART + RLENGTH - 1)
		}
		print plain(line)
	}
}

function month(number)
{
	split("January February March April May June July August September October November December", months, " ")
	return months[number + 0]
}

function open_list()
{
	if (!listing)
		print ".Bl -tag -width Ds"
	listing = 1
}

function close_list()
{
	if (listing)
		print ".El"
	listing = 0
}

function heading(name)
{
	close_list()
	print ".Ss " name
	print "Node " oid[name] "."
}

function start_page()
{
	print ".Dd " month(substr(updated, 5, 2)) " " (substr(updated, 7, 2) + 0) ", " substr(updated, 1, 4)
	print ".Dt GRAPPE-MIB 7\n.Os\n.Sh NAME\n.Nm GRAPPE-MIB"
	print ".Nd what Grappe serves by SNMP\n.Sh DESCRIPTION"
	say(texts[0])
	print ".Pp\nThe module hangs below " oid["grappeMIB"] "."
	print ".Xr grappe-agent 8\nserves its branch 1,\n.Xr grappe-collector-agent 8\nits branch 3, both through\n.Xr snmpd 8 ."
	print "All objects are read-only."
	print ".Sh OBJECTS"
}

# The type of an object as one line: SYNTAX with what is in its braces.
function describe_type()
{
	gsub(/[ \t\n]+/, " ", syntax)
	gsub(/^ | $/, "", syntax)
	if (units != "")
		syntax = syntax ", in " units
	if (access == "not-accessible")
		syntax = syntax "; part of the index only"
	return syntax
}

function finish_object()
{
	if (kind == "TEXTUAL-CONVENTION") {
		conventions[++nconventions] = name
		convention_text[name] = texts[0]
		gsub(/[ \t\n]+/, " ", syntax)
		convention_type[name] = syntax
	} else if (kind == "MODULE-IDENTITY") {
		start_page()
	} else if (kind == "OBJECT-TYPE" && syntax ~ /SEQUENCE OF/) {
		heading(name)
		say(texts[0])
	} else if (kind == "OBJECT-TYPE" && syntax ~ /^ *Grappe[A-Za-z]*Entry *$/) {
		print ".Pp"
		say(texts[0])
		print "Index: " indexed "."
	} else if (kind == "OBJECT-TYPE") {
		open_list()
		print ".It Sy " name " No ( " oid[name] " )"
		print plain(describe_type()) "."
		print ".br"
		say(texts[0])
	}
}

# --- reading ------------------------------------------------------------------------------------

{ sub(/\r$/, "") }
!quoted && /^[ \t]*--/ { next }

# A text in quotes; only the first DESCRIPTION of an object is its own.
quoted {
	line = $0
	if (line ~ /"[ \t]*$/) {
		sub(/"[ \t]*$/, "", line)
		quoted = 0
	}
	text = text "\n" line
	if (!quoted && wanted)
		texts[ntexts++] = text
	next
}

/^[A-Za-z0-9-]+ (OBJECT-TYPE|MODULE-IDENTITY|MODULE-COMPLIANCE|OBJECT-GROUP)$/ || /^[A-Za-z0-9-]+ ::= TEXTUAL-CONVENTION$/ {
	name = $1
	kind = $NF
	syntax = units = access = indexed = part = ""
	ntexts = 0
	delete texts
	next
}
/^[A-Za-z0-9-]+ +OBJECT IDENTIFIER ::= / {
	name = $1
	kind = "node"
}
/^[A-Z][A-Za-z0-9-]* ::= SEQUENCE/ { kind = "sequence" }

/^\tLAST-UPDATED/ { split($2, q, "\""); updated = q[2] }
/^\tUNITS/ { split($0, q, "\""); units = q[2] }
/^\tMAX-ACCESS/ { access = $2 }
/^\tINDEX/ { indexed = $0; sub(/.*\{ */, "", indexed); sub(/ *\}.*/, "", indexed) }
/^\tSYNTAX/ { part = "syntax"; sub(/^\tSYNTAX /, "") }
/^\t(UNITS|MAX-ACCESS|STATUS|DESCRIPTION|INDEX|DISPLAY-HINT|::=)/ { part = "" }
part == "syntax" { syntax = syntax " " $0 }
/^\tDESCRIPTION/ { wanted = 1 }
/^\t(CONTACT-INFO|ORGANIZATION|REVISION)/ { wanted = 0 }

/^[ \t]+"/ {
	line = $0
	sub(/^[ \t]+"/, "", line)
	text = line
	if (line ~ /"[ \t]*$/) {
		sub(/"[ \t]*$/, "", text)
		if (wanted)
			texts[ntexts++] = text
	} else
		quoted = 1
	next
}

# The end of a textual convention is an empty line after its syntax.
kind == "TEXTUAL-CONVENTION" && /^$/ { finish_object(); kind = "" }

/::= \{ [A-Za-z0-9-]+ [0-9]+ \}/ {
	match($0, /\{ [A-Za-z0-9-]+ [0-9]+ \}/)
	split(substr($0, RSTART, RLENGTH), words, " ")
	# The identity comes before the nodes above it, which the file tells next.
	if (kind == "MODULE-IDENTITY") {
		identity_parent = words[2]
		identity_number = words[3]
		held_texts = texts[0]
		next
	}
	if (!(words[2] in oid)) {
		print "man.awk: " name " hangs below " words[2] ", which is not known" > "/dev/stderr"
		failed = 1
		exit 1
	}
	oid[name] = oid[words[2]] "." words[3]
	if (kind == "node" && name !~ /^grappeParent/ && name !~ /^grappe(Objects|Conformance|Compliances|Groups|Collector)$/) {
		heading(name)
	} else
		finish_object()
}

# Once all nodes above it are known the page can begin.
identity_parent in oid && !(("grappeMIB") in oid) {
	oid["grappeMIB"] = oid[identity_parent] "." identity_number
	kind = "MODULE-IDENTITY"
	texts[0] = held_texts
	finish_object()
	kind = ""
}

END {
	if (failed)
		exit 1
	close_list()
	print ".Sh TEXTUAL CONVENTIONS\n.Bl -tag -width Ds"
	for (i = 1; i <= nconventions; i++) {
		print ".It Sy " conventions[i]
		print plain(substr(convention_type[conventions[i]], 2)) "."
		print ".br"
		say(convention_text[conventions[i]])
	}
	print ".El\n.Sh FILES\n.Bl -tag -width Ds\n.It Pa /usr/share/snmp/mibs/GRAPPE-MIB.txt\nThe module itself.\n.El"
	print ".Sh SEE ALSO\n.Xr snmpget 1 ,\n.Xr snmpwalk 1 ,\n.Xr grappe-agent 8 ,\n.Xr grappe-collector-agent 8 ,\n.Xr snmpd 8"
	print ".Pp\n.Pa doc/snmp.md\nexplains each table with examples."
}
