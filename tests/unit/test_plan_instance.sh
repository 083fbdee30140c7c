#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Plans for instances, judged by a program that shares nothing with the planner.
set -u
source=${srcdir:-.}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
python3 "$source/tests/unit/plan_judge.py" ./grappe "$source/tests/data/plan" \
	"$source/tests/bench/plan_instance.py" "$folder"
