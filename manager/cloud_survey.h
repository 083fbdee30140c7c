/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Surveys as JSON (doc/clouds.md): what a survey_command prints and what `grappe cloud NAME survey`
 * prints, and looking into them. Pure; what is read is hostile.
 */
#ifndef GRAPPE_MANAGER_CLOUD_SURVEY_H
#define GRAPPE_MANAGER_CLOUD_SURVEY_H

#include "manager/cloud.h"

#include <jansson.h>
#include <stddef.h>

/* cloud_survey_parse - *out needs cloud_survey_deinit() (manager/cloud_kind.h) only after success.
 * Returns 0, GRAPPE_ELIMIT, GRAPPE_EMEMORY, or GRAPPE_EFORMAT with the JSON path and the reason. */
int cloud_survey_parse(
    const char *bytes, size_t length, struct cloud_survey *out, char *message, size_t size);
/* cloud_survey_json - a new reference, NULL without memory. */
json_t *cloud_survey_json(const struct cloud_survey *survey);
/* cloud_survey_find - the VM with this id, else the only one with this name, else NULL. */
const struct cloud_vm *cloud_survey_find(
    const struct cloud_survey *survey, const char *id, const char *name);

#endif
