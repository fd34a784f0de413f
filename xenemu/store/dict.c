// SPDX-License-Identifier: GPL-2.0-only
/*
 * Texts by number, so that a stream need not repeat them. The first ones are known from
 * the beginning: what the XenStore of a Linux guest is made of. Each text that a stream
 * spells out gets the next number, in the writer as in the reader.
 *
 * The list is part of version 1 of the compact format: it must not change.
 */
#include "state.h"

#include <linux/errno.h>
#include <linux/overflow.h>

#define MAX_TEXTS	65536

static const char * const first[] = {
	"", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
	"local", "domain", "backend", "frontend", "state", "device", "vbd", "vif",
	"console", "backend-id", "frontend-id", "online", "event-channel", "ring-ref",
	"control", "data", "name", "vm", "domid", "memory", "target", "store", "port",
	"type", "mode", "params", "protocol", "x86_64-abi", "handle", "mac", "script",
	"virtual-device", "device-type", "disk", "w", "r", "phy", "qdisk", "dev",
	"removable", "bootable", "info", "sectors", "sector-size", "hotplug-status",
	"connected", "physical-device", "feature-barrier", "feature-flush-cache",
	"feature-discard", "feature-persistent", "feature-max-indirect-segments",
	"multi-queue-max-queues", "multi-queue-num-queues", "max-ring-page-order",
	"ring-page-order", "51712", "xvda", "512", "cpu", "availability", "static-max",
	"shutdown", "suspend", "feature-poweroff", "feature-reboot", "feature-suspend",
	"sysrq", "platform-feature-multiprocessor-suspend", "platform-feature-xs_reset_watches",
	"drivers", "feature", "attr", "error", "platform", "acpi", "acpi_s3", "acpi_s4",
	"acpi_laptop_slate", "device-model", "generation-id", "hvmloader", "limit",
	"1048576", "output", "pty", "tty", "xenconsoled", "ioemu", "libxl", "dm-version",
	"qemu_xen", "qemu", "pvh", "hvm", "pv", "uuid", "image", "ostype", "start_time", "rtc",
	"timeoffset", "specification", "xen", "discard-enable", "tapdisk-params",
	"trusted", "mtu", "bridge", "tx-ring-ref", "rx-ring-ref", "event-channel-tx",
	"event-channel-rx", "request-rx-copy", "feature-rx-notify", "feature-sg",
	"feature-gso-tcpv4", "feature-gso-tcpv6", "feature-ipv6-csum-offload",
	"feature-rx-copy", "feature-rx-flip", "feature-split-event-channels",
	"feature-multicast-control", "feature-dynamic-multicast-control",
	"feature-ctrl-ring", "feature-no-csum-offload", "feature-xdp-headroom",
	"feature-large-sector-size", "feature-secure", "discard-granularity",
	"discard-alignment", "discard-secure", "queue-0", "queue-1", "vfb", "vkbd",
	"vscsi", "9pfs", "pci", "tpm", "tool", "xenstored", "introduced", "running",
	"videoram", "static-min", "ring-ref0", "vt100", "@introduceDomain",
	"@releaseDomain", "vncport", "poweroff", "reboot", "linux", "/dev/xvda",
	"physical-sector-size", "direct-io-safe", "aio", "file", "raw", "attached",
	"vda", "ide", "initial-reservation", "feature-s3", "feature-s4", "laptop",
	"shutdown-ack", "attr/eth0", "eth0", "ip", "os", "unix",
};

/**
 * struct xenemu_dict_text - a text in a writer's dictionary
 * @str: the text, which must stay
 * @len: its length
 * @hash: its hash value
 * @number: its number, from 1; 0 for a free place
 */
struct xenemu_dict_text {
	const char *str;
	u32 len;
	u32 hash;
	u32 number;
};

static u32 hash_of(const char *str, u32 len)
{
	u32 hash = 2166136261U;

	/* Whoever makes texts collide makes saving slower, by no more than find()'s bound. */
	while (len--)
		hash = (hash ^ (u8)*str++) * 16777619U;
	return hash ^ hash >> 15;
}

/* More places than this are not looked at. */
#define MAX_STEPS	64

/* The place of a text, or a free one for it, or NULL if there is none near. */
static struct xenemu_dict_text *find(const struct xenemu_dict *dict, const char *str, u32 len,
				     u32 hash)
{
	u32 i;

	for (i = 0; i < MAX_STEPS; i++) {
		struct xenemu_dict_text *text = &dict->place[(hash + i) & dict->mask];

		if (!text->number)
			return text;
		if (text->hash == hash && text->len == len && !memcmp(text->str, str, len))
			return text;
	}
	return NULL;
}

static int grow(struct xenemu_dict *dict)
{
	struct xenemu_dict_text *old = dict->place, *text;
	u32 places = old ? dict->mask + 1 : 0, i;

	dict->place = kvcalloc(places ? 2 * places : 512, sizeof(*dict->place),
			       GFP_KERNEL_ACCOUNT);
	if (!dict->place) {
		dict->place = old;
		return -ENOMEM;
	}
	dict->mask = (places ? 2 * places : 512) - 1;
	for (i = 0; i < places; i++) {
		if (!old[i].number)
			continue;
		text = find(dict, old[i].str, old[i].len, old[i].hash);
		if (text)
			*text = old[i];
	}
	kvfree(old);
	return 0;
}

/* With those that are known. */
static int begin(struct xenemu_dict *dict)
{
	struct xenemu_dict_text *text;
	u32 hash, len;
	int ret;

	ret = grow(dict);
	if (ret)
		return ret;
	while (dict->nr < ARRAY_SIZE(first)) {
		const char *known = first[dict->nr++];

		len = strlen(known);
		hash = hash_of(known, len);
		text = find(dict, known, len, hash);
		if (text)
			*text = (struct xenemu_dict_text) { known, len, hash, dict->nr };
	}
	return 0;
}

/**
 * xenemu_dict_find - number of a text, for a writer
 * @dict: the dictionary, of zeroes at first
 * @str: the text, which must stay as long as the dictionary
 * @len: its length
 * @learn: give it the next number if it has none: it will be spelled out
 *
 * Return: its number, or 0 if it had none, or -ENOMEM.
 */
int xenemu_dict_find(struct xenemu_dict *dict, const char *str, u32 len, bool learn)
{
	struct xenemu_dict_text *text;
	u32 hash;
	int ret;

	if (!dict->place) {
		ret = begin(dict);
		if (ret)
			return ret;
	}
	hash = hash_of(str, len);
	text = find(dict, str, len, hash);
	if (text && text->number)
		return text->number;
	if (!learn || dict->nr == MAX_TEXTS)
		return 0;

	/* The reader counts it in any case. */
	dict->nr++;
	if (text)
		*text = (struct xenemu_dict_text) { str, len, hash, dict->nr };
	return 2 * dict->nr > dict->mask ? grow(dict) : 0;
}

/**
 * xenemu_dict_learn - give a text the next number, for a reader
 * @dict: the dictionary, of zeroes at first
 * @str: the text, which must stay as long as the dictionary
 * @len: its length
 *
 * Return: 0 or -ENOMEM.
 */
int xenemu_dict_learn(struct xenemu_dict *dict, const char *str, u32 len)
{
	struct xenemu_dict_text *place;

	if (ARRAY_SIZE(first) + dict->nr == MAX_TEXTS)
		return 0;
	if (dict->nr == dict->mask) {
		u32 room = dict->mask ? 2 * dict->mask : 64;

		place = kvrealloc(dict->place, array_size(room, sizeof(*place)),
				  GFP_KERNEL_ACCOUNT);
		if (!place)
			return -ENOMEM;
		dict->place = place;
		dict->mask = room;
	}
	dict->place[dict->nr++] = (struct xenemu_dict_text) { .str = str, .len = len };
	return 0;
}

/**
 * xenemu_dict_text - text of a number, for a reader
 * @dict: the dictionary
 * @number: the number; any value
 * @len: result: length of the text
 *
 * Return: the text, or NULL if there is none of that number.
 */
const char *xenemu_dict_text(const struct xenemu_dict *dict, u64 number, u32 *len)
{
	if (!number)
		return NULL;
	number--;
	if (number < ARRAY_SIZE(first)) {
		*len = strlen(first[number]);
		return first[number];
	}
	number -= ARRAY_SIZE(first);
	if (number >= dict->nr)
		return NULL;
	*len = dict->place[number].len;
	return dict->place[number].str;
}

/**
 * xenemu_dict_free - free a dictionary
 * @dict: the dictionary
 */
void xenemu_dict_free(struct xenemu_dict *dict)
{
	kvfree(dict->place);
	dict->place = NULL;
}
