# SPDX-License-Identifier: GPL-3.0-or-later
# The archives. Nothing else includes <rrd.h>.
noinst_LTLIBRARIES += libgrappe-rrd.la
libgrappe_rrd_la_SOURCES = \
	rrd/archive.c rrd/archive.h \
	rrd/archive_layout.c rrd/archive_layout.h \
	rrd/archive_path.c rrd/archive_path.h \
	rrd/archive_read.c rrd/archive_read.h \
	rrd/coverage.c rrd/coverage.h \
	rrd/journal.c rrd/journal.h \
	rrd/rrdfile.c rrd/rrdfile.h
libgrappe_rrd_la_CFLAGS = $(AM_CFLAGS) $(RRD_CFLAGS) -pthread
libgrappe_rrd_la_LIBADD = libgrappe-common.la $(RRD_LIBS) -lm
