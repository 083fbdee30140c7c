# SPDX-License-Identifier: GPL-3.0-or-later
# Tests of rrd/ and of the collector's archive writer.
if TESTS_ENABLED
archive_tests = tests/unit/test_archive tests/unit/test_archive_layout tests/unit/test_archive_damage \
	tests/unit/test_journal tests/unit/test_writer tests/unit/test_rrdcached tests/unit/test_relay \
	tests/unit/test_archive_keep tests/replay/replay_archive \
	tests/replay/replay_archive_crash
check_PROGRAMS += $(archive_tests)
TESTS += $(archive_tests)
check_LTLIBRARIES += libarchive-tests.la
endif
archive_test_cflags = $(AM_CFLAGS) $(CHECK_CFLAGS)
archive_test_libs = libarchive-tests.la libgrappe-writer.la libgrappe-rrd.la libgrappe-common.la $(CHECK_LIBS) -lm
libarchive_tests_la_SOURCES = tests/unit/archives.c tests/unit/archives.h
libarchive_tests_la_CFLAGS = $(archive_test_cflags)
tests_unit_test_archive_CFLAGS = $(archive_test_cflags)
tests_unit_test_archive_LDADD = $(archive_test_libs)
tests_unit_test_archive_layout_CFLAGS = $(archive_test_cflags)
tests_unit_test_archive_layout_LDADD = $(archive_test_libs)
tests_unit_test_archive_damage_CFLAGS = $(archive_test_cflags)
tests_unit_test_archive_damage_LDADD = $(archive_test_libs)
tests_unit_test_journal_CFLAGS = $(archive_test_cflags)
tests_unit_test_journal_LDADD = $(archive_test_libs)
tests_replay_replay_archive_crash_CFLAGS = $(archive_test_cflags)
tests_replay_replay_archive_crash_LDADD = $(archive_test_libs)
tests_unit_test_rrdcached_CFLAGS = $(archive_test_cflags)
tests_unit_test_rrdcached_LDADD = $(archive_test_libs)
tests_unit_test_relay_CFLAGS = $(archive_test_cflags)
tests_unit_test_relay_LDADD = $(archive_test_libs)
tests_unit_test_archive_keep_CFLAGS = $(archive_test_cflags)
tests_unit_test_archive_keep_LDADD = $(archive_test_libs)
tests_unit_test_writer_CFLAGS = $(archive_test_cflags)
tests_unit_test_writer_LDADD = $(archive_test_libs)
tests_replay_replay_archive_CFLAGS = $(archive_test_cflags)
tests_replay_replay_archive_LDADD = $(archive_test_libs)

# A hostile rrdcached, damaged spools
ARCHIVE_FUZZ_TESTS = tests/fuzz/fuzz_rrdcached tests/fuzz/fuzz_update
if TESTS_ENABLED
FUZZ_TESTS += $(ARCHIVE_FUZZ_TESTS)
endif
FUZZ_TARGETS += rrdcached update
FUZZ_MORE_rrdcached = rrd/rrdcached.c rrd/rrdfile.c rrd/archive_layout.c
FUZZ_CFLAGS_rrdcached = $(RRD_CFLAGS)
FUZZ_LIBS_rrdcached = $(RRD_LIBS) -pthread
FUZZ_MORE_update = rrd/archive_update.c
tests_fuzz_fuzz_rrdcached_SOURCES = tests/fuzz/fuzz_rrdcached.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_rrdcached_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/rrdcached"'
tests_fuzz_fuzz_rrdcached_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_rrdcached_LDADD = libgrappe-rrd.la libgrappe-common.la
tests_fuzz_fuzz_update_SOURCES = tests/fuzz/fuzz_update.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_update_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/update"'
tests_fuzz_fuzz_update_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_update_LDADD = libgrappe-rrd.la libgrappe-common.la

# Disks that misbehave; needs root for mounts of its own.
LAB_TESTS += tests/lab/archive.sh tests/lab/rrdcached.sh
EXTRA_DIST += tests/lab/archive.sh tests/lab/rrdcached.sh tests/bench/archive.sh
check_PROGRAMS += tests/lab/archive_tool
tests_lab_archive_tool_SOURCES = tests/lab/archive_tool.c
tests_lab_archive_tool_LDADD = libgrappe-rrd.la libgrappe-common.la
