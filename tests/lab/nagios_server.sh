# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# A throw-away Nagios 4 with its CGIs under apache, for lab tests; sourced after lib.sh. Everything lies
# in $LAB_DIR/nagios and runs in one namespace, on 127.0.0.1:8081 there, so that runs never collide.
#
#     nagios_configure                 # writes the configuration; objects go to $NAGIOS_OBJECTS
#     cp FILE "$NAGIOS_OBJECTS/"
#     nagios_verify                    # nagios4 -v
#     nagios_start NAMESPACE
#     nagios_wait SECONDS HOST SERVICE WORD     # until statusjson.cgi tells this state
#     nagios_field HOST SERVICE FIELD           # e.g. plugin_output

NAGIOS_DIR=$LAB_DIR/nagios
NAGIOS_OBJECTS=$NAGIOS_DIR/objects
NAGIOS_PLUGINS=$NAGIOS_DIR/plugins
NAGIOS_ADDRESS=127.0.0.1:8081
NAGIOS_LOGIN=nagiosadmin:lab

# The packaged nagios.cfg with every path moved. A unit of check intervals is 2 s in place of a minute.
nagios_configure() {
	local path
	for path in /usr/sbin/nagios4 /usr/lib/cgi-bin/nagios4/statusjson.cgi /usr/sbin/apache2 \
		/etc/nagios4/nagios.cfg /usr/bin/htpasswd /usr/bin/jq; do
		[ -e "$path" ] || lab_die "no $path: apt-get install nagios4-core nagios4-cgi apache2 apache2-utils jq"
	done
	chmod 711 "$LAB_DIR"
	mkdir -p "$NAGIOS_DIR"/{objects,plugins,etc,log,tmp,var/rw,var/spool,var/archives} || return 1
	sed -e "s|/var/log/nagios4/archives|$NAGIOS_DIR/var/archives|; s|/var/log/nagios4|$NAGIOS_DIR/var|" \
		-e "s|/var/lib/nagios4/spool/checkresults|$NAGIOS_DIR/var/spool|; s|/var/lib/nagios4|$NAGIOS_DIR/var|" \
		-e '/^cfg_file=.*localhost.cfg/d; /^cfg_dir=/d' \
		-e "s|^resource_file=.*|resource_file=$NAGIOS_DIR/etc/resource.cfg|" \
		-e "s|^lock_file=.*|lock_file=$NAGIOS_DIR/var/nagios.pid|; s|^temp_path=.*|temp_path=$NAGIOS_DIR/tmp|" \
		-e 's|^check_for_updates=.*|check_for_updates=0|; s|^use_syslog=.*|use_syslog=0|' \
		-e 's|^status_update_interval=.*|status_update_interval=1|' \
		-e 's|^check_result_reaper_frequency=.*|check_result_reaper_frequency=1|' \
		-e 's|^interval_length=.*|interval_length=2|; s|^enable_notifications=.*|enable_notifications=0|' \
		-e 's|^\(service_inter_check_delay_method\)=.*|\1=n|' \
		/etc/nagios4/nagios.cfg >"$NAGIOS_DIR/etc/nagios.cfg" || return 1
	{
		echo "cfg_dir=$NAGIOS_OBJECTS"
		echo "query_socket=$NAGIOS_DIR/var/rw/nagios.qh"
	} >>"$NAGIOS_DIR/etc/nagios.cfg"
	echo "\$USER1\$=$NAGIOS_PLUGINS" >"$NAGIOS_DIR/etc/resource.cfg"
	sed -e "s|^main_config_file=.*|main_config_file=$NAGIOS_DIR/etc/nagios.cfg|" \
		-e 's|^use_authentication=.*|use_authentication=1|' /etc/nagios4/cgi.cfg >"$NAGIOS_DIR/etc/cgi.cfg"
	htpasswd -bc "$NAGIOS_DIR/etc/htpasswd" "${NAGIOS_LOGIN%:*}" "${NAGIOS_LOGIN#*:}" 2>/dev/null || return 1
	nagios_configure_apache
	chown -R nagios "$NAGIOS_DIR/var" "$NAGIOS_DIR/tmp"
}

nagios_configure_apache() {
	local modules=/usr/lib/apache2/modules name
	{
		echo "ServerName lab"
		echo "Listen $NAGIOS_ADDRESS"
		echo "PidFile $NAGIOS_DIR/log/apache.pid"
		echo "DefaultRuntimeDir $NAGIOS_DIR/log"
		echo "ErrorLog $NAGIOS_DIR/log/apache-error.log"
		echo "User www-data"
		echo "Group nagios" # the CGIs write to the FIFO
		for name in mpm_prefork authn_core authn_file authz_core authz_user auth_basic alias env cgi; do
			echo "LoadModule ${name}_module $modules/mod_$name.so"
		done
		cat <<-END
			StartServers 1
			MaxRequestWorkers 4
			SetEnv NAGIOS_CGI_CONFIG $NAGIOS_DIR/etc/cgi.cfg
			ScriptAlias /cgi-bin/nagios4 /usr/lib/cgi-bin/nagios4
			<Directory />
			  AuthType Basic
			  AuthName "Nagios"
			  AuthUserFile $NAGIOS_DIR/etc/htpasswd
			  Require valid-user
			</Directory>
		END
	} >"$NAGIOS_DIR/etc/apache.conf"
}

# nagios_verify - as an administrator does before a restart.
nagios_verify() { nagios4 -v "$NAGIOS_DIR/etc/nagios.cfg"; }

# In sessions of their own: apache ends its whole process group, this script and its caller included.
nagios_start() {
	NAGIOS_SPACE=$1
	start_in "$1" nagios setsid nagios4 "$NAGIOS_DIR/etc/nagios.cfg" || return 1
	start_in "$1" apache setsid apache2 -DFOREGROUND -f "$NAGIOS_DIR/etc/apache.conf" || return 1
	wait_for 20 nagios_ask query=programstatus
}

# nagios_ask NAME=VALUE... - the JSON of statusjson.cgi.
nagios_ask() {
	local word query=()
	for word; do query+=(--data-urlencode "$word"); done
	in_ns "$NAGIOS_SPACE" curl -fsS -m 5 --noproxy '*' -G -u "$NAGIOS_LOGIN" "${query[@]}" \
		"http://$NAGIOS_ADDRESS/cgi-bin/nagios4/statusjson.cgi"
}

nagios_field() {
	nagios_ask query=service "hostname=$1" "servicedescription=$2" | jq -r ".data.service.$3"
}

# States are bits in statusjson.cgi.
nagios_state() {
	case $(nagios_field "$1" "$2" status) in
	1) echo PENDING ;;
	2) echo OK ;;
	4) echo WARNING ;;
	8) echo UNKNOWN ;;
	16) echo CRITICAL ;;
	*) echo none ;;
	esac
}

nagios_is() { [ "$(nagios_state "$1" "$2")" = "$3" ]; }

nagios_wait() {
	wait_for "$1" nagios_is "$2" "$3" "$4" && return
	echo "state: $(nagios_state "$2" "$3"), output: $(nagios_field "$2" "$3" plugin_output)"
	return 1
}
