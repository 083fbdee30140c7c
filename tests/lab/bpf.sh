#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The bpf programs in this kernel, on frames of every kind and length (tests/lab/bpf_frames.c); and that what is built in is
# what clang makes of its source.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
lab_begin bpf

make -s -C "$GRAPPE_BUILD" tests/lab/bpf_frames >/dev/null || lab_die "bpf_frames does not build"
make -s -C "$GRAPPE_BUILD" bpf-code >"$LAB_DIR/bpf_code.h" || fail "clang compiles the programs"
check "what is built in is what clang makes of the source" diff "$here/../../agent-module/bpf_code.h" "$LAB_DIR/bpf_code.h"
while read -r verdict text; do
	case $verdict in
	ok) pass "$text" ;;
	FAIL) fail "$text" ;;
	*) say "$verdict $text" ;;
	esac
done < <("$GRAPPE_BUILD/tests/lab/bpf_frames" "$here/../fuzz/corpus/decode" 2>&1 || echo "FAIL bpf_frames ended with $?")
finish
