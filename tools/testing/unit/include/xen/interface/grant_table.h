/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UNIT_XEN_INTERFACE_GRANT_TABLE_H
#define UNIT_XEN_INTERFACE_GRANT_TABLE_H

/* What the pure cores use of Xen's interface of grant tables. */
#define GTF_invalid		0
#define GTF_permit_access	1
#define GTF_accept_transfer	2
#define GTF_transitive		3
#define GTF_type_mask		3
#define GTF_readonly		(1 << 2)
#define GTF_reading		(1 << 3)
#define GTF_writing		(1 << 4)
#define GTF_sub_page		(1 << 8)

#define GNTST_okay		0
#define GNTST_general_error	(-1)

#endif
