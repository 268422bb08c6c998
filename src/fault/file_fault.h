/* SPDX-License-Identifier: MIT */
/* fault: the phases for memory that a file backs. */
#ifndef FAULT_FILE_FAULT_H
#define FAULT_FILE_FAULT_H

#include "vma/vm_fault.h"

/* The entry is none or a marker that means as much; no lock of the table held. */
vm_fault_t do_fault(struct vm_fault *vmf);
/* A write to a present, read-only entry of a shared mapping; ptl held, dropped on exit. */
vm_fault_t wp_page_shared(struct vm_fault *vmf);

#endif
