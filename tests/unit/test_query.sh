#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# grappe-query as people and scripts run it, against a daemon that answers what this script wrote: all
# formats hold the same numbers, XML fits its schema, gnuplot draws the picture, answers that break off
# or lie are errors, memory does not grow with the answer.
set -u
export LC_ALL=C
srcdir=${srcdir:-.}
query=./grappe-query
daemon=./tests/fakes/canned_daemon
schema=$srcdir/doc/grappe-answer.xsd
work=$(mktemp -d "${TMPDIR:-/tmp}/grappe-query.XXXXXX") || exit 1
failed=0 passed=0 pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; wait; rm -rf "$work"' EXIT

check() { # NAME CMD...
	local name=$1
	shift
	if "$@" >"$work/check.out" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL $name: $*"
		tail -n 5 "$work/check.out"
	fi
}
check_equal() { # NAME WANTED GOT
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL $1: wanted"
		echo "$2" | head -n 20
		echo "got"
		echo "$3" | head -n 20
	fi
}

for tool in "$query" "$daemon" jq xmllint gnuplot script; do
	command -v "$tool" >/dev/null || { echo "$tool is missing"; exit 1; }
done

# --- what the daemon answers

tab=$'\t'
columns_mean='"columns":["receiver","sender","packets","octets","known"]'
columns_detail='"columns":["end","length","receiver","sender","packets","octets","known"]'
columns_vm='"columns":["id","name","host","environment","segment","vcpu","memory_bytes","addresses","since","seen","application"]'
window='"exact":true,"approximate":false,"periods":[9,10],"from":1800000000,"to":1800000300,"length":30'
caveats='"caveats":{"periods":9,"partial":0,"unsynchronised":2,"stepped":0,"estimated":1,"merged":0}'
id() { printf 'mac-%012x' "$1"; }

# answer OP HEADER - rows come on standard input, fields separated by spaces
answer() {
	local rows
	rows=$(tr ' ' '\t')
	{
		printf '{"status":"ok",%s}\n' "$2"
		[ -z "$rows" ] || printf '%s\n' "$rows"
		printf '.end %d\n' "$([ -z "$rows" ] || wc -l <<<"$rows")"
	} >"$work/answers/$1"
}

mkdir "$work/answers"
: >"$work/answers/inventory"
"$daemon" "$work/socket" "$work/answers" >"$work/requests" 2>"$work/daemon.log" &
pid=$!
for _ in $(seq 200); do
	grep -q READY "$work/daemon.log" && break
	kill -0 $pid || exit 1
	sleep 0.05
done
ask() { "$query" --socket "$work/socket" "$@"; }

# Names as hostile as they come: five VMs.
{
	printf '{"status":"ok",%s}\n' "$columns_vm"
	for n in 1 2 3 4 5; do
		case $n in
		1) name="it's <b>&amp;\"bold\"</b>" ;;
		2) name=$'`touch '$work$'/gotcha` %s %n @x $0' ;;
		3) name=$'\xff\xfe\xc2\x9b31m\xe2\x80\xaeb\xc3\xa4r' ;;
		4) name="a, b; = 'c' {/*} \\n" ;;
		5) name="vm5" ;;
		esac
		printf '%s\t%s\thostA\tsite-1\tdefault\t2\t536870912\t10.0.0.1 10.0.0.2\t1800000000\t1800000300\tshop\n' "$(id $n)" "$name"
	done
	printf '.end 5\n'
} >"$work/answers/inventory"
mean_rows() {
	cat <<-END
		$(id 1) $(id 2) 100 150000 10
		$(id 1) external 12.5 1e6 10
		$(id 2) $(id 1) 200 300000 6
		$(id 3) - - - 0
		$(id 4) - 0 0 9.5
		$(id 5) $(id 1) 50 2.5 10
		$(id 5) $(id 3) 7 400 10
	END
}
mean_rows | answer matrix "$window,$caveats,$columns_mean"

# --- the same numbers in every format

ask --format json >"$work/json"
check_equal "JSON says what the window is" '[1800000000,1800000300,"2027-01-15T08:00:00Z",30,true,9,10,2]' \
	"$(jq -c '[.from_s,.to_s,.from,.length_s,.exact,.periods_known,.periods_wanted,.caveats.unsynchronised]' "$work/json")"
wanted=$(mean_rows | awk '{ printf "%s %s %s %s %s\n", $1, $2, $3 == "-" ? "-" : $3 + 0, $4 == "-" ? "-" : $4 + 0, $5 }')
numbers() { awk '{ printf "%s %s %s %s %s\n", $1, $2, $3 == "-" ? "-" : $3 + 0, $4 == "-" ? "-" : $4 + 0, $5 }'; }
check_equal "JSON has the rows" "$wanted" "$(jq -r '.rows[] |
	"\(.receiver) \(.sender // "-") \(.packets_per_period // "-") \(.octets_per_period // "-") \(.known_periods)"' "$work/json" | numbers)"
ask --format csv >"$work/csv"
check_equal "so has CSV" "$wanted" "$(tail -n +2 "$work/csv" | cut -d, -f1-5 | tr , ' ' | numbers)"
check_equal "CSV tells the window's length" "10,false" "$(tail -n 1 "$work/csv" | sed 's/.*,\([0-9]*,[a-z]*\)$/\1/')"
ask --format xml >"$work/xml"
check "XML fits the schema" xmllint --noout --schema "$schema" "$work/xml"
attribute() { xmllint --xpath "string($1)" "$work/xml"; }
check_equal "XML has the rows" "$wanted" "$(for i in 1 2 3 4 5 6 7; do
	row=
	for key in receiver sender packets_per_period octets_per_period known_periods; do
		value=$(attribute "//row[$i]/@$key")
		row="$row ${value:--}"
	done
	echo "${row# }"
done | numbers)"
check_equal "XML says what the window is" "2027-01-15T08:00:00Z 2027-01-15T08:05:00Z 9 10 true false 2" \
	"$(attribute //window/@from) $(attribute //window/@to) $(attribute //periods/@known) $(attribute //periods/@wanted) $(
		attribute //periods/@exact) $(attribute //periods/@approximate) $(attribute //caveats/@unsynchronised)"
check_equal "the unknown has no attribute" 0 "$(xmllint --xpath 'count(//row[@receiver="'"$(id 3)"'"]/@packets_per_period)' "$work/xml")"
ask --ids >"$work/text"
check_equal "text has the sums, the largest first" "$(id 1) external 125 10.0 MB
$(id 2) $(id 1) 1200 1.8 MB
$(id 1) $(id 2) 1000 1.5 MB" "$(awk '/^mac/ { print $1, $2, $3, $4, $5 }' "$work/text" | head -n 3)"
check "and the unknown" grep -q "^$(id 3)  *- *unknown" "$work/text"
check "and says its zone" grep -q "^2027-01-15 08:00:00 to 2027-01-15 08:05:00 UTC: 9 of 10 periods" "$work/text"
check_equal "the total is that of the rows" "Total: 2895 packets, 13.3 MB in 5 pairs" "$(grep ^Total "$work/text")"

# --- names of strangers

bad=$'\xef\xbf\xbd'
check_equal "names are escaped for XML" "it's <b>&amp;\"bold\"</b>" "$(attribute '//row[1]/@receiver_name')"
check_equal "what is no character is replaced" "$bad$bad${bad}31m${bad}b"$'\xc3\xa4'"r" "$(attribute '//row[4]/@receiver_name')"
check_equal "names are escaped for JSON" "a, b; = 'c' {/*} \\n" "$(jq -r '.rows[4].receiver_name' "$work/json")"
check_equal "and for CSV" "\"it's <b>&amp;\"\"bold\"\"</b>\"" "$(sed -n '3s/.*,10,\(.*\),external,10,false/\1/p' "$work/csv")"
ask >"$work/text"
check "a terminal sees no controls" bash -c '! tr -d "\n" <"$1" | grep -qP "[\x00-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80\xae"' - "$work/text"

# --- the largest pairs

ask --top 2 --format json >"$work/top"
check_equal "the two largest, and the rest" '[2,5,13304025,3,1504025,1]' "$(jq -c \
	'[(.rows | length), .total.pairs, .total.octets, .rest.pairs, .rest.octets, .unknown_receivers]' "$work/top")"
check_equal "sums stay true" true "$(jq '.rest.octets + ([.rows[] | .octets_per_period * .known_periods] | add) == .total.octets' "$work/top")"
check_equal "by packets others are the largest" "$(id 2) $(id 1)" \
	"$(ask --top 1 --by packets --format json | jq -r '.rows[0] | .receiver + " " + .sender')"
check "text sums up what is left out" bash -c '"$@" | grep -q "^(rest)  *4 pairs .* 24.8 %"' - "$query" --socket "$work/socket" --top 1
ask --top 2 --format xml >"$work/xml"
check "XML with sums fits the schema" xmllint --noout --schema "$schema" "$work/xml"

# --- the picture

ask --gnuplot "$work/picture" --by packets >/dev/null
draw() { env -C "$work/picture" LC_ALL=C.UTF-8 gnuplot "$@" matrix.gp; }
check "gnuplot draws it" draw
check_equal "without a warning" "" "$(draw 2>&1)"
check "as an SVG" xmllint --noout --nonet "$work/picture/matrix.svg"
check "and as a PNG" draw -e "format='png'; logarithmic=1"
check_equal "of some size" PNG "$(head -c 4 "$work/picture/matrix.png" | tail -c 3)"
check_equal "names run nothing" "" "$(ls "$work/gotcha" 2>/dev/null)"
# Squares: polygons with a grey; the darkest is the largest pair, in the place of receiver 2, sender 1.
squares=$(sed -n '/gnuplot_plot_3/,/<\/g>/s/.*fill = .rgb( *\([0-9]*\), *\([0-9]*\), *\([0-9]*\)). points = .\([0-9.]*\),\([0-9.]*\) .*/\1 \2 \3 \4 \5/p' \
	"$work/picture/matrix.svg")
check_equal "a square for each pair that received" 5 "$(wc -l <<<"$squares")"
check_equal "all grey" "" "$(awk '$1 != $2 || $2 != $3' <<<"$squares")"
check_equal "the most is black" "0" "$(sort -n <<<"$squares" | head -n 1 | cut -d' ' -f1)"
check_equal "little is light, but no white" "2 1" "$(awk '$1 > 190 { n++ } $1 > 240 { white++ } END { print n + 0, 1 - white }' <<<"$squares")"
# By names: those of 2, 4, 1, 5, 3, then what is no VM.
check_equal "where they belong" "$(printf '%s\n' "1 3 1000" "3 1 1200" "3 4 500" "5 4 70" "6 3 125")" \
	"$(grep -E '^[0-9]+ [0-9]+ [0-9]' "$work/picture/matrix.dat" | sort)"
check_equal "and hatched squares where nothing is known" 5 "$(awk '/Index 1/ { on = 1 } on && /^[0-9]+ [0-9]+$/' "$work/picture/matrix.dat" | wc -l)"
check "the picture says so" grep -q "hatched: unknown" "$work/picture/matrix.svg"
check "and how much is known" grep -q "9 of 10 periods of 30 s complete, exact" "$work/picture/matrix.svg"
check "and the unit of its scale" grep -q "thousand packets received in the window" "$work/picture/matrix.svg"

# --- single periods, and vectors applied to them

detail_rows() {
	cat <<-END
		1799999970 30 $(id 1) $(id 2) 100 1000 1
		1799999970 30 $(id 2) - - - 0
		1800000000 30 $(id 1) $(id 2) 200 2000 1
		1800000000 30 $(id 2) $(id 1) 10 100 1
		1800000030 30 $(id 1) $(id 2) 300 3000 1
		1800000030 30 $(id 2) $(id 1) 20 200 0.5
	END
}
detail_rows | answer matrix \
	"\"exact\":true,\"approximate\":true,\"periods\":[2,3],\"from\":1799999940,\"to\":1800000030,\"length\":30,$columns_detail"
echo '{"status":"ok","data":{"program":"grappe-collector","length":30}}
.end 0' >"$work/answers/status"
check_equal "detail as CSV" "$(detail_rows | tr ' ' ,)" "$(ask --kind detail --format csv | tail -n +2 | cut -d, -f1-7)"
check_equal "detail as JSON" "$(detail_rows)" "$(ask --kind detail --format json | jq -r '.rows[] |
	"\(.end_s) \(.length_s) \(.receiver) \(.sender // "-") \(.packets // "-") \(.octets // "-") \(.known_share)"')"
check_equal "detail as text" "$(detail_rows | cut -d' ' -f 3-7)" "$(ask --kind detail --ids | awk '/ mac-/ { print $5, $6, $7, $8, $9 }')"
ask --kind detail --format xml >"$work/xml"
check "detail as XML fits the schema" xmllint --noout --schema "$schema" "$work/xml"
check_equal "and has all rows" 6 "$(xmllint --xpath 'count(//row)' "$work/xml")"
: >"$work/requests"
ask --coefficients 0.1,0.2,0.7 --format json >"$work/json"
check "as many periods are asked for as there are coefficients" grep -q '"from":-90,.*"kind":"detail"' "$work/requests"
check_equal "a vector is applied: 260 of three periods, 16 / 0.55 of one and a half" "[[260000,3],[29091,1.5]]" \
	"$(jq -c '[.rows[] | [(.packets_per_period * 1000 | round), .known_periods]]' "$work/json")"
check_equal "and told" '[1,2,7]' "$(jq -c '[.coefficients[] * 10 | round]' "$work/json")"
ask --coefficients 0.1,0.2,0.7 --format xml >"$work/xml"
check "in XML too" xmllint --noout --schema "$schema" "$work/xml"
check_equal "for one VM" "$(id 2)" "$(ask --coefficients 1,1,1 --vm "$(id 2)" --format csv | tail -n 1 | cut -d, -f1)"
ask --coefficients 1,1,1 --vm nobody 2>"$work/err"
check_equal "an unknown VM is an error" 1 $?

# --- an inventory

ask inventory --format xml >"$work/xml"
check "the inventory fits the schema" xmllint --noout --schema "$schema" "$work/xml"
check_equal "and holds the VMs" 5 "$(xmllint --xpath 'count(//row)' "$work/xml")"
check_equal "as JSON does" 5 "$(ask inventory --format json | jq '.rows | length')"

# --- answers that are none

# refuse NAME CODE PATTERN ARGUMENTS...
refuse() {
	local name=$1 code=$2 pattern=$3 got
	shift 3
	ask "$@" >"$work/out" 2>"$work/err"
	got=$?
	check_equal "$name: exit code" "$code" "$got"
	check "$name: $(cat "$work/err")" grep -qE "$pattern" "$work/err"
}
mean_rows | answer matrix "$window,$caveats,$columns_mean"
head -c -4 "$work/answers/matrix" >"$work/cut" && mv "$work/cut" "$work/answers/matrix"
for format in text csv json xml; do refuse "$format of half an answer" 1 "broke off after 7 rows|ends in the middle|not all" --format $format; done
check "half an XML document is none" bash -c '! xmllint --noout "$1"' - "$work/out"
refuse "JSON of half an answer" 1 "broke off" --format json
check "half a JSON document is none" bash -c '! jq . "$1"' - "$work/out"
mean_rows | sed '3s/ 200 / -200 /' | answer matrix "$window,$caveats,$columns_mean"
refuse "a number that is none" 1 "form that is not known" --format csv
mean_rows | sed '3s/ 200 / nan /' | answer matrix "$window,$caveats,$columns_mean"
refuse "not a number" 1 "form that is not known"
mean_rows | sed 's/ 10$//' | answer matrix "$window,$caveats,$columns_mean"
refuse "a column too few" 1 "is no good|broke off"
mean_rows | answer matrix "$window,$caveats,$columns_detail"
refuse "the wrong columns" 1 "form that is not known"
mean_rows | answer matrix "$window,$caveats,$columns_mean"
sed -i 's/^\.end .*/.end 3/' "$work/answers/matrix"
refuse "a count that lies" 1 "broke off" --format csv
printf '{"status":"error","error":"no\\u001b[2J"}\n.end 0\n' >"$work/answers/matrix"
refuse "a refusal" 1 "grappe-query: no \[2J"
check "without controls" bash -c '! grep -qP "\x1b" "$1"' - "$work/err"
printf '{"status":"later","error":"not in","retry_at":1800000000}\n.end 0\n' >"$work/answers/matrix"
refuse "what is handed back" 2 "not in; ask again at 2027-01-15 08:00:00 UTC \(1800000000\)"
check_equal "prints nothing" "" "$(cat "$work/out")"
"$query" --socket "$work/nobody" >"$work/out" 2>"$work/err"
check_equal "nobody there is an error" 1 $?
check "that says what to do" grep -q "is grappe-collector running" "$work/err"

# --- a long answer, in little memory; progress on a terminal

{
	printf '{"status":"ok","exact":true,"approximate":false,"periods":[120,120],"from":1800000000,"to":1800003600,"length":30,%s}\n' "$columns_detail"
	awk -v t="$tab" 'BEGIN { for (p = 1; p <= 120; p++) for (r = 1; r <= 100; r++) for (s = 1; s <= 50; s++)
		printf "%d\t30\tmac-%012x\tmac-%012x\t%d\t%d\t1\n", 1800000000 + 30 * p, r, s + r, 100 + s, 150000 + r
		print ".end 600000" }'
} >"$work/answers/matrix"
size=$(stat -c %s "$work/answers/matrix")
sum=$(ask --kind detail --format csv | awk -F, 'NR > 1 { n++; s += $5 } END { printf "%d %d", n, s }')
check_equal "all of a long answer" "600000 75300000" "$sum"
# Sanitizers need memory of their own.
if ! grep -q fsanitize config.status; then
	check_equal "in 24 MB, though it has $((size / 1000000)) MB" 600000 \
		"$(ulimit -d 24000 && ask --kind detail --format json | grep -c '^{"end_s"')"
fi
ask --kind detail --format csv 2>"$work/err" | head -n 1 >/dev/null
check_equal "no progress where there is no terminal" "" "$(cat "$work/err")"
mkfifo "$work/slow"
(
	exec 3<"$work/slow"
	sleep 1.5 # what reads slowly takes longer than a second
	cat <&3 >/dev/null
) &
script -qec "$query --socket $work/socket --kind detail --format csv >$work/slow" "$work/terminal" >/dev/null </dev/null ||
	: <>"$work/slow" # without a terminal nobody writes, and its reader would wait for ever
wait $!
check "progress on a terminal" grep -qE $'\r[0-9]+ rows' "$work/terminal"
check "which is gone at the end" bash -c 'tail -c 20 "$1" | grep -qP "\r\x1b\[K" || tail -n 3 "$1" | grep -qP "\r\x1b\[K"' - "$work/terminal"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 70 ]
