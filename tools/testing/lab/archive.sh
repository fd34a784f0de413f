# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The Debian archive as the bed sees it: stable, backports and sid, whatever the
# host's own sources are. Sourced after lib.sh.

APT=$CACHE/apt
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# bed_apt TOOL ARGUMENT... - apt-get or apt-cache with that view. The mirror may be a
# frozen one: it must be signed, but not this week.
bed_apt()
{
	local tool=$1

	shift
	"$tool" -q -o Dir::Etc::SourceList="$APT/sources.list" \
		-o Dir::Etc::SourceParts=/dev/null \
		-o Dir::State::Lists="$APT/lists" -o Dir::Cache="$APT/cache" \
		-o Dir::Cache::pkgcache=pkgcache.bin -o APT::Sandbox::User=root \
		-o Acquire::Check-Valid-Until=false -o Acquire::Languages=none \
		-o APT::Architecture=amd64 "$@"
}

read_archive()
{
	local suite

	[ -z "$(find "$APT/update.log" -mmin -60 2>/dev/null)" ] || return 0
	mkdir -p "$APT/lists/partial" "$APT/cache/archives/partial" "$APT/debs"
	for suite in trixie trixie-backports sid; do
		echo "deb [signed-by=$KEYRING] $MIRROR $suite main"
	done >"$APT/sources.list"
	bed_apt apt-get update >"$APT/update.log" 2>&1 || {
		cat "$APT/update.log" >&2
		rm "$APT/update.log"
		die "cannot read the Debian archive at $MIRROR"
	}
}

# Read the lists of packages, unless that was done within an hour.
update_archive()
{
	need_lab_packages
	with_lock archive read_archive
}

# fetch PACKAGE... - download packages and print the files' names.
fetch()
{
	local package

	(cd "$APT/debs" && bed_apt apt-get download "$@") >"$APT/download.log" 2>&1 || {
		cat "$APT/download.log" >&2
		die "cannot download $*"
	}
	for package; do
		find "$APT/debs" -name "${package%%/*}_*.deb" -printf '%T@ %p\n' |
			sort -n | tail -n 1 | cut -d' ' -f2-
	done
}
