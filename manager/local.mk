# SPDX-License-Identifier: GPL-3.0-or-later

# Posting of recommendations: a library of its own, so that only it and its tests need libcurl.
noinst_HEADERS += manager/http.h manager/publish.h

# The pure cores: groups, shapes, plans.
noinst_LTLIBRARIES += libgrappe-manager.la
libgrappe_manager_la_SOURCES = \
	manager/graph.c manager/graph.h \
	manager/group_thesis.c manager/group_thesis.h \
	manager/groups.c manager/groups.h \
	manager/hubs.c manager/hubs.h \
	manager/shape.c manager/shape.h
libgrappe_manager_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
libgrappe_manager_la_LIBADD = libgrappe-common.la
