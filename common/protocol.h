/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The local socket protocol of both daemons (doc/protocol.md): over a UNIX stream
 * socket the client sends one JSON object on a line; the daemon answers one JSON line
 * (status, window, completeness, columns, data), then `count` tab-separated rows, then the
 * trailer line ".end COUNT". A connection may carry several requests one after another.
 *
 * The server half lives in the daemon's libevent loop; an answer may be given
 * later (a client that waits). The client half blocks up to its time-out. Both treat the other side
 * as hostile: lengths, counts and types are bounded and checked.
 */
#ifndef GRAPPE_COMMON_PROTOCOL_H
#define GRAPPE_COMMON_PROTOCOL_H

#include "common/caveats.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTOCOL_VERSION 1
#define PROTOCOL_REQUEST_MAX 4096       /* bytes of a request line */
#define PROTOCOL_HEADER_MAX (16u << 20) /* bytes of an answer's JSON line: 20,000 agents */
#define PROTOCOL_ROW_MAX 4096           /* bytes of a row */
#define PROTOCOL_ROWS_MAX 20000000
#define PROTOCOL_COLUMNS_MAX 16        /* and at least 2, so that no row looks like the trailer */
#define PROTOCOL_ANSWER_MAX 2000000000 /* bytes of a whole answer */
#define PROTOCOL_WAIT_MAX_MS 3600000
#define PROTOCOL_SELECT_SIZE 256
#define PROTOCOL_ID_SIZE 80

enum protocol_op {
	OP_STATUS,         /* both daemons: `data` describes their state */
	OP_MATRIX,         /* collector: who talks to whom */
	OP_INVENTORY,      /* collector: VMs and where they are */
	OP_RECOMMENDATION, /* manager: the current one in `data` */
	OP_APPROVE,        /* manager: id */
	OP_HISTORY,        /* manager: rows */
};

enum protocol_kind { KIND_DETAIL, KIND_MEAN, KIND_WEIGHTED };

struct protocol_request {
	enum protocol_op op;
	int64_t from_s,
	    to_s; /* window (from, to] of whole periods, epoch seconds. to 0: the newest period
		     whose end has passed; from <= 0: so many seconds before `to` (0: one period) */
	int64_t wait_ms;  /* longest acceptable wait (C-4) */
	bool approximate; /* an estimate is allowed (C-6) */
	enum protocol_kind kind;
	double ratio; /* KIND_WEIGHTED: each period counts so many times the one before */
	char select[PROTOCOL_SELECT_SIZE]; /* "" all, else a VM's id or name: pairs it is part of */
	char id[PROTOCOL_ID_SIZE];         /* OP_APPROVE: recommendation */
};

enum protocol_status {
	STATUS_OK,
	STATUS_LATER, /* refused for now; retry_at_s says when the data will be there (C-7) */
	STATUS_ERROR, /* `error` says why */
};

/* The first line of an answer. */
struct protocol_answer {
	enum protocol_status status;
	char error[256]; /* STATUS_ERROR and STATUS_LATER: for people */
	bool exact, approximate;
	uint32_t known, wanted;     /* "periods": [n, m], whole window */
	int64_t from_s, to_s;       /* window answered */
	uint32_t length_s;          /* length of an atomic period */
	struct caveats caveats;     /* about these periods */
	int64_t retry_at_s;         /* STATUS_LATER */
	const char *const *columns; /* names, NULL-terminated or NULL; see the lists below */
	json_t *data; /* small structured answers, or NULL. Server: borrowed; client: owned by
			 the protocol_reply */
};

/* Columns of the answers, known to both sides. Counts are decimal; unknown is "-".
 * detail: one row per pair and period. mean/weighted: counts per atomic period, `known` = how many
 * periods of the window are known for the receiver; sums = mean x known. */
extern const char
    *const protocol_columns_detail[]; /* end length receiver sender packets octets known */
extern const char *const protocol_columns_mean[];      /* receiver sender packets octets known */
extern const char *const protocol_columns_inventory[]; /* id name host environment segment vcpu
							  memory_bytes addresses since seen
							  application */
extern const char *const protocol_columns_history[];   /* time id event text */

/* protocol_request_format - one line with its final newline into a heap string the caller frees;
 * NULL without memory. */
char *protocol_request_format(const struct protocol_request *request);
/* protocol_request_parse - a request line (without newline). Unknown keys are errors, so that a
 * mistyped key never changes a meaning silently. Returns 0, GRAPPE_EFORMAT, GRAPPE_EVERSION or
 * GRAPPE_ERANGE with the reason in message. */
int protocol_request_parse(
    const char *line, size_t length, struct protocol_request *request, char *message, size_t size);

/* ---- server ---- */
struct event_base;
struct protocol_server;   /* opaque */
struct protocol_exchange; /* one request waiting for its answer */

/* Called in the loop for each well-formed request. The handler answers now or keeps `exchange` and
 * answers later; protocol_on_gone() tells it when the client left meanwhile. */
typedef void protocol_handler(
    struct protocol_exchange *exchange, const struct protocol_request *request, void *context);

/*
 * A server bounds what a client can cost it: the length of a request line, the time to send one
 * (also byte by byte), requests sent ahead of their answers, answers that nobody reads. Such a
 * client is disconnected; one that sends a bad line is told why and may go on. A client is closed
 * after PROTOCOL_IDLE_MS without a whole request.
 */
#define PROTOCOL_IDLE_MS 60000
#define PROTOCOL_UNSENT_MAX (512u << 20) /* bytes of answers waiting for all clients together */

/* protocol_server_new - listens on path (an old socket that nobody serves is replaced; one that
 * somebody serves is GRAPPE_EEXISTS). mode: permissions of the socket. At most clients_max
 * connections. A path that is no socket is GRAPPE_EEXISTS too and stays. Ignores SIGPIPE from now
 * on. Returns 0 or GRAPPE_EIO (errno), GRAPPE_EEXISTS, GRAPPE_EMEMORY. */
int protocol_server_new(struct event_base *base, const char *path, unsigned mode,
    unsigned clients_max, protocol_handler *handler, void *context, struct protocol_server **out);
/* protocol_server_free - closes all connections and removes the socket. NULL is allowed. */
void protocol_server_free(struct protocol_server *server);
/* protocol_server_set_idle - another time than PROTOCOL_IDLE_MS, for clients that come from now on.
 */
void protocol_server_set_idle(struct protocol_server *server, int milliseconds);

/* protocol_on_gone - gone is called once if the client leaves (or the server is freed) before
 * protocol_answer_end(); the exchange is dead when it returns. Without it an exchange whose client
 * left stays valid until protocol_answer_end(), and its answer goes nowhere. */
void protocol_on_gone(struct protocol_exchange *exchange,
    void (*gone)(struct protocol_exchange *exchange, void *context), void *context);
/* A long answer is given in pieces: room is called in the loop each time when little of what was
 * given is unsent, until protocol_answer_end(); rows may be given as long as
 * protocol_answer_has_room(). One that is never read ends with its connection. */
void protocol_on_room(struct protocol_exchange *exchange,
    void (*room)(struct protocol_exchange *exchange, void *context), void *context);
bool protocol_answer_has_room(const struct protocol_exchange *exchange);
/* An answer: begin, rows, end; the exchange is dead after protocol_answer_end(). What is answered
 * is copied. An answer that breaks its limits (header, row, unsent bytes) is not finished: the
 * client is disconnected and finds it truncated. */
void protocol_answer_begin(
    struct protocol_exchange *exchange, const struct protocol_answer *answer);
/* protocol_answer_row - as many texts as there are columns; tabs and controls are replaced by
 * spaces; NULL is unknown, "-". */
void protocol_answer_row(struct protocol_exchange *exchange, const char *const *fields);
void protocol_answer_end(struct protocol_exchange *exchange);
/* protocol_answer_error - a whole answer of STATUS_ERROR. */
void protocol_answer_error(struct protocol_exchange *exchange, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- client ---- */

/*
 * Where an answer goes while it is read: the header, then rows, in memory that does not grow with
 * the answer. A reader that must not act on half an answer keeps what it made of it until the call
 * has returned 0: only then was the trailer there, and did its count agree. Both functions return
 * 0, or an error code that ends the reading and that the call returns.
 */
struct protocol_sink {
	/* Once. answer, its columns (ncolumns names, NULL when 0) and its data are valid until the
	 * reading ends. Look at answer->status: LATER and ERROR have no rows. */
	int (*begin)(void *context, const struct protocol_answer *answer, size_t ncolumns);
	/* fields: ncolumns texts without control characters, valid during the call; their encoding
	 * is not checked. */
	int (*row)(void *context, const char *const *fields);
	void *context;
};

/* protocol_call_stream - sends the request to the daemon at path and hands its answer to the sink
 * as it arrives. timeout_ms: for the first line (add the request's wait_ms to what you allow the
 * daemon) and again for each part after it, so that a long answer may take its time; the time that
 * the sink takes does not count. Returns as protocol_call(), or what the sink returned. */
int protocol_call_stream(const char *path, const struct protocol_request *request, int timeout_ms,
    const struct protocol_sink *sink);

/*
 * The reading of an answer without a socket, in pieces of any size: put bytes into the room, tell
 * how many. One thread at a time.
 */
struct protocol_stream; /* opaque */
#define PROTOCOL_STREAM_ENDED 1
/* protocol_stream_new - sink is borrowed until protocol_stream_free(). Returns 0 or GRAPPE_EMEMORY.
 */
int protocol_stream_new(const struct protocol_sink *sink, struct protocol_stream **out);
/* protocol_stream_room - where the next *size bytes at most may be put, valid until the next call;
 * NULL without memory. */
char *protocol_stream_room(struct protocol_stream *stream, size_t *size);
/* protocol_stream_take - length bytes were put there. Returns 0: more must come;
 * PROTOCOL_STREAM_ENDED: that was all; GRAPPE_EFORMAT, GRAPPE_ELIMIT, GRAPPE_EMEMORY, or what the
 * sink returned. */
int protocol_stream_take(struct protocol_stream *stream, size_t length);
/* protocol_stream_free - NULL is allowed. */
void protocol_stream_free(struct protocol_stream *stream);
/* protocol_stream_parse - one whole answer from bytes in memory, and nothing after it; an end
 * before the trailer is GRAPPE_ETRUNCATED. */
int protocol_stream_parse(const char *bytes, size_t length, const struct protocol_sink *sink);

/* A whole answer in memory, for answers that are known to be small. */
struct protocol_reply {
	struct protocol_answer answer; /* columns point into the reply */
	size_t nrows, ncolumns;
	/* private */
	char *text; /* rows, cut into fields */
	size_t length, capacity, count;
	const char **fields; /* nrows * ncolumns */
	char **column_names;
};

/* protocol_call - sends the request to the daemon at path and reads the whole answer, at most
 * PROTOCOL_ANSWER_MAX bytes. timeout_ms: for everything (add the request's wait_ms to what you
 * allow the daemon). Returns 0 (then look at reply->answer.status) or GRAPPE_EIO (errno: nobody
 * there), GRAPPE_ETIMEOUT, GRAPPE_EFORMAT, GRAPPE_ETRUNCATED (the daemon left in the middle of its
 * answer), GRAPPE_ELIMIT, GRAPPE_EMEMORY; protocol_reply_deinit() in any case. */
int protocol_call(const char *path, const struct protocol_request *request, int timeout_ms,
    struct protocol_reply *reply);
/* protocol_reply_parse - the same from bytes in memory (tests, fuzzing): one whole answer and
 * nothing after it. Keys that are not known are skipped. protocol_reply_deinit() in any case. */
int protocol_reply_parse(const char *bytes, size_t length, struct protocol_reply *reply);
/* protocol_reply_sink, protocol_reply_complete - what protocol_call() is made of: the sink empties
 * the reply and collects; complete, once the answer has ended well, makes nrows and the fields. */
struct protocol_sink protocol_reply_sink(struct protocol_reply *reply);
int protocol_reply_complete(struct protocol_reply *reply);
/* protocol_reply_field - the text at (row, column), both in range; owned by the reply. */
const char *protocol_reply_field(const struct protocol_reply *reply, size_t row, size_t column);
void protocol_reply_deinit(struct protocol_reply *reply);

#endif
