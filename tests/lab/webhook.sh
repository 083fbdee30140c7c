#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Posting to a real nginx: plain and with TLS under an own authority, a wrong authority, a wrong name, tokens,
# an nginx that is down, busy or hangs, order and survival of what waits. Needs root (one namespace).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tls.sh"
lab_begin webhook
POST=$GRAPPE_BUILD/tests/lab/post_document
[ -x "$POST" ] || lab_die "no $POST: make check_PROGRAMS first, e.g. make check TESTS="
for tool in nginx openssl jq; do command -v $tool >/dev/null || lab_die "no $tool here"; done
ns_add noc
PLAIN=http://127.0.0.1:8080
TLS=https://127.0.0.1:8443
OTHER=https://127.0.0.1:8444
QUEUE=$LAB_DIR/queue
umask 022
chmod 711 "$LAB_DIR"

# --- authorities and certificates ---------------------------------------------------------------

make_all() {
	make_authority ca && make_authority foreign && make_certificate noc ca IP:127.0.0.1 &&
		make_certificate elsewhere ca DNS:noc.example
}
check "an authority, another one, and two certificates" make_all

# --- nginx ------------------------------------------------------------------------------------------
# What was posted lies in posts.log, one JSON object a line; nginx knows bodies only of what it passes on.

cat >"$LAB_DIR/nginx.conf" <<-END
	daemon off;
	pid $LAB_DIR/nginx.pid;
	error_log $LAB_DIR/log/nginx-error.log;
	worker_processes 1;
	events { worker_connections 64; }
	http {
	  client_body_temp_path $LAB_DIR/nginx.tmp;
	  proxy_temp_path $LAB_DIR/nginx.tmp;
	  fastcgi_temp_path $LAB_DIR/nginx.tmp;
	  uwsgi_temp_path $LAB_DIR/nginx.tmp;
	  scgi_temp_path $LAB_DIR/nginx.tmp;
	  client_body_buffer_size 1m;
	  log_format post escape=json '{"uri":"\$uri","type":"\$content_type","id":"\$http_grappe_recommendation",'
	    '"token":"\$http_authorization","agent":"\$http_user_agent","body":"\$request_body"}';
	  map \$status \$taken { 204 1; default 0; }
	  access_log off;
	  server { listen 127.0.0.1:8081; return 204; }
	  server {
	    listen 127.0.0.1:8080;
	    listen 127.0.0.1:8443 ssl;
	    ssl_certificate $LAB_DIR/noc.pem;
	    ssl_certificate_key $LAB_DIR/noc.key;
	    location = /hook { access_log $LAB_DIR/log/posts.log post if=\$taken; proxy_pass http://127.0.0.1:8081; }
	    location = /busy {
	      if (!-f $LAB_DIR/open) { return 503; }
	      access_log $LAB_DIR/log/posts.log post if=\$taken;
	      proxy_pass http://127.0.0.1:8081;
	    }
	    location = /secret {
	      if (\$http_authorization != "Bearer lab-token-1") { return 401; }
	      access_log $LAB_DIR/log/posts.log post if=\$taken;
	      proxy_pass http://127.0.0.1:8081;
	    }
	    location = /moved { return 302 $PLAIN/hook; }
	  }
	  server {
	    listen 127.0.0.1:8444 ssl;
	    ssl_certificate $LAB_DIR/elsewhere.pem;
	    ssl_certificate_key $LAB_DIR/elsewhere.key;
	    location / { access_log $LAB_DIR/log/posts.log post if=\$taken; proxy_pass http://127.0.0.1:8081; }
	  }
	}
END

nginx_serves() { in_ns noc curl -fsS -m 2 --noproxy '*' -o /dev/null http://127.0.0.1:8081/; }
start_nginx() { start_in noc nginx setsid nginx -c "$LAB_DIR/nginx.conf" && wait_for 15 nginx_serves; }
posts() { cat "$LAB_DIR/log/posts.log" 2>/dev/null; }
count() { posts | wc -l; }
forget() {
	rm -rf "$QUEUE"
	: >"$LAB_DIR/log/posts.log"
}
last() { posts | tail -n 1 | jq -r ".$1"; }

# post URL CA TOKEN MILLISECONDS [ID FILE]... - prints the exit status.
post() {
	in_ns noc env http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 \
		"$POST" "$QUEUE" "$@" >"$LAB_DIR/log/post.log" 2>&1
	echo $?
}
said() { check "  and says: $1" grep -q -- "$1" "$LAB_DIR/log/post.log"; }
waiting() { find "$QUEUE" -name '*.json' 2>/dev/null | wc -l; }

document=$LAB_DIR/document.json
printf '{"version": 1, "id": "9f3c", "state": "pending", "text": "caf\xc3\xa9 \\" \\\\ |;"}' >"$document"
for n in 1 2 3; do printf '{"n": %d}' $n >"$LAB_DIR/$n.json"; done
check "nginx runs" start_nginx

# --- the request -----------------------------------------------------------------------------------

forget
check_equal "plain http: posted" 0 "$(post $PLAIN/hook '' '' 5000 9f3c "$document")"
check_equal "  once" 1 "$(count)"
check_equal "  the body is the document" "$(cat "$document")" "$(last body)"
check_equal "  its type" application/json "$(last type)"
check_equal "  its id" 9f3c "$(last id)"
check_equal "  no token" "" "$(last token)"
check_equal "  nothing waits" 0 "$(waiting)"

# --- TLS --------------------------------------------------------------------------------------------

forget
check_equal "https, our authority: posted" 0 "$(post $TLS/hook "$LAB_DIR/ca.pem" '' 5000 a1 "$document")"
check_equal "  once" 1 "$(count)"
forget
check_equal "https, a foreign authority: refused" 1 "$(post $TLS/hook "$LAB_DIR/foreign.pem" '' 5000 a1 "$document")"
said "certificate"
check_equal "https, the system's authorities: refused" 1 "$(post $TLS/hook '' '' 5000 a2 "$document")"
check_equal "https, a certificate for another name: refused" 1 "$(post $OTHER/hook "$LAB_DIR/ca.pem" '' 5000 a3 "$document")"
said "127.0.0.1"
check_equal "https, no such authority file: waits" 2 "$(post $TLS/hook "$LAB_DIR/none.pem" '' 500 a4 "$document")"
check_equal "  nothing was posted in all of this" 0 "$(count)"

# --- tokens -----------------------------------------------------------------------------------------

forget
echo lab-token-1 >"$LAB_DIR/token"
chmod 600 "$LAB_DIR/token"
check_equal "the right token: posted" 0 "$(post $TLS/secret "$LAB_DIR/ca.pem" "$LAB_DIR/token" 5000 a1 "$document")"
check_equal "  as a bearer token" "Bearer lab-token-1" "$(last token)"
echo lab-token-2 >"$LAB_DIR/token"
check_equal "a wrong token: refused" 1 "$(post $TLS/secret "$LAB_DIR/ca.pem" "$LAB_DIR/token" 5000 a2 "$document")"
said "it answered 401"
check_equal "  the token is not in the log" 0 "$(grep -c 'lab-token' "$LAB_DIR/log/post.log")"
chmod 644 "$LAB_DIR/token"
check_equal "a token file open to others: not posted, waits" 2 "$(post $TLS/secret "$LAB_DIR/ca.pem" "$LAB_DIR/token" 500 a3 "$document")"
said "open to others"
check_equal "a token over plain http: refused as configuration" 3 "$(post $PLAIN/secret '' "$LAB_DIR/token" 500 a4 "$document")"
said "needs an https url"

# --- redirects, busy, down, hanging ---------------------------------------------------------------

forget
check_equal "a redirect: refused" 1 "$(post $PLAIN/moved '' '' 5000 a1 "$document")"
said "redirects are not followed"
check_equal "  and not followed" 0 "$(count)"

check_equal "busy (503): three documents wait" 2 "$(post $PLAIN/busy '' '' 1500 b1 "$LAB_DIR/1.json" b2 "$LAB_DIR/2.json" b3 "$LAB_DIR/3.json")"
check_equal "  on disk" 3 "$(waiting)"
said "it answered 503"
: >"$LAB_DIR/open"
check_equal "the next run posts them" 0 "$(post $PLAIN/busy '' '' 5000)"
check_equal "  in order" "b1 b2 b3" "$(posts | jq -r .id | xargs)"
check_equal "  with their bodies" '{"n": 1}{"n": 2}{"n": 3}' "$(posts | jq -rj .body)"

forget
stop nginx
check_equal "nginx is down: waits" 2 "$(post $PLAIN/hook '' '' 700 c1 "$document")"
start post in_ns noc "$POST" "$QUEUE" $PLAIN/hook '' '' 20000
check "  a poster that keeps trying" wait_log post "cannot post recommendation c1" 10
check "  nginx comes back" start_nginx
wait "${LAB_PIDS[post]}"
check_equal "  the poster is done" 0 $?
check_equal "  once" 1 "$(count)"

forget
signal nginx STOP
for worker in $(pgrep -P "${LAB_PIDS[nginx]}"); do kill -STOP "$worker"; done
check_equal "nginx hangs: a time-out, waits" 2 "$(post $PLAIN/hook '' '' 4000 d1 "$document")"
said "imed out"
for worker in $(pgrep -P "${LAB_PIDS[nginx]}"); do kill -CONT "$worker"; done
signal nginx CONT
check_equal "  it goes on: posted by the next run" 0 "$(post $PLAIN/hook '' '' 5000)"
check_equal "  nothing waits" 0 "$(waiting)"

forget
start killed in_ns noc "$POST" "$QUEUE" http://127.0.0.1:1/ '' '' 20000 e1 "$LAB_DIR/1.json" e2 "$LAB_DIR/2.json"
check "a poster killed while it waits" wait_log killed "cannot post recommendation e1" 10
stop killed KILL
check_equal "  leaves both on disk" 2 "$(waiting)"
check_equal "  for the next run" 0 "$(post $PLAIN/hook '' '' 5000)"
check_equal "  in order" "e1 e2" "$(posts | jq -r .id | xargs)"
finish
