/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small world for tests of the manager: vm1…vm3 and vm4…vm6 are two applications that talk among
 * themselves, vm7 is alone. Two sites with a host each.
 */
#ifndef GRAPPE_TESTS_FAKES_OBSERVED_H
#define GRAPPE_TESTS_FAKES_OBSERVED_H

#include "manager/observation.h"

#define OBSERVED_VMS 7

/* hosts: a letter for each VM, 'A' (site-1/hostA) or 'B' (site-2/hostB), "AABBBAA"; '-' = place not
 * known. swing: every pair carries so much more, 0 = none. */
void observed_make(struct observation *observation, const char *hosts, double swing);

/* An environment document of these sites with so many VMs at most on each host. */
#define OBSERVED_SITES                                                                             \
	"{\"version\":1,\"environments\":["                                                        \
	"{\"name\":\"site-1\",\"hosts\":[{\"name\":\"hostA\",\"max_vms\":6}]},"                    \
	"{\"name\":\"site-2\",\"hosts\":[{\"name\":\"hostB\",\"max_vms\":6}]}]}"

#endif
