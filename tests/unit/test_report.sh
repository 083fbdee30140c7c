#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# grappe report over a day of archives: text, JSON and page say the same; strangers' names do no harm;
# what is missing is told as missing; mail arrives whole.
set -u
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/grappe-report.XXXXXX") || exit 1
trap 'rm -rf "$folder"' EXIT
export LC_ALL=C TZ=UTC
failed=0
check() { # NAME CMD...
	local name=$1
	shift
	if "$@" >"$folder/out" 2>&1; then echo "ok    $name"; else
		echo "FAIL  $name: $*" && tail -n 5 "$folder/out" && failed=1
	fi
}
equal() { if [ "$2" = "$3" ]; then echo "ok    $1 ($3)"; else echo "FAIL  $1: wanted $2, got $3" && failed=1; fi; }
near() { # NAME WANTED GOT PERCENT
	if awk -v a="$2" -v b="$3" -v p="$4" 'BEGIN { d = a - b; if (d < 0) d = -d; exit !(b ~ /^[0-9.e+]+$/ && d <= a * p / 100) }'; then
		echo "ok    $1 ($3)"
	else echo "FAIL  $1: wanted $2 within $4 %, got $3" && failed=1; fi
}
report() { ./grappe report --config "$folder/manager.conf" --archive "$folder/rrd" --placement "$folder/places.csv" --since 2026-11-23 --until 2026-11-24 "$@"; }
field() { jq -c "$1" "$folder/report.json"; }

bash "$source/tests/fakes/report_world.sh" "$folder" >"$folder/out" 2>&1 || { cat "$folder/out" && exit 1; }
check "a report as JSON" report --format json --output "$folder/report.json"
check "as a page" report --format html --output "$folder/report.html"
check "as text" report --output "$folder/report.txt"

# --- what it says -------------------------------------------------------------------------------

equal "the window" "[1795392000,1795478400]" "$(field '[.window.from, .window.to]')"
equal "ten VMs with their place" 10 "$(field .vms)"
equal "three groups" 3 "$(field .groups.count)"
equal "  their shapes" '["chain","ring","star"]' "$(field '[.groups.items[].shape] | sort | map(if . == "all-to-all" then "chain" else . end)')"
# On average over a sine of which a day is a whole turn.
near "the database to one side, B/s" 750000 "$(field '[.traffic.top[] | select(.octets_per_s > 0)] | .[0].octets_per_s')" 3
equal "two lines of traffic between sites at most" true "$(field '.between_environments.lines | length <= 2')"
# From 06:00 to 08:00 nobody watched site-2: no number, not zero.
equal "a hole is no zero" true "$(field '[.between_environments as $b | range(0; $b.lines[0].octets_per_s | length) |
	select($b.from + (. + 1) * $b.step_s > 1795392000 + 6.2 * 3600 and $b.from + . * $b.step_s < 1795392000 + 7.8 * 3600) |
	$b.lines[0].octets_per_s[.]] | length > 0 and all(. == null)')"
equal "receivers with holes are named" true "$(field '.completeness.incomplete_receivers >= 4')"
equal "outcomes: events since the window began" '["effect","approved","posted","created"]' "$(field '[.outcomes[0].events[].event] | reverse')"
equal "  not those before" 0 "$(field '[.outcomes[].events[] | select(.text == "before the window")] | length')"
equal "prices" 0.02 "$(field '.environments.items[0].price_vcpu_hour')"
for word in "ring" "star" "site-1" "site-2" "EUR" "approved"; do
	check "the text tells $word" grep -q -- "$word" "$folder/report.txt"
	check "the page, too" grep -q -- "$word" "$folder/report.html"
done

# --- the page -----------------------------------------------------------------------------------

check "the page is well-formed" xmllint --noout --nonet "$folder/report.html"
without() { ! grep -qiE -- "$1" "$folder/report.html"; }
check "  has no script" without '<script|javascript:|[[:space:]]on[a-z]+='
check "  fetches nothing" without '(src|href)="?(https?:)?//|url\(["'\'']?(https?:)?//|@import'
check "  forbids both" grep -q 'Content-Security-Policy' "$folder/report.html"
count() { xmllint --xpath "count($1)" "$folder/report.html" 2>/dev/null; }
pictures=$(count "//*[local-name()='svg'][@role='img']")
equal "  has pictures" true "$([ "$pictures" -ge 5 ] && echo true || echo "$pictures")"
equal "  each with its title" "$pictures" "$(count "//*[local-name()='svg'][@role='img'][*[local-name()='title']]")"
check "  follows light and dark" grep -q 'prefers-color-scheme' "$folder/report.html"
check "  fits a telephone" grep -q 'width=device-width' "$folder/report.html"

# --- strangers ----------------------------------------------------------------------------------

hostile='</script><img src=x onerror=alert(1)>"&'
sed "s|site-1,hostA|${hostile//&/\\&},hostA|" "$folder/places.csv" >"$folder/hostile.csv"
sed 's|"text": "2 moves"|"text": "<b onclick=x>\\u202e\\u0007& \\"moves\\""|' "$folder/state/history.jsonl" >"$folder/history" &&
	cp "$folder/history" "$folder/state/history.jsonl"
check "with hostile names" ./grappe report --config "$folder/manager.conf" --archive "$folder/rrd" \
	--placement "$folder/hostile.csv" --since 2026-11-23 --until 2026-11-24 --format html --output "$folder/report.html"
check "  it is well-formed" xmllint --noout --nonet "$folder/report.html"
check "  they are text" grep -q '&lt;/script&gt;&lt;img src=x' "$folder/report.html"
equal "  no element came of them" 0 "$(count "//*[local-name()='img' or local-name()='b' or local-name()='script']")"
check "  marks of direction are gone" without "$(printf '\342\200\256')"

# --- mistakes -----------------------------------------------------------------------------------

fails() { # PATTERN ARGS...
	local pattern=$1
	shift
	if report "$@" >"$folder/out" 2>&1; then return 1; fi
	grep -q -- "$pattern" "$folder/out"
}
check "a time that is none" fails "is no time" --until soon
check "a window that ends before it begins" fails "ends before it begins" --until 2026-11-22
check "a format that is none" fails "must be one of" --format pdf
check "mail without addresses" fails "needs mail_to and mail_from" --mail

# --- mail ---------------------------------------------------------------------------------------

cat >"$folder/sendmail" <<END
#!/bin/sh
printf '%s\n' "\$@" >"$folder/words"
exec cat >"$folder/message"
END
chmod 755 "$folder/sendmail"
cat >>"$folder/manager.conf" <<END
mail_to = { "noc@example.org", "desk@example.org" }
mail_from = "grappe@example.org"
sendmail = "$folder/sendmail"
END
check "by mail" report --mail
equal "  how sendmail is called" "-i -f grappe@example.org -- noc@example.org desk@example.org" "$(tr '\n' ' ' <"$folder/words" | sed 's/ $//')"
cat >"$folder/read.py" <<'END'
import email, email.policy, sys
message = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
assert not message.defects, message.defects
assert message["To"] == "noc@example.org, desk@example.org", message["To"]
assert message["Subject"] == "Grappe: 2026-11-23 00:00:00 UTC to 2026-11-24 00:00:00 UTC", message["Subject"]
assert message["Date"] and message.get_content_type() == "multipart/alternative"
text, page = message.iter_parts()
assert text.get_content_type() == "text/plain" and page.get_content_type() == "text/html"
assert text.get_content() == open(sys.argv[2], encoding="utf-8").read()
assert page.get_content().lstrip().startswith("<"), page.get_content()[:40]
assert "prefers-color-scheme" in page.get_content()
END
check "the same text" report --output "$folder/report.txt"
# The moment of making stands in both.
strip_times() { sed -i 's/[0-9][0-9]:[0-9][0-9]:[0-9][0-9]/TIME/g' "$@"; }
python3 - "$folder/message" "$folder/text" <<'END'
import email, email.policy, sys
message = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
open(sys.argv[2], "w", encoding="utf-8").write(next(message.iter_parts()).get_content())
END
cp "$folder/text" "$folder/text.sent"
check "  arrives whole" python3 "$folder/read.py" "$folder/message" "$folder/text.sent"
strip_times "$folder/text" "$folder/report.txt"
check "  as it is printed" diff "$folder/text" "$folder/report.txt"
printf '#!/bin/sh\necho no route to host >&2\nexit 75\n' >"$folder/sendmail"
check "sendmail fails" fails "it ended with 75: no route to host" --mail
sed -i 's|^sendmail = .*|sendmail = "/nonexistent/sendmail"|' "$folder/manager.conf"
check "there is no sendmail" fails "/nonexistent/sendmail: No such file" --mail
sed -i 's|noc@example.org|-oQ/tmp|' "$folder/manager.conf"
check "an address that is an option" fails 'is no address' --mail
exit $failed
