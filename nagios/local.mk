# SPDX-License-Identifier: GPL-3.0-or-later

# The plugin goes where Debian's nagios4 and icinga2 look for plugins.
plugindir = $(prefix)/lib/nagios/plugins
plugin_PROGRAMS = nagios/check_grappe

noinst_LTLIBRARIES += libgrappe-nagios.la
libgrappe_nagios_la_SOURCES = \
	nagios/extra_opts.c nagios/extra_opts.h \
	nagios/mode.c nagios/mode.h \
	nagios/mode_agent.c \
	nagios/mode_all.c \
	nagios/mode_archive.c \
	nagios/mode_collector.c \
	nagios/mode_drops.c \
	nagios/mode_pair.c \
	nagios/mode_queue.c \
	nagios/mode_recommendation.c \
	nagios/options.c nagios/options.h \
	nagios/pair.c nagios/pair.h \
	nagios/plugin.c nagios/plugin.h \
	nagios/range.c nagios/range.h \
	nagios/snmp.c nagios/snmp.h \
	nagios/status.c nagios/status.h
libgrappe_nagios_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SNMP_CFLAGS)
libgrappe_nagios_la_LIBADD = libgrappe-common.la $(JANSSON_LIBS) $(SNMP_LIBS) -lm

nagios_check_grappe_SOURCES = nagios/check_grappe_main.c
nagios_check_grappe_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
nagios_check_grappe_LDADD = libgrappe-nagios.la
dist_man_MANS += nagios/check_grappe.8

exampledir = $(docdir)/examples
dist_example_DATA = nagios/grappe.cfg nagios/grappe-icinga2.conf nagios/grappe-passive.cfg nagios/grappe-passive-icinga2.conf
