#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# How good plans for instances are and what they cost. usage: plan.sh GRAPPE [part...]
# Parts: optima known large displaced (all).
set -u
here=$(cd "$(dirname "$0")" && pwd)
grappe=${1:?usage: plan.sh GRAPPE [part...]}
shift
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
python3 "$here/plan_bench.py" "$grappe" "$here/../data/plan" "$here/plan_instance.py" "$folder" "$@"
