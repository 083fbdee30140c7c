# SPDX-License-Identifier: GPL-3.0-or-later
# Tests of common/ and of the tree itself; what the other folders test is in tests/local.mk.
UNIT_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
UNIT_LIBS = libgrappe-common.la $(CHECK_LIBS)
EXTRA_DIST += tests/unit/unit.h

if TESTS_ENABLED
COMMON_TESTS = \
	tests/unit/test_address \
	tests/unit/test_buffer \
	tests/unit/test_clock \
	tests/unit/test_error \
	tests/unit/test_file \
	tests/unit/test_identity \
	tests/unit/test_log \
	tests/unit/test_matrix \
	tests/unit/test_period \
	tests/unit/test_program \
	tests/unit/test_protocol \
	tests/unit/test_settings
check_PROGRAMS += $(COMMON_TESTS)
TESTS += $(COMMON_TESTS)
tests_unit_test_address_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_address_LDADD = $(UNIT_LIBS)
tests_unit_test_buffer_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_buffer_LDADD = $(UNIT_LIBS)
tests_unit_test_clock_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_clock_LDADD = $(UNIT_LIBS)
tests_unit_test_error_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_error_LDADD = $(UNIT_LIBS)
tests_unit_test_file_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_file_LDADD = $(UNIT_LIBS)
tests_unit_test_identity_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_identity_LDADD = $(UNIT_LIBS)
tests_unit_test_log_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_log_LDADD = $(UNIT_LIBS)
tests_unit_test_matrix_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_matrix_LDADD = $(UNIT_LIBS)
tests_unit_test_period_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_period_LDADD = $(UNIT_LIBS)
tests_unit_test_program_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_program_LDADD = $(UNIT_LIBS)
tests_unit_test_protocol_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS) $(EVENT_CFLAGS) -pthread
tests_unit_test_protocol_LDADD = $(UNIT_LIBS) $(JANSSON_LIBS) $(EVENT_LIBS)
tests_unit_test_settings_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_settings_LDADD = $(UNIT_LIBS)
endif
