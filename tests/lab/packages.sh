#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Debian packages from what "make dist" distributes: lintian finds nothing; in a clean root they install with what they depend
# on, and every program works there as its unit starts it: its user, its capabilities, its configuration. Purged, they
# leave users and archives. Needs apt's network only for Debian's mirror, the one that this machine uses.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
lab_begin packages
root=$LAB_DIR/root
built=$LAB_DIR/built
names='grappe-agent grappe-collector grappe-doc grappe-manager grappe-nagios'
oid=.1.3.6.1.4.1.8072.9999.9999

for tool in debootstrap lintian dpkg-buildpackage dh systemd-analyze unshare; do
	command -v "$tool" >/dev/null || lab_die "no $tool here: ./quickstart packages check"
done

# --- a clean root -------------------------------------------------------------------------------

# Lines "URI SUITE COMPONENT" of the Debian that this machine has. A machine that threw its lists away gets none: they
# are read into a folder of our own.
lists=()
mirrors() {
	# shellcheck disable=SC2016
	apt-get "${lists[@]}" indextargets --format '$(ORIGIN) $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
		sed -n 's/^Debian //p' | sort -u
}

# How apt reaches them (proxies, times to wait for), as it is set here.
apt_ways() { apt-config dump | grep -E '^Acquire::(http|https|ftp|Retries|Check-(Valid-Until|Date))'; }

make_root() {
	local release uri suite component http_proxy=${http_proxy:-}
	release=$(. /etc/os-release && echo "$VERSION_CODENAME")
	if [ -z "$(mirrors)" ]; then
		mkdir -p "$LAB_DIR/lists/partial" && lists=(-o "Dir::State::Lists=$LAB_DIR/lists") &&
			apt-get -q "${lists[@]}" update
	fi
	read -r uri suite component < <(mirrors | awk -v r="$release" '$2 == r && $3 == "main"')
	[ -n "${uri:-}" ] || { echo "apt-get here knows no Debian $release: apt-get update" && return 1; }
	eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
	export http_proxy
	# its mounts and processes end with it, and it ends with this script
	setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child \
		debootstrap --variant=minbase "$suite" "$root" "$uri" || return 1
	mirrors | while read -r uri suite component; do echo "deb $uri $suite $component"; done >"$root/etc/apt/sources.list"
	apt_ways >"$root/etc/apt/apt.conf.d/99ways"
	cp /etc/resolv.conf "$root/etc/" || return 1
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" && chmod 755 "$root/usr/sbin/policy-rc.d"
}

# inside [OPTION-OF-UNSHARE...] -- CMD... - in the root, with processes and mounts of its own: these end with CMD.
inside() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1") && shift; done
	shift
	# shellcheck disable=SC2016
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive \
		setpriv --pdeathsig KILL unshare --mount --pid --ipc --uts --fork --kill-child "${options[@]}" sh -c '
		mount --make-rprivate / && mount -t proc proc "$0/proc" && mount -t tmpfs tmpfs "$0/run/lock" &&
			mount -t devpts devpts "$0/dev/pts" && { ip link set lo up || :; } && exec chroot "$0" "$@"' \
		"$root" "$@" </dev/null
}
mkdir -p "$built"

# --- packages -----------------------------------------------------------------------------------

# What "make dist" would put into the tarball, in a folder of our own: another make may run in the build folder.
build() {
	local version
	version=$(sed -n 's/^VERSION = //p' "$GRAPPE_BUILD/Makefile")
	make -s -C "$GRAPPE_BUILD" distdir distdir="$built/grappe-$version" &&
		tar -C "$built" -czf "$built/grappe_$version.orig.tar.gz" "grappe-$version" &&
		cd "$built/grappe-$version" && env -u CC -u CFLAGS -u MAKEFLAGS -u srcdir DEB_BUILD_PROFILES=nocheck \
		DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel=$(nproc)" dpkg-buildpackage -us -uc
}

find_nothing() {
	local found
	found=$(lintian --allow-root --tag-display-limit 0 "$built"/*.changes 2>&1 | grep -v '^[NI]:')
	[ -z "$found" ] || { echo "$found" && return 1; }
}

start root make_root
(build) >"$LAB_LOG/build.log" 2>&1 || { tail -n 30 "$LAB_LOG/build.log" && lab_die "no packages: $LAB_LOG/build.log"; }
pass "dpkg-buildpackage, source and binary"
check_equal "these packages" "$(echo $names)" "$(cd "$built" && echo *.deb | sed 's/_[^ ]*//g')"
check "lintian finds nothing" find_nothing
wait "${LAB_PIDS[root]}" || { tail -n 20 "$LAB_LOG/root.log" && lab_die "no clean root: $LAB_LOG/root.log"; }
unset 'LAB_PIDS[root]'

mkdir "$root/packages" && cp "$built"/*.deb "$root/packages/" && mkdir "$root/instance" &&
	cp "$LAB_SOURCE"/tests/data/plan/n8e2-1b/*.tsv "$root/instance/" || lab_die "cannot fill the root"
# What others bring stays; what is looked at is what comes after.
install_all() {
	inside -- apt-get -q update && inside -- sh -c 'apt-get -q -y --no-install-recommends install snmpd snmp logrotate /packages/*.deb'
}
check "apt installs them and what they depend on" install_all

# --- what is there ------------------------------------------------------------------------------

files_of() { inside -- sh -c "dpkg -L $*" | sort -u; }
is_user() { inside -- getent passwd "$1" | grep -q ":/usr/sbin/nologin\$"; }
owner_of() { inside -- stat -c '%U:%G %a' "$1"; }

# shellcheck disable=SC2086
files_of $names >"$LAB_DIR/files"
programs=$(grep -E '^/usr/s?bin/grappe' "$LAB_DIR/files")
check_equal "programs in the packages" "$(cd "$built"/grappe-*/debian/tmp && find usr/bin usr/sbin -type f | wc -l)" \
	"$(echo "$programs" | wc -l)"
for program in $programs; do
	check "$program --version" inside -- "$program" --version
	check "$program --help" inside -- "$program" --help
	check "$program has its page" grep -qE "/man[18]/$(basename "$program")\.[18]\.gz\$" "$LAB_DIR/files"
done
plugin=/usr/lib/nagios/plugins/check_grappe
# UNKNOWN is what its --version ends with.
plugin_tells() { inside -- "$plugin" --version | grep -q '^check_grappe '; }
check "$plugin --version" plugin_tells
# Those that run all the time; the report runs by its timer, when an operator wants it to.
daemons() {
	sed -n 's|^/lib/systemd/system/\(.*\)\.service$|\1|p' "$LAB_DIR/files" | grep -v '^grappe-report$'
}
check "the report's units: systemd finds nothing" inside -- systemd-analyze verify --man=no \
	/lib/systemd/system/grappe-report.service /lib/systemd/system/grappe-report.timer
check "the report is sent only when somebody wants it" inside -- test ! -L /etc/systemd/system/timers.target.wants/grappe-report.timer
# Without systemd nothing starts in the root: what the package would start stands in its script.
starts_report() { grep -E 'deb-systemd-invoke (start|\$_dh_action)' "$root/var/lib/dpkg/info/grappe-manager.postinst" | grep -q grappe-report; }
starts_manager() { grep -E 'deb-systemd-invoke (start|\$_dh_action)' "$root/var/lib/dpkg/info/grappe-manager.postinst" | grep -q grappe-manager.service; }
check "the package starts the manager" starts_manager
check "the package starts no report" eval '! starts_report'
for unit in $(daemons); do
	name=${unit#grappe-}
	check "$unit: /etc/grappe/$name.conf is valid" inside -- "/usr/sbin/$unit" --check-config
	check "$unit: the example is valid" inside -- "/usr/sbin/$unit" --config "/usr/share/doc/grappe/examples/$name.conf" --check-config
	check "$unit: its settings have a page" grep -q "/man5/$unit.conf.5.gz\$" "$LAB_DIR/files"
	check "$unit: enabled" inside -- test -L "/etc/systemd/system/multi-user.target.wants/$unit.service"
	check "$unit: systemd finds nothing in the unit" inside -- systemd-analyze verify --man=no "/lib/systemd/system/$unit.service"
	check "$unit: exposed at most 2.6 of 10" inside -- systemd-analyze security --offline=true --threshold=26 \
		"/lib/systemd/system/$unit.service"
	check "$unit: its user" is_user "$(sed -n 's/^User=//p' "$root/lib/systemd/system/$unit.service")"
done
check_equal "groups of the collector's subagent" "grappe grappe-agent grappe-collector-agent" \
	"$(inside -- id -nG grappe-collector-agent | tr ' ' '\n' | sort | tr '\n' ' ' | sed 's/ $//')"
check_equal "/run/grappe" "grappe:grappe 755" "$(owner_of /run/grappe)"
check_equal "folder of periods" "grappe-capture:grappe-capture 755" "$(owner_of /run/grappe/periods)"
check_equal "state of the agent" "grappe-agent:grappe-agent 750" "$(owner_of /var/lib/grappe/agent)"
for folder in collector rrd manager; do
	check_equal "/var/lib/grappe/$folder" "grappe:grappe 750" "$(owner_of /var/lib/grappe/$folder)"
done
for name in agent collector manager; do
	check "logrotate reads grappe-$name" inside -- logrotate -d "/etc/logrotate.d/grappe-$name"
done
mkdir -p "$root/var/log/grappe" && echo line >"$root/var/log/grappe/grappe-collector.log"
exec 8>>"$root/var/log/grappe/grappe-collector.log"
check "logrotate rotates a file that is held open" inside -- logrotate -f /etc/logrotate.d/grappe-collector
echo later >&8
exec 8>&-
check_equal "what is written later is in the new file" later "$(cat "$root/var/log/grappe/grappe-collector.log")"
check_equal "what was there is in the old one" line "$(cat "$root/var/log/grappe/grappe-collector.log.1")"
rm -r "$root/var/log/grappe"
check "grappe plans for an instance" inside -- grappe plan --instance /instance

# --- the services, as their units start them -----------------------------------------------------

# unit_command UNIT - the line of ExecStart with the user, groups and capabilities of the unit.
unit_command() {
	local file=$root/lib/systemd/system/$1.service user ambient rights='--bounding-set -all'
	user=$(sed -n 's/^User=//p' "$file")
	ambient=$(sed -n 's/^AmbientCapabilities=//p' "$file" | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
	[ -z "$ambient" ] || rights="--inh-caps $ambient --ambient-caps $ambient --bounding-set -all,$ambient"
	echo "setpriv --reuid $user --regid $user --init-groups --no-new-privs $rights" \
		"$(sed -n 's/^ExecStart=//p' "$file")"
}

# One network and one set of processes for all of them; ends with the script, or by its signal.
cat >"$root/services" <<END
set -u
mkdir -p /var/agentx /etc/snmp/snmpd.conf.d
cat >/etc/snmp/snmpd.conf.d/grappe.conf <<CONF
agentXPerms 0660 0755 root grappe-agent
view grappe included $oid
rocommunity lab 127.0.0.1 -V grappe
CONF
say() { echo "\$*" >>/said; }
# ready NAME - its log has READY, within 20 s
ready() {
	n=0
	until grep -qs READY "/\$1.log"; do
		[ \$((n += 1)) -le 200 ] || { say "\$1 not ready"; return; }
		sleep 0.1
	done
	say "\$1 ready"
}
MIBS= snmpd -f -Lo >/snmpd.log 2>&1 &
snmpd=\$!
until [ -S /var/agentx/master ]; do kill -0 \$snmpd || exit 1; sleep 0.1; done
END
# In the order in which one needs the other.
units='grappe-capture grappe-agent grappe-collector grappe-collector-agent grappe-manager'
check_equal "all units of the packages are started" "$(echo "$units" | tr ' ' '\n' | sort | tr '\n' ' ')" \
	"$(daemons | sort | tr '\n' ' ')"
for unit in $units; do
	cat >>"$root/services" <<END
$(unit_command "$unit") >/$unit.log 2>&1 &
pid_${unit//-/_}=\$!
ready $unit
END
done
cat >>"$root/services" <<END
say "agent \$(snmpget -Oqv -v2c -c lab 127.0.0.1 $oid.1.1.1.0 2>&1)"
say "collector \$(snmpget -Oqv -v2c -c lab 127.0.0.1 $oid.3.1.1.0 2>&1)"
setpriv --reuid grappe --regid grappe --init-groups grappe-query status >/status 2>&1
say "query \$?"
setpriv --reuid grappe --regid grappe --init-groups $plugin -m collector >/plugin 2>&1
say "plugin \$(head -n 1 /plugin)"
END
for unit in $units; do
	cat >>"$root/services" <<END
kill \$pid_${unit//-/_}; wait \$pid_${unit//-/_}
say "$unit ended \$?"
END
done

# The module is for who runs no subagent.
cat >>"$root/services" <<END
cat >/etc/snmp/snmpd.conf.d/grappe.conf <<CONF
dlmod grappe $(grep '/grappe\.so$' "$LAB_DIR/files")
view grappe included $oid
rocommunity lab 127.0.0.1 -V grappe
CONF
kill \$snmpd; wait \$snmpd
MIBS= snmpd -f -Lo >/module.log 2>&1 &
n=0
until answer=\$(snmpget -r 0 -t 1 -Oqv -v2c -c lab 127.0.0.1 $oid.1.1.1.0 2>&1) || [ \$((n += 1)) -gt 20 ]; do sleep 0.1; done
say "module \$answer"
kill \$!; wait \$!
END

run_services() {
	rm -f "$root/said"
	inside --net -- bash /services
	cp "$root"/*.log "$root/status" "$root/plugin" "$LAB_LOG/" 2>/dev/null
	return 0
}
run_services >"$LAB_LOG/services.log" 2>&1
said() { grep -qxE -- "$1" "$root/said" || { tail -n 4 "$root/said" "$LAB_LOG"/{services,snmpd,module,grappe-*}.log && return 1; }; }
version=$(inside -- grappe --version | sed -n '1s/.* //p')
for unit in $units; do
	check "$unit starts as its unit says" said "$unit ready"
	check "$unit ends in good order" said "$unit ended 0"
done
check "snmpd answers with what grappe-agent serves" said "agent \"$version\""
check "snmpd answers with what grappe-collector-agent serves: the collector is ok" said "collector 1"
check "grappe-query asks the collector" said "query 0"
check "the plugin asks the collector" said "plugin GRAPPE WARNING - the collector has no agents .*"
check "the module inside snmpd serves the same" said "module \"$version\""

# --- away again ---------------------------------------------------------------------------------

mkdir "$root/var/lib/grappe/rrd/vm" && touch "$root/var/lib/grappe/rrd/vm/other.rrd"
cp "$root/var/lib/dpkg/info/grappe-collector.postrm" "$root/postrm"
rm -rf "$root/packages" "$root"/grappe-*.log "$root/etc/snmp/snmpd.conf.d/grappe.conf"
# shellcheck disable=SC2086
check "apt purges them" inside -- apt-get -q -y purge $names
left() { (cd "$root" && find . -path ./proc -prune -o -path ./var/cache/apt -prune -o -name '*grappe*' -print -o -name '*GRAPPE*' -print | sort | tr '\n' ' '); }
check_equal "only archives are left" "./var/lib/grappe " "$(left)"
check_equal "and nothing beside their folder" rrd "$(ls "$root/var/lib/grappe")"
check "which still has them" test -f "$root/var/lib/grappe/rrd/vm/other.rrd"
rm -r "$root/var/lib/grappe/rrd/vm"
check "without archives nothing has to stay" inside -- sh /postrm purge
check_equal "and nothing does" "" "$(left)"
check "nothing is mounted in the root" sh -c "! grep -q ' $root' /proc/mounts"
finish
