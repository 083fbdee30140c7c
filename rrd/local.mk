# SPDX-License-Identifier: GPL-3.0-or-later
# The archives. Nothing else includes <rrd.h>.
noinst_LTLIBRARIES += libgrappe-rrd.la
libgrappe_rrd_la_SOURCES = \
	rrd/archive.c rrd/archive.h \
	rrd/archive_job.h \
	rrd/archive_layout.c rrd/archive_layout.h \
	rrd/archive_pair.c \
	rrd/archive_path.c rrd/archive_path.h \
	rrd/archive_read.c rrd/archive_read.h \
	rrd/archive_update.c rrd/archive_update.h \
	rrd/coverage.c rrd/coverage.h \
	rrd/expire.c \
	rrd/heads.c rrd/heads.h \
	rrd/journal.c rrd/journal.h \
	rrd/receivers.c rrd/receivers.h \
	rrd/records.c rrd/records.h \
	rrd/relay.c rrd/relay.h \
	rrd/relay_commit.c rrd/relay_parts.h \
	rrd/rrdcached.c rrd/rrdcached.h \
	rrd/rrdfile.c rrd/rrdfile.h \
	rrd/spool.c rrd/spool.h
libgrappe_rrd_la_CFLAGS = $(AM_CFLAGS) $(RRD_CFLAGS) -pthread
libgrappe_rrd_la_LIBADD = libgrappe-common.la $(RRD_LIBS) -lm

# For Cacti: graphs of what agents count, by SNMP. The numbers of the MIB are configure's.
cactidir = $(pkgdatadir)/cacti
dist_cacti_DATA = rrd/cacti/cacti_host_template_grappe.xml
nodist_cacti_DATA = rrd/cacti/grappe_pairs.xml
EXTRA_DIST += rrd/cacti/grappe_pairs.xml.in
CLEANFILES += rrd/cacti/grappe_pairs.xml
rrd/cacti/grappe_pairs.xml: rrd/cacti/grappe_pairs.xml.in Makefile
	$(AM_V_GEN)$(MKDIR_P) rrd/cacti && regexp=`echo $(MIB_ROOT) | sed 's/[.]/\\\\\\\\./g'` && \
	sed -e 's|@MIB_ROO[T]@|$(MIB_ROOT)|' -e "s|@MIB_ROOT_REGEX[P]@|$$regexp|" \
		$(srcdir)/rrd/cacti/grappe_pairs.xml.in >$@.new && mv $@.new $@
