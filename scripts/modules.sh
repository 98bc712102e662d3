#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build iommufd.ko and the VFIO modules that go with it for a distribution
# kernel, in build/modules; modules/build.sh says how.
#
# KERNEL=RELEASE chooses among installed linux-headers packages; HEADERS is
# where they are when that is not /lib/modules/RELEASE/build. Without KERNEL it
# is the one that guests boot, see distribution.sh.
# CONTAINER=iommufd leaves out VFIO's own containers; iommufd serves
# /dev/vfio/vfio then. These modules go to build/modules-container.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

container=${CONTAINER:-vfio}
case $container in
vfio) name=modules ;;
iommufd) name="modules-container" ;;
*) die "CONTAINER is 'vfio' or 'iommufd', not '$container'" ;;
esac
out=$build/$name
src=$out/src
release=${KERNEL:-}
headers=/lib/modules/$release/build
if [ -z "$release" ]; then
	found=$("$top/scripts/distribution.sh" kernel)
	read -r release root <<<"$found"
	headers=${root%/}/usr/src/linux-headers-$release
fi
headers=${HEADERS:-$headers}

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
	OVERLAY=$top "$top/scripts/modules/build.sh" make "$src" "$headers" \
		"$container" -j"$jobs" CC="$(compiler)"
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
	readlink -f "$headers" >"$out/headers"
}

alone $name
"$top/scripts/base.sh"
"$top/scripts/modules/build.sh" check "$release" "$headers"
lay_out
say "building $name for $release"
logged $name kmake
collect
say "modules are in build/$name; 'sudo build/$name/load.sh' loads them"
