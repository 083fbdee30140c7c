# SPDX-License-Identifier: GPL-3.0-or-later
# What every program of Grappe shares. Not installed, includes nothing of the other folders.
noinst_LTLIBRARIES += libgrappe-common.la
libgrappe_common_la_SOURCES = \
	common/address.c common/address.h \
	common/buffer.c common/buffer.h \
	common/caveats.c common/caveats.h \
	common/clock.c common/clock.h \
	common/error.c common/error.h \
	common/escape.c common/escape.h \
	common/file.c common/file.h \
	common/secret.c common/secret.h \
	common/identity.c common/identity.h \
	common/keys.c common/keys.h \
	common/log.c common/log.h \
	common/hash.c common/hash.h \
	common/matrix.c common/matrix.h \
	common/period.c common/period.h \
	common/place.h \
	common/program.c common/program.h \
	common/protocol.h common/protocol_client.c common/protocol_reply.c common/protocol_request.c common/protocol_server.c \
	common/settings.c common/settings.h \
	common/settings_text.c common/settings_text.h \
	common/settings_value.c common/settings_value.h \
	common/time_text.c common/time_text.h
libgrappe_common_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) $(CONFUSE_CFLAGS)
libgrappe_common_la_LIBADD = $(EVENT_LIBS) $(JANSSON_LIBS) $(CONFUSE_LIBS) $(ZLIB_LIBS)

# Giving up rights; and what subagents of snmpd share, the only part that knows net-snmp's agent.
noinst_LTLIBRARIES += libgrappe-confine.la libgrappe-subagent.la
libgrappe_confine_la_SOURCES = common/confine.c common/confine.h
libgrappe_confine_la_CFLAGS = $(AM_CFLAGS) $(SECCOMP_CFLAGS)
libgrappe_confine_la_LIBADD = $(SECCOMP_LIBS)
libgrappe_subagent_la_SOURCES = \
	common/agentx.c common/agentx.h \
	common/mib_serve.c common/mib_serve.h \
	common/mib_table.c common/mib_table.h \
	common/mib_value.c common/mib_value.h \
	common/subagent.c common/subagent.h \
	common/subagent_rights.c common/subagent_rights.h
libgrappe_subagent_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
libgrappe_subagent_la_CPPFLAGS = $(AM_CPPFLAGS) $(SNMP_CFLAGS)
libgrappe_subagent_la_LIBADD = libgrappe-confine.la libgrappe-common.la $(SNMP_AGENT_LIBS) $(EVENT_LIBS)
