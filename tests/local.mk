# Tests that need root and network namespaces; "quickstart check" runs them.
EXTRA_DIST += tests/lab/lib.sh
