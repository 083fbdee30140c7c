/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/collector.h"

int main(int argc, char **argv)
{
	return collector_run(argc, argv);
}
