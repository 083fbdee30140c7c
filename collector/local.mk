# SPDX-License-Identifier: GPL-3.0-or-later
# The archive writer's thread.
noinst_LTLIBRARIES += libgrappe-writer.la
libgrappe_writer_la_SOURCES = collector/writer.c collector/writer.h
libgrappe_writer_la_CFLAGS = $(AM_CFLAGS) -pthread
libgrappe_writer_la_LIBADD = libgrappe-rrd.la libgrappe-common.la

# The pure cores: polling, the global picture, answers; and reading old windows from the archives.
noinst_LTLIBRARIES += libgrappe-picture.la
libgrappe_picture_la_SOURCES = \
	collector/answer.c collector/answer.h \
	collector/answer_mean.c collector/answer_mean.h \
	collector/answer_plan.c collector/answer_plan.h \
	collector/answer_window.c collector/answer_window.h \
	collector/delivery.c collector/delivery.h \
	collector/engines.c collector/engines.h \
	collector/inventory.c collector/inventory.h \
	collector/marks.c collector/marks.h \
	collector/past.c collector/past.h \
	collector/picture.c collector/picture.h \
	collector/poller.c collector/poller.h \
	collector/recent.c collector/recent.h \
	collector/resolve.c collector/resolve.h \
	collector/slot.c collector/slot.h \
	collector/weighting.c collector/weighting.h \
	collector/wire.c collector/wire.h
libgrappe_picture_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
libgrappe_picture_la_LIBADD = libgrappe-rrd.la libgrappe-common.la $(JANSSON_LIBS) -lm

# The daemon: SNMP, the socket, the shell around the cores.
noinst_LTLIBRARIES += libgrappe-collector.la
libgrappe_collector_la_SOURCES = \
	collector/agents.c collector/agents.h \
	collector/collector.c collector/collector.h \
	collector/collector_settings.c collector/collector_settings.h \
	collector/credentials.c collector/credentials.h \
	collector/roster.c collector/roster.h \
	collector/server.c collector/server.h \
	collector/session.c collector/session.h \
	collector/v3.c collector/v3.h
libgrappe_collector_la_CFLAGS = $(AM_CFLAGS) $(SNMP_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) -pthread
libgrappe_collector_la_LIBADD = libgrappe-picture.la libgrappe-writer.la libgrappe-rrd.la \
	libgrappe-common.la $(SNMP_LIBS) $(EVENT_LIBS) $(JANSSON_LIBS)

sbin_PROGRAMS += grappe-collector
grappe_collector_SOURCES = collector/collector_main.c
grappe_collector_LDADD = libgrappe-collector.la

# Its state by SNMP: a process of its own beside it.
noinst_LTLIBRARIES += libgrappe-noc.la
libgrappe_noc_la_SOURCES = \
	collector/ask.c collector/ask.h \
	collector/mib_collector.c collector/mib_collector.h \
	collector/noc.c collector/noc.h \
	collector/noc_settings.c collector/noc_settings.h \
	collector/told.c collector/told.h
libgrappe_noc_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
libgrappe_noc_la_LIBADD = libgrappe-subagent.la libgrappe-common.la $(EVENT_LIBS) $(JANSSON_LIBS)

sbin_PROGRAMS += grappe-collector-agent
grappe_collector_agent_SOURCES = collector/noc_main.c
grappe_collector_agent_LDADD = libgrappe-noc.la
dist_man_MANS += collector/grappe-collector-agent.8 collector/grappe-collector-agent.conf.5

# The command that asks it.
noinst_LTLIBRARIES += libgrappe-query.la
libgrappe_query_la_SOURCES = \
	collector/query.c collector/query.h \
	collector/query_archive.c collector/query_archive.h \
	collector/query_arguments.c collector/query_arguments.h \
	collector/query_facts.c collector/query_facts.h \
	collector/query_fold.c collector/query_fold.h \
	collector/query_gnuplot.c collector/query_gnuplot.h \
	collector/query_names.c collector/query_names.h \
	collector/query_progress.c collector/query_progress.h \
	collector/query_rows.c collector/query_rows.h \
	collector/query_source.c collector/query_source.h \
	collector/query_text.c collector/query_text.h \
	collector/query_write.c collector/query_write.h
libgrappe_query_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
libgrappe_query_la_LIBADD = libgrappe-picture.la libgrappe-rrd.la libgrappe-common.la $(JANSSON_LIBS) -lm

bin_PROGRAMS += grappe-query
grappe_query_SOURCES = collector/query_main.c
grappe_query_LDADD = libgrappe-query.la

dist_man_MANS += collector/grappe-collector.8 collector/grappe-collector.conf.5 collector/grappe-query.1
