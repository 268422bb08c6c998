/* SPDX-License-Identifier: MIT */
#include "machine/counters.h"

#include "base/uapi.h"
#include "machine/machine.h"
#include "machine/quiet.h"

static const char *const names[NR_VM_COUNTERS] = {
#define X(id, name) [id] = name,
	VM_COUNTERS(X)
#undef X
};

int counters_init(struct machine *m)
{
	m->counters = machine_alloc_forever(m, m->config.cpus * sizeof(*m->counters));
	return m->counters ? 0 : -ENOMEM;
}

void count_vm_events(struct machine *m, enum vm_counter counter, s64 delta)
{
	s64 *cell = &m->counters[machine_this_cpu(m)].c[counter].v;

	(void)quiet_fetch_add((u64 *)cell, (u64)delta);
}

void count_vm_events_locked(struct machine *m, unsigned cpu, enum vm_counter counter, s64 delta)
{
	s64 *cell = &m->counters[cpu].c[counter].v;

	quiet_store(cell, quiet_load(cell) + delta);
}

u64 vm_counter_sum(const struct machine *m, enum vm_counter counter)
{
	s64 sum = 0;

	for (unsigned cpu = 0; cpu < m->config.cpus; cpu++)
		sum += quiet_load(&m->counters[cpu].c[counter].v);
	return (u64)sum;
}

const char *vm_counter_name(enum vm_counter counter)
{
	return names[counter];
}
