# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Certificates for lab tests, in $LAB_DIR: NAME.key and NAME.pem; sourced after lib.sh.

# make_authority NAME
make_authority() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$1" -keyout "$LAB_DIR/$1.key" \
		-out "$LAB_DIR/$1.pem" 2>/dev/null
}

# make_certificate NAME AUTHORITY SUBJECT-ALTERNATIVE-NAMES
make_certificate() {
	openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$LAB_DIR/$1.key" -out "$LAB_DIR/$1.csr" 2>/dev/null &&
		openssl x509 -req -in "$LAB_DIR/$1.csr" -CA "$LAB_DIR/$2.pem" -CAkey "$LAB_DIR/$2.key" \
			-CAcreateserial -days 2 -extfile <(echo "subjectAltName=$3") -out "$LAB_DIR/$1.pem" 2>/dev/null
}
