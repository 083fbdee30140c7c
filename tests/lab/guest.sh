# SPDX-License-Identifier: GPL-3.0-or-later
# Guests for QEMU made of Debian's packages: Debian 12's own kernel (its package is unpacked, never
# installed) and an initramfs with busybox and the programs that a test wants; read after lib.sh.
#
#     guest_kernel || exit 1                   # once: $GUEST_KERNEL, $GUEST_VERSION
#     guest_image "$LAB_DIR/initrd" "virtio_net" ip ethtool "/usr/bin/flow=$GRAPPE_BUILD/tests/lab/flow"
#     (start a QEMU with that kernel, that initramfs, guest_console NAME as its serial ports)
#     guest_ready web1 || exit 1
#     guest_do web1 "ping -c 1 10.0.0.2"       # runs in the guest: its output and its exit status
#
# In the guest tests/lab/guest_init is the first process: it tells its kernel parameters. The first
# serial port is a file that the guest's console is written to, the second one a pipe that commands
# are read from: both are paths, so that they stay when the guest moves to another QEMU.
#
# GUEST_CACHE holds the unpacked kernel (30 MB to fetch) from one run to the next.

GUEST_CACHE=${GUEST_CACHE:-$LAB_SOURCE/build/guest}
GUEST_KERNEL=
GUEST_VERSION=
GUEST_COMMANDS=0

# --- the kernel ---------------------------------------------------------------------------------

# guest_kernel - Debian's kernel for virtual machines, fetched if it is not in the cache.
guest_kernel() {
	mkdir -p "$GUEST_CACHE" || return 1
	(
		flock 8 && { guest_kernel_there || guest_fetch_kernel; }
	) 8>"$GUEST_CACHE/lock" || return 1
	GUEST_KERNEL=$(echo "$GUEST_CACHE"/kernel/boot/vmlinuz-*)
	GUEST_VERSION=${GUEST_KERNEL##*/vmlinuz-}
}

guest_kernel_there() { [ -s "$GUEST_CACHE/kernel/modules.dep" ]; }

# What is unpacked takes its name only when all of it is there.
guest_fetch_kernel() {
	local package part=$GUEST_CACHE/part version
	rm -rf "$part" "$GUEST_CACHE/kernel"
	mkdir -p "$part/fetch" && chmod 755 "$part/fetch" || return 1
	package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
	[ -n "$package" ] || { echo "apt knows no linux-image-cloud-amd64" >&2 && return 1; }
	(cd "$part/fetch" && apt-get -q download -o APT::Sandbox::User=root "$package" >../apt.log 2>&1) ||
		{ cat "$part/apt.log" >&2 && return 1; }
	dpkg-deb -x "$part"/fetch/*.deb "$part/kernel" || return 1
	version=$(basename "$part"/kernel/lib/modules/*)
	# depmod lies in /sbin, which is not in every PATH
	PATH=$PATH:/usr/sbin:/sbin depmod -b "$part/kernel" "$version" &&
		cp "$part/kernel/lib/modules/$version/modules.dep" "$part/kernel/modules.dep" &&
		mv "$part/kernel" "$GUEST_CACHE/kernel" && rm -rf "$part"
}

# guest_modules NAME... - paths of these modules and of those they need, in the order to load them.
# A name that is no module is built in, or missing: then the test of it will tell.
guest_modules() {
	awk -v wanted="$*" '
		{ file = $1; sub(/:$/, "", file); name = file; gsub(/.*\/|\.ko$/, "", name); gsub(/-/, "_", name)
		  path[name] = file; $1 = ""; needs[name] = $0 }
		END {
			n = split(wanted, list, " ")
			for (i = 1; i <= n; i++) {
				if (!(list[i] in path)) continue
				m = split(needs[list[i]], before, " ")
				for (j = m; j >= 1; j--) if (!seen[before[j]]++) print before[j]
				if (!seen[path[list[i]]]++) print path[list[i]]
			}
		}' "$GUEST_CACHE/kernel/modules.dep"
}

# --- the initramfs ------------------------------------------------------------------------------

# guest_image FILE MODULES FILE-IN-GUEST... - an initramfs. A file is "PATH=SOURCE", or the name of a
# program of this machine, which keeps its path; shared libraries come along.
guest_image() {
	local image=$1 modules=$2 root path
	shift 2
	root=$(mktemp -d "$LAB_DIR/guest.XXXXXX") && chmod 755 "$root" &&
		mkdir -p "$root"/{bin,dev,etc,lib,proc,root,run,sys,tmp,usr/bin,usr/sbin,modules} &&
		cp "$(command -v busybox)" "$root/bin/busybox" &&
		cp "$LAB_SOURCE/tests/lab/guest_init" "$root/init" && chmod 755 "$root/init" || return 1
	# shellcheck disable=SC2086  # a list of names
	for path in $(guest_modules $modules); do
		cp "$GUEST_CACHE/kernel/lib/modules/$GUEST_VERSION/$path" "$root/modules/" || return 1
		echo "${path##*/}" >>"$root/modules/list"
	done
	for path; do guest_copy "$root" "$path" || return 1; done
	(cd "$root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$image" && rm -rf "$root"
}

guest_copy() { # ROOT PATH[=SOURCE]
	local root=$1 path=${2%%=*} source=${2#*=} library
	case $2 in
	*=*) ;;
	*)
		source=$(PATH=$PATH:/usr/sbin:/sbin command -v "$path") ||
			{ echo "$path is not installed" >&2 && return 1; }
		path=$source
		;;
	esac
	mkdir -p "$root${path%/*}" && cp -L "$source" "$root$path" || return 1
	for library in $(ldd "$source" 2>/dev/null | grep -o '/[^ ]*'); do
		[ -e "$root$library" ] || { mkdir -p "$root${library%/*}" && cp -L "$library" "$root$library"; } ||
			return 1
	done
}

# --- talking to a guest -------------------------------------------------------------------------

guest_log() { echo "$LAB_LOG/console-$1.log"; }
guest_pipe() { echo "$LAB_DIR/console-$1"; }

# guest_console NAME - makes both ends anew: guest_log NAME (file) and guest_pipe NAME (a pipe, whose two
# directions QEMU knows by their endings .in and .out).
guest_console() {
	rm -f "$(guest_pipe "$1")".{in,out}
	: >"$(guest_log "$1")" && mkfifo "$(guest_pipe "$1")".{in,out}
}

guest_said() { tr -d '\r' <"$(guest_log "$1")" | grep -q -- "$2"; }

# guest_ready NAME [SECONDS] - until it takes commands.
guest_ready() {
	wait_for "${2:-120}" guest_said "$1" '^GUEST-READY' && return
	echo "guest $1 does not start; its console ends with:" >&2
	tail -n 8 "$(guest_log "$1")" | sed 's/^/    /' >&2
	return 1
}

# guest_do NAME COMMAND [SECONDS] - runs a line of shell in the guest; what it prints in the meantime, and its
# exit status (124 when it does not end in time). What ran in the background prints to the console too.
guest_do() {
	local name=$1 number status
	GUEST_COMMANDS=$((GUEST_COMMANDS + 1))
	# unique also where commands are given in a subshell
	number=$BASHPID-$GUEST_COMMANDS
	# opened for reading too: a guest that has gone must not block the writer
	echo "$number $2" 1<>"$(guest_pipe "$name").in"
	wait_for "${3:-60}" guest_said "$name" "^@end $number " || return 124
	status=$(tr -d '\r' <"$(guest_log "$name")" | sed -n "s/^@end $number //p")
	tr -d '\r' <"$(guest_log "$name")" | sed -n "/^@begin $number\$/,/^@end $number /p" | grep -v "^@"
	return "$status"
}
