/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads the fields of JSON documents that others wrote: every key is known, every value has its
 * type and range, and a fault names its place ("environments[1].hosts[0].vcpu: must be a number").
 * Internal to the readers of documents. Pure; one thread.
 */
#ifndef GRAPPE_MANAGER_JSON_FIELDS_H
#define GRAPPE_MANAGER_JSON_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a fault is told. */
struct json_fault {
	char *message;
	size_t size;
};

/* What may not be told at all. */
enum truth { TRUTH_UNKNOWN, TRUTH_NO, TRUTH_YES };

/* A number of 0 … max; left out or null: NAN. */
struct json_number {
	const char *key;
	size_t offset; /* of a double in the struct that is filled */
	double max;
};

#define JSON_COUNT(table) (sizeof(table) / sizeof *(table))

/* json_fail - writes the fault; returns code. */
int json_fail(const struct json_fault *fault, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* All of these return 0 or GRAPPE_EFORMAT (json_get_array() also GRAPPE_ELIMIT) with the fault
 * told. path: of the object, "" for the document itself. */

/* json_check_keys - keys: NULL-terminated; every key of the object must be among them. */
int json_check_keys(const struct json_fault *fault, const json_t *object, const char *path,
    const char *const *keys);
/* json_get_array - NULL when the key is missing and not required. */
int json_get_array(const struct json_fault *fault, const json_t *object, const char *path,
    const char *key, bool required, size_t limit, const json_t **array);
/* json_get_text - 1 … size - 1 bytes without control characters; "" when missing and not required.
 */
int json_get_text(const struct json_fault *fault, const json_t *object, const char *path,
    const char *key, bool required, char *out, size_t size);
/* json_get_numbers - fills the doubles of *out that the table names. */
int json_get_numbers(const struct json_fault *fault, const json_t *object, const char *path,
    const struct json_number *table, size_t count, void *out);
/* json_get_truth - true, false, or left out. */
int json_get_truth(const struct json_fault *fault, const json_t *object, const char *path,
    const char *key, enum truth *out);
/* json_get_time - "YYYY-MM-DDTHH:MM:SSZ" (RFC 3339, UTC) as epoch seconds; 0 when left out. */
int json_get_time(const struct json_fault *fault, const json_t *object, const char *path,
    const char *key, int64_t *out);

/* json_text_of - a member of a document that was checked; "" when it is no text. json_number_of -
 * NAN when it is no number. */
const char *json_text_of(const json_t *object, const char *key);
double json_number_of(const json_t *object, const char *key);

/* Members of a file of our own, whose whole object is no use when one of them is: false when it is
 * missing or not as told, *out then holds nothing of worth.
 * json_take_text - shorter than size; …_or_null: null is "". json_take_time - 0 … 2^40 - 1.
 * json_take_number - any; null is NAN. */
bool json_take_text(const json_t *object, const char *key, char *out, size_t size);
bool json_take_text_or_null(const json_t *object, const char *key, char *out, size_t size);
bool json_take_time(const json_t *object, const char *key, int64_t *out);
bool json_take_number(const json_t *object, const char *key, double *out);

/* json_text - a string; what is no UTF-8 becomes "?". json_text_or_null - null for "". New
 * references, NULL without memory. */
json_t *json_text(const char *text);
json_t *json_text_or_null(const char *text);
/* json_real_or_null - null for what is not finite: it is not known. A new reference. */
json_t *json_real_or_null(double value);
/* json_plain - the same for a stranger's text that people will see: what is no UTF-8, controls and
 * marks of direction become U+FFFD, and what is beyond JSON_PLAIN_MAX bytes is left out. */
#define JSON_PLAIN_MAX 1024
json_t *json_plain(const char *text);

#endif
