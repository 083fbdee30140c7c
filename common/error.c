/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/error.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const char *const texts[] = {
    [-GRAPPE_OK] = "success",
    [-GRAPPE_EMEMORY] = "out of memory",
    [-GRAPPE_EIO] = "input/output error",
    [-GRAPPE_EFORMAT] = "malformed data",
    [-GRAPPE_ETRUNCATED] = "truncated data",
    [-GRAPPE_ECHECKSUM] = "wrong checksum",
    [-GRAPPE_EVERSION] = "unknown version",
    [-GRAPPE_ERANGE] = "value out of range",
    [-GRAPPE_ELIMIT] = "limit reached",
    [-GRAPPE_ENOTFOUND] = "not found",
    [-GRAPPE_EEXISTS] = "exists already",
    [-GRAPPE_ETIMEOUT] = "timed out",
    [-GRAPPE_EPEER] = "the other side reports an error",
    [-GRAPPE_EUNSUPPORTED] = "not supported",
    [-GRAPPE_EINVALID] = "invalid argument",
};

const char *error_text(int code)
{
	if (code == GRAPPE_EIO && errno != 0)
		return strerror(errno);
	if (code > 0 || code <= -(int)(sizeof texts / sizeof *texts))
		return "unknown error";
	return texts[-code];
}
