/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stands in for prove.c where there is no GLPK. */
#include "manager/prove.h"

#include "common/error.h"

#include <stdio.h>

const char *const prove_status_names[] = {[PROVE_UNFINISHED] = "unfinished"};

int prove_check(const struct instance *instance, char message[PROVE_TEXT_SIZE])
{
	(void)instance;
	snprintf(message, PROVE_TEXT_SIZE,
	    "--prove: this build has no GLPK (Debian package libglpk-dev)");
	return GRAPPE_EUNSUPPORTED;
}

int prove_find(const struct prove_task *task, struct proof *out, char message[PROVE_TEXT_SIZE])
{
	*out = (struct proof){.status = PROVE_UNFINISHED};
	return prove_check(task->instance, message);
}
