/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a hostile rrdcached may answer: to a batch, to a wish to write everything, to single
 * commands. The input is all it ever says. */
#include "common/error.h"
#include "rrd/rrdcached.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define UPDATES 3
#define INPUT_MAX 60000 /* what a socket takes without a reader */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void on_refused(
    void *context, uint32_t tag, enum rrdcached_refusal refusal, const char *reason)
{
	unsigned *count = context;

	if (tag < 10 || tag >= 10 + UPDATES || ++*count > UPDATES || strlen(reason) > 10000 ||
	    refusal > RRDCACHED_OTHER)
		abort();
}

/* Each of these may be the first to be answered, as the first byte says. */
static void ask(struct rrdcached *client, uint8_t what)
{
	const struct rrdfile_point point = {.end_s = 1790006400, .values = {1, 2}};
	char message[512] = "";
	unsigned refused = 0;
	int rc;

	for (uint32_t i = 0; i < UPDATES; i++)
		if (rrdcached_add(client, 10 + i, "/a.rrd", &point, 1) != GRAPPE_OK)
			abort();
	if (what % 3 == 0)
		rc = rrdcached_send(client, on_refused, &refused, message, sizeof message);
	else if (what % 3 == 1)
		rc = rrdcached_flush_all(client, message, sizeof message);
	else
		rc = rrdcached_flush(client, "/a.rrd", message, sizeof message);
	if (rc != GRAPPE_OK &&
	    (rc != GRAPPE_ETIMEOUT || message[0] == '\0' || rrdcached_is_connected(client)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct rrdcached *client = rrdcached_new("unix:/socket", 1000);
	int sockets[2];

	if (client == NULL || length == 0 || length > INPUT_MAX ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0) {
		rrdcached_free(client);
		return 0;
	}
	if (write(sockets[1], bytes + 1, length - 1) != (ssize_t)length - 1)
		abort();
	shutdown(sockets[1], SHUT_WR);
	rrdcached_adopt(client, sockets[0]);
	ask(client, bytes[0]);
	ask(client, bytes[0] / 3);
	rrdcached_free(client);
	close(sockets[1]);
	return 0;
}
