/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manager/cloud_kind.h"

#include "common/error.h"

#include <stdio.h>

static int check(const struct cloud_settings *settings, char *message, size_t size)
{
	snprintf(message, size, "cloud \"%s\": kind openstack is not in this version",
	    settings->title);
	return GRAPPE_EINVALID;
}

const struct cloud_kind cloud_openstack = {.name = "openstack", .check = check};
