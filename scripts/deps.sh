#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: deps.sh build|run|test|bench|check|graph|deb|test-deb...
#
# Install the Debian packages that a task needs and that are not there yet.
# When nothing is missing, apt is not called.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# Modules for the distribution's kernel and the programs that use them.
modules_packages=(gcc libc6-dev make perl python3 kmod xz-utils pahole)
# A guest that runs them.
guest_packages=(qemu-system-x86 busybox-static)
# A kernel of our own.
kernel_packages=(bc bison flex libelf-dev libssl-dev)
# A program that was written for VFIO's own containers.
legacy_packages=(dpdk-dev)
check_packages=(sparse shellcheck)
graph_packages=(graphviz)
# A Debian package, and a system to install it in.
deb_packages=(dpkg-dev debhelper dh-dkms lintian)
root_packages=(mmdebstrap e2fsprogs)

packages_of()
{
	local packages=("${modules_packages[@]}")

	case $1 in
	build) ;;
	run) packages+=("${guest_packages[@]}") ;;
	test) packages+=("${guest_packages[@]}" "${kernel_packages[@]}"
			"${legacy_packages[@]}") ;;
	bench) packages+=("${guest_packages[@]}" "${kernel_packages[@]}") ;;
	check) packages+=("${kernel_packages[@]}" "${check_packages[@]}") ;;
	graph) packages+=("${kernel_packages[@]}" "${graph_packages[@]}") ;;
	deb) packages+=("${deb_packages[@]}") ;;
	test-deb) packages+=("${deb_packages[@]}" "${root_packages[@]}"
			"${guest_packages[@]}") ;;
	*) die "unknown task '$1'" ;;
	esac
	printf '%s\n' "${packages[@]}"
}

installed()
{
	[[ $(dpkg-query -W -f '${Status}' "$1" 2>/dev/null) == *' installed' ]]
}

known()
{
	[[ $(LC_ALL=C apt-cache policy "$1" 2>/dev/null) == *'Candidate: '[!\(]* ]]
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		env DEBIAN_FRONTEND=noninteractive "$@"
	elif command -v sudo >/dev/null; then
		sudo DEBIAN_FRONTEND=noninteractive "$@"
	else
		die "installing packages needs root; run as root:" \
		    "apt-get install ${missing[*]}"
	fi
}

update()
{
	say "apt-get update"
	as_root apt-get update -q || die "apt-get update failed; is there a network?"
}

install()
{
	as_root apt-get install -q -y --no-install-recommends "${missing[@]}"
}

missing_packages()
{
	local task package

	for task in "$@"; do
		for package in $(packages_of "$task"); do
			installed "$package" || echo "$package"
		done
	done | sort -u
}

check_known()
{
	local package

	for package in "${missing[@]}"; do
		known "$package" && continue
		update
		break
	done
	for package in "${missing[@]}"; do
		known "$package" || die "apt knows no package $package"
	done
}

[ $# -gt 0 ] || die "usage: $0 build|run|test|bench|check|graph|deb|test-deb..."
command -v dpkg-query >/dev/null ||
	die "this needs Debian or a distribution made from it; elsewhere" \
	    "build the overlay as part of a kernel, see README.md"
mapfile -t missing < <(missing_packages "$@")
[ ${#missing[@]} -gt 0 ] || exit 0
check_known
say "installing ${missing[*]}"
# Lists that are too old name files which the archive no longer has.
install || { update; install; } ||
	die "apt-get install failed; run it by hand: apt-get install ${missing[*]}"
