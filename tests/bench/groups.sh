#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# How well planted groups are found again and what that costs: the manager's methods and igraph's Infomap and Leiden on the
# same links. By hand, from the build folder:
#
#     ../../tests/bench/groups.sh [--by octets|packets] [--sizes "1000 10000 100000"] [--first-seed 1]
#
# Prints for each size and variant (clean: 5 % noise; noisy: 25 % noise and hubs) the mean of the adjusted Rand index and of
# CPU seconds over seeds, with least and most (single runs: one figure). Needs libigraph-dev ("quickstart packages bench").
set -u
here=$(cd "$(dirname "$0")" && pwd)
make -s tests/bench/peer_groups || exit 1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
python3 "$here/groups_bench.py" tests/bench/peer_groups "$here/plan_instance.py" "$folder" "$@"
