# SPDX-License-Identifier: GPL-3.0-or-later
# Tests that need root and network namespaces: "quickstart check" runs those in LAB_TESTS, in this
# order; the last line of each says "N passed, N failed". A block below may add its own:
#     LAB_TESTS += tests/lab/NAME.sh
# Two of those in LAB_PAIRED run at a time: each is in namespaces and folders of its own, waits more than
# it computes, and holds neither answers to fractions of a second nor what is lost under load to a limit.
LAB_TESTS =
LAB_PAIRED =
LAB_PAIRED += tests/lab/agent.sh tests/lab/archive.sh tests/lab/bpf.sh tests/lab/cacti.sh
LAB_PAIRED += tests/lab/capture.sh tests/lab/collector.sh tests/lab/confine.sh tests/lab/dashboard.sh tests/lab/dashboards.sh
LAB_PAIRED += tests/lab/demo.sh tests/lab/module.sh tests/lab/nagios.sh tests/lab/noc.sh
LAB_PAIRED += tests/lab/ganeti.sh tests/lab/packages.sh tests/lab/query.sh tests/lab/report.sh tests/lab/v3.sh tests/lab/webhook.sh
LAB_TESTS += tests/lab/install.sh
LAB_TESTS += tests/lab/report.sh
LAB_TESTS += tests/lab/packages.sh
LAB_TESTS += tests/lab/conservation.sh
LAB_TESTS += tests/lab/patterns.sh
LAB_TESTS += tests/lab/model.sh
LAB_TESTS += tests/lab/demo.sh
EXTRA_DIST += $(LAB_TESTS) tests/lab/lib.sh tests/lab/topology.sh tests/lab/mpi/mpi.sh \
	tests/lab/mpi/in-vm.sh tests/lab/mpi/patterns.c
if TESTS_ENABLED
check_PROGRAMS += tests/lab/period_dump tests/lab/tap_guest
endif
# Loaded into a program by LD_PRELOAD, which libtool does not make where shared libraries are off.
EXTRA_DIST += tests/lab/clock_shim.c
CLEANFILES += tests/lab/clock_shim.so
tests/lab/clock_shim.so: $(srcdir)/tests/lab/clock_shim.c
	$(AM_V_CC)$(MKDIR_P) tests/lab && $(CC) $(DEFS) $(AM_CPPFLAGS) -O2 -fPIC -shared -o $@ $(srcdir)/tests/lab/clock_shim.c
tests_lab_tap_guest_SOURCES = tests/lab/tap_guest.c
tests_lab_period_dump_SOURCES = tests/lab/period_dump.c
tests_lab_period_dump_LDADD = libgrappe-common.la

# The agent and its MIB
if TESTS_ENABLED
agent_tests = tests/unit/test_intake tests/unit/test_ledger tests/unit/test_mib_objects \
	tests/unit/test_mib_vm tests/unit/test_snapshot tests/replay/replay_agent
check_PROGRAMS += tests/unit/mib_numbers $(agent_tests)
TESTS += tests/unit/test_mib_file.sh $(agent_tests)
check_LTLIBRARIES += libagent-tests.la
FUZZ_TESTS += tests/fuzz/fuzz_state
endif
FUZZ_TARGETS += state
FUZZ_MORE_state = agent-module/ledger.c agent-module/tally.c
tests_fuzz_fuzz_state_SOURCES = tests/fuzz/fuzz_state.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_state_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/state"'
tests_fuzz_fuzz_state_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_state_LDADD = libgrappe-agent.la libgrappe-common.la
agent_test_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS)
agent_test_libs = libagent-tests.la libgrappe-agent.la libgrappe-common.la $(CHECK_LIBS)
libagent_tests_la_SOURCES = tests/unit/agent_world.c tests/unit/agent_world.h tests/unit/mib_walk.c \
	tests/unit/mib_walk.h tests/fakes/make_period.c
libagent_tests_la_CFLAGS = $(agent_test_cflags)
tests_unit_test_intake_CFLAGS = $(agent_test_cflags)
tests_unit_test_intake_LDADD = $(agent_test_libs)
tests_unit_test_ledger_CFLAGS = $(agent_test_cflags)
tests_unit_test_ledger_LDADD = $(agent_test_libs)
tests_unit_test_mib_objects_CFLAGS = $(agent_test_cflags)
tests_unit_test_mib_objects_LDADD = $(agent_test_libs)
tests_unit_test_mib_vm_CFLAGS = $(agent_test_cflags)
tests_unit_test_mib_vm_LDADD = $(agent_test_libs)
tests_unit_test_snapshot_CFLAGS = $(agent_test_cflags)
tests_unit_test_snapshot_LDADD = $(agent_test_libs)
tests_replay_replay_agent_CFLAGS = $(agent_test_cflags)
tests_replay_replay_agent_LDADD = $(agent_test_libs)
check_PROGRAMS += tests/lab/period_file
tests_lab_period_file_SOURCES = tests/lab/period_file.c
tests_lab_period_file_LDADD = libgrappe-common.la
LAB_TESTS += tests/lab/agent.sh tests/lab/module.sh tests/lab/serving.sh
EXTRA_DIST += tests/bench/serving.sh
tests_unit_mib_numbers_SOURCES = tests/unit/mib_numbers.c common/mib.h
EXTRA_DIST += tests/unit/test_mib_file.sh
noinst_HEADERS += common/mib.h

# The capture side of the agent module
LAB_TESTS += tests/lab/bpf.sh tests/lab/capture.sh tests/lab/confine.sh tests/lab/wire.sh tests/lab/faults.sh tests/lab/many.sh
# What benches of the sensor send; the benches are run by hand.
tests_bench_generate_generate_SOURCES = tests/bench/generate/generate.c tests/bench/generate/inject.c \
	tests/bench/generate/inject.h tests/bench/generate/inject_code.h
tests_bench_generate_generate_LDADD = libgrappe-capture.la
EXTRA_DIST += tests/bench/mpi.sh tests/bench/sensor.sh tests/bench/generate/inject.bpf.c
tests_lab_confined_SOURCES = tests/lab/confined.c
tests_lab_confined_LDADD = libgrappe-agent.la libgrappe-capture.la libgrappe-common.la
tests_lab_bpf_frames_SOURCES = tests/lab/bpf_frames.c tests/lab/bpf_rules.c tests/lab/bpf_rig.c tests/lab/bpf_rig.h
tests_lab_bpf_frames_LDADD = libcapture-tests.la libgrappe-capture.la libgrappe-common.la
if TESTS_ENABLED
capture_tests = tests/unit/test_decode tests/unit/test_cuts tests/unit/test_mss tests/unit/test_savefile tests/unit/test_account tests/unit/test_account_sums tests/unit/test_period_store tests/unit/test_discover tests/unit/test_domain tests/unit/test_learnt tests/unit/test_capture_settings tests/replay/replay_capture
check_PROGRAMS += $(capture_tests) tests/bench/generate/generate tests/lab/bpf_frames tests/lab/confined
TESTS += $(capture_tests)
check_LTLIBRARIES += libcapture-tests.la
endif
capture_test_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS) -DTEST_DATA='"$(abs_top_srcdir)/tests/data"'
capture_test_libs = libcapture-tests.la libgrappe-capture.la libgrappe-common.la $(CHECK_LIBS)
libcapture_tests_la_SOURCES = tests/unit/frames.c tests/unit/frames.h
tests_unit_test_decode_CFLAGS = $(capture_test_cflags)
tests_unit_test_decode_LDADD = $(capture_test_libs)
tests_unit_test_cuts_CFLAGS = $(capture_test_cflags) -DDECODE_CORPUS='"$(abs_top_srcdir)/tests/fuzz/corpus/decode"'
tests_unit_test_cuts_LDADD = $(capture_test_libs)
tests_unit_test_mss_CFLAGS = $(capture_test_cflags)
tests_unit_test_mss_LDADD = $(capture_test_libs)
tests_unit_test_savefile_CFLAGS = $(capture_test_cflags)
tests_unit_test_savefile_LDADD = $(capture_test_libs) $(ZLIB_LIBS)
tests_unit_test_account_SOURCES = tests/unit/test_account.c tests/unit/account_world.c tests/unit/account_world.h
tests_unit_test_account_sums_SOURCES = tests/unit/test_account_sums.c tests/unit/account_world.c tests/unit/account_world.h
tests_unit_test_account_sums_CFLAGS = $(capture_test_cflags)
tests_unit_test_account_sums_LDADD = $(capture_test_libs)
tests_unit_test_account_CFLAGS = $(capture_test_cflags)
tests_unit_test_account_LDADD = $(capture_test_libs)
tests_unit_test_period_store_CFLAGS = $(capture_test_cflags)
tests_unit_test_period_store_LDADD = $(capture_test_libs)
tests_unit_test_domain_CFLAGS = $(capture_test_cflags)
tests_unit_test_domain_LDADD = $(capture_test_libs)
if LIBVIRT_ENABLED
if TESTS_ENABLED
check_PROGRAMS += tests/unit/test_libvirt
TESTS += tests/unit/test_libvirt
endif
tests_unit_test_libvirt_CFLAGS = $(capture_test_cflags)
tests_unit_test_libvirt_LDADD = libgrappe-libvirt.la $(capture_test_libs)
endif
tests_unit_test_discover_CFLAGS = $(capture_test_cflags)
tests_unit_test_discover_LDADD = $(capture_test_libs)
tests_unit_test_learnt_CFLAGS = $(capture_test_cflags)
tests_unit_test_learnt_LDADD = $(capture_test_libs)
tests_unit_test_capture_settings_CFLAGS = $(capture_test_cflags)
tests_unit_test_capture_settings_LDADD = $(capture_test_libs)
tests_replay_replay_capture_CFLAGS = $(capture_test_cflags)
tests_replay_replay_capture_LDADD = $(capture_test_libs)
if TESTS_ENABLED
FUZZ_TESTS += tests/fuzz/fuzz_decode tests/fuzz/fuzz_domain tests/fuzz/fuzz_netlink tests/fuzz/fuzz_savefile \
	tests/fuzz/fuzz_tc_answer
endif
FUZZ_TARGETS += decode domain netlink savefile tc_answer
FUZZ_MORE_decode = agent-module/account.c agent-module/counts.c agent-module/decode.c agent-module/issued.c \
	agent-module/learnt.c agent-module/mss.c agent-module/vifs.c
FUZZ_MORE_domain = agent-module/discover.c agent-module/domain.c agent-module/domain_inbox.c agent-module/links.c \
	agent-module/merge.c
FUZZ_MORE_netlink = agent-module/attributes.c agent-module/discover.c agent-module/links.c agent-module/merge.c \
	agent-module/netlink.c
FUZZ_MORE_savefile = agent-module/counts.c agent-module/decode.c agent-module/mss.c agent-module/savefile.c
FUZZ_MORE_tc_answer = agent-module/attributes.c agent-module/tc_answer.c
FUZZ_LIBS_savefile = $(PCAP_LIBS)
tests_fuzz_fuzz_decode_SOURCES = tests/fuzz/fuzz_decode.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_decode_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/decode"'
tests_fuzz_fuzz_decode_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_decode_LDADD = libgrappe-capture.la libgrappe-common.la
tests_fuzz_fuzz_domain_SOURCES = tests/fuzz/fuzz_domain.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_domain_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/domain"'
tests_fuzz_fuzz_domain_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_domain_LDADD = libgrappe-capture.la libgrappe-common.la
tests_fuzz_fuzz_netlink_SOURCES = tests/fuzz/fuzz_netlink.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_netlink_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/netlink"'
tests_fuzz_fuzz_netlink_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_netlink_LDADD = libgrappe-capture.la libgrappe-common.la
tests_fuzz_fuzz_savefile_SOURCES = tests/fuzz/fuzz_savefile.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_savefile_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/savefile"'
tests_fuzz_fuzz_savefile_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_savefile_LDADD = libgrappe-capture.la libgrappe-common.la
tests_fuzz_fuzz_tc_answer_SOURCES = tests/fuzz/fuzz_tc_answer.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_tc_answer_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/tc_answer"'
tests_fuzz_fuzz_tc_answer_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_tc_answer_LDADD = libgrappe-capture.la libgrappe-common.la
EXTRA_DIST += tests/data/capture/cg-part.pcap.gz tests/data/capture/cg-part.csv

# A real OpenStack: "quickstart check-openstack" runs what is in OPENSTACK_TESTS
OPENSTACK_TESTS =
OPENSTACK_TESTS += tests/lab/openstack.sh
EXTRA_DIST += $(OPENSTACK_TESTS) tests/lab/openstack_server.sh tests/lab/openstack/lab_driver.py \
	tests/lab/openstack/nova_compute.py tests/lab/openstack/no_networks.py

# Guests in QEMU: "quickstart check-vms" runs what is in VM_TESTS
VM_TESTS =
VM_TESTS += tests/lab/kernel61.sh
VM_TESTS += tests/lab/libvirt.sh
VM_TESTS += tests/lab/segments.sh
VM_TESTS += tests/lab/vms.sh
EXTRA_DIST += $(VM_TESTS) tests/lab/kernel61_guest tests/lab/segments_guest tests/lab/guest.sh tests/lab/guest_init \
	tests/lab/hypervisor.sh tests/lab/sites.sh
if TESTS_ENABLED
check_PROGRAMS += tests/lab/flow tests/lab/wan_relay
endif
tests_lab_flow_SOURCES = tests/lab/flow.c
tests_lab_wan_relay_SOURCES = tests/lab/wan_relay.c
