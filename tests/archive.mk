# SPDX-License-Identifier: GPL-3.0-or-later
# Tests of rrd/ and of the collector's archive writer.
if TESTS_ENABLED
archive_tests = tests/unit/test_archive tests/unit/test_archive_layout tests/unit/test_archive_damage \
	tests/unit/test_journal tests/unit/test_writer tests/replay/replay_archive \
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
tests_unit_test_writer_CFLAGS = $(archive_test_cflags)
tests_unit_test_writer_LDADD = $(archive_test_libs)
tests_replay_replay_archive_CFLAGS = $(archive_test_cflags)
tests_replay_replay_archive_LDADD = $(archive_test_libs)

# Disks that misbehave; needs root for mounts of its own.
LAB_TESTS += tests/lab/archive.sh
EXTRA_DIST += tests/lab/archive.sh tests/bench/archive.sh
check_PROGRAMS += tests/lab/archive_tool
tests_lab_archive_tool_SOURCES = tests/lab/archive_tool.c
tests_lab_archive_tool_LDADD = libgrappe-rrd.la libgrappe-common.la
