# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# A throw-away Ganeti cluster for lab tests (Ganeti's own virtual cluster, hypervisor "fake", instances
# without disks) with its remote API over TLS; sourced after lib.sh. Everything lies in $LAB_DIR/ganeti
# and runs in one network namespace, in mount and process namespaces of its own: private /etc/hosts,
# /root/.ssh, /run and sshd. Ending the one process that holds them ends all of it.
#
#     ganeti_start NAMESPACE             # three nodes, node1 … node3
#     ganeti_instance NAME NODE [MiB]    # creates and starts an instance
#     ganeti_rapi METHOD PATH [BODY]     # what the API answers
#     ganeti_field NAME FIELD            # of an instance, e.g. pnode
#     ganeti_job METHOD PATH [BODY]      # the same as ganeti_rapi, waits for the job, prints its status
#
# For clients: the API is at $GANETI_URL, to be reached at $GANETI_ADDRESS; its authority is in
# $GANETI_CA, a login in $GANETI_LOGIN.

GANETI_DIR=$LAB_DIR/ganeti
GANETI_NET=198.51.100
GANETI_URL=https://ganeti.example.com:5080
GANETI_ADDRESS=$GANETI_NET.10:5080
GANETI_CA=$GANETI_DIR/vc/node1/var/lib/ganeti/rapi.pem
GANETI_LOGIN=$LAB_DIR/ganeti.login
GANETI_NODES=3

# Commands inside, and on the master.
ganeti_in() { nsenter -t "$GANETI_PID" -n -m -p -- "$@"; }
ganeti_master() { ganeti_in "$GANETI_DIR/vc/node1/cmd" "$@"; }

ganeti_held() { GANETI_PID=$(ps -o pid= --ppid "${LAB_PIDS[ganeti]}" | tr -d ' ') && [ -n "$GANETI_PID" ]; }

# The namespaces, held by a process that only sleeps.
ganeti_hold() { # NAMESPACE
	start_in "$1" ganeti setsid unshare -m -p -f --mount-proc --kill-child=KILL sleep infinity
	wait_for 10 ganeti_held
}

ganeti_hosts() {
	local i
	echo 127.0.0.1 localhost
	echo "$GANETI_NET.1 cluster"
	for ((i = 1; i <= GANETI_NODES; i++)); do echo "$GANETI_NET.$((9 + i)) node$i"; done
}

# Guests of this system are installed by doing nothing.
ganeti_guest_system() {
	local script folder=$GANETI_DIR/os/ganeti/os/none
	mkdir -p "$folder" || return 1
	echo 20 >"$folder/ganeti_api_version"
	echo none >"$folder/variants.list"
	: >"$folder/parameters.list"
	for script in create import export rename verify; do
		printf '#!/bin/sh\nexit 0\n' >"$folder/$script" && chmod 755 "$folder/$script" || return 1
	done
}

ganeti_sshd() {
	ssh-keygen -q -t rsa -b 2048 -N '' -f "$GANETI_DIR/host_key" &&
		ssh-keygen -q -t rsa -b 2048 -N '' -f "$GANETI_DIR/ssh/id_rsa" &&
		cp "$GANETI_DIR/ssh/id_rsa.pub" "$GANETI_DIR/ssh/authorized_keys" || return 1
	printf 'StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n' >"$GANETI_DIR/ssh/config"
	chmod 600 "$GANETI_DIR"/ssh/*
	cat >"$GANETI_DIR/sshd_config" <<-END
		Port 22
		HostKey $GANETI_DIR/host_key
		PermitRootLogin prohibit-password
		PasswordAuthentication no
		UsePAM no
		StrictModes no
		PidFile none
		AuthorizedKeysFile $GANETI_DIR/ssh/authorized_keys
	END
}

ganeti_mounts() {
	local i
	mkdir -p /root/.ssh
	ganeti_in mount --bind "$GANETI_DIR/hosts" /etc/hosts &&
		ganeti_in mount --bind "$GANETI_DIR/ssh" /root/.ssh &&
		ganeti_in mount -t tmpfs tmpfs /run && ganeti_in mkdir -p /run/sshd /run/lock &&
		ganeti_in mount --bind "$GANETI_DIR/os" /srv || return 1
	# Addresses of their own, not a network: Ganeti tries whether the cluster's is free.
	for ((i = 1; i <= GANETI_NODES; i++)); do
		ganeti_in ip addr add "$GANETI_NET.$((9 + i))/32" dev lo || return 1
	done
	ganeti_in /usr/sbin/sshd -f "$GANETI_DIR/sshd_config" -E "$LAB_LOG/sshd.log"
}

ganeti_cluster() {
	local i policy=min:disk-size=0,cpu-count=1,disk-count=0,memory-size=1,nic-count=0,spindle-use=0
	policy+=/max:disk-size=1048576,cpu-count=8,disk-count=16,memory-size=32768,nic-count=8,spindle-use=12
	ganeti_in /usr/lib/ganeti/tools/vcluster-setup -E -N -c $GANETI_NODES -i 1 -p $GANETI_NET -n lo \
		"$GANETI_DIR/vc" >"$LAB_LOG/vcluster.log" 2>&1 || return 1
	ganeti_master "gnt-cluster init --no-etc-hosts --no-ssh-init --master-netdev=lo \
		--enabled-disk-templates=diskless --enabled-hypervisors=fake \
		--ipolicy-bounds-specs=$policy cluster" >"$LAB_LOG/gnt-init.log" 2>&1 || return 1
	for ((i = 2; i <= GANETI_NODES; i++)); do
		ganeti_master "gnt-node add --no-ssh-key-check node$i" </dev/null >"$LAB_LOG/gnt-node$i.log" 2>&1 ||
			return 1
	done
}

ganeti_users() {
	local folder=$GANETI_DIR/vc/node1/var/lib/ganeti/rapi
	mkdir -p "$folder" && echo 'lab labpass write' >"$folder/users" && chown -R gnt-rapi "$folder" || return 1
	echo lab:labpass >"$GANETI_LOGIN" && chmod 600 "$GANETI_LOGIN"
}

ganeti_start() {
	local path
	for path in /usr/lib/ganeti/tools/vcluster-setup /usr/sbin/sshd /usr/bin/nsenter /usr/bin/jq; do
		[ -e "$path" ] || lab_die "no $path: apt-get install ganeti openssh-server util-linux jq"
	done
	chmod 711 "$LAB_DIR"
	mkdir -p "$GANETI_DIR"/{ssh,vc} && chmod 700 "$GANETI_DIR/ssh" && chmod 755 "$GANETI_DIR" "$GANETI_DIR/vc" &&
		ganeti_hosts >"$GANETI_DIR/hosts" && ganeti_guest_system && ganeti_sshd && ganeti_hold "$1" &&
		ganeti_mounts && ganeti_cluster && ganeti_users && wait_for 30 ganeti_rapi GET /2/info
}

ganeti_rapi() { # METHOD PATH [BODY]
	ganeti_in curl -fsS -m 20 --noproxy '*' -X "$1" --cacert "$GANETI_CA" -u "$(cat "$GANETI_LOGIN")" \
		--resolve "ganeti.example.com:5080:$GANETI_NET.10" ${3:+-H "Content-Type: application/json" -d "$3"} \
		"$GANETI_URL$2"
}

ganeti_field() { ganeti_rapi GET "/2/instances/$1" | jq -r ".$2"; }

# Jobs that still may change.
ganeti_job_ended() { GANETI_JOB=$(ganeti_rapi GET "/2/jobs/$1" | jq -r .status) && [[ $GANETI_JOB =~ ^(success|error|canceled)$ ]]; }
ganeti_job() {
	local id
	id=$(ganeti_rapi "$@") && wait_for 60 ganeti_job_ended "$id"
	echo "$GANETI_JOB"
	[ "$GANETI_JOB" = success ]
}

ganeti_instance() { # NAME NODE [MiB]
	ganeti_job POST /2/instances "$(jq -nc --arg name "$1" --arg node "$2" --argjson memory "${3:-128}" '
		{__version__: 1, mode: "create", name: $name, pnode: $node, disk_template: "diskless", disks: [], nics: [],
		 no_install: true, os_type: "none+none", hypervisor: "fake", ip_check: false, name_check: false,
		 conflicts_check: false, beparams: {memory: $memory, vcpus: 1}}')" &&
		ganeti_job PUT "/2/instances/$1/startup"
}
