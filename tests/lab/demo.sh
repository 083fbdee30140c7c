#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The demonstration: two sites, three distributed applications placed badly, and Grappe that sees who
# talks to whom, says what to move and why, and measures what the moves brought. "quickstart demo"
# builds first and then runs this; "quickstart check" runs it as a test.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/topology.sh"
. "$here/mpi/mpi.sh"

fast=
while [ $# -gt 0 ]; do
	case $1 in
	--fast) fast=1 ;;
	--keep) LAB_KEEP=1 ;;
	--dir) LAB_DIR=${2:?--dir wants a folder} && shift ;;
	*) lab_die "unknown option $1 (--fast, --keep, --dir DIR)" ;;
	esac
	shift
done
TOPOLOGY_PERIOD=30
[ -z "$fast" ] || TOPOLOGY_PERIOD=5
