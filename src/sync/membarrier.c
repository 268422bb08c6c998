/* SPDX-License-Identifier: MIT */
/* The native half of membarrier.h; without help from the host both sides fence. */
#include "sync/membarrier.h"

#ifndef UMM_SIM

#include "host/host.h"

bool sync_membarrier_is_light;

void sync_membarrier_init(void)
{
	sync_membarrier_is_light = host_membarrier_init();
}

void sync_membarrier(void)
{
	if (sync_membarrier_is_light)
		host_membarrier();
	else
		smp_mb();
}

#endif
