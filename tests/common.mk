# SPDX-License-Identifier: GPL-3.0-or-later
# Tests of common/ and of the tree itself; what the other folders test is in tests/local.mk.
UNIT_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
UNIT_LIBS = libgrappe-common.la $(CHECK_LIBS)
EXTRA_DIST += tests/unit/unit.h

if TESTS_ENABLED
COMMON_TESTS = \
	tests/unit/test_address \
	tests/unit/test_buffer \
	tests/unit/test_caveats \
	tests/unit/test_clock \
	tests/unit/test_error \
	tests/unit/test_file \
	tests/unit/test_identity \
	tests/unit/test_log \
	tests/unit/test_matrix \
	tests/unit/test_period \
	tests/unit/test_program \
	tests/unit/test_protocol \
	tests/unit/test_protocol_client \
	tests/unit/test_protocol_socket \
	tests/unit/test_settings
check_PROGRAMS += $(COMMON_TESTS)
TESTS += $(COMMON_TESTS)
tests_unit_test_address_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_address_LDADD = $(UNIT_LIBS)
tests_unit_test_buffer_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_buffer_LDADD = $(UNIT_LIBS)
tests_unit_test_caveats_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_caveats_LDADD = $(UNIT_LIBS) $(JANSSON_LIBS)
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
tests_unit_test_protocol_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_protocol_LDADD = $(UNIT_LIBS) $(JANSSON_LIBS)
tests_unit_test_protocol_client_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS) -pthread
tests_unit_test_protocol_client_LDADD = $(UNIT_LIBS) $(JANSSON_LIBS)
tests_unit_test_protocol_socket_CFLAGS = $(UNIT_CFLAGS) $(JANSSON_CFLAGS) $(EVENT_CFLAGS) -pthread
tests_unit_test_protocol_socket_LDADD = $(UNIT_LIBS) $(JANSSON_LIBS) $(EVENT_LIBS)
tests_unit_test_settings_CFLAGS = $(UNIT_CFLAGS)
tests_unit_test_settings_LDADD = $(UNIT_LIBS)
endif

# Fuzz targets. "make check" replays their corpora; "make fuzz" builds them with clang's libFuzzer, "make run-fuzz
# FUZZ_SECONDS=60" runs each so long. Another target NAME: add it to FUZZ_TARGETS and FUZZ_TESTS, its
# four lines below, its seeds to tests/fuzz/corpus/NAME, and what it needs beyond common/ to FUZZ_MORE_NAME
# (sources) and FUZZ_LIBS_NAME.
FUZZ_TARGETS = matrix period reply request settings
EXTRA_DIST += tests/fuzz/corpus

if TESTS_ENABLED
FUZZ_TESTS = $(COMMON_FUZZ_TESTS)
COMMON_FUZZ_TESTS = \
	tests/fuzz/fuzz_matrix \
	tests/fuzz/fuzz_period \
	tests/fuzz/fuzz_reply \
	tests/fuzz/fuzz_request \
	tests/fuzz/fuzz_settings
check_PROGRAMS += $(FUZZ_TESTS)
TESTS += $(FUZZ_TESTS)
tests_fuzz_fuzz_matrix_SOURCES = tests/fuzz/fuzz_matrix.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_matrix_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/matrix"'
tests_fuzz_fuzz_matrix_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_matrix_LDADD = libgrappe-common.la
tests_fuzz_fuzz_period_SOURCES = tests/fuzz/fuzz_period.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_period_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/period"'
tests_fuzz_fuzz_period_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_period_LDADD = libgrappe-common.la
tests_fuzz_fuzz_reply_SOURCES = tests/fuzz/fuzz_reply.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_reply_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/reply"'
tests_fuzz_fuzz_reply_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_reply_LDADD = libgrappe-common.la $(JANSSON_LIBS)
tests_fuzz_fuzz_request_SOURCES = tests/fuzz/fuzz_request.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_request_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/request"'
tests_fuzz_fuzz_request_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_request_LDADD = libgrappe-common.la $(JANSSON_LIBS)
tests_fuzz_fuzz_settings_SOURCES = tests/fuzz/fuzz_settings.c tests/fuzz/replay_corpus.c
tests_fuzz_fuzz_settings_CPPFLAGS = $(AM_CPPFLAGS) -DFUZZ_CORPUS='"tests/fuzz/corpus/settings"'
tests_fuzz_fuzz_settings_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_settings_LDADD = libgrappe-common.la
endif

FUZZ_CC = clang
FUZZ_CFLAGS = -g -O1 -std=gnu11 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
FUZZ_SECONDS = 60
FUZZ_LIBS = $(EVENT_LIBS) $(JANSSON_LIBS) $(CONFUSE_LIBS) $(ZLIB_LIBS) -lm
FUZZ_FOLDER = fuzz-build
FUZZ_BINARIES = $(FUZZ_TARGETS:%=$(FUZZ_FOLDER)/fuzz_%)

.PHONY: fuzz run-fuzz clean-fuzz
fuzz: $(FUZZ_BINARIES)

$(FUZZ_FOLDER)/fuzz_%: tests/fuzz/fuzz_%.c
	@mkdir -p $(FUZZ_FOLDER)
	$(AM_V_CCLD)$(FUZZ_CC) $(DEFS) $(AM_CPPFLAGS) -I. $(CPPFLAGS) $(FUZZ_CFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) \
		$(CONFUSE_CFLAGS) $(FUZZ_CFLAGS_$*) -o $@ $< \
		$(addprefix $(srcdir)/,$(filter %.c,$(libgrappe_common_la_SOURCES) $(FUZZ_MORE_$*))) \
		$(FUZZ_LIBS) $(FUZZ_LIBS_$*)

run-fuzz: $(FUZZ_BINARIES)
	@set -e; for name in $(FUZZ_TARGETS); do \
		mkdir -p $(FUZZ_FOLDER)/corpus/$$name; \
		echo "fuzz_$$name: $(FUZZ_SECONDS) s"; \
		$(FUZZ_FOLDER)/fuzz_$$name -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0 \
			-artifact_prefix=$(FUZZ_FOLDER)/$$name- \
			$(FUZZ_FOLDER)/corpus/$$name $(srcdir)/tests/fuzz/corpus/$$name; \
	done

clean-fuzz:
	rm -rf $(FUZZ_FOLDER)
clean-local: clean-fuzz

# Rules of the tree. The lists are what the script looks at, also in a tarball.
STYLE_LISTS = tests/style/files.list tests/style/manuals.list tests/style/programs.list
check_DATA = $(STYLE_LISTS)
CLEANFILES += $(STYLE_LISTS)
EXTRA_DIST += tests/style/check_manuals.sh tests/style/check_samples.sh tests/style/check_tree.sh
TESTS += tests/style/check_manuals.sh tests/style/check_samples.sh tests/style/check_tree.sh
tests/style/files.list: Makefile
	@mkdir -p tests/style && printf '%s\n' $(DISTFILES) > $@
tests/style/manuals.list: Makefile
	@mkdir -p tests/style && printf '%s\n' $(MANS) > $@
# A module that a program loads (.so) is none.
tests/style/programs.list: Makefile
	@mkdir -p tests/style && printf '%s\n' $(PROGRAMS) | grep -v '\.so$$' > $@
