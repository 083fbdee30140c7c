# SPDX-License-Identifier: GPL-3.0-or-later
# Tests that need root and network namespaces: "quickstart check" runs those in LAB_TESTS, in this
# order; the last line of each says "N passed, N failed". A block below may add its own:
#     LAB_TESTS += tests/lab/NAME.sh
LAB_TESTS =
EXTRA_DIST += tests/lab/lib.sh $(LAB_TESTS)
.PHONY: print-lab-tests
print-lab-tests:
	@printf '%s\n' $(LAB_TESTS)

# The agent and its MIB
if TESTS_ENABLED
check_PROGRAMS += tests/unit/mib_numbers
TESTS += tests/unit/test_mib_file.sh
endif
tests_unit_mib_numbers_SOURCES = tests/unit/mib_numbers.c common/mib.h
EXTRA_DIST += tests/unit/test_mib_file.sh
noinst_HEADERS += common/mib.h
