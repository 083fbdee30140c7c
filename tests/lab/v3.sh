#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# SNMPv3 between grappe-collector and real snmpds: periods come by authPriv; a wrong key, an unknown user and a wrong
# privacy key are told as such; snmpd is restarted, set up anew with another engine ID, and loses its boots; silent agents
# hold nobody up; engine IDs outlive the collector; no key is seen anywhere. Needs root (one namespace).
. "$(dirname "$0")/lib.sh"
lab_begin v3
CAPTURE=$GRAPPE_BUILD/tests/lab/fake_capture
[ -x "$CAPTURE" ] || lab_die "no $CAPTURE: make tests/lab/fake_capture"
command -v jq >/dev/null || lab_die "no jq here"
AGENT=$(program grappe-agent) && COLLECTOR=$(program grappe-collector) && QUERY=$(program grappe-query) || exit 1
LENGTH=2
SILENT=20
AUTHENTICATION=kB4hZ2vYq9-authentic
PRIVACY=wN7mQ1xTr5-confident
OTHER=uJ3cD8pLs6-different
declare -A PORT=([hostA]=1161 [hostB]=1162) FIRST=([hostA]=1 [hostB]=5) ENGINE=([hostA]="engineID labhostA" [hostB]="engineID labhostB")

# master HOST - its snmpd. What it keeps (engine ID, boots) lies in a folder of its own, other than in start_snmpd.
master() {
	mkdir -p "$LAB_DIR/$1/snmp"
	cat >"$LAB_DIR/$1/snmpd.conf" <<-END
		agentaddress udp:127.0.0.1:${PORT[$1]}
		master agentx
		agentXSocket unix:$LAB_DIR/$1/agentx
		${ENGINE[$1]}
		createUser grappe SHA-256 "$AUTHENTICATION" AES "$PRIVACY"
		createUser strong SHA-512 "$AUTHENTICATION" AES-256 "$PRIVACY"
		createUser plain SHA "$AUTHENTICATION"
		createUser open
		rouser grappe priv
		rouser strong priv
		rouser plain auth
		rouser open noauth
	END
	start_in host "snmpd-$1" env SNMP_PERSISTENT_DIR="$LAB_DIR/$1/snmp" MIBS= "$(snmpd_path)" -f -r -C \
		-c "$LAB_DIR/$1/snmpd.conf" -Lo -I -smux
	wait_log "snmpd-$1" "NET-SNMP version" 15 || finish
}

start_host() { # HOST
	mkdir -p "$LAB_DIR/$1/periods" "$LAB_DIR/$1/state"
	cat >"$LAB_DIR/$1/agent.conf" <<-END
		agentx_socket = "$LAB_DIR/$1/agentx"
		periods_directory = "$LAB_DIR/$1/periods"
		state_directory = "$LAB_DIR/$1/state"
		history = 60
	END
	master "$1"
	start_in host "agent-$1" "$AGENT" --config "$LAB_DIR/$1/agent.conf"
	wait_ready "agent-$1" || finish
	start_in host "capture-$1" "$CAPTURE" "$LAB_DIR/$1/periods" $LENGTH "${FIRST[$1]}" 4
}

write_keys() { # FILE AUTHENTICATION PRIVACY
	(umask 077 && printf '# of the lab\nauthentication = "%s"\nprivacy = %s\n' "$2" "$3" >"$LAB_DIR/$1")
}

configure() { # how hostB is asked, then further agents
	cat >"$LAB_DIR/collector.conf" <<-END
		period = ${LENGTH}s
		allow_short_periods = yes
		socket = "$LAB_DIR/collector.sock"
		archive_directory = "$LAB_DIR/rrd"
		state_directory = "$LAB_DIR/state"
		timeout = 200ms
		history = 60
		snmp "all" { user = "grappe" keys_file = "$LAB_DIR/keys" }
		snmp "B" { $1 }
		agent "hostA" { address = "127.0.0.1:1161" snmp = "all" environment = "site-1" }
		agent "hostB" { address = "127.0.0.1:1162" snmp = "B" environment = "site-2" }
		${2:-}
	END
}
start_collector() {
	start_in host collector "$COLLECTOR" -v --config "$LAB_DIR/collector.conf"
	wait_ready collector || finish
}
reload() {
	configure "$@"
	signal collector HUP
}
query() { "$QUERY" --socket "$LAB_DIR/collector.sock" "$@"; }
status() { query status --format json | jq -r "$1"; }
status_is() { [ "$(status "$1")" = "$2" ]; }
newest() { [ "$(status ".agents[] | select(.name == \"$1\") | .last_end")" -ge $((EPOCHSECONDS / LENGTH * LENGTH)) ]; }
# Every agent that is up has delivered the period that ended last.
all_in() { newest hostA && newest hostB; }
periods() { wait_until $((EPOCHSECONDS / LENGTH * LENGTH + $1 * LENGTH)); }
hostb_says() { status '.agents[] | select(.name == "hostB") | .state + ": " + .error' | grep -q "$1"; }
engines() { grep -c "^127.0.0.1:.* [0-9a-f]*$" "$LAB_DIR/state/engines" 2>/dev/null; }
engine_of() { sed -n "s/^127.0.0.1:${PORT[$1]} //p" "$LAB_DIR/state/engines"; }

# --- periods by authPriv ------------------------------------------------------------------------

ns_add host
# What goes to 10.99.1.0/24 is taken, and never answered.
ip_in host link add dev silent type veth peer name nobody && ip_in host addr add 10.99.0.1/16 dev silent &&
	ip_in host link set dev silent up && ip_in host link set dev nobody up || finish
for ((i = 1; i <= SILENT; i++)); do
	ip_in host neigh add "10.99.1.$i" lladdr 02:00:00:00:99:01 dev silent nud permanent || finish
done
start_host hostA
start_host hostB
write_keys keys "$AUTHENTICATION" "$PRIVACY"
GOOD="user = \"grappe\" keys_file = \"$LAB_DIR/keys\""

chmod 640 "$LAB_DIR/keys"
configure "$GOOD"
in_ns host "$COLLECTOR" --config "$LAB_DIR/collector.conf" >"$LAB_DIR/refused" 2>&1
check_equal "keys that a group may read are refused" 1 $?
check "and told so, with what to do" grep -q "$LAB_DIR/keys: others than its owner have rights to it (mode 640); chmod 600 it" \
	"$LAB_DIR/refused"
chmod 600 "$LAB_DIR/keys"

periods 2
start_collector
check "both agents answer by SNMPv3" wait_for 10 status_is .agents_up 2
check "and deliver" wait_for 10 all_in
begin=$(status '.agents[0].last_end')
answer=$(query --last ${LENGTH}s --wait ${LENGTH}s --format json)
check_equal "a period is whole" "1 64" "$(jq -r '"\(.periods_known) \(.rows | length)"' <<<"$answer")"
wait_for 10 test -s "$LAB_DIR/state/engines"
check_equal "two engine IDs are kept" 2 "$(engines)"

# The other levels and algorithms, all by SIGHUP; hostB goes on owing nothing.
for how in strong:'user = "strong" authentication = SHA-512 privacy = AES-256 keys_file = "'"$LAB_DIR"'/keys"' \
	plain:'user = "plain" security = authNoPriv authentication = SHA keys_file = "'"$LAB_DIR"'/keys"' \
	open:'user = "open" security = noAuthNoPriv'; do
	reload "${how#*:}"
	periods 1
	check "user ${how%%:*} delivers" wait_for 5 all_in
done
check "a change of its user is told" grep -q "agent hostB (127.0.0.1:1162) is another one now" "$LAB_LOG/collector.log"

# --- what may be wrong --------------------------------------------------------------------------

write_keys wrong "$OTHER-1" "$PRIVACY"
reload "user = \"grappe\" keys_file = \"$LAB_DIR/wrong\""
check "a wrong authentication key is told" wait_for 10 hostb_says 'refused: user or authentication key is wrong .*"grappe"'
reload "user = \"nobody\" keys_file = \"$LAB_DIR/keys\""
check "an unknown user is told" wait_for 10 hostb_says 'refused: it does not know the user .*"nobody"'
reload "user = \"plain\" authentication = SHA keys_file = \"$LAB_DIR/keys\""
check "so is a user without privacy" wait_for 10 hostb_says 'refused: the user has no keys there for this security'
write_keys wrong "$AUTHENTICATION" "$OTHER-2"
reload "user = \"grappe\" keys_file = \"$LAB_DIR/wrong\""
check "a wrong privacy key, which no agent tells" wait_for 15 hostb_says 'is the privacy key right'
check "and logged" wait_log collector "agent hostB .*does not deliver: .*is the privacy key right" 5
chmod 604 "$LAB_DIR/wrong"
signal collector HUP
check "keys that others may read are refused" wait_log collector "snmp \"B\": $LAB_DIR/wrong: others than its owner" 5
check "and the agent stays as it was" wait_log collector "agent hostB stays as it was" 5
reload "$GOOD"
check "with the right keys it is back" wait_for 10 all_in
check "and said so" grep -q "agent hostB (127.0.0.1:1162) answers$" "$LAB_LOG/collector.log"

# --- engines ------------------------------------------------------------------------------------

before=$(engine_of hostA)
stop snmpd-hostA
master hostA
check "after a restart of snmpd (one boot more) periods come" wait_for 15 all_in
check_equal "from the same engine" "$before" "$(engine_of hostA)"
stop snmpd-hostA KILL
rm -rf "$LAB_DIR/hostA/snmp"
ENGINE[hostA]="engineID labhostA-anew"
master hostA
check "a host set up anew is found again" wait_for 15 all_in
check "and told" wait_log collector "agent hostA (127.0.0.1:1161) has another SNMP engine ID than before" 5
other_engine() { [ "$(engine_of hostA)" != "$before" ]; }
check "the new engine ID is kept" wait_for 10 other_engine
stop snmpd-hostB
master hostB
check "hostB has booted more often" wait_for 15 all_in
stop snmpd-hostB KILL
rm -rf "$LAB_DIR/hostB/snmp"
master hostB
check "an engine that lost its boots is trusted again" wait_for 15 all_in

# The same engine at a second address, as a cloned host has it.
reload "$GOOD" 'agent "clone" { address = "[::ffff:127.0.0.1]:1161" snmp = "all" }'
check "a clone is told" wait_log collector "agent clone .* has the same SNMP engine ID as 127.0.0.1:1161" 15
reload "$GOOD"

# --- the collector's own start ------------------------------------------------------------------

wait_for 10 test "$(engines)" = 2
stop collector
start_collector
check "after its start it goes on" wait_for 10 all_in
stop collector KILL
printf 'half a li' >"$LAB_DIR/state/engines"
start_collector
check "damaged engine IDs are set aside" wait_log collector "engines is damaged .* begins anew" 5
check "and learnt again" wait_for 10 all_in
check "the damaged file is kept" grep -q "half a li" "$LAB_DIR/state/engines.bad"

# --- silent agents ------------------------------------------------------------------------------

dead=$(for ((i = 1; i <= SILENT; i++)); do
	echo "agent \"dead$i\" { address = \"10.99.1.$i:161\" snmp = \"all\" }"
done)
reload "$GOOD" "$dead"
check "$SILENT silent agents are seen" wait_for 15 status_is '[.agents[] | select(.state == "down")] | length' $SILENT
missed=$(status '[.agents[:2][].missed] | add')
late=0
for ((i = 0; i < 5; i++)); do
	# Half a period after its end at the latest, by the deadline.
	wait_until "$((EPOCHSECONDS / LENGTH * LENGTH + LENGTH)).9"
	all_in || late=$((late + 1))
done
check_equal "beside them the live ones are in time, five times" 0 $late
check_equal "nothing of theirs was missed" "$missed" "$(status '[.agents[:2][].missed] | add')"
check_equal "a silent agent is told once" 1 "$(grep -c "agent dead7 .*does not deliver" "$LAB_LOG/collector.log")"
stop collector
start_collector
check "live ones come at once also after a start" wait_for 5 all_in
reload "$GOOD"

# --- nothing lost, nothing shown ----------------------------------------------------------------

end=$(status '.agents[1].last_end')
whole() {
	query --from $((begin - LENGTH)) --to "$end" --format json >"$LAB_DIR/answer"
	[ "$(jq '[.rows[] | select(.sender != null) | .known_periods] | min' "$LAB_DIR/answer")" = $(((end - begin) / LENGTH + 1)) ]
}
check "no period was lost in all of this ($(((end - begin) / LENGTH + 1)) periods)" wait_for 20 whole
"$COLLECTOR" --config "$LAB_DIR/collector.conf" --print-config >"$LAB_DIR/printed"
check "--print-config shows the user" grep -q 'user = "grappe"' "$LAB_DIR/printed"
status . >"$LAB_DIR/status"
pid=${LAB_PIDS[collector]}
tr '\0' '\n' <"/proc/$pid/cmdline" >"$LAB_DIR/command"
tr '\0' '\n' <"/proc/$pid/environ" >"$LAB_DIR/environment"
ps -eo args >"$LAB_DIR/processes"
for word in "$AUTHENTICATION" "$PRIVACY" "$OTHER"; do
	# A sensible search finds it where it must be.
	grep -rqF "$word" "$LAB_DIR/keys" "$LAB_DIR/wrong" "$LAB_DIR/hostA/snmpd.conf" || fail "no $word in the keys"
	check "no key in logs, state, archives, answers, arguments" bash -c '! grep -rlF -- "$@"' - "$word" "$LAB_LOG" \
		"$LAB_DIR/state" "$LAB_DIR/rrd" "$LAB_DIR/printed" "$LAB_DIR/status" "$LAB_DIR/command" "$LAB_DIR/environment" \
		"$LAB_DIR/processes"
done
finish
