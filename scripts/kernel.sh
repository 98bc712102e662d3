#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: kernel.sh NAME [MAKE-TARGET...]
#
# Configure and build a kernel with the overlay from scripts/config/NAME.config
# in build/NAME. Only what changed since the last time is built again. FRAGMENT
# names another configuration, or several that make one together;
# TREE=linux-base the source without the overlay.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

[ $# -ge 1 ] || die "usage: $0 NAME [MAKE-TARGET...]"
name=$1
shift
targets=("$@")
[ $# -gt 0 ] || targets=(vmlinux)
out=$build/$name
fragments=()
for part in ${FRAGMENT:-$name}; do
	fragments+=("$top/scripts/config/$part.config")
done

# Two builds in one directory would spoil each other: the second one waits.
mkdir -p "$out"
exec 9>"$out/.lock"
flock 9
for fragment in "${fragments[@]}"; do
	[ -r "$fragment" ] || die "no such configuration: $fragment"
done

# Now and then the table of symbols changes the addresses in it once more, and
# the link fails; a further pass costs seconds.
kmake()
{
	make -C "$base" O="$out" -j"$jobs" CC="$(compiler)" \
		KALLSYMS_EXTRA_PASS=1 "$@"
}

# The fragments and every Kconfig file of ours decide about .config.
config_identity()
{
	cat "${fragments[@]}" "$top"/drivers/iommu/iommufd/Kconfig
	cat "$base/.stamp-tarball"
}

# Options that Kconfig refused are an error here, not a surprise in a test.
check_config()
{
	local missing

	missing=$(grep -hE '^CONFIG_' "${fragments[@]}" |
		  grep -vxFf "$out/.config" || true)
	[ -z "$missing" ] && return 0
	rm -f "$out/.config"
	die "the kernel configuration does not take these lines of" \
	    "${fragments[*]#"$top"/} (a dependency?):"$'\n'"$missing"
}

configure()
{
	local identity

	identity=$(config_identity | sha256sum)
	if [ -e "$out/.config" ] &&
	   [ "$identity" = "$(cat "$out/.stamp-config" 2>/dev/null)" ]; then
		return 0
	fi
	say "configuring build/$name"
	mkdir -p "$out"
	cat "${fragments[@]}" >"$out/.fragments"
	logged "kernel-$name-config" \
		kmake KCONFIG_ALLCONFIG="$out/.fragments" allnoconfig
	check_config
	echo "$identity" >"$out/.stamp-config"
}

alone "$name"
"$top/scripts/base.sh"
configure
say "building in build/$name: ${targets[*]}"
logged "kernel-$name" kmake "${targets[@]}"
say "built"
