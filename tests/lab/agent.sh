#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# grappe-agent behind a real snmpd: every table by the standard tools, blocks against their files,
# snmpd and the agent killed, stopped and restarted, bad files, a large table. Period files come
# from tests/lab/period_file, so no traffic and no sensor are needed. Needs root (one namespace).
. "$(dirname "$0")/lib.sh"
lab_begin agent
chmod 711 "$LAB_DIR"

PERIOD_FILE=$GRAPPE_BUILD/tests/lab/period_file
[ -x "$PERIOD_FILE" ] || lab_die "no $PERIOD_FILE: make tests/lab/period_file"
AGENT=$(program grappe-agent) || exit 1
for tool in snmpwalk snmpbulkwalk snmpbulkget snmptable perl gzip setpriv; do
	command -v $tool >/dev/null || lab_die "no $tool here"
done
PERIODS=$LAB_DIR/periods
STATE=$LAB_DIR/state
MODULES=$LAB_DIR/mibs
ROOT=$(sed -n 's/^MIB_ROOT = //p' "$GRAPPE_BUILD/Makefile" 2>/dev/null)
ROOT=.${ROOT:-1.3.6.1.4.1.8072.9999.9999}
ENDPOINT=127.0.0.1:1161
NOBODY=65534
mkdir -p "$PERIODS" "$STATE" "$MODULES"
chown $NOBODY "$STATE"

# --- tools --------------------------------------------------------------------------------------

for module in SNMPv2-SMI SNMPv2-TC SNMPv2-CONF SNMP-FRAMEWORK-MIB INET-ADDRESS-MIB SNMPv2-MIB; do
	cp /usr/lib/erlang/lib/snmp-*/mibs/$module.mib "$MODULES/$module" ||
		lab_die "no $module here: apt-get install erlang-snmp"
done
cp "$GRAPPE_BUILD/mibs/installed/GRAPPE-MIB.txt" "$MODULES/" || lab_die "the MIB file is not built"

V2="-v2c -c public -t 2 -r 1"
V3="-v3 -l authPriv -u reader -a SHA-256 -A authentication -x AES -X confidential -t 2 -r 1"
# By name, with the MIB file only; by number, without any.
by_name() { local tool=$1; shift; in_ns host env MIBS= $tool $V2 -M "$MODULES" -m GRAPPE-MIB "$@"; }
by_number() { local tool=$1; shift; in_ns host env MIBS= $tool $V2 -m '' -On "$@"; }
get() { by_name snmpget -OqUev $ENDPOINT "GRAPPE-MIB::$1"; }
answers() { get grappeAgentVersion.0 | grep -q '^[0-9]'; }
newest_is() { [ "$(get grappeAgentLastEnd.0)" = "$1" ]; }

# write_periods END COUNT VMS PEERS - COUNT periods, the newest ends at END.
write_periods() {
	local i
	for ((i = $2 - 1; i >= 0; i--)); do
		"$PERIOD_FILE" write "$PERIODS" $(($1 - 30 * i)) "$3" "$4" || exit 1
	done
}

start_agent() {
	cat >"$LAB_DIR/agent.conf" <<-END
		agentx_socket = "$LAB_DIR/snmpd.agentx"
		periods_directory = "$PERIODS"
		state_directory = "$STATE"
		history = ${1:-20}
		${AGENT_MORE:-}
	END
	start_in host agent setpriv --reuid=$NOBODY --regid=$NOBODY --clear-groups \
		"$AGENT" -v --config "$LAB_DIR/agent.conf"
	wait_ready agent || finish
}

master() {
	LAB_SNMPD_CONF="${MASTER_MORE:-}
		agentXPerms 0666 0755
		agentXTimeout 1
		createUser reader SHA-256 authentication AES confidential
		rouser reader priv" start_snmpd snmpd host $ENDPOINT || finish
}

# cpu_ms - milliseconds of processor time that agent and snmpd have used together.
cpu_ms() {
	cat "/proc/${LAB_PIDS[agent]}/schedstat" "/proc/${LAB_PIDS[snmpd]}/schedstat" |
		awk '{ ns += $1 } END { printf "%.0f", ns / 1e6 }'
}
ms_since() { echo $(((${EPOCHREALTIME/./} - $1) / 1000)); }

# --- what is served against an independent decode -----------------------------------------------

# vif_names - "number vm-id segment first-mac" of each vif, from the tables.
vif_names() {
	by_name snmpbulkwalk -OqUs $ENDPOINT GRAPPE-MIB::grappeVmId | sed 's/grappeVmId\.//' >"$LAB_DIR/vms"
	for column in Vm Segment Macs; do
		by_name snmpbulkwalk -OqUs $ENDPOINT GRAPPE-MIB::grappeVif$column
	done | perl -lane '
		BEGIN { open my $f, "<", "'"$LAB_DIR/vms"'"; while (<$f>) { my ($n, $id) = split; $vm{$n} = $id } }
		/^grappeVif(\w+)\.(\d+) (\S+)/ or die "odd line: $_"; $v{$2}{$1} = $3;
		END { print "$_ $vm{$v{$_}{Vm}} $v{$_}{Segment} $v{$_}{Macs}" for sort { $a <=> $b } keys %v }'
}

# pairs_of TABLE - rows "[end] vm-id segment mac peer packets octets sent-packets sent-octets" of
# grappePairTable (6, first column 3) or grappePeriodTable (7, first column 5), made from OIDs alone.
pairs_of() {
	by_number snmpbulkwalk -Cr25 -OqUe $ENDPOINT $ROOT.1.$1.1 | perl -lane '
		BEGIN { open my $f, "<", "'"$LAB_DIR/vifs"'"; while (<$f>) { my ($n, @n) = split; $vif{$n} = "@n" } }
		my ($table, $base) = ('"$1"', '"$1"' == 6 ? 3 : 5);
		my @n = split /\./, substr($F[0], length("'"$ROOT"'.1.$table.1."));
		my $column = shift(@n) - $base; next if $column > 3;
		my $end = $table == 7 ? shift(@n) . " " : "";
		my ($vif, $type, $size, @a) = @n; $size == @a && ($type == 1 ? $size == 4 : $size == 16) or die "index: $_";
		$row{"$end$vif{$vif} $type " . join ".", @a}[$column] = $F[1];
		END { print "$_ @{$row{$_}}" for sort keys %row }'
}

# expected BY_PERIOD - the same from the files.
expected() {
	"$PERIOD_FILE" print "$PERIODS"/[0-9]* | perl -MSocket=inet_pton,AF_INET,AF_INET6 -lane '
		my ($end, $vm, $segment, $mac, $way, $peer, $packets, $octets) = @F;
		my $six = $peer =~ /:/;
		my @a = unpack "C*", inet_pton($six ? AF_INET6 : AF_INET, $peer);
		my $key = ('"$1"' ? "$end " : "") . "$vm $segment $mac " . ($six ? 2 : 1) . " " . join ".", @a;
		my $at = $way eq "sent" ? 2 : 0;
		$row{$key} ||= [0, 0, 0, 0]; $row{$key}[$at] += $packets; $row{$key}[$at + 1] += $octets;
		END { print "$_ @{$row{$_}}" for sort keys %row }'
}

check_tables() {
	vif_names >"$LAB_DIR/vifs"
	expected 1 >"$LAB_DIR/want7"
	pairs_of 7 >"$LAB_DIR/got7"
	check "$1: grappePeriodTable is what the files hold ($(wc -l <"$LAB_DIR/want7") rows)" \
		diff "$LAB_DIR/want7" "$LAB_DIR/got7"
	expected 0 >"$LAB_DIR/want6"
	pairs_of 6 >"$LAB_DIR/got6"
	check "$1: grappePairTable is their sum ($(wc -l <"$LAB_DIR/want6") rows)" \
		diff "$LAB_DIR/want6" "$LAB_DIR/got6"
	[ -s "$LAB_DIR/want6" ] && [ -s "$LAB_DIR/want7" ] || fail "$1: there is something to compare"
}

# check_blocks END - the blocks put together are the file, and the CRC is theirs.
check_blocks() {
	local end=$1 chunks chunk crc
	chunks=$(get grappePeriodInfoChunks.$end)
	for ((chunk = 1; chunk <= chunks; chunk++)); do
		by_name snmpget -OqUvx $ENDPOINT GRAPPE-MIB::grappePeriodBlockData.$end.$chunk
	done | perl -ne 's/[^0-9a-fA-F]//g; print pack "H*", $_' >"$LAB_DIR/blocks"
	check "blocks of $end are its file ($chunks blocks)" cmp "$LAB_DIR/blocks" "$PERIODS/$end"
	crc=$(gzip -c "$LAB_DIR/blocks" | tail -c 8 | perl -e 'local $/; print unpack "V", <STDIN>')
	check_equal "CRC of $end" "$(get grappePeriodInfoCrc.$end)" "$crc"
	check_equal "length of $end" "$(get grappePeriodInfoBytes.$end)" "$(wc -c <"$LAB_DIR/blocks")"
}

# --- the tables ---------------------------------------------------------------------------------

ns_add host
# One of the NICs is there.
ip_in host link add dev tap2.0 type bridge
now=$(($(date +%s) / 30 * 30))
write_periods $now 4 6 40
master
start_agent

# snmpwalk and snmpbulkwalk refuse OIDs that do not ascend and end with an error then.
check "snmpwalk of everything ends well" by_number snmpwalk $ENDPOINT $ROOT
by_number snmpwalk $ENDPOINT $ROOT >"$LAB_DIR/walk"
by_number snmpbulkwalk -Cr25 $ENDPOINT $ROOT >"$LAB_DIR/bulkwalk"
check "snmpbulkwalk shows the same ($(wc -l <"$LAB_DIR/walk") lines)" \
	diff "$LAB_DIR/walk" "$LAB_DIR/bulkwalk"
in_ns host env MIBS= snmpwalk $V3 -m '' -On $ENDPOINT $ROOT >"$LAB_DIR/walk3"
check "so does SNMPv3 with authentication and privacy" diff "$LAB_DIR/walk" "$LAB_DIR/walk3"
check_equal "values by snmpbulkget" 7 \
	"$(by_number snmpbulkget -Cr7 $ENDPOINT $ROOT.1.1 | grep -c "^$ROOT.1.1")"
for table in PeriodInfo PeriodBlock Vm Vif Pair Period; do
	check "snmptable of grappe${table}Table" by_name snmptable -Ci $ENDPOINT GRAPPE-MIB::grappe${table}Table
	check "... by rows and in bulk" test "$(by_name snmptable -CB -Ci $ENDPOINT \
		GRAPPE-MIB::grappe${table}Table | wc -l)" -ge 4
done
check_tables "at start"
check_blocks $now
check_blocks $((now - 90))
check_equal "newest period" $now "$(get grappeAgentLastEnd.0)"
check_equal "capture state" 'running(1)' "$(by_name snmpget -OqUv $ENDPOINT GRAPPE-MIB::grappeAgentCaptureState.0)(1)"
check_equal "VMs" 6 "$(get grappeAgentVms.0)"
check_equal "vifs" 8 "$(get grappeAgentVifs.0)"
check_equal "pairs are as many as rows" "$(get grappeAgentPairRows.0)" "$(wc -l <"$LAB_DIR/got6")"
check_equal "back end (mixed)" 4 "$(get grappeAgentBackend.0)"
check_equal "its reason" "bpf but on tap2.0" "$(get grappeAgentBackendReason.0)"
check_equal "lost, unmatched, estimated and malformed packets of four periods" \
	"12 28 1680 44 52" "$(for o in Drops Unmatched UnmatchedOctets Estimated Malformed; do
		get grappeAgent$o.0; done | xargs)"
check_equal "... of one period" "3 7 11 13 4" \
	"$(for o in Drops Unmatched Estimated Malformed Backend; do
		get grappePeriodInfo$o.$((now - 30)); done | xargs)"
check_equal "label of a VM's application" application-2 "$(get grappeVmApplication.2)"
check_equal "a VM is here" $now "$(get grappeVmLastEnd.2)"
check_equal "packets that are not IP" 8 "$(get grappeVifNonIpPackets.1)"
check_equal "evidence of addresses" "claimed source" "$(get grappeVifEvidence.1)"
keys=$(by_name snmpbulkwalk -OqUv $ENDPOINT GRAPPE-MIB::grappePairKey)
check_equal "each key is there once" "$(wc -l <<<"$keys")" "$(sort -u <<<"$keys" | wc -l)"
check "a second vif on the same segment has its MAC in the key" \
	grep -q '^00000000-0000-4000-8000-000000000001/default+02:01:00:00:00:01/10.0.0.1$' <<<"$keys"

# --- VM-MIB (RFC 7666) --------------------------------------------------------------------------

VM=.1.3.6.1.2.1.236.1
value() { by_number snmpget -OqUetv $ENDPOINT "$VM.$1" | tr -d '"' | sed 's/ *$//'; }
by_number snmpwalk -OqUe $ENDPOINT .1.3.6.1.2.1.236 >"$LAB_DIR/vm-walk"
check "snmpwalk of VM-MIB ends well" by_number snmpwalk $ENDPOINT .1.3.6.1.2.1.236
by_number snmpbulkwalk -Cr25 -OqUe $ENDPOINT .1.3.6.1.2.1.236 | grep -v '\.1\.1\.4\.0 ' >"$LAB_DIR/vm-bulk"
check "snmpbulkwalk shows the same" diff <(grep -v '\.1\.1\.4\.0 ' "$LAB_DIR/vm-walk") "$LAB_DIR/vm-bulk"
check_equal "objects of VM-MIB: 8 scalars, 6 VMs of 15 columns, 8 NICs of 4" $((8 + 6 * 15 + 8 * 4)) \
	"$(wc -l <"$LAB_DIR/vm-walk")"
check_equal "vmNumber" 6 "$(value 2.0)"
check_equal "vmUUID" "00 00 00 00 00 00 40 00 80 00 00 00 00 00 00 02" "$(value 4.1.3.2)"
check_equal "name, system, states and limits of a VM" "vm2 hvm 1 4 3 2 3 -1 8 1048576 512 -1 4096" \
	"$(for column in 2 4 5 6 7 8 9 10 11 12 13 14 15; do value 4.1.$column.2; done | xargs)"
check_equal "vmCpuTime (us)" 20000000000 "$(value 4.1.17.2)"
check_equal "vmUpTime is not served" "No Such Object available on this agent at this OID" \
	"$(value 4.1.16.2)"
check_equal "vmNetworkIfIndex" "$(in_ns host cat /sys/class/net/tap2.0/ifindex)" "$(value 8.1.2.2.2)"
check_equal "... of an interface that is not there" 0 "$(value 8.1.2.3.3)"
check_equal "vmNetworkPhysAddress of the VM's third NIC" "02 02 00 00 00 01" "$(value 8.1.5.1.8)"
up=$(($(cut -d. -f1 /proc/uptime) * 100))
check_near "vmHvUpTime is the host's" $up "$(value 1.4.0)" 5
check "vmTableLastChange is before" test "$(value 3.0)" -le "$(value 1.4.0)" -a "$(value 3.0)" -gt 0
check "SNMPv3 shows it as well" test "$(in_ns host env MIBS= snmpget $V3 -m '' -OqUv $ENDPOINT $VM.2.0)" = 6

# --- OIDs that are no instances -----------------------------------------------------------------

says() { # says NAME PATTERN TOOL OID
	local got
	got=$(by_number "$3" $ENDPOINT "$4" 2>&1)
	if grep -q -- "$2" <<<"$got"; then pass "$1"; else fail "$1" "$got"; fi
}
PAIR=$ROOT.1.6.1
says "GET of an absent row" "No Such Instance" snmpget $PAIR.3.99.1.4.10.0.0.1
says "GET of part of an index" "No Such Instance" snmpget $PAIR.3.1.1.4.10.0
says "GET of too long an index" "No Such Instance" snmpget $PAIR.3.1.1.4.10.0.0.1.0
says "GET of an index column" "No Such Object" snmpget $PAIR.2.1.1.4.10.0.0.1
says "GET of an absent column" "No Such Object" snmpget $PAIR.11.1.1.4.10.0.0.1
says "GET of a table" "No Such Object" snmpget $ROOT.1.6
says "GET of a scalar without .0" "No Such Instance" snmpget $ROOT.1.1.1
says "GETNEXT of the root" "$ROOT.1.1.1.0 = " snmpgetnext $ROOT
says "GETNEXT of the last scalar" "$ROOT.1.2.1.2.$((now - 90)) = " snmpgetnext $ROOT.1.1.19.0
says "GETNEXT of part of an index" "$PAIR.3.1.1.4.10.0.0.1 = " snmpgetnext $PAIR.3.1.1.4.10.0
says "GETNEXT behind an address that is too long" "$PAIR.3.1.1.4.10.0.0.2 = " \
	snmpgetnext $PAIR.3.1.1.4.10.0.0.1.7.7
says "GETNEXT at the end of a vif" "$PAIR.3.2.1.4.10.0.0.1 = " snmpgetnext $PAIR.3.1.1.4.10.0.0.40
says "GETNEXT from IPv4 to IPv6" "$PAIR.3.3.2.16.32.1.13.184.* = " snmpgetnext $PAIR.3.3.1.4.255
says "GETNEXT at the end of a column" "$PAIR.4.1.1.4.10.0.0.1 = " snmpgetnext $PAIR.3.4294967295
says "GETNEXT before the first column" "$PAIR.3.1.1.4.10.0.0.1 = " snmpgetnext $PAIR.1
says "GETNEXT from one table to the next" "$ROOT.1.7.1.5.$((now - 90))" snmpgetnext $PAIR.10.4294967295
check "GETNEXT behind all ends or leaves the subtree" \
	sh -c "! grep -q '^$ROOT.1' '$LAB_DIR/behind'" < <(by_number snmpgetnext $ENDPOINT $ROOT.1.8 >"$LAB_DIR/behind" 2>&1)

# --- snmpd killed, stopped, restarted -----------------------------------------------------------

stop snmpd KILL
check "the agent notices that snmpd was killed" wait_log agent "lost snmpd" 10
master
begin=${EPOCHREALTIME/./}
check "it is back after snmpd's restart" wait_for 10 answers
say "      back $(ms_since "$begin") ms after snmpd was ready"
check "it says so" wait_log agent "READY.*again" 15
check "a polite restart of snmpd" stop snmpd
master
begin=${EPOCHREALTIME/./}
check "it is back after that" wait_for 10 answers
say "      back $(ms_since "$begin") ms after snmpd was ready"
for round in 1 2; do
	signal snmpd STOP
	wait_until $(($(date +%s) + 4 * round))
	signal snmpd CONT
	begin=${EPOCHREALTIME/./}
	check "it is back after snmpd was stopped for $((4 * round)) s" wait_for 15 answers
	say "      back after $(ms_since "$begin") ms"
done
by_number snmpbulkwalk -Cr25 $ENDPOINT $ROOT.1.6 >"$LAB_DIR/after"
check "with the same rows" diff <(grep "^$ROOT.1.6" "$LAB_DIR/walk") "$LAB_DIR/after"

# --- two agents ---------------------------------------------------------------------------------

sed "s|$STATE|$STATE-2|" "$LAB_DIR/agent.conf" >"$LAB_DIR/second.conf"
start_in host second "$AGENT" --config "$LAB_DIR/second.conf"
check "a second agent is told that it is one too many" wait_log second "refuses our objects" 15
check "the first goes on" answers
kill -s TERM "${LAB_PIDS[agent]}"
check "the second takes over when the first ends" wait_ready second 10
check "and answers" wait_for 15 answers
has_vms() { value 2.0 | grep -q '^[0-9]'; }
check "for VM-MIB as well" wait_for 40 has_vms
stop second
wait "${LAB_PIDS[agent]}"
start_agent

# --- VM-MIB is another agent's ------------------------------------------------------------------

stop agent
stop snmpd
MASTER_MORE="pass .1.3.6.1.2.1.236 /bin/false" master
start_agent
check "an agent that may not serve VM-MIB says so" \
	wait_log agent "another agent of snmpd at .* serves VM-MIB.*vm_mib = no" 20
check "and serves the rest" answers
check_equal "its log has no other complaint" 0 "$(grep -c 'refuses our objects' "$LAB_LOG/agent.log")"
stop agent
AGENT_MORE="vm_mib = no" start_agent
check "it can be told not to" answers
wait_until $(($(date +%s) + 6))
check_equal "then it says nothing" 0 "$(grep -c 'VM-MIB' "$LAB_LOG/agent.log")"
stop snmpd
master
check "... and serves none" test "$(wait_for 10 answers; by_number snmpget $ENDPOINT $VM.2.0 | grep -c 'No Such')" = 1
stop agent
start_agent

# --- the agent stopped and killed ---------------------------------------------------------------

signal agent STOP
check "snmpd answers for others while the agent is stopped" \
	by_number snmpget -t 5 $ENDPOINT .1.3.6.1.2.1.1.5.0
signal agent CONT
check "it is back when it goes on" wait_for 15 answers
start_time=$(get grappeAgentStartTime.0)
last_change=$(value 3.0)
# A VM goes, another comes: numbers of the others must stay over a kill.
"$PERIOD_FILE" write "$PERIODS" $((now - 120)) 6 40
wait_until $((now + 30))
now=$((now + 30))
rm "$PERIODS"/$((now - 150))
"$PERIOD_FILE" write "$PERIODS" $now 7 40
check "a new period is served" wait_for 15 newest_is $now
check_equal "a VM came: vmNumber" 7 "$(value 2.0)"
changed=$(value 3.0)
check "vmTableLastChange says when" test "$changed" -gt "$last_change" -a "$changed" -le "$(value 1.4.0)"
estimated=$(get grappeAgentEstimated.0)
by_number snmpbulkwalk -Cr25 $ENDPOINT $ROOT.1.6 >"$LAB_DIR/before"
by_number snmpbulkwalk -Cr25 $ENDPOINT $ROOT.1.5 >>"$LAB_DIR/before"
stop agent KILL
start_agent
by_number snmpbulkwalk -Cr25 $ENDPOINT $ROOT.1.6 >"$LAB_DIR/after"
by_number snmpbulkwalk -Cr25 $ENDPOINT $ROOT.1.5 >>"$LAB_DIR/after"
check_equal "the agent counted estimates on" "$estimated" "$(get grappeAgentEstimated.0)"
check "after kill -9 and restart: same numbers, same sums ($(wc -l <"$LAB_DIR/after") values)" \
	diff "$LAB_DIR/before" "$LAB_DIR/after"
check_equal "no discontinuity" "$start_time" "$(get grappeAgentStartTime.0)"
check_tables "after kill -9"

# --- bad files ----------------------------------------------------------------------------------

lines() { grep -c "$1" "$LAB_LOG/agent.log"; }
# bad NAME - standard input as a file that is there at once, not first empty: that would be said as well.
bad() { cat >"$LAB_DIR/bad" && mv "$LAB_DIR/bad" "$PERIODS/$1"; }
head -c 300 "$PERIODS/$now" | bad $((now - 15))
head -c 1000 /dev/urandom | bad $((now - 16))
: >"$PERIODS/$((now - 17))"
bad $((now - 18)) <"$PERIODS/$now"
mkfifo "$PERIODS/$((now - 19))"
mkdir "$PERIODS/$((now - 20))"
ln -s . "$PERIODS/loop"
echo hello | bad README
echo half >"$PERIODS/$((now - 30)).x8Fq2z"
perl -e 'open my $f, "<", $ARGV[0]; local $/; my $b = <$f>; substr($b, 700, 1) ^= "\x01"; print $b' \
	"$PERIODS/$now" | bad $((now - 21))
"$PERIOD_FILE" write "$PERIODS" $((now + 86400)) 1 1
for bad in $((now - 15)) $((now - 16)) $((now - 17)) $((now - 18)) $((now - 19)) $((now - 20)) \
	$((now - 21)) loop README; do
	check "a bad file is named: $bad" wait_log agent "/$bad is no period" 15
done
check "so is one from the future" wait_log agent "ends in the future" 15
wait_until $(($(date +%s) + 5))
check_equal "each is said once" 9 "$(lines 'is no period')"
check_equal "a file being written is not said" 0 "$(lines x8Fq2z)"
check_equal "the future period is not served" $now "$(get grappeAgentLastEnd.0)"
check "the good ones are served" answers
rm -r "$PERIODS"/{loop,README,*.x8Fq2z,$((now + 86400))} \
	"$PERIODS"/$((now - 15)) "$PERIODS"/$((now - 16)) "$PERIODS"/$((now - 17)) "$PERIODS"/$((now - 18)) \
	"$PERIODS"/$((now - 19)) "$PERIODS"/$((now - 20)) "$PERIODS"/$((now - 21))
mv "$PERIODS" "$PERIODS.away"
check "a missing folder is said" wait_log agent "cannot read the folder of periods" 15
check "what is known stays" newest_is $now
mv "$PERIODS.away" "$PERIODS"
check "its return as well" wait_log agent "is there" 15

# --- state that is of no use --------------------------------------------------------------------

stop agent
head -c 200 "$STATE/index" >"$STATE/index.cut" && mv "$STATE/index.cut" "$STATE/index"
start_agent
check "a damaged state file is said and kept" test -s "$STATE/index.damaged" -a \
	"$(lines 'of no use')" = 1
check_tables "with counters from zero"
stop agent
rm -rf "$STATE"
start_agent
check "a state folder that cannot be made is said" wait_log agent "cannot write .*index" 15
check_tables "without a state file"
stop agent
install -d -o $NOBODY "$STATE"

# --- many rows ----------------------------------------------------------------------------------

rm -f "$PERIODS"/*
now=$(($(date +%s) / 30 * 30))
write_periods $now 2 100 100
start_agent
begin=${EPOCHREALTIME/./}
cpu=$(cpu_ms)
rows=$(by_number snmpbulkwalk -Cr25 $ENDPOINT $PAIR.3 | wc -l)
took=$(($(cpu_ms) - cpu))
say "      one column of $rows rows in $(ms_since "$begin") ms, $took ms CPU of agent and snmpd"
check "10,000 rows are walked with less than 3 s CPU" test "$rows" -ge 10000 -a "$took" -lt 3000
begin=${EPOCHREALTIME/./}
rows=$(by_number snmpbulkwalk -Cr25 $ENDPOINT $ROOT.1.7.1.5 | wc -l)
say "      one column of $rows rows of grappePeriodTable in $(ms_since "$begin") ms"
cpu=$(cpu_ms)
check_blocks $now
say "      its blocks, one snmpget each: $(($(cpu_ms) - cpu)) ms CPU of agent and snmpd"
cpu=$(cpu_ms)
got=$(by_number snmpbulkwalk -Cr10 $ENDPOINT $ROOT.1.3.1.2.$now | grep -c "^$ROOT.1.3.1.2.$now")
say "      its blocks by snmpbulkwalk, 10 in a request: $(($(cpu_ms) - cpu)) ms CPU"
check_equal "they are all there" "$(get grappePeriodInfoChunks.$now)" "$got"
stop agent
rm -f "$PERIODS"/* "$STATE"/*
write_periods $now 20 500 100
start_agent
memory=$(awk '/^VmRSS/ { print $2 }' "/proc/${LAB_PIDS[agent]}/status")
rows=$(get grappeAgentPairRows.0)
say "      $rows pairs x 20 periods: $memory kB resident"
check "50,000 pairs x 20 periods take less than 35 MB" test "$rows" -ge 50000 -a "$memory" -lt 35840
rows=$(by_number snmpbulkwalk -Cr25 $ENDPOINT $ROOT.1.7.1.5.$now | wc -l)
check "one period of them can be walked" test "$rows" -ge 50000
check "the agent ends on SIGTERM" stop agent
finish
