#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: load.sh [allow_unsafe_interrupts=1]   load iommufd and its VFIO, with
#                                              the options that modprobe.d and
#                                              the kernel command line have
#        load.sh --unload                      unload them
#
# Puts the modules that lie next to this script into the running kernel, in
# place of the distribution's VFIO. Nothing is installed: after a reboot, or
# after --unload, everything is as before.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
release=$(cat "$here/release")

die()
{
	echo "load.sh: $*" >&2
	exit 1
}

check_kernel()
{
	[ "$(id -u)" = 0 ] || die "only root can load modules; try sudo"
	[ "$(uname -r)" = "$release" ] ||
		die "these modules are for kernel $release, this is" \
		    "$(uname -r); install its linux-headers package and run" \
		    "'make modules KERNEL=$(uname -r)'"
	[ -d /sys/kernel/iommu_groups ] ||
		die "this kernel has no IOMMU support"
}

# Users before what they use; loading goes the other way. The distribution's
# VFIO has one module that ours may not have.
unload_order()
{
	echo vfio_iommu_type1
	cut -d ' ' -f 1 "$here/order" | tr - _ | sed '1!G; h; $!d'
}

# What keeps a module: the modules that use it, or else programs and devices.
holders()
{
	users=$(ls "/sys/module/$1/holders")
	[ -n "$users" ] || users="a program or a device bound to it"
	echo "$users" | tr '\n' ' '
}

unload()
{
	for module in $(unload_order); do
		[ -d "/sys/module/$module" ] || continue
		[ -e "/sys/module/$module/refcnt" ] ||
			die "$module is built into this kernel"
		[ "$(cat "/sys/module/$module/refcnt")" = 0 ] ||
			die "$module is in use by $(holders "$module"); stop" \
			    "virtual machines, unbind devices from vfio-pci" \
			    "and try again"
		rmmod "$module" || die "cannot unload $module"
	done
}

# In the order of their names; one in /etc hides others of the same name.
modprobe_files()
{
	for file in /etc/modprobe.d/*.conf /run/modprobe.d/*.conf \
		    /usr/lib/modprobe.d/*.conf; do
		[ ! -e "$file" ] || echo "${file##*/} $file"
	done | sort -s -u -k1,1 | cut -d' ' -f2-
}

# configured MODULE: the options that modprobe would give a module. insmod, which
# is needed here to choose the file, gives it none.
configured()
{
	name=$(echo "$1" | sed 's/[-_]/[-_]/g')
	modprobe_files | xargs cat 2>/dev/null |
		sed -n "s/^[[:space:]]*options[[:space:]]\{1,\}${name}[[:space:]]//p"
	tr ' ' '\n' </proc/cmdline | sed -n "s/^$name\.//p"
}

# Where iommufd serves the containers, it also answers for vfio_iommu_type1.
inherited()
{
	for option in $(configured vfio_iommu_type1); do
		case $option in
		allow_unsafe_interrupts | allow_unsafe_interrupts=* | \
		dma_entry_limit=*)
			echo "load.sh: iommufd gets $option, which is set for" \
			     "vfio_iommu_type1" >&2
			echo "$option"
			;;
		*)
			echo "load.sh: iommufd has nothing like $option, which" \
			     "is set for vfio_iommu_type1" >&2
			;;
		esac
	done
}

# load OPTION...: each line of the list has a module of ours and those of the
# kernel that it needs. The options are for iommufd.
load()
{
	while read -r module needs; do
		for other in $needs; do
			modprobe "$other" ||
				die "cannot load the kernel's $other module"
		done
		options=$(configured "$module")
		if [ "$module" = iommufd ]; then
			[ -e "$here/vfio_iommu_type1.ko" ] ||
				options="$(inherited) $options"
			options="$options $*"
		fi
		# shellcheck disable=SC2086 # each option is a word
		insmod "$here/$module.ko" $options ||
			die "cannot load $module.ko; the kernel log (dmesg)" \
			    "tells why"
	done <"$here/order"
}

check_kernel
unload
[ "${1:-}" != --unload ] || exit 0
load "$@"
[ -e /dev/iommu ] || die "the modules are loaded but /dev/iommu is missing"
echo "load.sh: /dev/iommu is there; devices bound to vfio-pci appear in" \
     "/dev/vfio/devices"
