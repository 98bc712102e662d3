#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build the Debian packages iommufd-dkms and iommufdctl, in build/deb, and let
# lintian look at them. VERSION=x makes packages of another version.
#
# Half of the package's source is the base's VFIO, which is not in this
# repository. So debian/ is not at the top, where one would expect that
# dpkg-buildpackage works: the source is put together in build/deb first.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

here=$top/scripts/deb
out=$build/deb
log=$here/debian/changelog
version=${VERSION:-$(dpkg-parsechangelog -l "$log" -S Version)}
source=$out/iommufd-dkms-$version

# copy TARGET FILE...: of the repository, in the same directories
copy()
{
	local target=$1
	shift
	mkdir -p "$target"
	(cd "$top" && cp -p --parents "$@" "$target")
}

# The tests and what only tests use stay here. Headers are taken as they are
# found, so that none which is added later is missing.
sources_of_driver()
{
	(cd "$top" && find drivers/iommu/iommufd include -type f \
		-regex "$sources" -not -path '*/tests/*' -not -name .kunitconfig)
}

lay_out_modules()
{
	local src=$source/src

	mapfile -t files < <(sources_of_driver)
	copy "$src" "${files[@]}"
	(cd "$base" && cp -a --parents drivers/vfio \
		drivers/iommu/iommu-priv.h "$src")
	cp -p "$top"/scripts/modules/{Kbuild,build.sh,no-vfio-container.h} "$src"
}

# iommufdctl is built with the package. Its tests look whether it has words for
# each tracepoint.
lay_out_ctl()
{
	mapfile -t files < <(cd "$top" &&
		find tools/iommu/ctl tools/testing/iommufdctl -type f \
			-not -path '*/__pycache__/*')
	copy "$source" tools/iommu/{Makefile,pci.c,pci.h} \
		include/trace/events/iommufd.h "${files[@]}"
}

# One annotation in the headers is the kernel's alone.
lay_out_headers()
{
	local header

	mkdir -p "$source/uapi/linux"
	for header in "$top/include/uapi/linux/iommufd.h" \
		      "$base/include/uapi/linux/vfio.h"; do
		sed 's/\<__user //' "$header" \
			>"$source/uapi/linux/$(basename "$header")"
	done
}

lay_out_documents()
{
	local documents=$top/Documentation

	mkdir -p "$source/doc"
	cp "$top/README.md" "$source/doc/"
	cp "$documents/userspace-api/iommufd.rst" "$source/doc/userspace-api.rst"
	cp "$documents/driver-api/iommufd.rst" "$source/doc/driver-api.rst"
	cp "$documents/driver-api/iommufd-hazards.rst" "$source/doc/hazards.rst"
}

# A version that the changelog does not know gets an entry of its own, a minute
# younger.
lay_out_version()
{
	local time

	[ "$(dpkg-parsechangelog -l "$log" -S Version)" != "$version" ] ||
		return 0
	time=$(dpkg-parsechangelog -l "$log" -n 1 -S Timestamp)
	time=$(date -uR -d "@$((time + 60))")
	{
		sed "1s/([^)]*)/($version)/; s/^\( -- .*>\).*/\1  $time/" "$log"
		echo
		cat "$log"
	} >"$source/debian/changelog"
}

lay_out()
{
	rm -rf "$out"/iommufd-dkms[-_]"$version"* "$out"/iommufdctl_"$version"_*
	mkdir -p "$source"
	cp -a "$here/debian" "$here/files/." "$source/"
	lay_out_modules
	lay_out_ctl
	lay_out_headers
	lay_out_documents
	lay_out_version
}

package()
{
	cd "$source" && DEB_BUILD_OPTIONS=noautodbgsym dpkg-buildpackage -us -uc
}

# What lintian says of the packages, and nothing is the right answer.
look()
{
	lintian --allow-root --fail-on error,warning,info \
		"$out/iommufd-dkms_$version"_*.changes
}

architecture=$(dpkg --print-architecture)
packages=("iommufd-dkms_${version}_all.deb"
	  "iommufdctl_${version}_$architecture.deb")

alone deb
"$top/scripts/base.sh"
say "putting together iommufd-dkms $version"
lay_out
logged deb package
logged lintian look
if [ -s "$logs/lintian.log" ]; then
	cat "$logs/lintian.log" >&2
	die "lintian has something to say"
fi
for package in "${packages[@]}"; do
	[ -s "$out/$package" ] || die "there is no build/deb/$package"
	say "build/deb/$package; lintian: clean"
done
