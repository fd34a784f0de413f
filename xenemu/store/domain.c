// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains as the store sees them, and the operations a toolstack manages them with.
 */
#include "internal.h"

#include <asm/barrier.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/nospec.h>

#define INTRODUCE_WATCH	"@introduceDomain"
#define RELEASE_WATCH	"@releaseDomain"

/* For what must not fail once a domain has come or gone; at most two pages each. */
#define GFP_CERTAIN	(GFP_KERNEL_ACCOUNT | __GFP_NOFAIL)

/* False for want of memory; which is not wanted to set 0 for a domain that had another. */
static bool set_birth(struct xenemu_store *store, u16 domid, u64 birth)
{
	u64 **piece = &store->birth[domid / XENEMU_BIRTH_PIECE], *new;

	lockdep_assert_held(&store->lock);

	if (!*piece) {
		new = kcalloc(XENEMU_BIRTH_PIECE, sizeof(*new), GFP_KERNEL_ACCOUNT);
		if (!new)
			return false;
		/* Who finds the piece finds zeroes in it. */
		smp_store_release(piece, new);
	}
	WRITE_ONCE((*piece)[domid % XENEMU_BIRTH_PIECE], birth);
	return true;
}

/**
 * xenemu_sdomain_set_birth - say when a domain was created
 * @store: the store
 * @dom: a domain of the store
 * @birth: the generation
 */
void xenemu_sdomain_set_birth(struct xenemu_store *store, struct xenemu_sdomain *dom,
			      u64 birth)
{
	dom->birth = birth;
	set_birth(store, dom->domid, birth);
}

/**
 * xenemu_sdomain_birth - when a domain was created
 * @store: the store
 * @domid: its number; any value
 *
 * Context: any.
 * Return: the generation, or 0 if there is no such domain or it is dying.
 */
u64 xenemu_sdomain_birth(const struct xenemu_store *store, u16 domid)
{
	const u64 *piece;

	if (domid >= XENEMU_DOMID_FIRST_RESERVED)
		return 0;
	domid = array_index_nospec(domid, XENEMU_DOMID_FIRST_RESERVED);
	piece = READ_ONCE(store->birth[domid / XENEMU_BIRTH_PIECE]);
	return piece ? READ_ONCE(piece[domid % XENEMU_BIRTH_PIECE]) : 0;
}

/**
 * xenemu_sdomain_create - begin to know a domain
 * @store: the store
 * @domid: its number, which no other has
 *
 * Return: the domain; the store holds the reference. NULL for want of memory.
 */
struct xenemu_sdomain *xenemu_sdomain_create(struct xenemu_store *store, u16 domid)
{
	struct xenemu_sdomain *dom;

	lockdep_assert_held(&store->lock);

	dom = kzalloc(sizeof(*dom), GFP_KERNEL_ACCOUNT);
	if (!dom)
		return NULL;
	refcount_set(&dom->ref, 1);
	mutex_init(&dom->admin_lock);
	dom->domid = domid;
	dom->privileged = !domid;
	dom->introduced = dom->privileged;
	xenemu_store_change_head(store);
	dom->birth = ++store->gen;
	if (!set_birth(store, domid, dom->birth)) {
		kfree(dom);
		return NULL;
	}
	dom->home_len = scnprintf(dom->home, sizeof(dom->home), "/local/domain/%u/", domid);
	dom->features = XENEMU_XS_FEATURES_ALL;
	INIT_LIST_HEAD(&dom->delta);
	INIT_LIST_HEAD(&dom->conns);
	list_add_tail(&dom->link, &store->domains);
	xenemu_htab_add(&store->domain_tab, &dom->hash, domid);
	return dom;
}

/**
 * xenemu_sdomain_put - give a reference up
 * @dom: a domain
 *
 * Context: any.
 */
void xenemu_sdomain_put(struct xenemu_sdomain *dom)
{
	if (!refcount_dec_and_test(&dom->ref))
		return;
	mutex_destroy(&dom->admin_lock);
	kfree(dom);
}

/**
 * xenemu_sdomain_set_target - give a domain the rights of another
 * @store: the store
 * @dom: the domain
 * @target: the other, or NULL for none
 */
void xenemu_sdomain_set_target(struct xenemu_store *store, struct xenemu_sdomain *dom,
			       struct xenemu_sdomain *target)
{
	struct xenemu_sdomain *old = dom->target;

	xenemu_store_change_head(store);
	if (target)
		xenemu_sdomain_get(target);
	spin_lock(&store->root_lock);
	dom->target = target;
	spin_unlock(&store->root_lock);
	if (old)
		xenemu_sdomain_put(old);
}

/**
 * xenemu_sdomain_remove - forget a domain
 * @store: the store
 * @dom: the domain; the store's reference is given up
 */
void xenemu_sdomain_remove(struct xenemu_store *store, struct xenemu_sdomain *dom)
{
	xenemu_sdomain_set_target(store, dom, NULL);
	set_birth(store, dom->domid, 0);
	xenemu_store_change_head(store);
	xenemu_htab_del(&store->domain_tab, &dom->hash);
	list_del(&dom->link);
	xenemu_sdomain_put(dom);
}

/**
 * xenemu_sdomain_find - find a domain
 * @store: the store
 * @domid: its number; any value
 *
 * Return: the domain, not a reference, or NULL.
 */
struct xenemu_sdomain *xenemu_sdomain_find(struct xenemu_store *store, u16 domid)
{
	struct xenemu_sdomain *dom;

	lockdep_assert_held(&store->lock);

	xenemu_htab_for_each(&store->domain_tab, dom, domid, hash)
		if (dom->domid == domid)
			return dom;
	return NULL;
}

/**
 * xenemu_sdomain_parse - read a domain's number
 * @str: decimal digits
 * @domid: result
 *
 * Return: 0 or -EINVAL.
 */
int xenemu_sdomain_parse(const char *str, u16 *domid)
{
	if (str[0] < '0' || str[0] > '9' || strlen(str) > 5)
		return -EINVAL;
	return kstrtou16(str, 10, domid) ? -EINVAL : 0;
}

/* "/" and the special nodes stay; if they are the domain's, they become dom0's. */
static void disown_special(struct xenemu_request *req, u16 domid)
{
	static const char * const name[] = { "", INTRODUCE_WATCH, RELEASE_WATCH };
	struct xenemu_store *store = req->store;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(name); i++) {
		const struct xenemu_path path = { .str = name[i], .len = strlen(name[i]) };
		const struct xenemu_edit edit = {
			.store = store,
			.gfp = req->gfp,
			.gen = ++store->gen,
		};
		struct xenemu_change change;
		struct xenemu_perms *perms;
		struct xenemu_lookup at;
		u32 text;

		xenemu_tree_find(store->top, &path, &at);
		if (xenemu_perms_owner(at.node->perms) != domid)
			continue;
		perms = xenemu_perms_alloc(1, edit.gen, req->gfp);
		text = path.len + at.node->value_len;
		xenemu_quota_count(store, at.node->perms, text, -1);
		xenemu_quota_count(store, perms, text, 1);
		xenemu_quota_commit(store);
		xenemu_tree_set(&edit, store->top, &path, &at, NULL, 0, perms, &change);
		xenemu_store_commit(&edit, &change);
		xenemu_perms_put(perms);
	}
}

/*
 * Remove the nodes of a domain, with what is below them. They are looked for in the
 * tree as it is now, while it is being replaced step by step. The cost is that of its
 * own nodes, and of the lists of children that it shares with other guests.
 */
static void remove_nodes(struct xenemu_store *store, struct xenemu_sdomain *dom)
{
	const struct xenemu_path slash = { .str = "" };
	const struct xenemu_node *node;
	struct xenemu_node *snapshot;
	struct xenemu_request req;
	struct xenemu_lookup at;
	struct xenemu_walk walk;
	bool descend = true;

	lockdep_assert_held(&store->lock);

	xenemu_proto_init(&req, store, NULL);
	req.gfp = GFP_CERTAIN;
	disown_special(&req, dom->domid);
	if (!dom->nr_nodes)
		return;

	snapshot = xenemu_node_get(store->top);
	xenemu_tree_find(snapshot, &slash, &at);
	xenemu_walk_start(&walk, store->walk_stack, store->walk_path, at.node, &slash);
	walk.owner = dom->domid;
	while (dom->nr_nodes && (node = xenemu_walk_next(&walk, descend))) {
		const struct xenemu_path path = { .str = walk.path, .len = walk.len };

		descend = xenemu_perms_owner(node->perms) != dom->domid;
		if (descend)
			continue;
		req.top = store->top;
		xenemu_node_remove(&req, &path);
		xenemu_proto_send_events(&req);
	}
	xenemu_node_put(store, snapshot);
}

/* Tell the watchers of a domain's coming or going on behalf of the host. */
static void fire_domain(struct xenemu_store *store, const char *name, u16 domid)
{
	struct xenemu_request req;

	xenemu_proto_init(&req, store, NULL);
	req.gfp = GFP_CERTAIN;
	xenemu_watch_fire_domain(&req, name, domid);
	xenemu_proto_send_events(&req);
}

int xenemu_store_add_domain(struct xenemu_store *store, u16 domid)
{
	struct xenemu_sdomain *dom;
	int ret = 0;

	if (!domid || domid >= XENEMU_DOMID_FIRST_RESERVED)
		return -EINVAL;
	mutex_lock(&store->lock);
	dom = xenemu_sdomain_find(store, domid);
	if (dom && dom->absent)
		dom->absent = false;
	else if (dom)
		ret = -EEXIST;
	else if (!xenemu_sdomain_create(store, domid))
		ret = -ENOMEM;
	mutex_unlock(&store->lock);
	return ret;
}

void xenemu_store_shutdown_domain(struct xenemu_store *store, u16 domid)
{
	struct xenemu_sdomain *dom;

	mutex_lock(&store->lock);
	dom = xenemu_sdomain_find(store, domid);
	if (dom && !dom->privileged && dom->introduced && !dom->shutdown) {
		dom->shutdown = true;
		xenemu_store_change_head(store);
		fire_domain(store, RELEASE_WATCH, domid);
	}
	mutex_unlock(&store->lock);
}

/* Nobody has the rights of a domain any more that is gone or was released. */
static void drop_targets(struct xenemu_store *store, struct xenemu_sdomain *dom)
{
	struct xenemu_sdomain *other;

	list_for_each_entry(other, &store->domains, link)
		if (other->target == dom)
			xenemu_sdomain_set_target(store, other, NULL);
	xenemu_sdomain_set_target(store, dom, NULL);
}

void xenemu_store_del_domain(struct xenemu_store *store, u16 domid)
{
	struct xenemu_sdomain *dom;
	struct xenemu_conn *conn;

	mutex_lock(&store->lock);
	dom = xenemu_sdomain_find(store, domid);
	if (!dom || dom->privileged)
		goto out_unlock;

	dom->dead = true;
	set_birth(store, domid, 0);
	store->nr_deaths++;
	list_for_each_entry(conn, &dom->conns, dom_link) {
		xenemu_conn_kill_locked(conn);
		conn->ops->wake(conn->priv);
	}
	xenemu_parked_drop(store, dom, false);
	drop_targets(store, dom);
	remove_nodes(store, dom);
	if (dom->introduced)
		fire_domain(store, RELEASE_WATCH, domid);
	xenemu_sdomain_remove(store, dom);
out_unlock:
	mutex_unlock(&store->lock);
}

bool xenemu_store_is_introduced(struct xenemu_store *store, u16 domid)
{
	struct xenemu_sdomain *dom;
	bool ret;

	mutex_lock(&store->lock);
	dom = xenemu_sdomain_find(store, domid);
	ret = dom && dom->introduced;
	mutex_unlock(&store->lock);
	return ret;
}

/*
 * Make callbacks for a domain possible: store->lock is given up for them, since they may
 * take long, and nobody but who has to do with this domain is to wait for them.
 */
static int begin_admin(struct xenemu_store *store, struct xenemu_sdomain *dom)
{
	lockdep_assert_held(&store->lock);

	xenemu_sdomain_get(dom);
	mutex_unlock(&store->lock);
	if (!mutex_lock_killable(&dom->admin_lock))
		return 0;
	mutex_lock(&store->lock);
	xenemu_sdomain_put(dom);
	return -EAGAIN;
}

static void end_admin(struct xenemu_store *store, struct xenemu_sdomain *dom)
{
	lockdep_assert_held(&store->lock);

	mutex_unlock(&dom->admin_lock);
	xenemu_sdomain_put(dom);
}

/* INTRODUCE: domid, a frame number nobody needs, and an event channel port. */
int xenemu_sdomain_op_introduce(struct xenemu_request *req)
{
	struct xenemu_store *store = req->store;
	struct xenemu_sdomain *dom;
	char *arg[3];
	u64 gfn = 0;
	u16 domid;
	u32 port;
	int ret;

	lockdep_assert_held(&store->lock);

	if (xenemu_proto_args(req, arg, 3) != 3 || xenemu_sdomain_parse(arg[0], &domid) ||
	    kstrtou64(arg[1], 10, &gfn) || kstrtou32(arg[2], 10, &port) ||
	    !domid || !port || port > INT_MAX)
		return -EINVAL;
	dom = xenemu_sdomain_find(store, domid);
	if (!dom)
		return -ENOENT;

	/* The domain may die meanwhile, but not be introduced or released. */
	ret = begin_admin(store, dom);
	if (ret)
		return ret;
	ret = store->ops->introduce(store->priv, domid, gfn, port);
	mutex_lock(&store->lock);

	if (!ret && dom->dead)
		ret = -ENOENT;
	if (!ret && !dom->introduced) {
		dom->introduced = true;
		xenemu_store_change_head(store);
		dom->shutdown = false;
		fire_domain(store, INTRODUCE_WATCH, domid);
	}
	end_admin(store, dom);
	return ret ?: xenemu_proto_reply_text(req, "OK");
}

/* The introduced domain that a request's only argument names. */
static struct xenemu_sdomain *domain_arg(struct xenemu_request *req)
{
	const char *arg = xenemu_proto_one_arg(req);
	struct xenemu_sdomain *dom;
	u16 domid;

	if (!arg || xenemu_sdomain_parse(arg, &domid) || !domid)
		return ERR_PTR(-EINVAL);
	dom = xenemu_sdomain_find(req->store, domid);
	return dom && dom->introduced ? dom : ERR_PTR(-ENOENT);
}

/* RELEASE: domid. */
int xenemu_sdomain_op_release(struct xenemu_request *req)
{
	struct xenemu_store *store = req->store;
	struct xenemu_sdomain *dom = domain_arg(req);
	int ret;

	lockdep_assert_held(&store->lock);

	if (IS_ERR(dom))
		return PTR_ERR(dom);

	ret = begin_admin(store, dom);
	if (ret)
		return ret;
	store->ops->release(store->priv, dom->domid);
	mutex_lock(&store->lock);

	/* Whoever was faster has done it all. */
	if (!dom->dead && dom->introduced) {
		xenemu_parked_drop(store, dom, true);
		drop_targets(store, dom);
		remove_nodes(store, dom);
		dom->introduced = false;
		xenemu_store_change_head(store);
		dom->shutdown = false;
		fire_domain(store, RELEASE_WATCH, dom->domid);
	}
	end_admin(store, dom);
	return xenemu_proto_reply_text(req, "OK");
}

/* RESUME: domid. Its next shutdown will be told again. */
int xenemu_sdomain_op_resume(struct xenemu_request *req)
{
	struct xenemu_sdomain *dom = domain_arg(req);

	lockdep_assert_held(&req->store->lock);

	if (IS_ERR(dom))
		return PTR_ERR(dom);
	dom->shutdown = false;
	xenemu_store_change_head(req->store);
	return xenemu_proto_reply_text(req, "OK");
}

/* SET_TARGET: domid of a device model, and of the domain it is for. */
int xenemu_sdomain_op_set_target(struct xenemu_request *req)
{
	struct xenemu_store *store = req->store;
	struct xenemu_sdomain *dom, *target;
	u16 domid, tdomid;
	char *arg[2];

	lockdep_assert_held(&store->lock);

	if (xenemu_proto_args(req, arg, 2) != 2 || xenemu_sdomain_parse(arg[0], &domid) ||
	    xenemu_sdomain_parse(arg[1], &tdomid) || !domid || !tdomid || domid == tdomid)
		return -EINVAL;
	dom = xenemu_sdomain_find(store, domid);
	target = xenemu_sdomain_find(store, tdomid);
	if (!dom || !target || !dom->introduced || !target->introduced)
		return -ENOENT;
	xenemu_sdomain_set_target(store, dom, target);
	return xenemu_proto_reply_text(req, "OK");
}

/* IS_DOMAIN_INTRODUCED: domid. */
int xenemu_sdomain_op_is_introduced(struct xenemu_request *req)
{
	const char *arg = xenemu_proto_one_arg(req);
	const struct xenemu_sdomain *dom;
	u16 domid;

	lockdep_assert_held(&req->store->lock);

	if (!arg || xenemu_sdomain_parse(arg, &domid))
		return -EINVAL;
	dom = xenemu_sdomain_find(req->store, domid);
	return xenemu_proto_reply_text(req, domid == XENEMU_DOMID_SELF ||
					    (dom && dom->introduced) ? "T" : "F");
}

/* GET_DOMAIN_PATH: domid, of any domain, existing or not. */
int xenemu_sdomain_op_get_path(struct xenemu_request *req)
{
	const char *arg = xenemu_proto_one_arg(req);
	char text[24];
	u16 domid;

	if (!arg || xenemu_sdomain_parse(arg, &domid))
		return -EINVAL;
	scnprintf(text, sizeof(text), "/local/domain/%u", domid);
	return xenemu_proto_reply_text(req, text);
}

static int reply_features(struct xenemu_request *req, u32 features)
{
	char text[12];

	scnprintf(text, sizeof(text), "%u", features);
	return xenemu_proto_reply_text(req, text);
}

/* GET_FEATURE: nothing for those that the client has, or the domid of another. */
int xenemu_sdomain_op_get_feature(struct xenemu_request *req)
{
	const struct xenemu_sdomain *dom;
	char *arg[1];
	u16 domid;
	u32 nr;

	lockdep_assert_held(&req->store->lock);

	nr = xenemu_proto_args(req, arg, 1);
	if (!nr || (nr == 1 && !arg[0][0]))
		return reply_features(req, req->conn->dom->features);
	if (!req->cred.privileged)
		return -EACCES;
	if (nr > 1 || xenemu_sdomain_parse(arg[0], &domid))
		return -EINVAL;
	dom = xenemu_sdomain_find(req->store, domid);
	return dom ? reply_features(req, dom->features) : -ENOENT;
}

/* SET_FEATURE: domid, and what it shall see; before it is introduced. */
int xenemu_sdomain_op_set_feature(struct xenemu_request *req)
{
	struct xenemu_sdomain *dom;
	u32 features;
	char *arg[2];
	u16 domid;

	lockdep_assert_held(&req->store->lock);

	if (xenemu_proto_args(req, arg, 2) != 2 || xenemu_sdomain_parse(arg[0], &domid) ||
	    kstrtou32(arg[1], 10, &features) || features & ~XENEMU_XS_FEATURES_ALL)
		return -EINVAL;
	dom = xenemu_sdomain_find(req->store, domid);
	if (!dom)
		return -ENOENT;
	if (dom->introduced)
		return -EBUSY;
	WRITE_ONCE(dom->features, features);
	xenemu_store_change_head(req->store);
	return xenemu_proto_reply_text(req, "OK");
}
