# Tests that need root and network namespaces; "quickstart check" runs them.
EXTRA_DIST += tests/lab/lib.sh

# The agent and its MIB
if TESTS_ENABLED
check_PROGRAMS += tests/unit/mib_numbers
TESTS += tests/unit/test_mib_file.sh
endif
tests_unit_mib_numbers_SOURCES = tests/unit/mib_numbers.c common/mib.h
EXTRA_DIST += tests/unit/test_mib_file.sh
noinst_HEADERS += common/mib.h
