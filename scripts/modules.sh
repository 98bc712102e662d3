#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build iommufd.ko and the VFIO modules that go with it for a distribution
# kernel, in build/modules. VFIO is the base's, file by file: its structures
# depend on CONFIG_IOMMUFD, which the distribution leaves off, so all of its
# modules have to be built again.
#
# KERNEL=RELEASE chooses among installed linux-headers packages.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

out=$build/modules
src=$out/src
release=${KERNEL:-$(distribution_release)}
headers=/lib/modules/$release/build
modules=(
	drivers/iommu/iommufd/iommufd.ko
	drivers/vfio/vfio.ko
	drivers/vfio/vfio_iommu_type1.ko
	drivers/vfio/pci/vfio-pci-core.ko
	drivers/vfio/pci/vfio-pci.ko
	drivers/vfio/mdev/mdev.ko
)

check_headers()
{
	[ -d "$headers" ] ||
		die "no headers for kernel $release; run 'make deps' or" \
		    "install linux-headers-$release"
	case $release in
	"$series".*) ;;
	*) die "kernel $release is not a $series kernel" ;;
	esac
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
		say "laying out build/modules for $release"
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
		OVERLAY="$top" CONFIG_IOMMUFD=m CONFIG_VFIO_DEVICE_CDEV=y \
		KCPPFLAGS="-DCONFIG_IOMMUFD_MODULE=1 -DCONFIG_VFIO_DEVICE_CDEV=1" \
		"$@"
}

# A message of modpost is a symbol that will be missing when it is too late.
check_log()
{
	if grep -n 'WARNING: modpost' "$logs/modules.log" >&2; then
		die "see build/logs/modules.log"
	fi
}

collect()
{
	local module

	for module in "${modules[@]}"; do
		cp -u "$src/$module" "$out/"
	done
	cp -u "$top/scripts/modules/load.sh" "$out/"
	echo "$release" >"$out/release"
}

alone modules
"$top/scripts/base.sh"
check_headers
lay_out
say "building modules for $release"
logged modules kmake modules
check_log
collect
say "modules are in build/modules; 'sudo build/modules/load.sh' loads them"
