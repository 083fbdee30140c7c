# SPDX-License-Identifier: GPL-3.0-or-later
# libvirt hosts without systemd: each namespace of the lab that plays a host gets a libvirtd of its own with its own
# folders and host name, started by hand; QEMU guests in software emulation. Read after lib.sh and guest.sh.
#
#     hypervisor_start hostA 10.1.0.2          # the address that migrations to this host go to
#     domain_start web1 hostA 11 br0 "g.ip=10.98.0.11/24"
#     guest_ready web1
#     domain_migrate web1 hostA hostB          # live; MIGRATION_DOWNTIME_MS, MIGRATION_TOTAL_MS
#     virsh_on hostB list
#
# A domain's MAC, UUID and tap follow from its number and name: domain_mac, domain_uuid, domain_tap.

# shellcheck disable=SC2034  # for the scripts that read this file
MIGRATION_TOTAL_MS='' MIGRATION_DOWNTIME_MS='' MIGRATION_MIB=''
declare -A DOMAIN_NUMBER=() DOMAIN_HOST=() HYPERVISOR_ADDRESS=() HYPERVISOR_NUMBER=()

hypervisor_folder() { echo "$LAB_DIR/$1/libvirt"; }
# hypervisor_uri HOST [-ro] - -ro: the socket that everybody may read from.
hypervisor_uri() { echo "qemu+unix:///system?socket=$(hypervisor_folder "$1")/run/libvirt-sock${2:-}"; }
virsh_on() {
	local host=$1
	shift
	virsh -q -c "$(hypervisor_uri "$host")" "$@"
}

# --- hosts ----------------------------------------------------------------------------------------

# Nothing that needs systemd, another user or control groups. Two hosts with one identity would refuse to migrate.
hypervisor_configure() { # HOST
	local folder
	folder=$(hypervisor_folder "$1")
	mkdir -p "$folder"/{run,lib,etc/qemu,cache,log} || return 1
	# libvirt looks its own name up, with the guest paused: that must not wait for a name server
	printf '127.0.0.1 localhost\n%s %s\n' "${HYPERVISOR_ADDRESS[$1]}" "$1" >"$folder/hosts"
	hypervisor_user passwd '64055:64055::/nonexistent:/usr/sbin/nologin' "$folder" &&
		hypervisor_user group '64055:' "$folder" || return 1
	cat >"$folder/etc/libvirtd.conf" <<-END
		host_uuid = "00000000-0000-4000-8000-00000000000${HYPERVISOR_NUMBER[$1]}"
		auth_unix_ro = "none"
		auth_unix_rw = "none"
	END
	cat >"$folder/etc/qemu.conf" <<-END
		user = "root"
		group = "root"
		dynamic_ownership = 0
		remember_owner = 0
		security_driver = "none"
		namespaces = [ ]
		cgroup_controllers = [ ]
		stdio_handler = "file"
		seccomp_sandbox = 0
		migration_address = "${HYPERVISOR_ADDRESS[$1]}"
		migration_port_min = 49152
		migration_port_max = 49160
	END
}

# hypervisor_user passwd|group REST FOLDER - libvirt wants its user and group to exist, though it shall not use them.
hypervisor_user() {
	cat "/etc/$1" >"$3/$1" && { grep -q '^libvirt-qemu:' "$3/$1" || echo "libvirt-qemu:x:$2" >>"$3/$1"; }
}

# hypervisor_start HOST [MIGRATION-ADDRESS] - also again after hypervisor_stop: its guests went on.
hypervisor_start() {
	local host=$1 folder
	HYPERVISOR_ADDRESS[$host]=${2:-${HYPERVISOR_ADDRESS[$host]}}
	HYPERVISOR_NUMBER[$host]=${HYPERVISOR_NUMBER[$host]:-$((${#HYPERVISOR_NUMBER[@]} + 1))}
	hypervisor_configure "$host" || return 1
	folder=$(hypervisor_folder "$host")
	chmod 755 "$LAB_DIR" "$LAB_DIR/$host" # the sensor asks as nobody
	mkdir -p /run/libvirt /var/lib/libvirt /var/cache/libvirt /var/log/libvirt || return 1
	# shellcheck disable=SC2016
	start_in "$host" "libvirtd-$host" unshare --mount --uts --propagation private sh -c '
		hostname "$1" && for file in hosts passwd group; do mount --bind "$2/$file" /etc/$file || exit; done
		mount --bind "$2/run" /run/libvirt && mount --bind "$2/lib" /var/lib/libvirt && mount --bind "$2/etc" /etc/libvirt &&
			mount --bind "$2/cache" /var/cache/libvirt && mount --bind "$2/log" /var/log/libvirt &&
			exec libvirtd -f /etc/libvirt/libvirtd.conf -p "$2/libvirtd.pid"' sh "$host" "$folder"
	wait_for 30 virsh_on "$host" version || {
		echo "libvirtd of $host does not answer: $(tail -n 3 "$LAB_LOG/libvirtd-$host.log")" >&2
		return 1
	}
}

hypervisor_stop() { stop "libvirtd-$1" "${2:-TERM}"; } # HOST [SIGNAL]

# --- guests ---------------------------------------------------------------------------------------

domain_mac() { printf '52:54:00:77:00:%02x' "${DOMAIN_NUMBER[$1]}"; }
domain_uuid() { printf '5ca1ab1e-0000-4000-9000-0000000000%02x' "${DOMAIN_NUMBER[$1]}"; }
# libvirt replaces names that begin with "vnet"
domain_tap() { echo "tap-$1"; }

# The guest's NIC takes frames as they are on a wire (the host cuts super-frames): its counters are packets.
domain_xml() { # NAME BRIDGE KERNEL-PARAMETERS
	cat <<-END
		<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
		<name>$1</name><uuid>$(domain_uuid "$1")</uuid>
		<metadata>${DOMAIN_METADATA:-}</metadata>
		<memory unit='MiB'>96</memory><vcpu>1</vcpu>
		<os><type arch='x86_64' machine='pc'>hvm</type>
		<kernel>$GUEST_KERNEL</kernel><initrd>${DOMAIN_IMAGE:-$LAB_DIR/initrd}</initrd>
		<cmdline>console=ttyS0 quiet panic=-1 ipv6.disable=1 g.name=$1 $3</cmdline></os>
		<features><acpi/></features>
		<on_poweroff>destroy</on_poweroff><on_reboot>destroy</on_reboot><on_crash>destroy</on_crash>
		<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
		<interface type='bridge'><mac address='$(domain_mac "$1")'/><source bridge='$2'/>
		<target dev='$(domain_tap "$1")'/><model type='virtio'/>
		<driver name='qemu'><guest csum='off' tso4='off' tso6='off' ecn='off' ufo='off'/></driver></interface>
		<serial type='file'><source path='$(guest_log "$1")' append='on'/><target port='0'/></serial>
		<serial type='pipe'><source path='$(guest_pipe "$1")'/><target port='1'/></serial>
		<memballoon model='none'/></devices>
		$(domain_odd_memory)</domain>
	END
}

# QEMU before 9.0 misses memory that an emulated guest writes during a live migration, where a block of memory is a
# whole number of 64 pages: it then clears the marks of 64 pages at once and forgets the emulator's cache of them.
# Guests die of that now and then. 8 KiB more keep it from that short cut; libvirt itself only knows whole MiB.
domain_odd_memory() {
	[ -z "${DOMAIN_EVEN_MEMORY:-}" ] || return
	cat <<-END
		<qemu:commandline><qemu:arg value='-object'/>
		<qemu:arg value='memory-backend-ram,id=odd,size=98312K'/><qemu:arg value='-machine'/>
		<qemu:arg value='memory-backend=odd'/><qemu:arg value='-m'/><qemu:arg value='98312K'/>
		</qemu:commandline>
	END
}

domain_start() { # NAME HOST NUMBER BRIDGE KERNEL-PARAMETERS
	DOMAIN_NUMBER[$1]=$3
	DOMAIN_HOST[$1]=$2
	guest_console "$1" && domain_xml "$1" "$4" "$5" >"$LAB_DIR/$1.xml" &&
		virsh_on "$2" create "$LAB_DIR/$1.xml" >"$LAB_LOG/create-$1.log" 2>&1 && return
	cat "$LAB_LOG/create-$1.log" >&2
	return 1
}

# domain_order NAME FROM TO - has it migrated, live; scripts may define another way to say so.
domain_order() { virsh_on "$2" migrate --live "$1" "$(hypervisor_uri "$3")" "tcp://${HYPERVISOR_ADDRESS[$3]}"; }

# domain_migrate NAME TO - live; what libvirt measured: MIGRATION_TOTAL_MS, MIGRATION_DOWNTIME_MS,
# MIGRATION_MIB.
domain_migrate() {
	local name=$1 from=${DOMAIN_HOST[$1]} to=$2 job=$LAB_LOG/migrate-$1-$2.log
	domain_order "$name" "$from" "$to" >"$job" 2>&1 || { cat "$job" >&2 && return 1; }
	DOMAIN_HOST[$name]=$to
	# only the destination knows
	virsh_on "$to" domjobinfo "$name" --completed >"$job" || return 1
	MIGRATION_TOTAL_MS=$(migration_figure "$job" "Time elapsed")
	MIGRATION_DOWNTIME_MS=$(migration_figure "$job" "Total downtime")
	MIGRATION_MIB=$(sed -n 's/^Data processed: *//p' "$job")
}

migration_figure() { sed -n "s/^$2: *\\([0-9]*\\) .*/\\1/p" "$1"; }
