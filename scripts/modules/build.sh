#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: build.sh check RELEASE HEADERS
#        build.sh list TREE HEADERS CONTAINER
#        build.sh make TREE HEADERS CONTAINER [ARGUMENT...]
#
# How iommufd.ko and the VFIO modules that go with it are made for a
# distribution kernel, by modules.sh and by dkms. VFIO is the base's, file by
# file: its structures depend on CONFIG_IOMMUFD, which the distribution leaves
# off, so all of its modules have to be built again. Which ones there are says
# the kernel's configuration.
#
# TREE has our drivers/iommu/iommufd, the base's drivers/vfio, and Kbuild.
# HEADERS are those of the kernel. CONTAINER is who serves /dev/vfio/vfio, vfio
# or iommufd. Each ARGUMENT goes to make.
#
# check says why a kernel cannot have the modules. list prints a directory and a
# name for each module that make would make.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
series=6.12

die()
{
	printf 'error: %s\n' "$*" >&2
	exit 1
}

check()
{
	local release=$1 headers=$2

	case $release in
	"$series".*) ;;
	*) die "kernel $release is not a $series kernel" ;;
	esac
	[ -e "$headers/include/config/auto.conf" ] ||
		die "no headers for kernel $release; install" \
		    "linux-headers-$release"
	grep -qx CONFIG_VFIO=m "$headers/include/config/auto.conf" ||
		die "kernel $release does not have VFIO as modules, so these" \
		    "cannot take their place"
}

# VFIO's Makefiles have one module in a line, behind the option that it needs.
list()
{
	local tree=$1 headers=$2 container=$3 without=

	[ "$container" = vfio ] || without=CONFIG_VFIO_IOMMU_TYPE1
	[ -e "$headers/include/config/auto.conf" ] ||
		die "there are no headers in $headers"
	echo drivers/iommu/iommufd iommufd
	cd "$tree"
	# shellcheck disable=SC2016 # awk's own variables
	find drivers/vfio -name Makefile | sort |
		xargs awk -v without="$without" '
		/^CONFIG_[A-Z0-9_]+=m$/ {
			modular[substr($0, 1, length($0) - 2)] = 1
		}
		$1 ~ /^obj-\$\(CONFIG_[A-Z0-9_]+\)$/ && $3 ~ /\.o$/ {
			option = substr($1, 7, length($1) - 7)
			directory = FILENAME
			sub("/Makefile$", "", directory)
			if (modular[option] && option != without)
				print directory, substr($3, 1, length($3) - 2)
		}' "$headers/include/config/auto.conf"
}

# Options that differ from those of the distribution, for make and for the
# compiler. One that is on there can be taken back from the compiler only after
# it has read all of them.
set_options()
{
	local headers=$1 container=$2

	options=(CONFIG_IOMMUFD=m CONFIG_VFIO_DEVICE_CDEV=y)
	defines="-DCONFIG_IOMMUFD_MODULE=1 -DCONFIG_VFIO_DEVICE_CDEV=1"
	if [ "$container" = iommufd ]; then
		options+=(CONFIG_VFIO_CONTAINER= CONFIG_VFIO_IOMMU_TYPE1=
			CONFIG_IOMMUFD_VFIO_CONTAINER=y)
		defines+=" -DCONFIG_IOMMUFD_VFIO_CONTAINER=1"
		defines+=" -include $here/no-vfio-container.h"
	fi
	# Without this option the IOMMU drivers of the kernel note nothing in
	# bitmaps of what is dirty, and nobody has any. So iommufd.ko brings
	# them along. No kernel has "m", by which iommufd knows that its drivers
	# are such.
	if ! grep -q '^CONFIG_IOMMUFD_DRIVER=' \
		"$headers/include/config/auto.conf"; then
		options+=(CONFIG_IOMMUFD_DRIVER=m)
		defines+=" -DCONFIG_IOMMUFD_DRIVER_MODULE=1"
	fi
}

# A message of modpost is a symbol that will be missing when it is too late.
check_log()
{
	if grep -n 'WARNING: modpost' "$1" >&2; then
		die "a symbol is missing"
	fi
}

# A module that dkms does not know of would stay the distribution's.
check_modules()
{
	local tree=$1

	diff <(list "$@" | tr ' ' / | sort) \
		<(sed "s|^$tree/||; s/\.o$//" "$tree/modules.order" | sort) >&2 ||
		die "the modules are not those that the kernel's" \
		    "configuration promises"
}

build()
{
	local tree=$1 headers=$2 container=$3
	shift 3

	set_options "$headers" "$container"
	make -C "$headers" M="$tree" OVERLAY="${OVERLAY:-$tree}" \
		"${options[@]}" KCPPFLAGS="$defines" "$@" modules 2>&1 |
		tee "$tree/build.log"
	check_log "$tree/build.log"
	check_modules "$tree" "$headers" "$container"
}

check_container()
{
	case $1 in
	vfio | iommufd) ;;
	*) die "CONTAINER is 'vfio' or 'iommufd', not '$1'" ;;
	esac
}

command=${1:-} needed=4
[ "$command" != check ] || needed=3
[ $# -ge $needed ] || command=
case $command in
check) check "$2" "$3" ;;
list) check_container "$4"; list "$2" "$3" "$4" ;;
make) check_container "$4"; shift; build "$@" ;;
*) die "usage: $0 check|list|make ..., see the head of that file" ;;
esac
