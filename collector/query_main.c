/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/query.h"

int main(int argc, char **argv)
{
	return query_run(argc, argv);
}
