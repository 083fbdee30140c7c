# SPDX-License-Identifier: GPL-3.0-or-later
# What every program of Grappe shares. Not installed, includes nothing of the other folders.
noinst_LTLIBRARIES += libgrappe-common.la
libgrappe_common_la_SOURCES = \
	common/address.c common/address.h \
	common/buffer.c common/buffer.h \
	common/caveats.c common/caveats.h \
	common/clock.c common/clock.h \
	common/error.c common/error.h \
	common/file.c common/file.h \
	common/identity.c common/identity.h \
	common/log.c common/log.h \
	common/matrix.c common/matrix.h \
	common/period.c common/period.h \
	common/place.h \
	common/program.c common/program.h \
	common/protocol.h common/protocol_client.c common/protocol_request.c common/protocol_server.c \
	common/settings.c common/settings.h \
	common/settings_text.c common/settings_text.h \
	common/settings_value.c common/settings_value.h
libgrappe_common_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) $(CONFUSE_CFLAGS)
libgrappe_common_la_LIBADD = $(EVENT_LIBS) $(JANSSON_LIBS) $(CONFUSE_LIBS) $(ZLIB_LIBS)
