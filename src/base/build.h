/* SPDX-License-Identifier: MIT */
/*
 * What the options of the build leave out of the model, as Linux's configuration does. Files that
 * go as a whole are meson's business (src/meson.build); what is left decides by these constants.
 */
#ifndef BASE_BUILD_H
#define BASE_BUILD_H

/* CONFIG_USERFAULTFD */
#ifdef UMM_NO_USERFAULTFD
#define BUILD_USERFAULTFD 0
#else
#define BUILD_USERFAULTFD 1
#endif

/* CONFIG_HAVE_ARCH_USERFAULTFD_WP, where the architecture has a bit for it. */
#if defined(UMM_NO_USERFAULTFD) || defined(UMM_NO_UFFD_WP)
#define BUILD_UFFD_WP 0
#else
#define BUILD_UFFD_WP 1
#endif

#endif
