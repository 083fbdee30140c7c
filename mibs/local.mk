# SPDX-License-Identifier: GPL-3.0-or-later
# The MIB file. The tree's has the default root; the installed one has configure's.
mibsdir = $(datadir)/snmp/mibs
nodist_mibs_DATA = mibs/installed/GRAPPE-MIB.txt
EXTRA_DIST += mibs/GRAPPE-MIB.txt mibs/set-root.awk mibs/man.awk
CLEANFILES += mibs/installed/GRAPPE-MIB.txt mibs/GRAPPE-MIB.7
man_MANS += mibs/GRAPPE-MIB.7

mibs/installed/GRAPPE-MIB.txt: mibs/GRAPPE-MIB.txt mibs/set-root.awk Makefile
	$(AM_V_GEN)$(MKDIR_P) mibs/installed && \
	$(AWK) -v root=$(MIB_ROOT) -f $(srcdir)/mibs/set-root.awk $(srcdir)/mibs/GRAPPE-MIB.txt >$@.new && \
	mv $@.new $@

# Its manual page, with the numbers of the installed one.
mibs/GRAPPE-MIB.7: mibs/installed/GRAPPE-MIB.txt mibs/man.awk
	$(AM_V_GEN)$(AWK) -f $(srcdir)/mibs/man.awk mibs/installed/GRAPPE-MIB.txt >$@.new && mv $@.new $@
