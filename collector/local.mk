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
	collector/inventory.c collector/inventory.h \
	collector/past.c collector/past.h \
	collector/picture.c collector/picture.h \
	collector/poller.c collector/poller.h \
	collector/resolve.c collector/resolve.h
libgrappe_picture_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
libgrappe_picture_la_LIBADD = libgrappe-rrd.la libgrappe-common.la $(JANSSON_LIBS) -lm
