// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the headers in include/linux declare.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/kernel.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/slab.h>

unsigned long long shim_now = 1000000000ULL;
unsigned long shim_fail_nth;
long shim_live_allocs;
unsigned long shim_allocs, shim_hashes, shim_steps;

static _Thread_local int spin_depth;

int shim_bug(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	abort();
}

void shim_might_sleep(void)
{
	WARN_ON(spin_depth);
}

void shim_lock_init(struct shim_lock *lock, bool spin)
{
	pthread_mutex_init(&lock->mutex, NULL);
	lock->held = false;
	lock->spin = spin;
}

void shim_lock_destroy(struct shim_lock *lock)
{
	WARN_ON(lock->held);
	pthread_mutex_destroy(&lock->mutex);
}

bool shim_lock_held(const struct shim_lock *lock)
{
	return __atomic_load_n(&lock->held, __ATOMIC_ACQUIRE) &&
	       pthread_equal(__atomic_load_n(&lock->owner, __ATOMIC_RELAXED), pthread_self());
}

void shim_lock_take(struct shim_lock *lock)
{
	WARN_ON(shim_lock_held(lock));
	if (!lock->spin)
		shim_might_sleep();
	pthread_mutex_lock(&lock->mutex);
	__atomic_store_n(&lock->owner, pthread_self(), __ATOMIC_RELAXED);
	__atomic_store_n(&lock->held, true, __ATOMIC_RELEASE);
	spin_depth += lock->spin;
}

void shim_lock_give(struct shim_lock *lock)
{
	WARN_ON(!shim_lock_held(lock));
	spin_depth -= lock->spin;
	__atomic_store_n(&lock->held, false, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&lock->mutex);
}

/* An old value in memory that is not zeroed must not look like a good one. */
void *shim_alloc(size_t size, gfp_t gfp)
{
	void *ptr;

	if (!(gfp & __GFP_ATOMIC))
		shim_might_sleep();
	if (shim_fail_nth && !(gfp & __GFP_NOFAIL) && --shim_fail_nth == 0)
		return NULL;
	ptr = malloc(size ?: 1);
	if (!ptr)
		abort();
	memset(ptr, gfp & __GFP_ZERO ? 0 : 0xa5, size);
	__atomic_add_fetch(&shim_live_allocs, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&shim_allocs, 1, __ATOMIC_RELAXED);
	return ptr;
}

/* It always moves, so that whoever goes on using the old memory is found out. */
void *shim_realloc(const void *ptr, size_t size, gfp_t gfp)
{
	size_t old = malloc_usable_size((void *)ptr);
	void *new = shim_alloc(size, gfp);

	if (!new)
		return NULL;
	if (ptr)
		memcpy(new, ptr, old < size ? old : size);
	shim_free(ptr);
	return new;
}

void shim_free(const void *ptr)
{
	if (!ptr)
		return;
	__atomic_sub_fetch(&shim_live_allocs, 1, __ATOMIC_RELAXED);
	free((void *)ptr);
}

u32 hsiphash(const void *data, size_t len, const hsiphash_key_t *key)
{
	const unsigned char *byte = data;
	u64 hash = key->key[0] ^ 0xcbf29ce484222325ULL;

	__atomic_add_fetch(&shim_hashes, 1, __ATOMIC_RELAXED);

	while (len--) {
		hash ^= *byte++;
		hash *= 0x100000001b3ULL;
	}
	hash ^= key->key[1];
	hash *= 0x9e3779b97f4a7c15ULL;
	return hash >> 32;
}

void get_random_bytes(void *buf, size_t len)
{
	static u64 state = 0x2545f4914f6cdd1dULL;
	unsigned char *out = buf;

	while (len--) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		*out++ = state;
	}
}

int vscnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	int len;

	if (!size)
		return 0;
	len = vsnprintf(buf, size, fmt, args);
	return len < 0 ? 0 : min_t(size_t, len, size - 1);
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vscnprintf(buf, size, fmt, args);
	va_end(args);
	return len;
}

/* As the kernel does it: a plus sign before and a newline behind are allowed. */
int kstrtou64(const char *s, unsigned int base, u64 *res)
{
	u64 value = 0;

	if (*s == '+')
		s++;
	if (*s < '0' || *s > '9')
		return -EINVAL;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(value, (u64)base, &value) ||
		    __builtin_add_overflow(value, (u64)(*s - '0'), &value))
			return -ERANGE;
	if (*s == '\n')
		s++;
	if (*s)
		return -EINVAL;
	*res = value;
	return 0;
}

int kstrtou32(const char *s, unsigned int base, u32 *res)
{
	u64 value;
	int ret = kstrtou64(s, base, &value);

	if (ret || value > UINT32_MAX)
		return ret ?: -ERANGE;
	*res = value;
	return 0;
}

int kstrtou16(const char *s, unsigned int base, u16 *res)
{
	u64 value;
	int ret = kstrtou64(s, base, &value);

	if (ret || value > UINT16_MAX)
		return ret ?: -ERANGE;
	*res = value;
	return 0;
}

int kstrtoint(const char *s, unsigned int base, int *res)
{
	bool negative = *s == '-';
	u64 value;
	int ret = kstrtou64(s + negative, base, &value);

	if (ret || value > INT_MAX)
		return ret ?: -ERANGE;
	*res = negative ? -(int)value : (int)value;
	return 0;
}
