#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build iommufd.ko and the VFIO modules that go with it for a distribution
# kernel, in build/modules. VFIO is the base's, file by file: its structures
# depend on CONFIG_IOMMUFD, which the distribution leaves off, so all of its
# modules have to be built again. Which ones there are says the kernel's
# configuration.
#
# KERNEL=RELEASE chooses among installed linux-headers packages; HEADERS is
# where they are when that is not /lib/modules/RELEASE/build.
# CONTAINER=iommufd leaves out VFIO's own containers; iommufd serves
# /dev/vfio/vfio then. These modules go to build/modules-container.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

case ${CONTAINER:-vfio} in
vfio) name=modules ;;
iommufd) name="modules-container" ;;
*) die "CONTAINER is 'vfio' or 'iommufd', not '$CONTAINER'" ;;
esac
out=$build/$name
src=$out/src
release=${KERNEL:-$(distribution_release)}
headers=${HEADERS:-/lib/modules/$release/build}

# Options that differ from those of the distribution, for make and for the
# compiler. One that is on there can be taken back from the compiler only after
# it has read all of them.
options=(CONFIG_IOMMUFD=m CONFIG_VFIO_DEVICE_CDEV=y)
defines="-DCONFIG_IOMMUFD_MODULE=1 -DCONFIG_VFIO_DEVICE_CDEV=1"
if [ $name = modules-container ]; then
	options+=(CONFIG_VFIO_CONTAINER= CONFIG_VFIO_IOMMU_TYPE1=
		CONFIG_IOMMUFD_VFIO_CONTAINER=y)
	defines+=" -DCONFIG_IOMMUFD_VFIO_CONTAINER=1"
	defines+=" -include $top/scripts/modules/no-vfio-container.h"
fi

check_headers()
{
	[ -d "$headers" ] ||
		die "no headers for kernel $release; run 'make deps' or" \
		    "install linux-headers-$release"
	case $release in
	"$series".*) ;;
	*) die "kernel $release is not a $series kernel" ;;
	esac
	grep -qx CONFIG_VFIO=m "$headers/include/config/auto.conf" ||
		die "kernel $release does not have VFIO as modules, so these" \
		    "cannot take their place"
}

# Without this option the IOMMU drivers of the kernel note nothing in bitmaps of
# what is dirty, and nobody has any. So iommufd.ko brings them along. No kernel
# has "m", by which iommufd knows that its drivers are such.
provide_bitmaps()
{
	if ! grep -q '^CONFIG_IOMMUFD_DRIVER=' \
		"$headers/include/config/auto.conf"; then
		options+=(CONFIG_IOMMUFD_DRIVER=m)
		defines+=" -DCONFIG_IOMMUFD_DRIVER_MODULE=1"
	fi
}

# What the tree is made of; a change of it means to lay it out again.
source_identity()
{
	cat "$base/.stamp-tarball"
	readlink -f "$headers"
	echo "$release"
}

lay_out()
{
	local identity

	identity=$(source_identity)
	if [ "$identity" != "$(cat "$out/.stamp" 2>/dev/null)" ]; then
		say "laying out build/$name for $release"
		rm -rf "$out"
		mkdir -p "$src/drivers/iommu"
		cp -a "$base/drivers/vfio" "$src/drivers/"
		cp -a "$base/drivers/iommu/iommu-priv.h" "$src/drivers/iommu/"
		echo "$identity" >"$out/.stamp"
	fi
	link_overlay "$src" drivers
	ln -sfn "$top/scripts/modules/Kbuild" "$src/Kbuild"
}

kmake()
{
	make -C "$headers" M="$src" -j"$jobs" CC="$(compiler)" \
		OVERLAY="$top" "${options[@]}" KCPPFLAGS="$defines" "$@"
}

# A message of modpost is a symbol that will be missing when it is too late.
check_log()
{
	if grep -n 'WARNING: modpost' "$logs/$name.log" >&2; then
		die "see build/logs/$name.log"
	fi
}

# Paths of the modules that the kernel's configuration made, iommufd.ko too.
built()
{
	sed 's/\.o$/.ko/' "$src/modules.order"
}

# What an earlier configuration had is not to be loaded with the others.
collect()
{
	local module

	rm -f "$out"/*.ko
	while IFS= read -r module; do
		(cd "$src" && cp -p "$module" "$out/")
	done < <(built)
	cp -u "$top/scripts/modules/load.sh" "$out/"
	"$top/scripts/modules/order.sh" "$out" >"$out/order"
	echo "$release" >"$out/release"
}

alone $name
"$top/scripts/base.sh"
check_headers
provide_bitmaps
lay_out
say "building $name for $release"
logged $name kmake modules
check_log
collect
say "modules are in build/$name; 'sudo build/$name/load.sh' loads them"
