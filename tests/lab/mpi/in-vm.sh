#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# in-vm.sh PREFIX VM COMMAND... - runs COMMAND in the namespace PREFIX+VM under the host name VM, so
# that MPI sees different machines. Stands in for ssh: like ssh it joins its words with blanks.
space=$1$2
name=$2
shift 2
exec ip netns exec "$space" unshare -u /bin/sh -c 'hostname "$1"; shift; eval "$*"' sh "$name" "$@"
