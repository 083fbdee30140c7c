# SPDX-License-Identifier: GPL-3.0-or-later
# The capture side: from frames to sealed period files.
noinst_LTLIBRARIES += libgrappe-capture.la
libgrappe_capture_la_SOURCES = \
	agent-module/counts.c agent-module/counts.h \
	agent-module/decode.c agent-module/decode.h \
	agent-module/mss.c agent-module/mss.h \
	agent-module/savefile.c agent-module/savefile.h
libgrappe_capture_la_CFLAGS = $(AM_CFLAGS) $(PCAP_CFLAGS) $(EVENT_CFLAGS) $(ZLIB_CFLAGS)
libgrappe_capture_la_LIBADD = libgrappe-common.la $(PCAP_LIBS) $(EVENT_LIBS) $(ZLIB_LIBS)
