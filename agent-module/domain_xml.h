/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads what Grappe needs of libvirt's description of a domain
 * (https://libvirt.org/formatdomain.html): its NICs, its kind of machine, and the label of the
 * application it belongs to. The label is the text of <group> in the domain's metadata:
 *
 *     <metadata>
 *       <grappe xmlns="urn:grappe:domain:1"><group>web-shop</group></grappe>
 *     </metadata>
 *
 * Without network, entities or anything outside the text: a description with a document type is
 * refused. Any thread.
 */
#ifndef GRAPPE_AGENT_MODULE_DOMAIN_XML_H
#define GRAPPE_AGENT_MODULE_DOMAIN_XML_H

#include "agent-module/domain.h"

#define DOMAIN_XML_NAMESPACE "urn:grappe:domain:1"
#define DOMAIN_XML_MAX (1u << 20) /* longer descriptions are refused */

/* domain_xml_read - adds NICs, os_type and application to *domain; more NICs than DOMAIN_NICS_MAX
 * are left out. Returns 0, GRAPPE_EFORMAT or GRAPPE_ELIMIT. */
int domain_xml_read(const char *xml, struct domain *domain);

/* domain_xml_copy - a text as far as it fits, NULL as "", without control characters and without
 * half a character of UTF-8 at the end. */
void domain_xml_copy(char *out, size_t size, const char *text);
/* domain_xml_clean - replaces control characters, in place. */
void domain_xml_clean(char *text);

#endif
