/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who a VM is. A VM's id is its UUID in lower case, or "mac-" and the twelve
 * hexadecimal digits of its first MAC where no UUID is known; it never depends on
 * a host, an interface name or a number that changes with migration. Ids, also the
 * reserved ones below, are safe as file names.
 */
#ifndef GRAPPE_COMMON_IDENTITY_H
#define GRAPPE_COMMON_IDENTITY_H

#include "common/address.h"

#include <stdbool.h>

#define VM_ID_SIZE 64   /* longest id with its final zero, reserved senders included */
#define VM_NAME_SIZE 64 /* display name, UTF-8 */
#define SEGMENT_SIZE 32 /* global name of a layer-2 segment */
#define SEGMENT_DEFAULT "default"

/* Reserved senders: what is received but is not from a VM that any agent sees. */
#define SENDER_EXTERNAL "external"   /* from outside everything watched */
#define SENDER_OTHER "other"         /* rows that found no room in a sensor's table */
#define SENDER_MULTICAST "multicast" /* multicast and broadcast, never a pair */
#define SENDER_ENDPOINT "endpoint:"  /* prefix: a named endpoint follows */

/* identity_from_uuid - canonical id of a textual UUID (RFC 9562 form, any case).
 * Returns 0 or GRAPPE_EFORMAT. */
int identity_from_uuid(const char *uuid, char id[VM_ID_SIZE]);
/* identity_from_mac - id of a VM known by a MAC only. */
void identity_from_mac(const struct mac *mac, char id[VM_ID_SIZE]);
/* identity_mac - the MAC in an id of that form. Returns 0 or GRAPPE_ENOTFOUND. */
int identity_mac(const char *id, struct mac *mac);
/* identity_is_vm - true for the two forms above, false for reserved senders and anything else. */
bool identity_is_vm(const char *id);
/* identity_is_valid - an id of a VM or a reserved sender; such a text is safe as a file name. */
bool identity_is_valid(const char *id);

#endif
