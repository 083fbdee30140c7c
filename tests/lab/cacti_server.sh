# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# A throw-away Cacti with its own MariaDB, web server and RRD folder, for lab tests; sourced after lib.sh.
# Everything lies in $LAB_DIR/cacti and runs in one namespace, on ports of 127.0.0.1 there. The packaged tree is
# copied, so nothing outside changes. It polls every 10 s.
#
#     cacti_start NAMESPACE
#     cacti_cli SCRIPT ARGS...         # a script of Cacti's cli folder
#     cacti_sql 'SELECT ...'           # columns separated by tabs
#     cacti_poll                       # one minute: six polls
#     cacti_page OUT.png URL           # a page of the web interface in a browser; prints its DOM

CACTI_DIR=$LAB_DIR/cacti
CACTI_SITE=$CACTI_DIR/share/site
CACTI_ADDRESS=127.0.0.1:8082
CACTI_URL=http://admin:lab@$CACTI_ADDRESS/cacti
CACTI_STEP=10

cacti_need() {
	local path
	for path in /usr/share/cacti/cli/import_template.php /usr/sbin/mariadbd /usr/sbin/apache2 /usr/bin/htpasswd \
		/usr/bin/chromium /usr/bin/rrdtool /usr/bin/snmpget "$(cacti_php_module)"; do
		[ -e "$path" ] || lab_die "no $path: apt-get install cacti dbconfig-no-thanks mariadb-server apache2 apache2-utils" \
			"libapache2-mod-php chromium rrdtool snmp"
	done
}
cacti_php_module() { find /usr/lib/apache2/modules -name 'libphp*.so' | sort | tail -n 1; }

# The web server's user, in its folder.
cacti_www() { (cd "$CACTI_SITE" && in_ns "$CACTI_SPACE" setpriv --reuid=www-data --regid=www-data --init-groups -- "$@"); }
cacti_cli() {
	local script=$1
	shift
	cacti_www php "$CACTI_DIR/share/cli/$script" "$@"
}
cacti_admin() { mariadb --no-defaults -S "$CACTI_DIR/db.sock" -uroot "$@"; }
cacti_sql() { cacti_admin -BN cacti -e "$1"; }

# --- database -----------------------------------------------------------------------------------

cacti_start_database() {
	cat >"$CACTI_DIR/my.cnf" <<-END
		[mysqld]
		user=mysql
		datadir=$CACTI_DIR/db
		socket=$CACTI_DIR/db.sock
		port=3306
		bind-address=127.0.0.1
		pid-file=$CACTI_DIR/db/db.pid
		tmpdir=$CACTI_DIR/tmp
		skip-log-bin
		skip-name-resolve
		character-set-server=utf8mb4
		collation-server=utf8mb4_unicode_ci
		max_heap_table_size=64M
		tmp_table_size=64M
		innodb_buffer_pool_size=128M
		innodb_flush_log_at_trx_commit=0
		innodb_doublewrite=OFF
	END
	mkdir "$CACTI_DIR/db" && chown mysql "$CACTI_DIR/db" "$CACTI_DIR" || return 1
	mariadb-install-db --defaults-file="$CACTI_DIR/my.cnf" --auth-root-authentication-method=socket \
		--skip-test-db >"$LAB_LOG/install-db.log" 2>&1 || return 1
	start_in "$CACTI_SPACE" mariadb setsid mariadbd --defaults-file="$CACTI_DIR/my.cnf"
	wait_for 30 cacti_admin -e 'select 1'
}

cacti_fill_database() {
	cacti_admin <<-END
		CREATE DATABASE cacti DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
		CREATE USER cacti@127.0.0.1 IDENTIFIED BY 'lab';
		GRANT ALL ON cacti.* TO cacti@127.0.0.1;
		GRANT SELECT ON mysql.time_zone_name TO cacti@127.0.0.1;
		INSERT IGNORE INTO mysql.time_zone_name VALUES ('UTC', 1);
	END
	cacti_admin cacti </usr/share/cacti/conf_templates/cacti.sql
}

# What an administrator sets: no polling of the neighbourhood, the web server knows who is there, 10 s.
cacti_set_up() {
	cacti_admin cacti <<-END
		REPLACE INTO settings VALUES ('auth_method','2'), ('poller_type','1'), ('poller_interval','$CACTI_STEP'),
			('cron_interval','60'), ('path_cactilog','$CACTI_DIR/log/cacti.log'), ('path_php_binary','/usr/bin/php'),
			('path_rrdtool','/usr/bin/rrdtool'), ('path_snmpget','/usr/bin/snmpget'),
			('path_snmpwalk','/usr/bin/snmpwalk'), ('path_snmpbulkwalk','/usr/bin/snmpbulkwalk'),
			('path_snmpgetnext','/usr/bin/snmpgetnext'), ('availability_method','0'), ('selected_theme','modern');
		UPDATE automation_networks SET enabled='';
		UPDATE user_auth SET must_change_password='', realm=2 WHERE username='admin';
		INSERT INTO data_source_profiles SET hash=md5('lab'), name='lab', step=$CACTI_STEP, heartbeat=2*$CACTI_STEP,
			x_files_factor=0.5;
		SET @profile = LAST_INSERT_ID();
		INSERT INTO data_source_profiles_rra (data_source_profile_id, name, steps, \`rows\`, timespan)
			VALUES (@profile, 'five minutes', 1, 2000, 300);
		INSERT INTO data_source_profiles_cf VALUES (@profile, 1), (@profile, 3), (@profile, 4);
	END
	CACTI_PROFILE=$(cacti_sql "SELECT id FROM data_source_profiles WHERE name = 'lab'")
}

# --- files --------------------------------------------------------------------------------------

cacti_copy() {
	local link target
	cp -a /usr/share/cacti "$CACTI_DIR/share" || return 1
	# Links that leave the tree are relative in the package.
	while read -r link; do
		target=$(readlink -f "/usr/share/cacti/$link")
		case $target in
		'' | /usr/share/cacti/*) ;;
		*) ln -sfn "$target" "$CACTI_DIR/share/$link" ;;
		esac
	done < <(cd /usr/share/cacti && find . -type l)
	ln -sfn "$CACTI_DIR/log" "$CACTI_SITE/log" && ln -sfn "$CACTI_DIR/cache" "$CACTI_SITE/cache" &&
		ln -sfn "$CACTI_DIR/rra" "$CACTI_SITE/rra" && rm -f "$CACTI_SITE/include/config.php" || return 1
	cat >"$CACTI_SITE/include/config.php" <<-END
		<?php
		\$database_type = 'mysql'; \$database_default = 'cacti'; \$database_hostname = '127.0.0.1';
		\$database_username = 'cacti'; \$database_password = 'lab'; \$database_port = '3306';
		\$database_retries = 5; \$database_ssl = false; \$database_ssl_key = ''; \$database_ssl_cert = '';
		\$database_ssl_ca = ''; \$database_persist = false; \$poller_id = 1; \$url_path = '/cacti/';
		\$cacti_session_name = 'CactiLab'; \$cacti_db_session = false; \$disable_log_rotation = true;
		\$proxy_headers = null; \$path_csrf_secret = '$CACTI_DIR/csrf/secret.php';
	END
	chown -R www-data:www-data "$CACTI_DIR"/{rra,cache,csrf,log} "$CACTI_DIR/share/resource" \
		"$CACTI_SITE/scripts" "$CACTI_SITE/include"
}

cacti_configure_apache() {
	local modules=/usr/lib/apache2/modules name
	htpasswd -bc "$CACTI_DIR/htpasswd" admin lab 2>/dev/null && chmod 644 "$CACTI_DIR/htpasswd" || return 1
	{
		echo "ServerName lab"
		echo "Listen $CACTI_ADDRESS"
		echo "PidFile $CACTI_DIR/tmp/apache.pid"
		echo "DefaultRuntimeDir $CACTI_DIR/tmp"
		echo "ErrorLog $LAB_LOG/cacti-apache-error.log"
		echo "User www-data"
		echo "Group www-data"
		for name in mpm_prefork authn_core authn_file authz_core authz_user auth_basic alias dir env mime; do
			echo "LoadModule ${name}_module $modules/mod_$name.so"
		done
		echo "LoadModule php_module $(cacti_php_module)"
		cat <<-END
			TypesConfig /dev/null
			AddType text/css .css
			AddType application/javascript .js
			AddType image/png .png
			AddType image/svg+xml .svg
			StartServers 2
			MaxRequestWorkers 8
			Alias /cacti $CACTI_SITE
			<Directory />
			  Options FollowSymLinks
			  AllowOverride None
			  AuthType Basic
			  AuthName "Cacti"
			  AuthUserFile $CACTI_DIR/htpasswd
			  Require valid-user
			  DirectoryIndex index.php
			</Directory>
			<FilesMatch "\\.php\$">
			  SetHandler application/x-httpd-php
			</FilesMatch>
			php_admin_value memory_limit 512M
			php_admin_value date.timezone UTC
		END
	} >"$CACTI_DIR/apache.conf"
}

# --- all of it ----------------------------------------------------------------------------------

cacti_serves() { in_ns "$CACTI_SPACE" curl -fso /dev/null "$CACTI_URL/index.php"; }

cacti_start() {
	CACTI_SPACE=$1
	cacti_need
	chmod 711 "$LAB_DIR"
	mkdir -p "$CACTI_DIR"/{rra,log,tmp,csrf} "$CACTI_DIR"/cache/{boost,mibcache,realtime,spikekill} || return 1
	chmod 1777 "$CACTI_DIR/tmp"
	cacti_start_database && cacti_fill_database && cacti_copy && cacti_configure_apache || return 1
	cacti_cli install_cacti.php --accept-eula --install --mode=1 --language=en-US --automationmode=0 --profile=2 \
		--template=Generic_SNMP_Device.xml.gz:1 \
		>"$LAB_LOG/cacti-install.log" 2>&1
	cacti_set_up || return 1
	# In a session of its own: apache ends its whole process group, this script and its caller included.
	start_in "$CACTI_SPACE" cacti-apache setsid apache2 -DFOREGROUND -f "$CACTI_DIR/apache.conf"
	wait_for 20 cacti_serves
}

cacti_poll() {
	start_in "$CACTI_SPACE" poller setpriv --reuid=www-data --regid=www-data --init-groups -- \
		env -C "$CACTI_SITE" php poller.php --force
	wait_for 100 lab_gone "${LAB_PIDS[poller]}" && stop poller
}

# cacti_browse URL OPTIONS... - headless, in a profile of its own.
cacti_browse() {
	local url=$1
	shift
	rm -rf "$CACTI_DIR/browser"
	in_ns "$CACTI_SPACE" timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run \
		--disable-background-networking --disable-component-update --disable-sync --hide-scrollbars \
		--user-data-dir="$CACTI_DIR/browser" --window-size=1100,700 --virtual-time-budget=8000 \
		"$@" "$url" 2>>"$LAB_LOG/chromium.log"
}

cacti_page() { cacti_browse "$2" --screenshot="$1" >/dev/null && cacti_browse "$2" --dump-dom; }
