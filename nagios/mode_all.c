/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nagios/mode.h"

const struct mode *const mode_all[MODES] = {&mode_recommendation, &mode_queue, &mode_collector,
    &mode_archive, &mode_drops, &mode_pair, &mode_agent};
