# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# A throw-away Icinga 2 with its REST API and an authority of its own, for lab tests; sourced after lib.sh.
# Everything lies in $LAB_DIR/icinga and runs in one namespace, on 127.0.0.1:5665 there.
#
#     icinga_configure FILE...          # configuration files that it includes
#     icinga_start NAMESPACE            # until the API answers
#     icinga_field HOST SERVICE FIELD   # of the service, e.g. last_check_result.output
#     icinga_wait SECONDS HOST SERVICE WORD     # until it has this state
#
# For clients: the API is at $ICINGA_URL, to be reached at $ICINGA_ADDRESS; its authority is in $ICINGA_CA.

ICINGA_DIR=$LAB_DIR/icinga
ICINGA_NAME=icinga.lab
ICINGA_URL=https://$ICINGA_NAME:5665
ICINGA_ADDRESS=127.0.0.1:5665
ICINGA_CA=$ICINGA_DIR/data/certs/ca.crt

icinga_do() { # SUB-COMMAND ARGS... - the places of its files must come after the sub-command
	/usr/sbin/icinga2 "$@" -D ConfigDir="$ICINGA_DIR/etc" -D DataDir="$ICINGA_DIR/data" -D LogDir="$ICINGA_DIR/log" \
		-D CacheDir="$ICINGA_DIR/cache" -D SpoolDir="$ICINGA_DIR/spool" -D InitRunDir="$ICINGA_DIR/run" \
		-D PidPath="$ICINGA_DIR/run/pid" -D RunAsUser=nagios -D RunAsGroup=nagios -D Concurrency=2
}

icinga_certificates() {
	local certs=$ICINGA_DIR/data/certs
	icinga_do pki new-ca &&
		icinga_do pki new-cert --cn $ICINGA_NAME --key "$certs/$ICINGA_NAME.key" --csr "$certs/$ICINGA_NAME.csr" &&
		icinga_do pki sign-csr --csr "$certs/$ICINGA_NAME.csr" --cert "$certs/$ICINGA_NAME.crt" &&
		cp "$ICINGA_DIR/data/ca/ca.crt" "$ICINGA_CA"
}

icinga_configure() {
	local folder file
	[ -x /usr/sbin/icinga2 ] || lab_die "no icinga2: apt-get install icinga2-bin"
	chmod 711 "$LAB_DIR"
	mkdir -p "$ICINGA_DIR"/{etc/zones.d,data/certs,data/ca,log,cache,spool,run} || return 1
	for folder in api/zones api/packages api/log perfdata tmp; do
		mkdir -p "$ICINGA_DIR/data/$folder" "$ICINGA_DIR/spool/$folder" || return 1
	done
	{
		cat <<-END
			const PluginDir = "/usr/lib/nagios/plugins"
			const NodeName = "$ICINGA_NAME"
			const ZoneName = NodeName
			const TicketSalt = ""
			object Endpoint NodeName { }
			object Zone ZoneName { endpoints = [ NodeName ] }
			include <itl>
			library "checker"
			object CheckerComponent "checker" { }
			object ApiListener "api" { bind_host = "127.0.0.1"; bind_port = 5665 }
			object ApiUser "reader" { password = "lab"; permissions = [ "objects/query/*", "status/query" ] }
		END
		for file; do echo "include \"$file\""; done
	} >"$ICINGA_DIR/etc/icinga2.conf"
	chown -R nagios:nagios "$ICINGA_DIR"/{data,log,cache,spool,run} && icinga_certificates >"$LAB_LOG/pki.log" 2>&1 &&
		chown -R nagios:nagios "$ICINGA_DIR/data" && icinga_do daemon -C -c "$ICINGA_DIR/etc/icinga2.conf"
}

icinga_api() { # PATH
	in_ns "$ICINGA_SPACE" curl -fsS -m 5 --noproxy '*' --cacert "$ICINGA_CA" --connect-to "$ICINGA_NAME:5665:$ICINGA_ADDRESS" \
		-u reader:lab "$ICINGA_URL$1"
}

icinga_start() {
	ICINGA_SPACE=$1
	start_in "$1" icinga setsid /usr/sbin/icinga2 daemon -c "$ICINGA_DIR/etc/icinga2.conf" -D ConfigDir="$ICINGA_DIR/etc" \
		-D DataDir="$ICINGA_DIR/data" -D LogDir="$ICINGA_DIR/log" -D CacheDir="$ICINGA_DIR/cache" -D SpoolDir="$ICINGA_DIR/spool" \
		-D InitRunDir="$ICINGA_DIR/run" -D PidPath="$ICINGA_DIR/run/pid" -D RunAsUser=nagios -D RunAsGroup=nagios -D Concurrency=2
	wait_for 30 icinga_api /v1/status/IcingaApplication
}

icinga_field() {
	icinga_api "/v1/objects/services/$(jq -rn --arg name "$1!$2" '$name | @uri')" | jq -r ".results[0].attrs.$3"
}

icinga_state() {
	case $(icinga_field "$1" "$2" state) in
	0 | 0.0) echo OK ;;
	1 | 1.0) echo WARNING ;;
	2 | 2.0) echo CRITICAL ;;
	3 | 3.0) echo UNKNOWN ;;
	*) echo none ;;
	esac
}
icinga_is() { [ "$(icinga_state "$1" "$2")" = "$3" ]; }
icinga_wait() {
	wait_for "$1" icinga_is "$2" "$3" "$4" && return
	echo "state: $(icinga_state "$2" "$3"), output: $(icinga_field "$2" "$3" last_check_result.output)"
	return 1
}
