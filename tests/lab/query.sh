#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# grappe-query before a real collector with real agents and made-up traffic: all formats hold the numbers that
# were counted, also from the archives when the collector is down; waiting, estimates, refusals. Needs root (one
# namespace).
. "$(dirname "$0")/lib.sh"
lab_begin query
CAPTURE=$GRAPPE_BUILD/tests/lab/fake_capture
[ -x "$CAPTURE" ] || lab_die "no $CAPTURE: make tests/lab/fake_capture"
for tool in jq xmllint gnuplot; do command -v $tool >/dev/null || lab_die "no $tool here"; done
AGENT=$(program grappe-agent) && COLLECTOR=$(program grappe-collector) && QUERY=$(program grappe-query) || exit 1
SCHEMA=$LAB_SOURCE/doc/grappe-answer.xsd
LENGTH=2
declare -A PORT=([hostA]=1161 [hostB]=1162) FIRST=([hostA]=1 [hostB]=5)

start_host() { # HOST
	mkdir -p "$LAB_DIR/$1/periods" "$LAB_DIR/$1/state"
	cat >"$LAB_DIR/$1/agent.conf" <<-END
		agentx_socket = "$LAB_DIR/snmpd-$1.agentx"
		periods_directory = "$LAB_DIR/$1/periods"
		state_directory = "$LAB_DIR/$1/state"
		history = 40
	END
	start_snmpd "snmpd-$1" host "127.0.0.1:${PORT[$1]}" || finish
	start_in host "agent-$1" "$AGENT" --config "$LAB_DIR/$1/agent.conf"
	wait_ready "agent-$1" || finish
	start_in host "capture-$1" "$CAPTURE" "$LAB_DIR/$1/periods" $LENGTH "${FIRST[$1]}" 4
}

# As the default has it: the state beside the archives.
cat >"$LAB_DIR/collector.conf" <<END
period = ${LENGTH}s
allow_short_periods = yes
socket = "$LAB_DIR/collector.sock"
archive_directory = "$LAB_DIR/rrd"
state_directory = "$LAB_DIR/collector"
timeout = 200ms
history = 5
agent "hostA" { address = "127.0.0.1:1161" environment = "site-1" }
agent "hostB" { address = "127.0.0.1:1162" environment = "site-2" }
END

query() { "$QUERY" --socket "$LAB_DIR/collector.sock" "$@"; }
status_is() { [ "$(query status --format json | jq -r "$1")" = "$2" ]; }
periods() { wait_until $((EPOCHSECONDS / LENGTH * LENGTH + $1 * LENGTH)); }
truth() { cat "$LAB_LOG"/capture-*.log | awk -v f="$1" -v t="$2" 'NF == 5 && $1 > f && $1 <= t'; }

ns_add host
start_host hostA
start_host hostB
start_in host collector "$COLLECTOR" --config "$LAB_DIR/collector.conf"
wait_ready collector || finish
check "both agents are up" wait_for 10 status_is .agents_up 2
periods 6

# --- waiting, and not waiting

answer=$(query --last ${LENGTH}s --wait 20s --format json)
check_equal "the newest period, waited for, is exact" "true 1" "$(jq -r '"\(.exact) \(.periods_known)"' <<<"$answer")"
to=$(jq .to_s <<<"$answer")
from=$((to - 4 * LENGTH))
query --until $((EPOCHSECONDS + 60)) >"$LAB_DIR/out" 2>"$LAB_DIR/err"
check_equal "what is to come is handed back" 2 $?
check_equal "and prints nothing" "" "$(cat "$LAB_DIR/out")"
query --since 2001-01-01 --until 2001-01-02 --kind detail >"$LAB_DIR/out" 2>"$LAB_DIR/err"
check_equal "single periods that nobody kept are an error" 1 $?

# --- a mean in all formats: "receiver sender packets octets" in the window

window=(--from "$from" --to "$to")
truth "$from" "$to" | awk '{ p[$2 " " $3] += $4; o[$2 " " $3] += $5 }
	END { for (k in p) printf "%s %.0f %.0f\n", k, p[k], o[k] }' | sort >"$LAB_DIR/want"
check_equal "64 pairs were counted" 64 "$(wc -l <"$LAB_DIR/want")"
sums() { awk '{ printf "%s %s %.0f %.0f\n", $1, $2, $3 * $5, $4 * $5 }' | sort; }
from_json() { jq -r '.rows[] | "\(.receiver) \(.sender) \(.packets_per_period) \(.octets_per_period) \(.known_periods)"'; }
from_csv() { tail -n +2 | cut -d, -f1-5 | tr , ' '; }
from_xml() {
	sed -n 's/.*<row receiver="\([^"]*\)" sender="\([^"]*\)" packets_per_period="\([^"]*\)" octets_per_period="\([^"]*\)" known_periods="\([^"]*\)".*/\1 \2 \3 \4 \5/p'
}
for format in json csv xml; do
	query "${window[@]}" --format $format >"$LAB_DIR/mean.$format"
	"from_$format" <"$LAB_DIR/mean.$format" | sums >"$LAB_DIR/got"
	check "$format holds what was counted" diff "$LAB_DIR/want" "$LAB_DIR/got"
done
check "the XML fits its schema" xmllint --noout --schema "$SCHEMA" "$LAB_DIR/mean.xml"
query "${window[@]}" --ids >"$LAB_DIR/mean.text"
awk '/^mac-/ { print $1, $2, $3 }' "$LAB_DIR/mean.text" | sort >"$LAB_DIR/got"
check "text has the packets" diff <(cut -d' ' -f1-3 "$LAB_DIR/want") "$LAB_DIR/got"
check "and their sum" grep -q "^Total: $(awk '{ s += $3 } END { printf "%.0f", s }' "$LAB_DIR/want") packets, .* in 64 pairs$" "$LAB_DIR/mean.text"
check_equal "all formats say that all periods are known" "4 4 4 4" "$(jq -r '"\(.periods_known) \(.periods_wanted)"' "$LAB_DIR/mean.json") $(
	xmllint --xpath 'concat(//periods/@known, " ", //periods/@wanted)' "$LAB_DIR/mean.xml")"
check "text too" grep -q ": 4 of 4 periods of 2 s complete, exact" "$LAB_DIR/mean.text"

# --- single periods in all formats

truth "$from" "$to" | sort >"$LAB_DIR/want"
for format in text csv json xml; do
	query "${window[@]}" --kind detail --ids --format $format >"$LAB_DIR/detail.$format"
done
tail -n +2 "$LAB_DIR/detail.csv" | awk -F, '{ print $1, $3, $4, $5, $6 }' | sort >"$LAB_DIR/got"
check "CSV has each period ($(wc -l <"$LAB_DIR/want") rows)" diff "$LAB_DIR/want" "$LAB_DIR/got"
jq -r '.rows[] | "\(.end_s) \(.receiver) \(.sender) \(.packets) \(.octets)"' "$LAB_DIR/detail.json" | sort >"$LAB_DIR/got"
check "so has JSON" diff "$LAB_DIR/want" "$LAB_DIR/got"
sed -n 's/.*end_s="\([^"]*\)".* receiver="\([^"]*\)" sender="\([^"]*\)" packets="\([^"]*\)" octets="\([^"]*\)".*/\1 \2 \3 \4 \5/p' \
	"$LAB_DIR/detail.xml" | sort >"$LAB_DIR/got"
check "and XML" diff "$LAB_DIR/want" "$LAB_DIR/got"
check "which fits its schema" xmllint --noout --schema "$SCHEMA" "$LAB_DIR/detail.xml"
awk '/ mac-/ { print $5, $6, $7, $8 }' "$LAB_DIR/detail.text" | sort >"$LAB_DIR/got"
check "and text" diff <(cut -d' ' -f2- "$LAB_DIR/want" | sort) "$LAB_DIR/got"

# --- vectors and ratios: what the collector weighs, and what is weighed here, agree

query --to "$to" --coefficients 1,2,4,8 --format csv | from_csv | awk '{ printf "%s %s %.4f %.3f %s\n", $1, $2, $3, $4, $5 }' >"$LAB_DIR/got"
query "${window[@]}" --kind weighted --ratio 2 --format csv | from_csv | awk '{ printf "%s %s %.4f %.3f %s\n", $1, $2, $3, $4, $5 }' >"$LAB_DIR/want"
check "coefficients 1,2,4,8 are the ratio 2" diff "$LAB_DIR/want" "$LAB_DIR/got"
check_equal "of four periods" 4 "$(cut -d' ' -f5 "$LAB_DIR/got" | sort -u)"

# --- people's questions

check_equal "the three largest pairs and the rest are all" true "$(query "${window[@]}" --top 3 --format json |
	jq '.total.octets as $all | ([.rows[] | .octets_per_period * .known_periods] | add) + .rest.octets - $all | . < 1 and . > -1')"
check "by name" bash -c '"$@" | awk "NR > 3 && /vm5/ { n++ } END { exit !n }"' - "$QUERY" --socket "$LAB_DIR/collector.sock" --vm vm5 "${window[@]}"
check_equal "only pairs of that VM" 0 "$(query "${window[@]}" --vm vm5 --format json |
	jq '[.rows[] | select(.receiver_name != "vm5" and .sender_name != "vm5")] | length')"
check "since some seconds ago" test "$(query --since -6s --wait 10s --format json | jq '.rows | length')" -ge 64
check_equal "inventory in XML" 8 "$(query inventory --format xml | tee "$LAB_DIR/inventory.xml" | grep -c '<row ')"
check "which fits its schema" xmllint --noout --schema "$SCHEMA" "$LAB_DIR/inventory.xml"
query "${window[@]}" --gnuplot "$LAB_DIR/picture" >"$LAB_DIR/out"
check "a picture is drawn" bash -c "cd '$LAB_DIR/picture' && gnuplot matrix.gp && gnuplot -e \"format='png'\" matrix.gp"
check_equal "with a square for each pair" 64 "$(sed -n '/gnuplot_plot_2/,/<\/g>/p' "$LAB_DIR/picture/matrix.svg" | grep -c '<polygon')"
check "and the VMs' names" grep -q '>vm8<' "$LAB_DIR/picture/matrix.svg"

# --- a host that is gone

estimated() { query --last ${LENGTH}s --approximate --format "$1" >"$LAB_DIR/estimate" 2>"$LAB_DIR/err" && grep -q "$2" "$LAB_DIR/estimate"; }
refused() {
	query --last ${LENGTH}s --approximate >"$LAB_DIR/out" 2>"$LAB_DIR/err"
	[ $? = 2 ] && [ ! -s "$LAB_DIR/out" ] && grep -q "needed to estimate it, is missing too; ask again at" "$LAB_DIR/err"
}
signal snmpd-hostB STOP
check "the newest period is taken from the one before" wait_for 5 estimated text ", APPROXIMATE"
check "if that is missing too, the request is handed back" wait_for 10 refused
signal snmpd-hostB CONT
check "it is back" wait_for 15 status_is .agents_up 2
periods 2
check "CSV says of each row that it is an estimate" wait_for 5 estimated csv ",1,true$"
check "so does XML" wait_for 5 estimated xml 'exact="false" approximate="true"'
signal snmpd-hostB STOP
check "a host that is gone" wait_for 15 status_is .agents_up 1
periods 2
answer=$(query --last ${LENGTH}s --wait 20s --format xml)
check "what is unknown has no numbers" grep -q '<row receiver="[^"]*" known_periods="0" receiver_name="vm5"/>' <<<"$answer"
check_equal "and the answer says so" 0 "$(xmllint --xpath 'string(//periods/@known)' - <<<"$answer")"
query --last ${LENGTH}s --wait 20s --gnuplot "$LAB_DIR/picture" >"$LAB_DIR/out"
check "the picture has it hatched" bash -c "cd '$LAB_DIR/picture' && gnuplot matrix.gp && grep -q 'hatched: unknown' matrix.svg"
signal snmpd-hostB CONT

# --- the collector is down

written() { [ "$(query status --format json | jq .archive.written_end)" -ge "$to" ]; }
check "the window reaches the archives" wait_for 40 written
before=$(query "${window[@]}" --format csv | sort)
stop collector
query >"$LAB_DIR/out" 2>"$LAB_DIR/err"
check_equal "with the collector down nobody answers" 1 $?
check "which is said" grep -q "is grappe-collector running" "$LAB_DIR/err"
archive() { "$QUERY" --archive "$LAB_DIR/rrd" "$@"; }
archive "${window[@]}" --format csv | sort >"$LAB_DIR/got"
check "the archives hold the same, names too" diff <(echo "$before") "$LAB_DIR/got"
archive "${window[@]}" --kind detail --format csv | sort >"$LAB_DIR/got"
check "and the single periods" diff <(sort "$LAB_DIR/detail.csv") "$LAB_DIR/got"
check_equal "a VM is selected by its name" "$(grep -c vm5 <<<"$before")" "$(archive "${window[@]}" --vm vm5 --format csv | grep -c vm5)"
archive --to "$to" --coefficients 1,2,4,8 --format csv | from_csv | awk '{ printf "%s %s %.4f %.3f %s\n", $1, $2, $3, $4, $5 }' >"$LAB_DIR/got"
check "coefficients too" diff "$LAB_DIR/want" "$LAB_DIR/got"
archive "${window[@]}" --kind weighted --ratio 2 --format csv | from_csv | awk '{ printf "%s %s %.4f %.3f %s\n", $1, $2, $3, $4, $5 }' >"$LAB_DIR/got"
check "and ratios" diff "$LAB_DIR/want" "$LAB_DIR/got"
archive inventory --format json >"$LAB_DIR/archives.json"
check_equal "who has archives" "vm1 vm2 vm3 vm4 vm5 vm6 vm7 vm8" "$(jq -r '[.rows[].name] | sort | join(" ")' "$LAB_DIR/archives.json")"
check_equal "since before the window, until after it" true "$(jq "[.rows[] | .first_s <= $from and .last_s >= $to and .length_s == $LENGTH] | all" "$LAB_DIR/archives.json")"
check "as text" bash -c "'$QUERY' --archive '$LAB_DIR/rrd' inventory | grep -q '8 receivers'"
mv "$LAB_DIR/collector/inventory" "$LAB_DIR/elsewhere"
check_equal "without the inventory ids are shown" 64 "$(archive "${window[@]}" --format csv | cut -d, -f6 | grep -c ^mac-)"
check_equal "with it, wherever it is, names" 64 "$(archive --inventory "$LAB_DIR/elsewhere" "${window[@]}" --format csv | cut -d, -f6 | grep -c ^vm)"
archive --inventory "$LAB_DIR/nowhere" "${window[@]}" >"$LAB_DIR/out" 2>"$LAB_DIR/err"
check_equal "an inventory that is not there is an error" 1 $?
"$QUERY" --archive "$LAB_DIR/log" >"$LAB_DIR/out" 2>"$LAB_DIR/err"
check_equal "so is a folder without archives" 1 $?
finish
