# SPDX-License-Identifier: GPL-3.0-or-later
# The capture side: from frames to sealed period files.
noinst_LTLIBRARIES += libgrappe-capture.la
libgrappe_capture_la_SOURCES = \
	agent-module/account.c agent-module/account.h \
	agent-module/attributes.c agent-module/attributes.h \
	agent-module/backend.c agent-module/backend.h \
	agent-module/bpf_code.h agent-module/bpf_layout.h \
	agent-module/bpf_counter.c agent-module/bpf_counter.h \
	agent-module/bpf_object.c agent-module/bpf_object.h \
	agent-module/capture.c agent-module/capture.h \
	agent-module/capture_filter.c agent-module/capture_filter.h \
	agent-module/capture_rights.c agent-module/capture_rights.h \
	agent-module/capture_settings.c agent-module/capture_settings.h \
	agent-module/counted.h \
	agent-module/counts.c agent-module/counts.h \
	agent-module/decode.c agent-module/decode.h \
	agent-module/discover.c agent-module/discover.h \
	agent-module/domain.c agent-module/domain.h \
	agent-module/domain_inbox.c agent-module/domain_inbox.h \
	agent-module/issued.c agent-module/issued.h \
	agent-module/kernel_bpf.c agent-module/kernel_bpf.h \
	agent-module/learnt.c agent-module/learnt.h \
	agent-module/libvirt_child.c agent-module/libvirt_child.h \
	agent-module/links.c agent-module/links.h \
	agent-module/merge.c agent-module/merge.h \
	agent-module/mss.c agent-module/mss.h \
	agent-module/netlink.c agent-module/netlink.h \
	agent-module/period_store.c agent-module/period_store.h \
	agent-module/ports.c agent-module/ports.h \
	agent-module/savefile.c agent-module/savefile.h \
	agent-module/source.c agent-module/source.h \
	agent-module/source_bpf.c agent-module/source_bpf.h \
	agent-module/source_pcap.c agent-module/source_pcap.h \
	agent-module/tc_answer.c agent-module/tc_answer.h \
	agent-module/tc_filter.c agent-module/tc_filter.h \
	agent-module/vifs.c agent-module/vifs.h
libgrappe_capture_la_CFLAGS = $(AM_CFLAGS) $(PCAP_CFLAGS) $(EVENT_CFLAGS) $(ZLIB_CFLAGS) $(SECCOMP_CFLAGS)
libgrappe_capture_la_LIBADD = libgrappe-confine.la $(PCAP_LIBS) $(EVENT_LIBS) $(ZLIB_LIBS) $(SECCOMP_LIBS)

# The bpf programs are built in as made by clang once (agent-module/bpf_code.h); a test makes them anew.
EXTRA_DIST += agent-module/bpf_count.bpf.c agent-module/bpf_code.py
BPF_CLANG = clang
BPF_CLANGFLAGS = -target bpf -mcpu=v3 -O2 -ffreestanding -Wall -Wextra -Werror \
	-I$(srcdir) -I/usr/include/$$($(CC) -print-multiarch)
regenerate-bpf:
	$(MAKE) $(AM_MAKEFLAGS) -s --no-print-directory bpf-code >bpf_code.tmp
	mv bpf_code.tmp $(srcdir)/agent-module/bpf_code.h
	$(MAKE) $(AM_MAKEFLAGS) -s --no-print-directory BPF_SOURCE=tests/bench/generate/inject.bpf.c \
		BPF_PROGRAMS_WANTED=inject bpf-code >bpf_code.tmp
	mv bpf_code.tmp $(srcdir)/tests/bench/generate/inject_code.h
# Prints the header.
BPF_SOURCE = agent-module/bpf_count.bpf.c
BPF_PROGRAMS_WANTED = count learn
bpf-code:
	@$(BPF_CLANG) $(BPF_CLANGFLAGS) -c $(srcdir)/$(BPF_SOURCE) -o bpf_count.o && \
		python3 $(srcdir)/agent-module/bpf_code.py bpf_count.o $(BPF_PROGRAMS_WANTED); \
		status=$$?; rm -f bpf_count.o; exit $$status
.PHONY: regenerate-bpf bpf-code

sbin_PROGRAMS += grappe-capture
grappe_capture_SOURCES = agent-module/capture_main.c
grappe_capture_LDADD = libgrappe-capture.la libgrappe-common.la
dist_man_MANS += agent-module/grappe-capture.8 agent-module/grappe-capture.conf.5

# What asks libvirt, in a process of its own.
if LIBVIRT_ENABLED
noinst_LTLIBRARIES += libgrappe-libvirt.la
libgrappe_libvirt_la_SOURCES = \
	agent-module/domain_xml.c agent-module/domain_xml.h \
	agent-module/libvirt_watch.c agent-module/libvirt_watch.h
libgrappe_libvirt_la_CFLAGS = $(AM_CFLAGS) $(LIBVIRT_CFLAGS)
libgrappe_libvirt_la_LIBADD = libgrappe-capture.la $(LIBVIRT_LIBS)
pkglibexec_PROGRAMS = grappe-libvirt
grappe_libvirt_SOURCES = agent-module/libvirt_main.c
grappe_libvirt_LDADD = libgrappe-libvirt.la libgrappe-common.la
man_MANS += agent-module/grappe-libvirt.8
endif
EXTRA_DIST += agent-module/grappe-libvirt.8

# The SNMP side: from period files to the MIB.
noinst_LTLIBRARIES += libgrappe-agent.la
libgrappe_agent_la_SOURCES = \
	agent-module/agent.c agent-module/agent.h \
	agent-module/agent_settings.c agent-module/agent_settings.h \
	agent-module/feed.c agent-module/feed.h \
	agent-module/intake.c agent-module/intake.h \
	agent-module/ledger.c agent-module/ledger.h \
	agent-module/mib_objects.c agent-module/mib_objects.h \
	agent-module/mib_vm.c agent-module/mib_vm.h \
	agent-module/ring.c agent-module/ring.h \
	agent-module/snapshot.c agent-module/snapshot.h \
	agent-module/tally.c agent-module/tally.h
libgrappe_agent_la_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS)
libgrappe_agent_la_CPPFLAGS = $(AM_CPPFLAGS) $(SNMP_CFLAGS)
libgrappe_agent_la_LIBADD = libgrappe-subagent.la libgrappe-common.la $(SNMP_AGENT_LIBS) $(EVENT_LIBS)

sbin_PROGRAMS += grappe-agent
grappe_agent_SOURCES = agent-module/agent_main.c
grappe_agent_LDADD = libgrappe-agent.la libgrappe-capture.la
dist_man_MANS += agent-module/grappe-agent.8 agent-module/grappe-agent.conf.5

# The same inside snmpd (dlmod). The libraries above are for programs: here everything is compiled once more, to be
# loaded anywhere, and nothing but the module's two functions is seen from outside.
snmpmoduledir = $(pkglibdir)
snmpmodule_PROGRAMS = agent-module/grappe.so
agent_module_grappe_so_SOURCES = agent-module/snmpd_module.c agent-module/agent_settings.c \
	agent-module/feed.c agent-module/intake.c agent-module/ledger.c agent-module/mib_objects.c \
	agent-module/mib_vm.c agent-module/ring.c agent-module/snapshot.c agent-module/tally.c \
	common/address.c common/buffer.c common/clock.c common/error.c common/file.c common/identity.c common/log.c \
	common/mib_serve.c common/mib_table.c common/mib_value.c \
	common/period.c common/settings.c common/settings_text.c common/settings_value.c
agent_module_grappe_so_CPPFLAGS = $(AM_CPPFLAGS) $(SNMP_CFLAGS)
agent_module_grappe_so_CFLAGS = $(AM_CFLAGS) $(CONFUSE_CFLAGS) $(ZLIB_CFLAGS) -fPIC -fvisibility=hidden
# Not by libtool, which is configured for programs only.
agent_module_grappe_so_LINK = $(CC) $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS) -shared -o $@
agent_module_grappe_so_LDADD = $(SNMP_AGENT_LIBS) $(CONFUSE_LIBS) $(ZLIB_LIBS)
