/* SPDX-License-Identifier: MIT */
/* Descriptors that say to an event loop of the program that something has happened in a machine. */
#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "host/host.h"

#define MAX_EVENTS 64

/* owner NULL: free. */
static struct {
	const void *owner;
	int fd;
	bool on;
} events[MAX_EVENTS];
static pthread_mutex_t events_lock = PTHREAD_MUTEX_INITIALIZER;

/* events_lock held; -1: it has none. */
static int find(const void *owner)
{
	for (int i = 0; i < MAX_EVENTS; i++)
		if (events[i].owner == owner)
			return i;
	return -1;
}

int host_event_open(const void *owner)
{
	int i, fd = -EMFILE;

	pthread_mutex_lock(&events_lock);
	i = find(owner);
	if (i >= 0) {
		fd = events[i].fd;
	} else {
		i = find(NULL);
		if (i >= 0) {
			fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
			fd = fd < 0 ? -errno : fd;
		}
		if (fd >= 0) {
			events[i].owner = owner;
			events[i].fd = fd;
			events[i].on = false;
		}
	}
	pthread_mutex_unlock(&events_lock);
	return fd;
}

void host_event_set(const void *owner, bool on)
{
	u64 value = 1;
	int i;

	pthread_mutex_lock(&events_lock);
	i = find(owner);
	if (i >= 0 && events[i].on != on) {
		ssize_t done = on ? write(events[i].fd, &value, sizeof(value)) :
				    read(events[i].fd, &value, sizeof(value));

		events[i].on = done == (ssize_t)sizeof(value) ? on : events[i].on;
	}
	pthread_mutex_unlock(&events_lock);
}

void host_event_close(const void *owner)
{
	int i;

	pthread_mutex_lock(&events_lock);
	i = find(owner);
	if (i >= 0) {
		(void)close(events[i].fd);
		events[i].owner = NULL;
	}
	pthread_mutex_unlock(&events_lock);
}
