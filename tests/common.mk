# SPDX-License-Identifier: GPL-3.0-or-later
# Tests of common/ and of the tree itself; what the other folders test is in tests/local.mk.
UNIT_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
UNIT_LIBS = libgrappe-common.la $(CHECK_LIBS)
EXTRA_DIST += tests/unit/unit.h

if TESTS_ENABLED
# common
COMMON_TESTS = \
	tests/unit/test_program \
	tests/unit/test_protocol \
	tests/unit/test_settings
check_PROGRAMS += $(COMMON_TESTS)
TESTS += $(COMMON_TESTS)
tests_unit_test_program_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_program_LDADD = $(UNIT_LIBS)
tests_unit_test_protocol_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS) $(EVENT_CFLAGS) -pthread
tests_unit_test_protocol_LDADD = $(UNIT_LIBS) $(JANSSON_LIBS) $(EVENT_LIBS)
tests_unit_test_settings_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_settings_LDADD = $(UNIT_LIBS)
endif
