/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/domain_xml.h"

#include "common/error.h"

#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

static bool is_element(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static bool is_ours(const xmlNode *node, const char *name)
{
	return is_element(node, name) && node->ns != NULL && node->ns->href != NULL &&
	       strcmp((const char *)node->ns->href, DOMAIN_XML_NAMESPACE) == 0;
}

static const xmlNode *child(const xmlNode *node, const char *name)
{
	const xmlNode *at = node != NULL ? node->children : NULL;

	while (at != NULL && !is_element(at, name))
		at = at->next;
	return at;
}

void domain_xml_clean(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

void domain_xml_copy(char *out, size_t size, const char *text)
{
	size_t n = text != NULL ? strlen(text) : 0;

	if (n >= size) {
		n = size - 1;
		while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
	}
	if (n > 0)
		memcpy(out, text, n);
	out[n] = '\0';
	domain_xml_clean(out);
}

static void copy_attribute(const xmlNode *node, const char *name, char *out, size_t size)
{
	xmlChar *value = node != NULL ? xmlGetProp(node, (const xmlChar *)name) : NULL;

	domain_xml_copy(out, size, (const char *)value);
	xmlFree(value);
}

static void copy_content(const xmlNode *node, char *out, size_t size)
{
	xmlChar *value = node != NULL ? xmlNodeGetContent(node) : NULL;

	domain_xml_copy(out, size, (const char *)value);
	xmlFree(value);
}

/* A longer name is no interface's, and is left out. */
static void copy_interface(const xmlNode *node, const char *name, char out[NETLINK_NAME_SIZE])
{
	char text[64];

	copy_attribute(node, name, text, sizeof text);
	memset(out, 0, NETLINK_NAME_SIZE);
	if (strlen(text) < NETLINK_NAME_SIZE)
		memcpy(out, text, strlen(text));
}

/* The tag of the guest's untagged frames: the only one, or the native one of a trunk. */
static uint16_t read_vlan(const xmlNode *vlan)
{
	const xmlNode *tag = child(vlan, "tag");
	char text[16];
	unsigned long id;

	copy_attribute(vlan, "trunk", text, sizeof text);
	if (strcmp(text, "yes") == 0)
		for (; tag != NULL; tag = tag->next) {
			copy_attribute(tag, "nativeMode", text, sizeof text);
			if (is_element(tag, "tag") && strcmp(text, "untagged") == 0)
				break;
		}
	copy_attribute(tag, "id", text, sizeof text);
	id = strtoul(text, NULL, 10);
	return id <= DOMAIN_VLAN_MAX ? (uint16_t)id : 0;
}

static void read_nic(const xmlNode *node, struct domain *domain)
{
	struct domain_nic *nic = &domain->nics[domain->nnics];
	char text[64];

	if (domain->nnics == DOMAIN_NICS_MAX)
		return;
	copy_attribute(child(node, "mac"), "address", text, sizeof text);
	if (mac_parse(text, &nic->mac) != GRAPPE_OK || mac_is_group(&nic->mac))
		return;
	/* Without an interface the NIC is found by its MAC. */
	copy_interface(child(node, "target"), "dev", nic->interface);
	copy_interface(child(node, "source"), "bridge", nic->place.bridge);
	nic->place.vlan = read_vlan(child(node, "vlan"));
	domain->nnics++;
}

static void read_label(const xmlNode *metadata, struct period_vif *facts)
{
	const xmlNode *grappe = metadata != NULL ? metadata->children : NULL;
	const xmlNode *group;

	while (grappe != NULL && !is_ours(grappe, "grappe"))
		grappe = grappe->next;
	group = grappe != NULL ? grappe->children : NULL;
	while (group != NULL && !is_ours(group, "group"))
		group = group->next;
	copy_content(group, facts->application, sizeof facts->application);
}

int domain_xml_read(const char *xml, struct domain *domain)
{
	const size_t length = strnlen(xml, DOMAIN_XML_MAX + 1);
	const xmlNode *root, *devices, *at;
	xmlDoc *doc;

	domain->nnics = 0;
	if (length > DOMAIN_XML_MAX)
		return GRAPPE_ELIMIT;
	doc = xmlReadMemory(xml, (int)length, "domain", NULL,
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	root = doc != NULL ? xmlDocGetRootElement(doc) : NULL;
	/* libvirt writes no document type: that is where entities come from. */
	if (root == NULL || !is_element(root, "domain") || xmlGetIntSubset(doc) != NULL) {
		xmlFreeDoc(doc);
		return GRAPPE_EFORMAT;
	}
	copy_content(
	    child(child(root, "os"), "type"), domain->facts.os_type, sizeof domain->facts.os_type);
	read_label(child(root, "metadata"), &domain->facts);
	devices = child(root, "devices");
	for (at = devices != NULL ? devices->children : NULL; at != NULL; at = at->next)
		if (is_element(at, "interface"))
			read_nic(at, domain);
	xmlFreeDoc(doc);
	return GRAPPE_OK;
}
