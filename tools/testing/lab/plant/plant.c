// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that does on purpose what xenemu must never do, to see that the test
 * bed notices. Loading it plants the fault that its parameter names; it is of no
 * other use, and is never installed.
 */
#include <linux/delay.h>
#include <linux/init.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

static char *fault = "none";
module_param(fault, charp, 0444);
MODULE_PARM_DESC(fault, "what to plant: none, warn, leak, use-after-free, inversion or race");

static int plant_none(void)
{
	return 0;
}

static int plant_warn(void)
{
	WARN(1, "planted\n");
	return 0;
}

/* Several: a stale register or stack slot may still point to the last one. */
static int plant_leak(void)
{
	void *lost;
	int i;

	for (i = 0; i < 8; i++) {
		lost = kmalloc(64, GFP_KERNEL);
		OPTIMIZER_HIDE_VAR(lost);
	}
	return 0;
}

static int plant_use_after_free(void)
{
	char *freed = kzalloc(64, GFP_KERNEL), *alias = freed;

	if (!freed)
		return -ENOMEM;
	/* The compiler would see it, too. */
	OPTIMIZER_HIDE_VAR(alias);
	kfree(freed);
	return READ_ONCE(*alias);
}

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);

static int plant_inversion(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
	return 0;
}

static unsigned long raced;

static int race(void *unused)
{
	while (!kthread_should_stop()) {
		raced++;
		cond_resched();
	}
	return 0;
}

static int plant_race(void)
{
	struct task_struct *one, *other;
	int ret = 0;

	one = kthread_run(race, NULL, "race");
	if (IS_ERR(one))
		return PTR_ERR(one);
	other = kthread_run(race, NULL, "race");
	if (IS_ERR(other))
		ret = PTR_ERR(other);
	else
		msleep(5000);
	kthread_stop(one);
	if (!ret)
		kthread_stop(other);
	return ret;
}

static const struct {
	const char *name;
	int (*plant)(void);
} faults[] = {
	{ "none", plant_none },
	{ "warn", plant_warn },
	{ "leak", plant_leak },
	{ "use-after-free", plant_use_after_free },
	{ "inversion", plant_inversion },
	{ "race", plant_race },
};

static int __init plant_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++)
		if (!strcmp(fault, faults[i].name))
			return faults[i].plant();
	return -EINVAL;
}

static void __exit plant_exit(void)
{
}

module_init(plant_init);
module_exit(plant_exit);

MODULE_DESCRIPTION("Faults for the xenemu test bed to find");
MODULE_LICENSE("GPL");
