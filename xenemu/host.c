// SPDX-License-Identifier: GPL-2.0-only
/*
 * A Xen host: what open("/dev/xenemu") makes.
 *
 * The host lasts as long as anything that was made from it: its own fd, each
 * domain, and each store, evtchn and gnttab fd hold a reference. Only dom0 and
 * the store do not, because the host owns them.
 */
#include "host.h"

#include <linux/err.h>
#include <linux/slab.h>

#include "domain.h"
#include "evtchn.h"
#include "gnttab.h"
#include "ioctl.h"
#include "store/glue.h"
#include "store/migrate.h"

struct xenemu_host *xenemu_host_get(struct xenemu_host *host)
{
	kref_get(&host->ref);
	return host;
}

/*
 * Nobody can reach the host any more, and no guest is left: the last reference
 * went, and each domain had one.
 */
static void free_host(struct kref *ref)
{
	struct xenemu_host *host = container_of(ref, struct xenemu_host, ref);

	xenemu_glue_destroy_store(host);
	xenemu_domain_kill(host->dom0);
	xenemu_domain_put(host->dom0);
	xa_destroy(&host->domains);
	mutex_destroy(&host->lock);
	kfree(host);
}

/**
 * xenemu_host_put - drop a reference
 * @host: the host
 *
 * Context: process context, no lock held; may sleep.
 */
void xenemu_host_put(struct xenemu_host *host)
{
	kref_put(&host->ref, free_host);
}

/**
 * xenemu_host_get_domain - look a domain up
 * @host: the host
 * @domid: its number; any value
 *
 * Return: the domain, with a reference for the caller, or NULL.
 */
struct xenemu_domain *xenemu_host_get_domain(struct xenemu_host *host, u32 domid)
{
	struct xenemu_domain *domain;

	if (!domid)
		return xenemu_domain_get(host->dom0);

	rcu_read_lock();
	domain = xa_load(&host->domains, domid);
	if (domain && !xenemu_domain_get_unless_zero(domain))
		domain = NULL;
	rcu_read_unlock();
	return domain;
}

/**
 * xenemu_host_add_domain - publish a domain
 * @host: the host
 * @domain: the domain, ready for use by anybody
 *
 * Return: 0, -EEXIST for a number in use, -ENOSPC for too many domains, or -ENOMEM.
 */
int xenemu_host_add_domain(struct xenemu_host *host, struct xenemu_domain *domain)
{
	int ret;

	mutex_lock(&host->lock);
	if (host->nr_domains == XENEMU_MAX_DOMAINS)
		ret = -ENOSPC;
	else
		ret = xa_insert(&host->domains, domain->domid, domain, GFP_KERNEL_ACCOUNT);
	if (ret)
		goto out_unlock;
	ret = xenemu_glue_domain_created(domain);
	if (ret)
		xa_erase(&host->domains, domain->domid);
	else
		host->nr_domains++;
out_unlock:
	mutex_unlock(&host->lock);
	return ret == -EBUSY ? -EEXIST : ret;
}

/**
 * xenemu_host_del_domain - the number of a domain becomes free
 * @host: the host
 * @domain: a domain that xenemu_host_add_domain() added
 */
void xenemu_host_del_domain(struct xenemu_host *host, struct xenemu_domain *domain)
{
	mutex_lock(&host->lock);
	xa_erase(&host->domains, domain->domid);
	host->nr_domains--;
	mutex_unlock(&host->lock);
}

static int host_open(struct inode *inode, struct file *file)
{
	struct xenemu_host *host;
	int ret;

	host = kzalloc(sizeof(*host), GFP_KERNEL_ACCOUNT);
	if (!host)
		return -ENOMEM;
	kref_init(&host->ref);
	mutex_init(&host->lock);
	xa_init(&host->domains);

	host->dom0 = xenemu_domain_alloc(host, 0, 0);
	if (IS_ERR(host->dom0)) {
		ret = PTR_ERR(host->dom0);
		goto err_free_host;
	}

	ret = xenemu_glue_create_store(host);
	if (ret)
		goto err_put_dom0;

	file->private_data = host;
	return nonseekable_open(inode, file);

err_put_dom0:
	xenemu_domain_kill(host->dom0);
	xenemu_domain_put(host->dom0);
err_free_host:
	kfree(host);
	return ret;
}

static int host_release(struct inode *inode, struct file *file)
{
	xenemu_host_put(file->private_data);
	return 0;
}

static long create_domain(struct xenemu_ucmd *ucmd)
{
	return xenemu_domain_create(ucmd->file->private_data, ucmd->args);
}

static long open_fd(struct xenemu_ucmd *ucmd,
		    int (*open)(struct xenemu_host *host, u32 domid))
{
	const struct xenemu_host_open *args = ucmd->args;

	if (args->flags)
		return -EOPNOTSUPP;
	if (args->connection)
		return -EINVAL;
	return open(ucmd->file->private_data, args->domid);
}

static long open_store(struct xenemu_ucmd *ucmd)
{
	const struct xenemu_host_open *args = ucmd->args;

	if (args->flags)
		return -EOPNOTSUPP;
	return xenemu_glue_open(ucmd->file->private_data, args->domid, args->connection);
}

static long open_evtchn(struct xenemu_ucmd *ucmd)
{
	return open_fd(ucmd, xenemu_evtchn_open);
}

static long open_gnttab(struct xenemu_ucmd *ucmd)
{
	return open_fd(ucmd, xenemu_gnttab_open);
}

static const struct xenemu_ioctl_op host_ops[] = {
	XENEMU_IOCTL_OP_QUERY,
	XENEMU_IOCTL_OP(XENEMU_HOST_CREATE_DOMAIN, xenemu_host_create_domain, handle,
			create_domain),
	XENEMU_IOCTL_OP(XENEMU_HOST_SAVE_STORE, xenemu_host_save_store, out_generation,
			xenemu_migrate_save),
	XENEMU_IOCTL_OP(XENEMU_HOST_RESTORE_STORE, xenemu_host_restore_store, out_offset,
			xenemu_migrate_restore),
	XENEMU_IOCTL_OP(XENEMU_HOST_PAUSE_STORE, xenemu_host_pause_store, __reserved,
			xenemu_migrate_pause),
	XENEMU_IOCTL_OP(XENEMU_HOST_OPEN_STORE, xenemu_host_open, connection, open_store),
	XENEMU_IOCTL_OP(XENEMU_HOST_OPEN_EVTCHN, xenemu_host_open, connection, open_evtchn),
	XENEMU_IOCTL_OP(XENEMU_HOST_OPEN_GNTTAB, xenemu_host_open, connection, open_gnttab),
};

static long host_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return xenemu_ioctl(file, cmd, arg, host_ops, ARRAY_SIZE(host_ops));
}

const struct file_operations xenemu_host_fops = {
	.owner		= THIS_MODULE,
	.open		= host_open,
	.release	= host_release,
	.unlocked_ioctl	= host_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};
