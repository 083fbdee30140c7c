/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent-module/netlink.h"

#include "agent-module/attributes.h"
#include "common/error.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DUMP_WAIT_MS 5000
#define RECEIVE_BUFFER_BYTES (1 << 20)
#define DATAGRAM_BYTES 65536

struct netlink {
	int fd;
	uint32_t sequence;
	_Alignas(struct nlmsghdr) uint8_t datagram[DATAGRAM_BYTES];
};

/* ---- parsing ---- */

static void value_text(const uint8_t *value, size_t length, char out[NETLINK_NAME_SIZE])
{
	const size_t n = strnlen((const char *)value, length);

	if (n < NETLINK_NAME_SIZE) {
		memcpy(out, value, n);
		out[n] = '\0';
	}
}

static uint16_t value_u16(const uint8_t *value, size_t length)
{
	uint16_t number = 0;

	if (length >= sizeof number)
		memcpy(&number, value, sizeof number);
	return number;
}

/* What the interface's own kind tells. */
static void parse_linkdata(const uint8_t *value, size_t length, struct netlink_link *link)
{
	struct attributes attributes = {.bytes = value, .left = length};
	const bool is_vlan = strcmp(link->kind, "vlan") == 0;
	const bool is_bridge = strcmp(link->kind, "bridge") == 0;
	uint16_t type;

	while (attributes_next(&attributes, &type, &value, &length)) {
		if (is_vlan && type == IFLA_VLAN_ID)
			link->vlan = value_u16(value, length);
		else if (is_bridge && type == IFLA_BR_VLAN_FILTERING && length > 0)
			link->filters = value[0] != 0;
	}
}

/* The kernel writes the kind before what belongs to it. */
static void parse_linkinfo(const uint8_t *value, size_t length, struct netlink_link *link)
{
	struct attributes attributes = {.bytes = value, .left = length};
	uint16_t type;

	while (attributes_next(&attributes, &type, &value, &length)) {
		if (type == IFLA_INFO_KIND)
			value_text(value, length, link->kind);
		else if (type == IFLA_INFO_DATA)
			parse_linkdata(value, length, link);
	}
}

/* What bridges tell of their ports. */
static void parse_port(
    const struct ifinfomsg *info, struct attributes attributes, const struct netlink_sink *sink)
{
	struct netlink_pvid pvid = {.ifindex = (uint32_t)info->ifi_index};
	struct attributes vlans = {.left = 0};
	struct bridge_vlan_info vlan;
	const uint8_t *value;
	bool told = false;
	size_t length;
	uint16_t type;

	while (attributes_next(&attributes, &type, &value, &length))
		if (type == IFLA_AF_SPEC) {
			vlans = (struct attributes){.bytes = value, .left = length};
			told = true;
		}
	while (attributes_next(&vlans, &type, &value, &length)) {
		if (type != IFLA_BRIDGE_VLAN_INFO || length < sizeof vlan)
			continue;
		memcpy(&vlan, value, sizeof vlan);
		if ((vlan.flags & BRIDGE_VLAN_INFO_PVID) != 0)
			pvid.vlan = vlan.vid;
	}
	if (told)
		sink->pvid(sink->context, &pvid);
}

static void parse_link(
    const struct nlmsghdr *head, const uint8_t *body, size_t size, const struct netlink_sink *sink)
{
	struct netlink_link link = {.present = head->nlmsg_type == RTM_NEWLINK};
	struct attributes attributes;
	struct ifinfomsg info;
	bool elsewhere = false;
	const uint8_t *value;
	size_t length;
	uint16_t type;

	if (size < NLMSG_ALIGN(sizeof info))
		return;
	memcpy(&info, body, sizeof info);
	if (info.ifi_index <= 0)
		return;
	attributes = (struct attributes){
	    .bytes = body + NLMSG_ALIGN(sizeof info), .left = size - NLMSG_ALIGN(sizeof info)};
	if (info.ifi_family == AF_BRIDGE && link.present)
		parse_port(&info, attributes, sink);
	if (info.ifi_family != AF_UNSPEC)
		return;
	link.ifindex = (uint32_t)info.ifi_index;
	link.up = (info.ifi_flags & IFF_UP) != 0;
	link.ethernet = info.ifi_type == ARPHRD_ETHER;
	while (attributes_next(&attributes, &type, &value, &length)) {
		if (type == IFLA_IFNAME)
			value_text(value, length, link.name);
		else if (type == IFLA_MASTER)
			link.master = attributes_u32(value, length);
		else if (type == IFLA_LINK)
			link.lower = attributes_u32(value, length);
		else if (type == IFLA_LINK_NETNSID)
			elsewhere = true;
		else if (type == IFLA_MTU)
			link.mtu = attributes_u32(value, length);
		else if (type == IFLA_LINKINFO)
			parse_linkinfo(value, length, &link);
	}
	if (elsewhere)
		link.lower = 0;
	sink->link(sink->context, &link);
}

static void parse_neighbour(
    const struct nlmsghdr *head, const uint8_t *body, size_t size, const struct netlink_sink *sink)
{
	struct netlink_station station = {.present = head->nlmsg_type == RTM_NEWNEIGH};
	struct attributes attributes;
	bool has_mac = false;
	struct ndmsg info;
	const uint8_t *value;
	size_t length;
	uint16_t type;

	if (size < NLMSG_ALIGN(sizeof info))
		return;
	memcpy(&info, body, sizeof info);
	/* NTF_SELF: a table of the device itself (VXLAN), not of the bridge above it. */
	if (info.ndm_family != AF_BRIDGE || info.ndm_ifindex <= 0 ||
	    (info.ndm_flags & NTF_SELF) != 0)
		return;
	station.ifindex = (uint32_t)info.ndm_ifindex;
	station.local = (info.ndm_state & NUD_PERMANENT) != 0;
	attributes = (struct attributes){
	    .bytes = body + NLMSG_ALIGN(sizeof info), .left = size - NLMSG_ALIGN(sizeof info)};
	while (attributes_next(&attributes, &type, &value, &length)) {
		if (type == NDA_LLADDR && length == sizeof station.mac.bytes) {
			memcpy(station.mac.bytes, value, length);
			has_mac = true;
		} else if (type == NDA_MASTER) {
			station.master = attributes_u32(value, length);
		} else if (type == NDA_VLAN) {
			station.vlan = value_u16(value, length);
		}
	}
	if (has_mac && !mac_is_group(&station.mac))
		sink->station(sink->context, &station);
}

static int parse_error(const uint8_t *body, size_t size)
{
	struct nlmsgerr error;

	if (size < sizeof error.error)
		return GRAPPE_EFORMAT;
	memcpy(&error.error, body, sizeof error.error);
	if (error.error == 0)
		return GRAPPE_OK;
	errno = -error.error;
	return GRAPPE_EIO;
}

int netlink_parse(const void *bytes, size_t length, const struct netlink_sink *sink, bool *done)
{
	const uint8_t *at = bytes;

	*done = false;
	while (length > 0) {
		struct nlmsghdr head;
		const uint8_t *body = at + NLMSG_HDRLEN;
		size_t step, size;

		if (length < sizeof head)
			return GRAPPE_EFORMAT;
		memcpy(&head, at, sizeof head);
		if (head.nlmsg_len < NLMSG_HDRLEN || head.nlmsg_len > length)
			return GRAPPE_EFORMAT;
		size = head.nlmsg_len - NLMSG_HDRLEN;
		if (head.nlmsg_type == NLMSG_DONE)
			*done = true;
		else if (head.nlmsg_type == NLMSG_ERROR && parse_error(body, size) != GRAPPE_OK)
			return GRAPPE_EIO;
		else if (head.nlmsg_type == RTM_NEWLINK || head.nlmsg_type == RTM_DELLINK)
			parse_link(&head, body, size, sink);
		else if (head.nlmsg_type == RTM_NEWNEIGH || head.nlmsg_type == RTM_DELNEIGH)
			parse_neighbour(&head, body, size, sink);
		step = NLMSG_ALIGN(head.nlmsg_len);
		at += step < length ? step : length;
		length -= step < length ? step : length;
	}
	return GRAPPE_OK;
}

/* ---- the socket ---- */

int netlink_open(struct netlink **out)
{
	const struct sockaddr_nl address = {
	    .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_NEIGH};
	const int size = RECEIVE_BUFFER_BYTES;
	struct netlink *netlink = calloc(1, sizeof *netlink);
	int saved;

	*out = NULL;
	if (netlink == NULL)
		return GRAPPE_EMEMORY;
	netlink->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (netlink->fd < 0 ||
	    bind(netlink->fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		saved = errno;
		netlink_close(netlink);
		errno = saved;
		return GRAPPE_EIO;
	}
	/* More room for bursts; without the right to it the default has to do, and a dump repairs
	 * what is lost. */
	if (setsockopt(netlink->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
		(void)setsockopt(netlink->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	*out = netlink;
	return GRAPPE_OK;
}

void netlink_close(struct netlink *netlink)
{
	if (netlink == NULL)
		return;
	if (netlink->fd >= 0)
		close(netlink->fd);
	free(netlink);
}

int netlink_fd(const struct netlink *netlink)
{
	return netlink->fd;
}

/* One datagram. Returns 1 when there was one, 0 when none waits, or an error. */
static int read_one(struct netlink *netlink, const struct netlink_sink *sink, bool *done)
{
	struct sockaddr_nl from = {0};
	socklen_t size = sizeof from;
	const ssize_t n = recvfrom(netlink->fd, netlink->datagram, sizeof netlink->datagram, 0,
	    (struct sockaddr *)&from, &size);
	int rc;

	*done = false;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return errno == ENOBUFS ? GRAPPE_ELIMIT : GRAPPE_EIO;
	if (from.nl_pid != 0)
		return 1; /* not from the kernel */
	rc = netlink_parse(netlink->datagram, (size_t)n, sink, done);
	return rc == GRAPPE_OK ? 1 : rc;
}

static int wait_for_dump(struct netlink *netlink, const struct netlink_sink *sink)
{
	struct pollfd waiting = {.fd = netlink->fd, .events = POLLIN};
	bool done = false;

	while (!done) {
		const int ready = poll(&waiting, 1, DUMP_WAIT_MS);
		int rc;

		if (ready < 0 && errno != EINTR)
			return GRAPPE_EIO;
		if (ready == 0)
			return GRAPPE_ETIMEOUT;
		rc = read_one(netlink, sink, &done);
		if (rc < 0)
			return rc;
	}
	return GRAPPE_OK;
}

static int dump(
    struct netlink *netlink, const void *request, size_t length, const struct netlink_sink *sink)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	if (sendto(netlink->fd, request, length, 0, (const struct sockaddr *)&kernel,
		sizeof kernel) < 0)
		return GRAPPE_EIO;
	return wait_for_dump(netlink, sink);
}

int netlink_dump_links(struct netlink *netlink, const struct netlink_sink *sink)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} request = {.head = {.nlmsg_len = sizeof request,
			 .nlmsg_type = RTM_GETLINK,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			 .nlmsg_seq = ++netlink->sequence}};

	return dump(netlink, &request, sizeof request, sink);
}

int netlink_dump_pvids(struct netlink *netlink, const struct netlink_sink *sink)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
		struct nlattr mask;
		uint32_t wanted;
	} request = {.head = {.nlmsg_len = sizeof request,
			 .nlmsg_type = RTM_GETLINK,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			 .nlmsg_seq = ++netlink->sequence},
	    .info = {.ifi_family = AF_BRIDGE},
	    .mask = {.nla_len = sizeof request.mask + sizeof request.wanted,
		.nla_type = IFLA_EXT_MASK},
	    .wanted = RTEXT_FILTER_BRVLAN_COMPRESSED};

	return dump(netlink, &request, sizeof request, sink);
}

int netlink_dump_stations(struct netlink *netlink, const struct netlink_sink *sink)
{
	struct {
		struct nlmsghdr head;
		struct ndmsg info;
	} request = {.head = {.nlmsg_len = sizeof request,
			 .nlmsg_type = RTM_GETNEIGH,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			 .nlmsg_seq = ++netlink->sequence},
	    .info = {.ndm_family = AF_BRIDGE}};

	return dump(netlink, &request, sizeof request, sink);
}

int netlink_read(struct netlink *netlink, const struct netlink_sink *sink)
{
	bool done;
	int rc;

	do
		rc = read_one(netlink, sink, &done);
	while (rc > 0);
	return rc;
}
