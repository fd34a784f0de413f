// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is different between two versions of the tree. What they share is the same
 * object in both, so the loop costs as much as there are differences, and lists of
 * children they are in.
 */
#include "state.h"

#include <linux/errno.h>
#include <linux/overflow.h>
#include <linux/sched.h>

/**
 * struct xenemu_diff_frame - children of a node, in both versions
 * @old_iter: loop over those in the old version
 * @new_iter: loop over those in the new version
 * @old: the next of them, or NULL
 * @new: the same
 * @above: their parent, in the new version if it is there
 * @len: length of its path
 */
struct xenemu_diff_frame {
	struct xenemu_kids_iter old_iter;
	struct xenemu_kids_iter new_iter;
	const struct xenemu_node *old;
	const struct xenemu_node *new;
	const struct xenemu_node *above;
	u32 len;
};

#define FIRST_FRAMES	16

/* Begin with the children of the current node. */
static int push(struct xenemu_diff *diff, const struct xenemu_node *old,
		const struct xenemu_node *new)
{
	const struct xenemu_kids *old_kids = old ? old->kids : NULL;
	const struct xenemu_kids *new_kids = new ? new->kids : NULL;
	struct xenemu_diff_frame *frame;
	u32 skip;

	if (old_kids == new_kids)
		return 0;
	if (diff->depth == diff->nr_frames) {
		frame = kvrealloc(diff->frame, array_size(diff->nr_frames * 2, sizeof(*frame)),
				  GFP_KERNEL_ACCOUNT);
		if (!frame)
			return -ENOMEM;
		diff->frame = frame;
		diff->nr_frames *= 2;
	}
	frame = &diff->frame[diff->depth++];
	frame->old = xenemu_kids_seek(&frame->old_iter, old_kids, 0, &skip);
	frame->new = xenemu_kids_seek(&frame->new_iter, new_kids, 0, &skip);
	frame->above = new ?: old;
	frame->len = diff->len;
	return 0;
}

/**
 * xenemu_diff_start - begin a loop
 * @diff: state of the loop
 * @old: root of the old version; NULL if there is none
 * @new: root of the new version
 *
 * Both must stay. The roots themselves are not looked at.
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_diff_start(struct xenemu_diff *diff, const struct xenemu_node *old,
		      const struct xenemu_node *new)
{
	memset(diff, 0, sizeof(*diff));
	diff->nr_frames = FIRST_FRAMES;
	diff->frame = kvmalloc_array(FIRST_FRAMES, sizeof(*diff->frame), GFP_KERNEL_ACCOUNT);
	diff->path = kmalloc(XENSTORE_ABS_PATH_MAX + 1, GFP_KERNEL_ACCOUNT);
	if (!diff->frame || !diff->path) {
		xenemu_diff_end(diff);
		return -ENOMEM;
	}
	return push(diff, old, new);
}

/**
 * xenemu_diff_end - end a loop, wherever it is
 * @diff: state of the loop
 */
void xenemu_diff_end(struct xenemu_diff *diff)
{
	kvfree(diff->frame);
	kfree(diff->path);
}

/* As the children of a node are ordered. */
static int order(const struct xenemu_node *a, const struct xenemu_node *b)
{
	if (a->name_len != b->name_len)
		return a->name_len < b->name_len ? -1 : 1;
	return memcmp(a->data, b->data, a->name_len);
}

/* Both loops are at the same place of the same chunk: go to its last child. */
static void skip_shared(struct xenemu_diff_frame *frame)
{
	u32 old = frame->old_iter.depth - 1, new = frame->new_iter.depth - 1;
	const struct xenemu_kids *chunk = frame->old_iter.chunk[old];

	if (chunk != frame->new_iter.chunk[new] ||
	    frame->old_iter.idx[old] != frame->new_iter.idx[new])
		return;
	frame->old_iter.idx[old] = chunk->nr - 1;
	frame->new_iter.idx[new] = chunk->nr - 1;
}

/* The next child that differs. */
static bool step(struct xenemu_diff *diff, struct xenemu_diff_frame *frame)
{
	while (frame->old || frame->new) {
		const struct xenemu_node *old = frame->old, *new = frame->new;
		int cmp;

		if (!old || !new)
			cmp = old ? -1 : 1;
		else
			cmp = order(old, new);
		if (old == new)
			skip_shared(frame);
		if (cmp <= 0)
			frame->old = xenemu_kids_next(&frame->old_iter);
		if (cmp >= 0)
			frame->new = xenemu_kids_next(&frame->new_iter);
		if (old == new)
			continue;
		diff->old = cmp <= 0 ? old : NULL;
		diff->new = cmp >= 0 ? new : NULL;
		return true;
	}
	return false;
}

/**
 * xenemu_diff_next - next node that is not the same in both versions
 * @diff: state of the loop
 * @descend: do not leave out what is below the current node
 *
 * Parents come before their children. Of a node that only has a difference below it,
 * there are two versions as well.
 *
 * Return: 1, 0 at the end, or -ENOMEM.
 */
int xenemu_diff_next(struct xenemu_diff *diff, bool descend)
{
	const struct xenemu_node *node;
	int ret;

	cond_resched();
	if (descend && (diff->old || diff->new)) {
		ret = push(diff, diff->old, diff->new);
		if (ret)
			return ret;
	}
	while (diff->depth) {
		struct xenemu_diff_frame *frame = &diff->frame[diff->depth - 1];

		if (!step(diff, frame)) {
			diff->depth--;
			continue;
		}
		node = diff->new ?: diff->old;
		diff->above = frame->above;
		diff->level = diff->depth;
		diff->len = frame->len;
		if (diff->depth > 1)
			diff->path[diff->len++] = '/';
		memcpy(diff->path + diff->len, node->data, node->name_len);
		diff->len += node->name_len;
		return 1;
	}
	diff->old = NULL;
	diff->new = NULL;
	return 0;
}
