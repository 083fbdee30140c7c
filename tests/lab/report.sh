#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The page of grappe report in a browser: light and dark, on a telephone, on paper. Needs root for nothing but lib.sh.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/lib.sh"
lab_begin report
command -v chromium >/dev/null || lab_die "no chromium: apt-get install chromium"
GRAPPE=$(program grappe) || exit 1

make_report() {
	(cd "$GRAPPE_BUILD" && bash "$LAB_SOURCE/tests/fakes/report_world.sh" "$LAB_DIR") &&
		(cd "$LAB_DIR" && "$GRAPPE" report --config manager.conf --archive rrd --placement places.csv \
			--since 2026-11-23 --until 2026-11-24 --format html --output report.html)
}

# browse ARGS... - a browser without a window, a network or a past.
browse() {
	timeout 60 chromium --headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
		--disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$LAB_DIR/profile" "$@" 2>>"$LAB_LOG/chromium.log"
}
# brightness PNG - of its commonest colour, 0 to 255.
brightness() {
	local colour
	colour=$(python3 "$here/png_colours.py" "$1" | sed -n '1s/.* //p')
	echo $(((16#${colour:0:2} + 16#${colour:2:2} + 16#${colour:4:2}) / 3))
}

check "a report of a day" make_report
check "a picture of it" browse --window-size=1100,1600 --screenshot="$LAB_DIR/light.png" "file://$LAB_DIR/report.html"
check "  for those who like dark pages" browse --window-size=1100,1600 --blink-settings=preferredColorScheme=0 \
	--screenshot="$LAB_DIR/dark.png" "file://$LAB_DIR/report.html"
check "the one is light" [ "$(brightness "$LAB_DIR/light.png")" -gt 200 ]
check "the other is dark" [ "$(brightness "$LAB_DIR/dark.png")" -lt 60 ]
check "on paper" browse --print-to-pdf="$LAB_DIR/report.pdf" "file://$LAB_DIR/report.html"
pages=$(grep -ac '/Type /Page$' "$LAB_DIR/report.pdf")
check "  it has pages ($pages)" [ "$pages" -ge 1 ]
check "  and no more than ten" [ "$pages" -le 10 ]

# How wide the page is in a frame of a telephone: measured by a page around it, for it runs no script itself.
cat >"$LAB_DIR/frame.html" <<'END'
<!DOCTYPE html><body><iframe id="f" width="390" height="800" src="report.html"></iframe><p id="p"></p><script>
onload = () => { const d = document.getElementById("f").contentDocument.documentElement;
	document.getElementById("p").textContent = "width " + d.scrollWidth + " of " + d.clientWidth; }
</script>
END
browse --allow-file-access-from-files --virtual-time-budget=3000 --dump-dom "file://$LAB_DIR/frame.html" >"$LAB_DIR/dom"
check_equal "on a telephone nothing sticks out" "width 390 of 390" "$(grep -o 'width [0-9]* of [0-9]*' "$LAB_DIR/dom")"
finish
