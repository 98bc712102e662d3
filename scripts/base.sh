#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Prepare build/linux: the distribution's kernel source without its own
# iommufd, and our files in their places as symbolic links. Run it as often as
# you like; what is up to date is left alone. TREE=linux-base prepares
# build/linux-base, the same source as it comes, to compare with.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

tarball=${TARBALL:-$("$top/scripts/distribution.sh" source)}
stamp=$base/.stamp-tarball

# The parts of the overlay that live inside the kernel tree.
overlay=(drivers include tools Documentation)

# What the overlay replaces is not even extracted.
replaced=(
	'*/drivers/iommu/iommufd'
	'*/tools/testing/selftests/iommu'
	'*/Documentation/userspace-api/iommufd.rst'
)

if [ "$tree" = linux-base ]; then
	overlay=()
	replaced=()
fi

tarball_identity()
{
	stat -L -c '%n %s %Y' "$tarball"
}

extract_base()
{
	local fresh=$base.new exclude=()

	[ -r "$tarball" ] ||
		die "there is no $tarball"
	say "extracting $(basename "$tarball") to build/$tree"
	for pattern in "${replaced[@]}"; do
		exclude+=(--exclude="$pattern")
	done
	rm -rf "$fresh" "$base.old"
	mkdir -p "$fresh"
	tar -C "$fresh" --strip-components=1 --anchored --wildcards \
		"${exclude[@]}" -xf "$tarball"
	tarball_identity >"$fresh/$(basename "$stamp")"
	[ ! -d "$base" ] || mv "$base" "$base.old"
	mv "$fresh" "$base"
	rm -rf "$base.old"
}

alone "$tree"
if [ "$(cat "$stamp" 2>/dev/null)" != "$(tarball_identity 2>/dev/null)" ] ||
   [ ! -e "$stamp" ]; then
	extract_base
fi
[ ${#overlay[@]} = 0 ] || link_overlay "$base" "${overlay[@]}"
