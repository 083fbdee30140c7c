#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A real Cacti imports the template of rrd/cacti, asks the snmpds of two hosts for their pairs while VMs talk,
# and draws them: what is in Cacti's RRD files is what the agents counted, and the pictures are in the pages of
# its web interface. It also draws an archive that grappe-collector writes, as doc/cacti.md says. Needs root.
set -u
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
lab_begin cacti "gca-$$-"
. "$here/topology.sh"
. "$here/cacti_server.sh"
cacti_need
FILES=$LAB_DIR/pkg
COLOURS="python3 $here/png_colours.py"

# --- the world ----------------------------------------------------------------------------------

topology_up || lab_die "no topology"
topology_vm web1 hostA 1
topology_vm web2 hostA 2
topology_vm db1 hostB 3
# The files as they are installed.
make -s -C "$GRAPPE_BUILD" install-dist_cactiDATA install-nodist_cactiDATA DESTDIR="$FILES" >"$LAB_LOG/files.log" 2>&1
TEMPLATE=$(find "$FILES" -name cacti_host_template_grappe.xml)
QUERY=$(find "$FILES" -name grappe_pairs.xml)
check "template and data query are installed" test -f "$TEMPLATE" -a -f "$QUERY"
start_sensors || finish
start_the_collector || finish
# web1 and web2 receive from the same peer.
talk() { # FROM TO PORT PACKETS_PER_SECOND OCTETS - at a steady rate, both ways
	start_in "$2" "server-$3" iperf3 -s --forceflush -p "$3"
	wait_log "server-$3" listening || return 1
	start_in "$1" "client-$3" iperf3 -u --bidir -b $(($4 * $5 * 8)) -l "$5" -t 600 -c "${VM_ADDRESS[$2]}" -p "$3"
}
talk web2 web1 5201 100 1000 && talk db1 web1 5202 200 200 && talk db1 web2 5203 50 600 || finish
cacti_start mon || { tail -n 20 "$LAB_LOG"/cacti-install.log "$LAB_LOG"/mariadb.log && lab_die "Cacti does not start"; }
say "Cacti $(cacti_sql 'SELECT cacti FROM version') serves"

# --- the template -------------------------------------------------------------------------------

stock() { cacti_sql "SELECT * FROM data_input WHERE hash = 'bf566c869ac6443b0c75d1c32b5a350e';
	SELECT * FROM data_input_fields WHERE data_input_id = (SELECT id FROM data_input WHERE
	hash = 'bf566c869ac6443b0c75d1c32b5a350e'); SELECT * FROM graph_templates_gprint"; }
stock >"$LAB_DIR/stock"
cp "$QUERY" "$CACTI_DIR/share/resource/snmp_queries/"
cp "$TEMPLATE" "$CACTI_DIR/"
import() { cacti_cli import_template.php --filename="$CACTI_DIR/cacti_host_template_grappe.xml" --profile-id="$CACTI_PROFILE"; }
import >"$LAB_LOG/import.log" 2>&1
check_equal "all of the template is taken" "6 0" "$(grep -c '\[success\]' "$LAB_LOG/import.log") $(grep -ci 'unmet\|fail' "$LAB_LOG/import.log")"
import >"$LAB_LOG/import2.log" 2>&1
check_equal "a second import finds it as it is" 6 "$(grep -c '\[unchanged\]' "$LAB_LOG/import2.log")"
check "Cacti's own objects are as they were" diff "$LAB_DIR/stock" <(stock)
check_equal "data sources are of the type DERIVE, from 0" "3 0 3 0" \
	"$(cacti_sql "SELECT data_source_type_id, rrd_minimum FROM data_template_rrd JOIN data_template ON
	data_template.id = data_template_id WHERE name LIKE 'Grappe%' AND local_data_id = 0" | tr '\n\t' '  ' | sed 's/ $//')"

# --- devices and graphs -------------------------------------------------------------------------

id_of() { cacti_sql "SELECT id FROM $1 WHERE name = '$2'"; }
device_template=$(id_of host_template "Grappe Host")
query=$(id_of snmp_query "Grappe - received by VM and peer")
wait_for 30 in_ns mon snmpget -v2c -c public 10.99.0.12 .1.3.6.1.4.1.8072.9999.9999.1.1.11.0
# Both hosts have counted at least two periods.
wait_until "$(($(next_boundary 2) + 3))"
for host in hostA hostB; do
	cacti_cli add_device.php --description=$host --ip="${TOPOLOGY_MANAGEMENT[$host]}" --template="$device_template" \
		--version=2 --community=public --avail=none >"$LAB_LOG/device-$host.log" 2>&1
	check "device $host is added" grep -q "Success" "$LAB_LOG/device-$host.log"
done
device() { cacti_sql "SELECT id FROM host WHERE description = '$1'"; }
rows() { cacti_sql "SELECT field_value FROM host_snmp_cache WHERE host_id = $(device "$1") AND field_name = '$2' ORDER BY snmp_index"; }
walk() { in_ns mon snmpbulkwalk -v2c -c public -OqvU "${TOPOLOGY_MANAGEMENT[$1]}" ".1.3.6.1.4.1.8072.9999.9999.1.6.1.$2" | tr -d '"'; }
check "Cacti's rows are those of the agent" diff <(walk hostA 7 | sort) <(rows hostA pairKey | sort)
check "there are four" test "$(rows hostA pairKey | wc -l)" = 4
check "with names of VMs and peers" diff <(walk hostA 10 | sort && walk hostA 8 | sort) <(rows hostA pairVm | sort && rows hostA pairPeer | sort)
check "as people know them" grep -qx web2 <(rows hostA pairVm)
check_equal "it sorts by the unique key" pairKey "$(cacti_sql "SELECT DISTINCT sort_field FROM host_snmp_query WHERE snmp_query_id = $query")"
add_graphs() { # HOST KIND
	cacti_cli add_graphs.php --host-id="$(device "$1")" --graph-type=ds --snmp-query-id="$query" \
		--graph-template-id="$(id_of graph_templates "Grappe - ${2,} received")" \
		--snmp-query-type-id="$(cacti_sql "SELECT id FROM snmp_query_graph WHERE snmp_query_id = $query AND name = '${2^}/s'")" \
		--snmp-field=pairVm --snmp-value-regex='^(web|db)'
}
for host in hostA hostB; do for kind in bytes packets; do add_graphs $host $kind >>"$LAB_LOG/graphs.log" 2>&1; done; done
graphs() { cacti_sql "SELECT count(*) FROM graph_local WHERE snmp_query_id = $query"; }
check_equal "a graph of bytes and one of packets for each row" $((2 * ($(walk hostA 7 | wc -l) + $(walk hostB 7 | wc -l)))) "$(graphs)"
before=$(graphs)
add_graphs hostA bytes >>"$LAB_LOG/graphs.log" 2>&1
check_equal "asked again, none is added" "$before" "$(graphs)"
graph_of() { cacti_sql "SELECT local_graph_id FROM graph_templates_graph WHERE title_cache = '$1'"; }
bytes_graph=$(graph_of "hostA - web1 from 10.77.0.3")
check "titles have VM and peer" test -n "$bytes_graph" -a -n "$(graph_of "hostA - web1 from 10.77.0.3 (packets)")"

# --- polls --------------------------------------------------------------------------------------

# What the agents counted from now to the end of the polls, over whole periods.
counters() { # FILE
	local host
	for host in hostA hostB; do
		paste -d' ' <(walk $host 7) <(walk $host 3) <(walk $host 4) |
			sed "s/^/$host $(in_ns mon snmpget -v2c -c public -Oqv "${TOPOLOGY_MANAGEMENT[$host]}" \
				.1.3.6.1.4.1.8072.9999.9999.1.1.3.0) /"
	done >"$1"
}
wait_until "$(($(next_boundary) / CACTI_STEP * CACTI_STEP + CACTI_STEP + 3))"
counters "$LAB_DIR/before"
check "the poller runs for a minute" cacti_poll
counters "$LAB_DIR/after"
check_equal "it complains of nothing" "" "$(grep -E 'ERROR|WARNING' "$CACTI_DIR/log/cacti.log" | grep -vE 'PHP DEPRECATED|Backtrace|AUTOM8' | head -n 3)"
# "HOST KEY DS FILE" of each data source
cacti_sql "SELECT h.description, c.field_value, r.data_source_name, d.data_source_path FROM data_local l
	JOIN host h ON h.id = l.host_id JOIN data_template_data d ON d.local_data_id = l.id
	JOIN data_template_rrd r ON r.local_data_id = l.id JOIN host_snmp_cache c ON c.host_id = l.host_id AND
	c.snmp_index = l.snmp_index AND c.field_name = 'pairKey'" |
	sed "s,<path_rra>,$CACTI_DIR/rra,; s,\t, ,g" >"$LAB_DIR/sources"
check_equal "each data source has its file" "$before" "$(cut -d' ' -f4 "$LAB_DIR/sources" | sort -u | xargs ls 2>/dev/null | wc -l)"
# The mean of the rows that Cacti knows.
mean() { rrdtool fetch "$1" AVERAGE -s end-120 | awk '/^[0-9]+:/ && $2 !~ /nan/ { n++; s += $2 } END { if (n > 2) printf "%.3f", s / n }'; }
rate() { # HOST KEY COLUMN
	awk -v h="$1" -v k="$2" -v c="$3" '$1 == h && $3 == k { if (NR == FNR) { t = $2; v = $c } else printf "%.3f", ($c - v) / ($2 - t) }' \
		"$LAB_DIR/before" "$LAB_DIR/after"
}
while read -r host key source file; do
	check_near "$host $key: $source/s are the agent's" "$(rate "$host" "$key" $([ "$source" = packets ] && echo 4 || echo 5))" "$(mean "$file")" 5
done <"$LAB_DIR/sources"
web1=$(awk '$1 == "hostA" && $2 ~ /\/10.77.0.3$/ && $2 ~ /^mac-020000000001/ && $3 == "packets" { print $4 }' "$LAB_DIR/sources")
check_near "and what was sent, 200 packets/s" 200 "$(mean "$web1")" 5

# --- an archive of the collector ----------------------------------------------------------------

archive=$LAB_DIR/rrd/mac-020000000001/mac-020000000003.rrd
# doc/cacti.md: the web server's user reads the folder.
chmod -R o+rX "$LAB_DIR/rrd"
wait_for 30 test -f "$archive"
# The command of the page, in the folder of a receiver, over five minutes.
command=$(sed -n '/^    rrdtool graph/,/^$/p' "$LAB_SOURCE/doc/cacti.md" | sed 's/end-1h/end-5min/')
check "rrdtool draws an archive by the command in doc/cacti.md" env -C "${archive%/*}" bash -c "$command"
check "in its colour" test "$($COLOURS "${archive%/*}/pair.png" | awk '$2 == "4080c0" { print $1 }')" -gt 1000
# A data source of Cacti's, made as usual, is turned to it.
source_id=$(cacti_sql "SELECT l.id FROM data_local l JOIN data_template_data d ON d.local_data_id = l.id WHERE
	d.name_cache = 'hostA - web1 from 10.77.0.3 (packets)'")
cacti_sql "UPDATE data_template_data SET data_source_path = '$archive', active = '' WHERE local_data_id = $source_id"
cacti_cli rebuild_poller_cache.php >"$LAB_LOG/rebuild.log" 2>&1
check_equal "Cacti does not poll it any more" 0 "$(cacti_sql "SELECT count(*) FROM poller_item WHERE local_data_id = $source_id")"

# --- pictures -----------------------------------------------------------------------------------

# show TITLE COLOUR NAME - the page of a graph in a browser: its title, its picture in the DOM, the screenshot.
show() {
	local id dom=$LAB_DIR/$3.html
	id=$(graph_of "$1")
	cacti_page "$LAB_DIR/$3.png" "$CACTI_URL/graph.php?action=view&local_graph_id=$id&rra_id=all" >"$dom"
	check "$3: the page names VM and peer" grep -qF "$1" "$dom"
	grep -o 'data:image/png;base64,[A-Za-z0-9+/=]*' "$dom" | awk 'length > n { n = length; l = $0 } END { print l }' |
		cut -d, -f2 | base64 -d >"$LAB_DIR/$3-graph.png"
	check "$3: the graph is drawn in its colour" test "$($COLOURS "$LAB_DIR/$3-graph.png" | awk -v c="$2" '$2 == c { print $1 }')" -gt 1000
	check "$3: and seen on the screen" test "$($COLOURS "$LAB_DIR/$3.png" | awk -v c="$2" '$2 == c { print $1 }')" -gt 1000
}
show "hostA - web1 from 10.77.0.3" 4080c0 bytes
show "hostA - web1 from 10.77.0.3 (packets)" 408040 archive-in-cacti
if [ -n "${CACTI_KEEP:-}" ]; then cp "$LAB_DIR"/*.png "$CACTI_KEEP"; fi
finish
