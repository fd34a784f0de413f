// SPDX-License-Identifier: GPL-2.0-only
/*
 * The store fd: a XenStore connection of a process, as a stream of messages
 * with read(), write() and poll(), and as one ioctl for a whole request.
 *
 * write() takes bytes in any pieces. The piece that completes a request is
 * taken only when the store takes the request, so that flow control shows as a
 * write that waits, or is short, and never as a request half done.
 *
 * The connection is dead when a message announced a length above
 * XENSTORE_PAYLOAD_MAX (then all calls fail with EPROTO), or the domain is gone
 * for which the fd acts (ENODEV). What close() of the last duplicate leaves
 * behind is nodes only: watches and transactions go with the connection.
 */
#include "fd.h"

#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "../host.h"
#include "../ioctl.h"
#include "../trace.h"
#include "incoming.h"
#include "store.h"

/* Bodies up to this length, most paths and values, are on the stack. */
#define SMALL_BODY	128

/**
 * struct store_fd - a store fd
 * @host: its host; a reference
 * @conn: its connection; lives as long as the fd
 * @domid: domain it acts as
 * @wait: whoever waits for output or for flow control
 * @broken: the client broke the protocol; set once
 * @write_lock: protects @request; held over a whole write(), so that those of
 *              several threads do not mix
 * @request: what has been written of the next request
 * @read_lock: protects @msg, for changes; read_lock and write_lock do not nest
 * @msg: message that was read in part, or NULL
 * @reply: room for a reply, for the next ioctl that finds it here; NULL while in use
 */
struct store_fd {
	struct xenemu_host *host;
	struct xenemu_conn *conn;
	u16 domid;
	wait_queue_head_t wait;
	bool broken;

	/* protects the following */
	struct mutex write_lock;

	struct xenemu_incoming request;

	/* protects the following */
	struct mutex read_lock;

	struct xenemu_msg *msg;

	char *reply;
};

/* From any context, locks of the store held. */
static void wake(void *priv)
{
	struct store_fd *sfd = priv;

	/* The barrier in it pairs with that of the waiter, who looks after queueing himself. */
	if (wq_has_sleeper(&sfd->wait))
		wake_up_interruptible_poll(&sfd->wait, EPOLLIN | EPOLLRDNORM | EPOLLOUT |
					   EPOLLWRNORM | EPOLLERR | EPOLLHUP);
}

static const struct xenemu_conn_ops conn_ops = {
	.wake	= wake,
};

/* Why a dead connection is dead. */
static int death(struct store_fd *sfd)
{
	return READ_ONCE(sfd->broken) ? -EPROTO : -ENODEV;
}

static bool nonblocking(struct kiocb *iocb)
{
	return iocb->ki_filp->f_flags & O_NONBLOCK || iocb->ki_flags & IOCB_NOWAIT;
}

/* Wait until the store may take a request, or never will. */
static int wait_for_room(struct store_fd *sfd, bool nonblock)
{
	int ret;

	for (;;) {
		if (xenemu_conn_may_accept(sfd->conn))
			return 0;
		if (xenemu_conn_is_dead(sfd->conn))
			return death(sfd);
		if (nonblock)
			return -EAGAIN;
		ret = wait_event_interruptible(sfd->wait, xenemu_conn_may_accept(sfd->conn) ||
					       xenemu_conn_is_dead(sfd->conn));
		if (ret)
			return ret;
	}
}

/* ---- write() ---- */

/* Hand the complete request to the store. */
static int submit(struct store_fd *sfd, bool nonblock)
{
	struct xenemu_incoming *request = &sfd->request;
	int ret;

	lockdep_assert_held(&sfd->write_lock);

	do {
		ret = wait_for_room(sfd, nonblock);
		if (ret)
			return ret;
		trace_xenemu_store_request(sfd->domid, request->hdr.type, request->hdr.tx_id,
					   request->hdr.len);
		ret = xenemu_conn_request(sfd->conn, &request->hdr, request->body);
	} while (ret == -EAGAIN && !nonblock);
	return ret == -ENODEV ? death(sfd) : ret;
}

/* The client announced a message that cannot be; no byte after that has a meaning. */
static int break_off(struct store_fd *sfd)
{
	WRITE_ONCE(sfd->broken, true);
	xenemu_conn_kill(sfd->conn);
	return -EPROTO;
}

/*
 * Take the next piece of a request, and carry the request out if it is the last.
 * Returns the number of bytes taken, or an error with nothing taken.
 */
static ssize_t write_piece(struct store_fd *sfd, struct iov_iter *from, bool nonblock)
{
	struct xenemu_incoming *request = &sfd->request;
	size_t len;
	char *to;
	int want;
	int ret;

	lockdep_assert_held(&sfd->write_lock);

	/* Never complete nor too long here: then it would have been dealt with. */
	want = xenemu_incoming_next(request, &to);
	len = copy_from_iter(to, min_t(size_t, want, iov_iter_count(from)), from);
	if (!len)
		return -EFAULT;
	/* Whoever saves the request finds as many bytes as it counts. */
	smp_store_release(&request->used, request->used + len);

	want = xenemu_incoming_next(request, &to);
	if (want > 0)
		return len;
	ret = want ? break_off(sfd) : submit(sfd, nonblock);
	if (ret) {
		request->used -= len;
		iov_iter_revert(from, len);
		return ret;
	}
	xenemu_conn_next_input(sfd->conn, request);
	return len;
}

/* What a restored connection had been given before comes first. */
static int submit_backlog(struct store_fd *sfd, bool nonblock)
{
	struct xenemu_incoming *request = &sfd->request;
	char *to;
	int want;
	int ret;

	lockdep_assert_held(&sfd->write_lock);

	for (;;) {
		xenemu_conn_feed(sfd->conn, request);
		want = xenemu_incoming_next(request, &to);
		if (want > 0)
			return 0;
		ret = want ? break_off(sfd) : submit(sfd, nonblock);
		if (ret)
			return ret;
		xenemu_conn_next_input(sfd->conn, request);
	}
}

static ssize_t fd_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct store_fd *sfd = iocb->ki_filp->private_data;
	ssize_t done = 0;
	ssize_t ret;

	if (mutex_lock_interruptible(&sfd->write_lock))
		return -ERESTARTSYS;
	ret = submit_backlog(sfd, nonblocking(iocb));
	while (!ret && iov_iter_count(from)) {
		if (xenemu_conn_is_dead(sfd->conn))
			ret = death(sfd);
		else
			ret = write_piece(sfd, from, nonblocking(iocb));
		if (ret < 0)
			break;
		done += ret;
		ret = 0;
		/* Each piece may have been a long request. */
		if (signal_pending(current))
			break;
		cond_resched();
	}
	mutex_unlock(&sfd->write_lock);
	return done ?: ret;
}

/* ---- read() ---- */

static bool readable(struct store_fd *sfd)
{
	return READ_ONCE(sfd->msg) || xenemu_conn_has_output(sfd->conn);
}

/* Returns the number of bytes read, 0 if there is no output, or -EFAULT. */
static ssize_t read_output(struct store_fd *sfd, struct iov_iter *to)
{
	struct xenemu_msg *msg;
	size_t done = 0;
	size_t len;

	lockdep_assert_held(&sfd->read_lock);

	while (iov_iter_count(to)) {
		msg = sfd->msg ?: xenemu_conn_take(sfd->conn);
		if (!msg)
			break;
		WRITE_ONCE(sfd->msg, msg);
		len = copy_to_iter(msg->data + msg->sent, msg->len - msg->sent, to);
		if (!len)
			return done ?: -EFAULT;
		/* A capture reads it, and nobody else writes it. */
		WRITE_ONCE(msg->sent, msg->sent + len);
		done += len;
		if (msg->sent == msg->len) {
			WRITE_ONCE(sfd->msg, NULL);
			xenemu_msg_free(sfd->conn, msg);
		}
	}
	return done;
}

static ssize_t fd_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct store_fd *sfd = iocb->ki_filp->private_data;
	ssize_t ret;

	if (!iov_iter_count(to))
		return 0;
	for (;;) {
		if (mutex_lock_interruptible(&sfd->read_lock))
			return -ERESTARTSYS;
		ret = read_output(sfd, to);
		mutex_unlock(&sfd->read_lock);
		if (ret)
			return ret;
		if (xenemu_conn_is_dead(sfd->conn))
			return death(sfd);
		if (nonblocking(iocb))
			return -EAGAIN;
		ret = wait_event_interruptible(sfd->wait, readable(sfd) ||
					       xenemu_conn_is_dead(sfd->conn));
		if (ret)
			return ret;
	}
}

static __poll_t fd_poll(struct file *file, poll_table *wait)
{
	struct store_fd *sfd = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &sfd->wait, wait);
	if (readable(sfd))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (xenemu_conn_is_dead(sfd->conn))
		mask |= EPOLLERR | EPOLLHUP;
	else if (xenemu_conn_may_accept(sfd->conn))
		mask |= EPOLLOUT | EPOLLWRNORM;
	return mask;
}

/* ---- ioctls ---- */

/* Copy the reply out. Its length is told also when there is no room for it. */
static long answer(struct xenemu_ucmd *ucmd, const struct xsd_sockmsg *hdr, const char *reply)
{
	struct xenemu_store_request *args = ucmd->args;
	bool fits = hdr->len <= args->reply_len;
	int ret;

	if (fits && copy_to_user(u64_to_user_ptr(args->reply), reply, hdr->len))
		return -EFAULT;
	args->reply_len = hdr->len;
	args->out_type = hdr->type;
	ret = xenemu_ioctl_respond(ucmd);
	return ret ?: fits ? 0 : -EMSGSIZE;
}

/*
 * A page that is allocated, and cleared, for each request would take longer than the
 * request. Callers at the same time get one each.
 */
static char *take_reply(struct store_fd *sfd)
{
	return xchg(&sfd->reply, NULL) ?: kmalloc(XENSTORE_PAYLOAD_MAX, GFP_KERNEL_ACCOUNT);
}

static void put_reply(struct store_fd *sfd, char *reply)
{
	if (cmpxchg(&sfd->reply, NULL, reply))
		kfree(reply);
}

/* Carry a request out whose body is in @body, with the headroom in front of it. */
static long call(struct xenemu_ucmd *ucmd, char *body)
{
	struct store_fd *sfd = ucmd->file->private_data;
	const struct xenemu_store_request *args = ucmd->args;
	struct xsd_sockmsg hdr = {
		.type = args->type,
		.tx_id = args->tx_id,
		.len = args->req_len,
	};
	char *reply;
	long ret;

	if (copy_from_user(body + XENEMU_STORE_HEADROOM, u64_to_user_ptr(args->req),
			   args->req_len))
		return -EFAULT;
	ret = wait_for_room(sfd, ucmd->file->f_flags & O_NONBLOCK);
	if (ret)
		return ret;
	reply = take_reply(sfd);
	if (!reply)
		return -ENOMEM;
	trace_xenemu_store_request(sfd->domid, hdr.type, hdr.tx_id, hdr.len);
	ret = xenemu_conn_call(sfd->conn, &hdr, body + XENEMU_STORE_HEADROOM, reply);
	if (ret == -ENODEV)
		ret = death(sfd);
	else if (!ret)
		ret = answer(ucmd, &hdr, reply);
	put_reply(sfd, reply);
	return ret;
}

static long request(struct xenemu_ucmd *ucmd)
{
	const struct xenemu_store_request *args = ucmd->args;
	char small[XENEMU_STORE_HEADROOM + SMALL_BODY];
	char *body = small;
	long ret;

	if (args->flags)
		return -EOPNOTSUPP;
	if (args->__reserved || args->req_len > XENSTORE_PAYLOAD_MAX)
		return -EINVAL;

	if (args->req_len > SMALL_BODY) {
		body = kmalloc(XENEMU_STORE_HEADROOM + args->req_len, GFP_KERNEL_ACCOUNT);
		if (!body)
			return -ENOMEM;
	}
	ret = call(ucmd, body);
	if (body != small)
		kfree(body);
	return ret;
}

static long get_connection(struct xenemu_ucmd *ucmd)
{
	struct store_fd *sfd = ucmd->file->private_data;
	struct xenemu_store_connection *args = ucmd->args;

	if (args->flags)
		return -EOPNOTSUPP;
	args->out_connection = xenemu_conn_id(sfd->conn);
	args->out_domid = sfd->domid;
	return xenemu_ioctl_respond(ucmd);
}

static const struct xenemu_ioctl_op store_ops[] = {
	XENEMU_IOCTL_OP_QUERY,
	XENEMU_IOCTL_OP(XENEMU_STORE_GET_CONNECTION, xenemu_store_connection, out_domid,
			get_connection),
	XENEMU_IOCTL_OP(XENEMU_STORE_REQUEST, xenemu_store_request, __reserved, request),
};

static long fd_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return xenemu_ioctl(file, cmd, arg, store_ops, ARRAY_SIZE(store_ops));
}

/* ---- Life ---- */

static void free_fd(struct store_fd *sfd)
{
	kfree(sfd->reply);
	if (sfd->conn) {
		xenemu_msg_free(sfd->conn, sfd->msg);
		xenemu_conn_destroy(sfd->conn);
	}
	xenemu_host_put(sfd->host);
	mutex_destroy(&sfd->read_lock);
	mutex_destroy(&sfd->write_lock);
	kfree(sfd);
}

static int fd_release(struct inode *inode, struct file *file)
{
	free_fd(file->private_data);
	return 0;
}

static const struct file_operations store_fops = {
	.owner		= THIS_MODULE,
	.release	= fd_release,
	.read_iter	= fd_read,
	.write_iter	= fd_write,
	.poll		= fd_poll,
	.unlocked_ioctl	= fd_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/* @connection: number of a restored connection, or 0 for a new one. */
static int connect(struct store_fd *sfd, struct xenemu_store *store, u32 connection)
{
	struct xenemu_conn *conn;

	if (connection)
		conn = xenemu_conn_claim(store, sfd->domid, connection, &conn_ops, sfd);
	else
		conn = xenemu_conn_create(store, sfd->domid, XENEMU_CONN_FD, &conn_ops, sfd);
	if (IS_ERR(conn))
		return PTR_ERR(conn);
	sfd->conn = conn;
	/* Those of domains that are gone are not restored. */
	sfd->broken = xenemu_conn_is_dead(conn);
	xenemu_conn_set_input(conn, &sfd->request);
	mutex_lock(&sfd->write_lock);
	/* What must wait is done before the next write(). */
	submit_backlog(sfd, true);
	mutex_unlock(&sfd->write_lock);
	return 0;
}

/**
 * xenemu_fd_open - make a store fd
 * @host: the host
 * @store: its store
 * @domid: domain to act as; any value
 * @connection: number of a restored connection to go on with; any value; 0 for a new one
 *
 * Return: the fd, -ENOENT if there is no such domain, or another negative errno.
 */
int xenemu_fd_open(struct xenemu_host *host, struct xenemu_store *store, u32 domid,
		   u32 connection)
{
	struct store_fd *sfd;
	struct file *file;
	int fd, ret;

	if (domid >= XENEMU_DOMID_FIRST_RESERVED)
		return -ENOENT;
	sfd = kzalloc(sizeof(*sfd), GFP_KERNEL_ACCOUNT);
	if (!sfd)
		return -ENOMEM;
	mutex_init(&sfd->write_lock);
	mutex_init(&sfd->read_lock);
	init_waitqueue_head(&sfd->wait);
	sfd->domid = domid;
	sfd->host = xenemu_host_get(host);

	/* A restored connection can be had once: so first what may fail besides. */
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		ret = fd;
		goto err_free;
	}
	file = anon_inode_getfile("xenemu-store", &store_fops, sfd, O_RDWR);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_put_fd;
	}
	ret = connect(sfd, store, connection);
	if (ret) {
		put_unused_fd(fd);
		/* With all that is its. */
		fput(file);
		return ret;
	}
	fd_install(fd, file);
	return fd;

err_put_fd:
	put_unused_fd(fd);
err_free:
	free_fd(sfd);
	return ret;
}
