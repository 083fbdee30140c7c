#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What grappe-capture and grappe-agent can no longer do once they run, and that they do their work all the same: as root and as
# an unprivileged user.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
lab_begin confine "gcon-$$-"
periods=$LAB_DIR/periods

make -s -C "$GRAPPE_BUILD" tests/lab/confined tests/lab/period_dump >/dev/null || lab_die "test programs do not build"

# --- attempts -----------------------------------------------------------------------------------

attempt() { "$GRAPPE_BUILD/tests/lab/confined" "$1" nobody "$2" 2>&1; }

attempts() { # WHO THING...
	local who=$1 thing got
	shift
	for thing; do
		got=$(attempt "$who" "$thing")
		case $got in
		*DONE* | '' | *nothing*) fail "$who cannot do: $thing" "$got" ;;
		*) pass "$who cannot do: $thing" ;;
		esac
	done
}

# The attempts are real: root without confinement succeeds.
for thing in read-shadow write-outside exec fork connect packet-socket kill-another trace mount become-root set-clock \
	change-root namespace; do
	check_equal "unconfined root can do: $thing" DONE "$(attempt free "$thing")"
done
attempts capture read-shadow write-outside exec fork connect kill-another trace mount become-root set-clock change-root namespace
check_equal "capture can do: packet-socket" DONE "$(attempt capture packet-socket)"
attempts agent read-shadow write-outside exec fork packet-socket kill-another trace mount become-root set-clock change-root namespace
# grappe-collector-agent
attempts stateless read-shadow write-outside exec fork packet-socket kill-another trace mount become-root set-clock change-root namespace

# --- the daemons --------------------------------------------------------------------------------

status_of() { awk -v key="$2:" '$1 == key { print $2 }' "/proc/${LAB_PIDS[$1]}/status"; }

write_config() { # LINES
	cat >"$LAB_DIR/capture.conf" <<-END
		period = 5s
		allow_short_periods = yes
		periods_directory = "$periods"
		libvirt = no
		bridge "br0" { }
		$1
	END
}

# NET_ADMIN is bit 12, NET_RAW 13, BPF 39.
declare -A rights=([pcap]=0000000000002000 [bpf]=0000008000001000 [auto]=0000008000003000)

check_daemon() { # NAME CAPABILITIES
	check_equal "$1: effective capabilities" "$2" "$(status_of "$1" CapEff)"
	check_equal "$1: permitted capabilities" "$2" "$(status_of "$1" CapPrm)"
	check_equal "$1: nothing is inherited or ambient" "00000000000000000000000000000000" \
		"$(status_of "$1" CapInh)$(status_of "$1" CapAmb)"
	check_equal "$1: no new privileges" 1 "$(status_of "$1" NoNewPrivs)"
	check_equal "$1: system calls are filtered" 2 "$(status_of "$1" Seccomp)"
}

received() {
	"$GRAPPE_BUILD/tests/lab/period_dump" "$periods/"[0-9]* 2>/dev/null |
		awk '$1 == "row" && $3 == "mac-020000000001" && $4 == "received" { s += $6 } END { print s + 0 }'
}

counted() { [ "$(received)" -ge 20 ]; }

test_capture() { # BACKEND USER
	rm -rf "$periods" && mkdir "$periods" && chown "$2" "$periods" && chmod 755 "$LAB_DIR" || lab_die "no folder"
	write_config "capture = $1 user = \"$2\""
	start_in host capture "$(program grappe-capture)" -v --config "$LAB_DIR/capture.conf"
	wait_ready capture || { fail "capture = $1 as $2 starts" && return; }
	check_daemon capture "${rights[$1]}"
	check_equal "capture: its user" "$(id -u "$2")" "$(status_of capture Uid)"
	# an interface that comes after confinement
	vm_add "vm3$1" host br0 "tap3$1" 02:00:00:00:00:03 10.9.0.3/24
	wait_log capture "capturing on tap3$1" 5 && pass "capture = $1 as $2: opens what comes later" || fail "opens what comes later"
	in_ns vm2 ping -q -c 25 -i 0.01 10.9.0.1 >/dev/null
	check "capture = $1 as $2: counts and publishes" wait_for 12 counted
	ns_del "vm3$1"
	wait_log capture "tap3$1 is gone" 5
	stop capture
	check_equal "capture = $1 as $2: ends in good order" 0 $?
}

# As a service does it: an unprivileged user that is given the capabilities.
test_ambient() {
	rm -rf "$periods" && mkdir "$periods" && chown nobody "$periods"
	write_config "capture = auto"
	start_in host capture setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps +net_raw,+net_admin,+bpf,+perfmon \
		--ambient-caps +net_raw,+net_admin,+bpf,+perfmon "$(program grappe-capture)" -v --config "$LAB_DIR/capture.conf"
	wait_ready capture || fail "an unprivileged user with four capabilities can start it"
	check_daemon capture "${rights[auto]}"
	check "and bpf is what it uses" grep -q "capturing on tap1, by bpf" "$LAB_LOG/capture.log"
	in_ns vm2 ping -q -c 25 -i 0.01 10.9.0.1 >/dev/null
	check "it counts and publishes" wait_for 12 counted
	stop capture
}

test_without_rights() {
	local status
	rm -rf "$periods" && mkdir "$periods" && chown nobody "$periods"
	write_config "capture = $1"
	in_ns host setpriv --reuid nobody --regid nogroup --clear-groups --bounding-set -all "$(program grappe-capture)" \
		--config "$LAB_DIR/capture.conf" >"$LAB_DIR/refused" 2>&1
	status=$?
	check_equal "capture = $1 without any right: exit code" 1 "$status"
	check "capture = $1 without any right: says what is missing" grep -qE "$2" "$LAB_DIR/refused"
}

test_agent() {
	start_snmpd snmpd host 127.0.0.1:1161 || lab_die "snmpd does not start"
	mkdir -p "$LAB_DIR/state" && chown nobody "$LAB_DIR/state"
	chmod 755 "$LAB_DIR"
	cat >"$LAB_DIR/agent.conf" <<-END
		agentx_socket = "$LAB_DIR/snmpd.agentx"
		periods_directory = "$periods"
		state_directory = "$LAB_DIR/state"
		user = "nobody"
	END
	[ ! -e "$LAB_DIR/snmpd.agentx" ] || chmod 777 "$LAB_DIR/snmpd.agentx"
	start_in host agent "$(program grappe-agent)" --config "$LAB_DIR/agent.conf"
	wait_ready agent || { fail "the agent starts as nobody" && return; }
	check_daemon agent 0000000000000000
	check_equal "agent: its user" "$(id -u nobody)" "$(status_of agent Uid)"
	check "the agent answers" in_ns host snmpget -v2c -c public 127.0.0.1:1161 1.3.6.1.4.1.8072.9999.9999.1.1.1.0
	stop agent
	check_equal "the agent ends in good order" 0 $?
}

ns_add host && bridge_add host br0 || lab_die "no namespaces"
vm_add vm1 host br0 tap1 02:00:00:00:00:01 10.9.0.1/24
vm_add vm2 host br0 tap2 02:00:00:00:00:02 10.9.0.2/24
in_ns vm2 ping -q -c 2 -i 0.05 10.9.0.1 >/dev/null
for backend in pcap bpf auto; do test_capture $backend root; done
test_capture auto nobody
test_ambient
test_without_rights pcap "CAP_NET_RAW|Operation not permitted"
test_without_rights bpf "not permitted"
test_agent
finish
