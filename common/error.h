/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one set of error codes of Grappe. Library functions return 0 (or a count)
 * on success and one of these, always negative, on failure; only the edge of a
 * program turns a code into words and logs it, once. Callable from any thread.
 */
#ifndef GRAPPE_COMMON_ERROR_H
#define GRAPPE_COMMON_ERROR_H

enum grappe_error {
	GRAPPE_OK = 0,
	GRAPPE_EMEMORY = -1,       /* no memory left */
	GRAPPE_EIO = -2,           /* a system call failed; errno says why */
	GRAPPE_EFORMAT = -3,       /* bytes that do not follow their format */
	GRAPPE_ETRUNCATED = -4,    /* the input ends in the middle of something */
	GRAPPE_ECHECKSUM = -5,     /* the checksum does not fit the bytes */
	GRAPPE_EVERSION = -6,      /* a format or protocol version not known here */
	GRAPPE_ERANGE = -7,        /* a value outside its allowed range */
	GRAPPE_ELIMIT = -8,        /* a limit of this program was reached */
	GRAPPE_ENOTFOUND = -9,     /* no such thing */
	GRAPPE_EEXISTS = -10,      /* exists already */
	GRAPPE_ETIMEOUT = -11,     /* no answer in time */
	GRAPPE_EPEER = -12,        /* the other side answered with an error */
	GRAPPE_EUNSUPPORTED = -13, /* known but not handled here */
	GRAPPE_EINVALID = -14,     /* an argument or setting makes no sense */
};

/* error_text - words for a code of enum grappe_error, without a final stop.
 * Returns a constant string, also for unknown codes. GRAPPE_EIO is explained by errno. */
const char *error_text(int code);

#endif
