#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: distribution.sh kernel    print RELEASE and ROOT, below which are
#                                  boot/vmlinuz-RELEASE, lib/modules/RELEASE and
#                                  usr/src/linux-headers-RELEASE
#        distribution.sh source    print where the tarball of the source is
#
# The distribution's 6.12 kernel, to boot in guests and to build for. Whoever has
# its packages installed has it already, unless FETCH=1 says to pass over them.
# Otherwise they are fetched and unpacked below build/fetched, because installing
# a kernel would change what this machine boots.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck source=/dev/null
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")

# Debian 12 has 6.12 beside its own kernel, for Debian 13 it is that.
case $codename in
bookworm) flavour=$series-amd64 ;;
*) flavour=amd64 ;;
esac

# The release that a package for "the newest kernel" stands for, or nothing if
# there is no such package.
release_of()
{
	{ dpkg-query -W -f '${Depends}' "$1" 2>/dev/null || true; } |
		sed -n "s/.*linux-headers-\\(${series}\\.[^ ,]*\\).*/\\1/p"
}

whole()
{
	[ -n "$2" ] && [ -r "$1/boot/vmlinuz-$2" ] &&
		[ -r "$1/lib/modules/$2/modules.dep" ] &&
		[ -r "$1/usr/src/linux-headers-$2/Makefile" ]
}

# What the packages' own scripts would have done, and paths of the place where
# the packages expect to be.
settle()
{
	local root=$1 release=$2

	[ -e "$root/lib" ] || ln -s usr/lib "$root/lib"
	sed -i 's|^include /usr/src/|include ../|' \
		"$root/usr/src/linux-headers-$release/Makefile"
	depmod -b "$root" "$release"
}

fetch_kernel()
{
	local root=$build/fetched/kernel image release

	alone kernel
	"$top/scripts/fetch.sh" --only linux- kernel "$codename" \
		"linux-image-$flavour" "linux-headers-$flavour" >&2
	image=$(echo "$root/boot/vmlinuz-$series".*)
	release=${image##*/vmlinuz-}
	whole "$root" "$release" ||
		logged kernel-settle settle "$root" "$release"
	whole "$root" "$release" ||
		die "build/fetched/kernel has no whole $series kernel"
	echo "$release $root"
}

kernel()
{
	local release

	release=$(release_of "linux-headers-$flavour")
	if [ -z "${FETCH:-}" ] && whole "" "$release"; then
		echo "$release /"
	else
		fetch_kernel
	fi
}

source_tarball()
{
	local name=usr/src/linux-source-$series.tar.xz

	if [ -z "${FETCH:-}" ] && [ -r "/$name" ]; then
		echo "/$name"
		return 0
	fi
	"$top/scripts/fetch.sh" --only linux-source source "$codename" \
		"linux-source-$series" >&2
	echo "$build/fetched/source/$name"
}

case ${1:-} in
kernel) kernel ;;
source) source_tarball ;;
*) die "usage: $0 kernel|source" ;;
esac
