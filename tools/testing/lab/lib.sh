# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Common part of the test bed's scripts: messages, privileges, the cache, and
# work inside the bed's root directory. Sourced, not run.

set -euo pipefail
export LC_ALL=C

LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
SOURCE_DIR=$(cd "$LAB_DIR/../../.." && pwd -P)
CACHE=${XENEMU_CACHE:-/var/cache/xenemu}
# shellcheck disable=SC2034
MIRROR=${XENEMU_MIRROR:-http://deb.debian.org/debian}
# shellcheck disable=SC2034
KERNELS="6.12 7.2"

# Exit status of a lab script when the lab itself, not the command, failed.
LAB_FAILED=125

# Who builds: an ordinary user as far as the file system can tell.
BUILD_UID=65534

say()
{
	printf 'lab: %s\n' "$*" >&2
}

die()
{
	say "$*"
	exit "$LAB_FAILED"
}

# Building a root file system needs root; so does chroot. A user who may use
# sudo is not asked to type it.
need_root()
{
	[ "$(id -u)" != 0 ] || return 0
	command -v sudo >/dev/null || die "must run as root (and there is no sudo)"
	exec sudo --preserve-env=XENEMU_CACHE,XENEMU_MIRROR,CI,KDIR "$0" "$@"
}

# Give a directory that was filled as root to the user behind sudo.
give_to_caller()
{
	[ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" "$@"
}

# need_packages COMMAND:PACKAGE... - install the packages whose command (or
# file, if it starts with a slash) is missing.
need_packages()
{
	local want missing=()

	for want; do
		if [ "${want#/}" != "$want" ]; then
			[ -e "${want%%:*}" ] || missing+=("${want#*:}")
		else
			PATH=$PATH:/usr/sbin:/sbin command -v "${want%%:*}" >/dev/null ||
				missing+=("${want#*:}")
		fi
	done
	[ ${#missing[@]} != 0 ] || return 0

	say "installing ${missing[*]}"
	local log=$CACHE/apt-install.log

	mkdir -p "$CACHE"
	{
		apt-get -q update &&
		DEBIAN_FRONTEND=noninteractive apt-get -q -y \
			--no-install-recommends install "${missing[@]}"
	} >"$log" 2>&1 </dev/null || {
		tail -n 20 "$log" >&2
		die "apt-get could not install ${missing[*]}"
	}
}

# What the lab's scripts use of the host, at once: two that run side by side must
# not both call apt-get.
need_lab_packages()
{
	with_lock packages need_packages mmdebstrap:mmdebstrap cpio:cpio rsync:rsync \
		mke2fs:e2fsprogs xz:xz-utils zstd:zstd unshare:util-linux \
		qemu-system-x86_64:qemu-system-x86 \
		/usr/share/keyrings/debian-archive-trixie-stable.gpg:debian-archive-keyring
}

# with_lock NAME COMMAND... - run a command while nobody else holds NAME.
with_lock()
{
	local lock=$CACHE/$1.lock fd

	shift
	mkdir -p "$CACHE"
	exec {fd}>"$lock"
	if ! flock -n "$fd"; then
		say "waiting for another run that holds $lock"
		flock "$fd"
	fi
	"$@" {fd}>&-
	exec {fd}>&-
}

# The place in the cache for what is built from this source tree.
work_dir()
{
	printf '%s/work/%s' "$CACHE" \
		"$(printf %s "$SOURCE_DIR" | sha256sum | cut -c1-16)"
}

# sync_source DIR - bring DIR up to date with the source tree. What a build
# left in DIR stays, so that the next build is incremental.
sync_source()
{
	mkdir -p "$1"
	echo "$SOURCE_DIR" >"$(work_dir)/source"
	rsync -a --delete --chown="$BUILD_UID:$BUILD_UID" \
		--filter=':- .gitignore' --exclude=/.git \
		"$SOURCE_DIR/" "$1/" >&2
}

# in_root ROOT DIR COMMAND... - run a command in the bed's root, as nobody,
# with DIR there as /build and as the working directory, and with $KERNEL_TREE, if
# set, as /kernel. Everything is mounted in a name space of its own and gone with
# the command.
in_root()
{
	local root=$1 dir=$2

	shift 2
	# shellcheck disable=SC2016
	unshare --mount --propagation private bash -c '
		set -e
		root=$1 dir=$2 uid=$3 kernel=$4; shift 4
		mount --bind "$root" "$root"
		mount -t proc proc "$root/proc"
		mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
		mount -t devtmpfs dev "$root/dev" 2>/dev/null ||
			mount --rbind /dev "$root/dev"
		mount --bind "$dir" "$root/build"
		[ -z "$kernel" ] || mount --bind "$kernel" "$root/kernel"
		cd "$root"
		exec chroot --userspec="$uid:$uid" --groups= "$root" \
			env -i PATH=/usr/sbin:/usr/bin LC_ALL=C HOME=/tmp \
			sh -c "cd /build && exec \"\$@\"" sh "$@"
	' in_root "$root" "$dir" "$BUILD_UID" "${KERNEL_TREE:-}" "$@" </dev/null
}

# make_image DIR IMAGE FREE_MIB [OPTION]... - an ext4 image of DIR with room to
# write, and with what mke2fs is told besides.
make_image()
{
	local mib dir=$1 image=$2

	mib=$(($(du -s -m --apparent-size "$dir" | cut -f1) * 11 / 10 + $3))
	shift 3
	mke2fs -q -F -t ext4 -m 0 "$@" -d "$dir" "$image" "${mib}m" >/dev/null
}

check_kernel()
{
	case " $KERNELS " in
	*" $1 "*) ;;
	*) die "no kernel '$1' in the bed, there are: $KERNELS" ;;
	esac
}
