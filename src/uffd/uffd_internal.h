/* SPDX-License-Identifier: MIT */
#ifndef UFFD_UFFD_INTERNAL_H
#define UFFD_UFFD_INTERNAL_H

#include "uffd/uffd.h"

/* Whether the task that runs is not to wait any more. */
bool uffd_current_killed(void);
/* Wake who reads, polls: there is something. */
void uffd_notify(struct userfaultfd_ctx *ctx);
/* Let go of ctx->lock: who polls outside is told what there is now. */
void uffd_unlock(struct userfaultfd_ctx *ctx);
/* End a wait. ctx->lock held. */
void uffd_wait_end(struct uffd_wait *wait);
/* Sleep until the wait has ended or the task is killed; off its queue then. */
void uffd_wait_sleep(struct uffd_wait *wait);

#endif
