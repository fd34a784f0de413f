# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# How the bed's root directory is made, apart from what bed.packages lists.
# Sourced by bed; a change here makes another bed.

# Hardware that no virtual machine has: two thirds of the modules.
UNWANTED_MODULES="
	kernel/sound kernel/drivers/gpu kernel/drivers/media kernel/drivers/staging
	kernel/drivers/net/ethernet kernel/drivers/net/wireless kernel/drivers/net/can
	kernel/drivers/infiniband kernel/drivers/iio kernel/drivers/usb
	kernel/drivers/hwmon kernel/drivers/input kernel/drivers/platform
	kernel/drivers/scsi kernel/drivers/comedi kernel/drivers/isdn
	kernel/drivers/accel kernel/drivers/hid kernel/drivers/mtd"

# newest_release PATTERN - the newest kernel release whose headers are there.
newest_release()
{
	bed_apt apt-cache pkgnames linux-headers- |
		sed -n "s/^linux-headers-\($1\)\$/\1/p" | sort -V | tail -n 1
}

# The release of a kernel to take: backports before sid, and when the archive
# has moved on, what took its place.
pick_release()
{
	local pattern release

	case $1 in
	6.12) set -- '6\.12\.[0-9]*+deb13[.0-9u]*-amd64' ;;
	7.2) set -- '7\.2\.[0-9]*+deb13[.0-9u]*-amd64' \
		'7\.2\.[0-9]*+deb[0-9]*-amd64' '7\.[3-9][.0-9]*+deb[0-9]*-amd64' ;;
	esac
	for pattern; do
		release=$(newest_release "$pattern")
		[ -z "$release" ] || break
	done
	[ -n "$release" ] || die "the archive at $MIRROR has no kernel $1"
	echo "$release"
}

# unpack DIR [TAR-OPTION]... - unpack the packages named on standard input.
unpack()
{
	local dir=$1 deb

	shift
	mkdir -p "$dir"
	while read -r deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir" "$@"
	done
}

bootstrap()
{
	say "unpacking a Debian 13 userland"
	mmdebstrap --quiet --variant=minbase \
		--include="$(sed 's/#.*//' "$LAB_DIR/bed.packages" | xargs | tr ' ' ,)" \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		trixie "$1" "deb [signed-by=$KEYRING] $MIRROR trixie main" \
		>"$CACHE/mmdebstrap.log" 2>&1 </dev/null || {
		tail -n 30 "$CACHE/mmdebstrap.log" >&2
		die "mmdebstrap failed"
	}
	mkdir -p "$1/build" "$1/kernel" "$1/xenemu" "$1/out" "$1/usr/lib/xenemu-bed"
	echo bed >"$1/etc/hostname"
}

# Kernels are unpacked, not installed: nothing of their maintainer scripts is
# wanted, and so one way serves stable, backports and sid alike.
add_kernel()
{
	local root=$1 version=$2 dir=$3 release tmp exclude=() image unwanted

	release=$(pick_release "$version")
	say "adding kernel $version: $release"
	tmp=$dir/unpack

	image=linux-image-$release
	if bed_apt apt-cache pkgnames "linux-modules-$release" | grep -q .; then
		image="linux-binary-$release linux-modules-$release linux-base-$release"
	fi
	for unwanted in $UNWANTED_MODULES; do
		exclude+=("--exclude=*/$unwanted")
	done
	# shellcheck disable=SC2086
	fetch $image >"$dir.debs"
	unpack "$tmp" "${exclude[@]}" <"$dir.debs"
	fetch "linux-headers-$release" "linux-headers-${release%-amd64}-common" \
		"linux-kbuild-${release%-amd64}" >"$dir.debs"
	unpack "$tmp" <"$dir.debs"
	rm "$dir.debs"

	mkdir -p "$dir" "$root/usr/lib/modules" "$root/usr/src"
	mv "$tmp"/boot/vmlinuz-* "$dir/vmlinuz" 2>/dev/null ||
		mv "$tmp/usr/lib/modules/$release/vmlinuz" "$dir/vmlinuz"
	echo "$release" >"$dir/release"
	cp "$dir/release" "$root/usr/lib/xenemu-bed/release-$version"
	cp -a "$tmp/usr/lib" "$tmp/usr/src" "$root/usr/"
	rm -rf "$tmp"
	ln -sfn "/usr/src/linux-headers-$release" "$root/usr/lib/modules/$release/build"
	# Once unpacked here, they need not be at each boot of an emulated machine.
	find "$root/usr/lib/modules/$release" -name '*.ko.xz' -exec xz -d {} +
	find "$root/usr/lib/modules/$release" -name '*.ko.zst' -exec zstd -q -d --rm {} +
	chroot "$root" depmod "$release"
}

# sparse of Debian 13 stumbles over 7.2's headers; sid's does not, and needs no
# more of sid than itself.
add_sparse()
{
	local tmp=$2/sparse

	fetch sparse/sid | unpack "$tmp"
	install -m 755 "$tmp/usr/bin/sparse" "$1/usr/lib/xenemu-bed/sparse"
	rm -rf "$tmp"
}
