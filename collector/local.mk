# SPDX-License-Identifier: GPL-3.0-or-later
# The archive writer's thread.
noinst_LTLIBRARIES += libgrappe-writer.la
libgrappe_writer_la_SOURCES = collector/writer.c collector/writer.h
libgrappe_writer_la_CFLAGS = $(AM_CFLAGS) -pthread
libgrappe_writer_la_LIBADD = libgrappe-rrd.la libgrappe-common.la
