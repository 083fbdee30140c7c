# SPDX-License-Identifier: GPL-3.0-or-later
# Tests of the collector and of grappe-query.
if TESTS_ENABLED
COLLECTOR_TESTS = \
	tests/replay/replay_answer \
	tests/replay/replay_collector \
	tests/unit/test_collector_settings \
	tests/unit/test_credentials \
	tests/unit/test_engines \
	tests/unit/test_inventory \
	tests/unit/test_picture \
	tests/unit/test_keys \
	tests/unit/test_recent \
	tests/unit/test_poller \
	tests/unit/test_query \
	tests/unit/test_query_parts \
	tests/unit/test_resolve \
	tests/unit/test_wire
check_PROGRAMS += $(COLLECTOR_TESTS) tests/fakes/canned_daemon tests/bench/answers tests/bench/poll_agents tests/bench/responder tests/lab/fake_capture
TESTS += $(COLLECTOR_TESTS) tests/unit/test_query.sh
COLLECTOR_FUZZ_TESTS = tests/fuzz/fuzz_answer tests/fuzz/fuzz_engines tests/fuzz/fuzz_inventory tests/fuzz/fuzz_keys tests/fuzz/fuzz_query
FUZZ_TESTS += $(COLLECTOR_FUZZ_TESTS)
endif
EXTRA_DIST += tests/unit/test_query.sh
tests_fakes_canned_daemon_SOURCES = tests/fakes/canned_daemon.c
COLLECTOR_TEST_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS)
COLLECTOR_TEST_LIBS = libgrappe-picture.la libgrappe-common.la $(CHECK_LIBS)
MAKE_PERIOD = tests/fakes/make_period.c tests/fakes/make_period.h
tests_unit_test_collector_settings_CFLAGS = $(COLLECTOR_TEST_CFLAGS)
tests_unit_test_collector_settings_LDADD = libgrappe-collector.la $(COLLECTOR_TEST_LIBS)
tests_unit_test_credentials_CFLAGS = $(COLLECTOR_TEST_CFLAGS)
tests_unit_test_credentials_LDADD = libgrappe-collector.la $(COLLECTOR_TEST_LIBS)
tests_unit_test_engines_CFLAGS = $(COLLECTOR_TEST_CFLAGS)
tests_unit_test_engines_LDADD = $(COLLECTOR_TEST_LIBS)
tests_unit_test_recent_CFLAGS = $(COLLECTOR_TEST_CFLAGS)
tests_unit_test_recent_LDADD = $(COLLECTOR_TEST_LIBS)
tests_unit_test_keys_CFLAGS = $(COLLECTOR_TEST_CFLAGS)
tests_unit_test_keys_LDADD = $(COLLECTOR_TEST_LIBS)
tests_unit_test_query_CFLAGS = $(COLLECTOR_TEST_CFLAGS)
tests_unit_test_query_LDADD = libgrappe-query.la $(COLLECTOR_TEST_LIBS)
tests_unit_test_query_parts_CFLAGS = $(COLLECTOR_TEST_CFLAGS)
tests_unit_test_query_parts_LDADD = libgrappe-query.la $(COLLECTOR_TEST_LIBS)
tests_unit_test_inventory_SOURCES = tests/unit/test_inventory.c $(MAKE_PERIOD)
tests_unit_test_inventory_CFLAGS = $(COLLECTOR_TEST_CFLAGS)
tests_unit_test_inventory_LDADD = $(COLLECTOR_TEST_LIBS)
tests_unit_test_picture_SOURCES = tests/unit/test_picture.c $(MAKE_PERIOD)
tests_unit_test_picture_CFLAGS = $(COLLECTOR_TEST_CFLAGS)
tests_unit_test_picture_LDADD = $(COLLECTOR_TEST_LIBS)
tests_unit_test_poller_SOURCES = tests/unit/test_poller.c $(MAKE_PERIOD)
tests_unit_test_poller_CFLAGS = $(COLLECTOR_TEST_CFLAGS)
tests_unit_test_poller_LDADD = $(COLLECTOR_TEST_LIBS)
tests_unit_test_resolve_SOURCES = tests/unit/test_resolve.c $(MAKE_PERIOD)
tests_unit_test_resolve_CFLAGS = $(COLLECTOR_TEST_CFLAGS)
tests_unit_test_resolve_LDADD = $(COLLECTOR_TEST_LIBS)
tests_unit_test_wire_CFLAGS = $(COLLECTOR_TEST_CFLAGS)
tests_unit_test_wire_LDADD = $(COLLECTOR_TEST_LIBS)
tests_replay_replay_answer_SOURCES = tests/replay/replay_answer.c $(MAKE_PERIOD)
tests_replay_replay_answer_CFLAGS = $(COLLECTOR_TEST_CFLAGS)
tests_replay_replay_answer_LDADD = $(COLLECTOR_TEST_LIBS)
tests_replay_replay_collector_SOURCES = tests/replay/replay_collector.c $(MAKE_PERIOD)
tests_replay_replay_collector_CFLAGS = $(COLLECTOR_TEST_CFLAGS)
tests_replay_replay_collector_LDADD = $(COLLECTOR_TEST_LIBS)

# Hostile agents and damaged files
FUZZ_TARGETS += answer engines inventory keys query
FUZZ_MORE_answer = collector/poller.c collector/wire.c
FUZZ_MORE_engines = collector/engines.c
FUZZ_MORE_inventory = collector/inventory.c
FUZZ_MORE_query = collector/query_facts.c collector/query_fold.c collector/query_names.c \
	collector/query_rows.c collector/query_text.c collector/query_write.c
tests_fuzz_fuzz_answer_SOURCES = tests/fuzz/fuzz_answer.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_answer_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/answer"'
tests_fuzz_fuzz_answer_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_answer_LDADD = libgrappe-picture.la libgrappe-common.la
tests_fuzz_fuzz_inventory_SOURCES = tests/fuzz/fuzz_inventory.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_inventory_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/inventory"'
tests_fuzz_fuzz_inventory_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_inventory_LDADD = libgrappe-picture.la libgrappe-common.la
tests_fuzz_fuzz_engines_SOURCES = tests/fuzz/fuzz_engines.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_engines_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/engines"'
tests_fuzz_fuzz_engines_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_engines_LDADD = libgrappe-picture.la libgrappe-common.la
tests_fuzz_fuzz_keys_SOURCES = tests/fuzz/fuzz_keys.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_keys_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/keys"'
tests_fuzz_fuzz_keys_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_keys_LDADD = libgrappe-picture.la libgrappe-common.la

tests_fuzz_fuzz_query_SOURCES = tests/fuzz/fuzz_query.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_query_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/query"'
tests_fuzz_fuzz_query_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_query_LDADD = libgrappe-query.la libgrappe-picture.la libgrappe-common.la $(JANSSON_LIBS)

# Real snmpds and agents
LAB_TESTS += tests/lab/collector.sh
LAB_TESTS += tests/lab/query.sh
LAB_TESTS += tests/lab/v3.sh
tests_lab_fake_capture_SOURCES = tests/lab/fake_capture.c $(MAKE_PERIOD)
tests_lab_fake_capture_LDADD = libgrappe-common.la

# Run by hand
tests_bench_answers_SOURCES = tests/bench/answers.c $(MAKE_PERIOD)
tests_bench_answers_CFLAGS = $(AM_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)
tests_bench_answers_LDADD = libgrappe-collector.la libgrappe-common.la

# A week in a simulated world
LAB_TESTS += tests/lab/soak.sh
if TESTS_ENABLED
check_PROGRAMS += tests/lab/soak
endif
tests_lab_soak_SOURCES = tests/lab/soak.c tests/lab/soak_agents.c tests/lab/soak_agents.h tests/lab/soak_check.c \
	tests/lab/soak_clock.h tests/lab/soak_fleet.c tests/lab/soak_fleet.h tests/lab/soak_parts.h \
	tests/lab/soak_snmp.c tests/lab/soak_snmp.h tests/lab/soak_truth.c tests/lab/soak_truth.h $(MAKE_PERIOD)
tests_lab_soak_LDADD = libgrappe-rrd.la libgrappe-common.la -lm
EXTRA_DIST += tests/lab/soak_shim.c
CLEANFILES += tests/lab/soak_shim.so
tests/lab/soak_shim.so: $(srcdir)/tests/lab/soak_shim.c $(srcdir)/tests/lab/soak_clock.h
	$(AM_V_CC)$(MKDIR_P) tests/lab && $(CC) $(DEFS) $(AM_CPPFLAGS) -O2 -fno-builtin -fPIC -shared -o $@ $(srcdir)/tests/lab/soak_shim.c -ldl

# The collector's state by SNMP
if TESTS_ENABLED
check_PROGRAMS += tests/unit/test_noc
TESTS += tests/unit/test_noc
FUZZ_TESTS += tests/fuzz/fuzz_told
endif
FUZZ_TARGETS += told
FUZZ_MORE_told = collector/mib_collector.c collector/told.c common/mib_table.c common/mib_value.c
tests_unit_test_noc_SOURCES = tests/unit/test_noc.c tests/unit/mib_walk.c tests/unit/mib_walk.h
tests_unit_test_noc_CFLAGS = $(COLLECTOR_TEST_CFLAGS)
tests_unit_test_noc_LDADD = libgrappe-noc.la $(CHECK_LIBS)
tests_fuzz_fuzz_told_SOURCES = tests/fuzz/fuzz_told.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_told_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/told"'
tests_fuzz_fuzz_told_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_told_LDADD = libgrappe-noc.la libgrappe-common.la $(JANSSON_LIBS)
LAB_TESTS += tests/lab/noc.sh

# Run by hand
tests_bench_poll_agents_SOURCES = tests/bench/poll_agents.c tests/bench/poll_columns.c tests/bench/poll_columns.h
tests_bench_poll_agents_CFLAGS = $(AM_CFLAGS) $(SNMP_CFLAGS) $(EVENT_CFLAGS)
tests_bench_poll_agents_LDADD = libgrappe-collector.la libgrappe-common.la
tests_bench_responder_SOURCES = tests/bench/responder.c $(MAKE_PERIOD)
tests_bench_responder_LDADD = libgrappe-common.la
EXTRA_DIST += tests/bench/poll.sh
