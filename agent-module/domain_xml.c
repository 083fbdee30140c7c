/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/domain_xml.h"

#include "common/error.h"

#include <libxml/parser.h>
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

/* Copies a text, which libxml2 allocated or not, as far as it fits, without control characters and
 * without half a character at the end. */
static void copy_text(char *out, size_t size, const xmlChar *text)
{
	size_t n = text != NULL ? strlen((const char *)text) : 0;

	if (n >= size) {
		n = size - 1;
		while (n > 0 && (text[n] & 0xc0) == 0x80)
			n--;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = text[i] < 0x20 || text[i] == 0x7f ? '?' : (char)text[i];
	out[n] = '\0';
}

static void copy_attribute(const xmlNode *node, const char *name, char *out, size_t size)
{
	xmlChar *value = node != NULL ? xmlGetProp(node, (const xmlChar *)name) : NULL;

	copy_text(out, size, value);
	xmlFree(value);
}

static void copy_content(const xmlNode *node, char *out, size_t size)
{
	xmlChar *value = node != NULL ? xmlNodeGetContent(node) : NULL;

	copy_text(out, size, value);
	xmlFree(value);
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
	copy_attribute(child(node, "target"), "dev", text, sizeof text);
	/* A longer name is no interface's; the NIC is then found by its MAC. */
	memset(nic->interface, 0, sizeof nic->interface);
	if (strlen(text) < sizeof nic->interface)
		memcpy(nic->interface, text, strlen(text));
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
	if (root == NULL || !is_element(root, "domain")) {
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
