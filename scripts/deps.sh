#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: deps.sh build|run|test|bench|check|graph|deb|test-deb|test-door...
#
# Install the Debian packages that a task needs and that are not there yet: tools
# only, no kernel, and nothing else that would change how this machine boots. Each
# is named before, with its reason and its size. When nothing is missing, apt is
# not called.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

# What must not come along the way, and what must stay as it is where it is:
# QEMU wants udev, which a container does not have.
boots='^(linux-(image|headers|modules)-|grub|shim-|initramfs-tools|dracut|dkms$)'
starts='^(systemd|udev$|init$)'

# Tasks, package, and what that is for. "modules" are those for the
# distribution's kernel, "guest" runs them, "kernel" is one of our own.
table()
{
	cat <<-'EOF'
	modules  gcc              compiles modules, kernels and programs
	modules  libc6-dev        programs for the guests are compiled with it
	modules  make             runs each build
	modules  perl             scripts of the kernel's build are written in it
	modules  python3          runs the guests, and judges what comes out
	modules  kmod             tells what a module needs
	modules  xz-utils         unpacks the kernel's source
	modules  pahole           describes the types of modules, for BPF
	guest    qemu-system-x86  is the machine in which everything runs
	guest    busybox-static   is all that a guest has for programs
	kernel   bc               calculates for the kernel's build
	kernel   bison            generates parsers of the kernel's build
	kernel   flex             generates scanners of the kernel's build
	kernel   libelf-dev       checks the kernel's object files
	kernel   libssl-dev       certificates of the kernel's build
	check    sparse           checks the kernel's annotations of types
	check    shellcheck       checks the scripts
	graph    graphviz         draws the pictures
	deb      dpkg-dev         makes packages
	deb      debhelper        makes packages from short descriptions
	deb      dh-dkms          makes packages of modules
	deb      lintian          checks packages
	root     python3          runs the test
	root     mmdebstrap       makes the systems to install in
	root     e2fsprogs        makes their disks
	EOF
}

groups_of()
{
	case $1 in
	build) echo modules ;;
	run) echo modules guest ;;
	test | bench) echo modules guest kernel ;;
	check) echo modules kernel check ;;
	graph) echo modules kernel graph ;;
	deb) echo modules deb ;;
	test-deb) echo modules guest deb root ;;
	test-door) echo root ;;
	*) die "unknown task '$1'" ;;
	esac
}

packages_of()
{
	local groups

	groups=$(groups_of "$1") || exit 1
	table | grep -E "^(${groups// /|}) " | awk '{ print $2 }'
}

installed()
{
	[[ $(dpkg-query -W -f '${Status}' "$1" 2>/dev/null) == *' installed' ]]
}

known()
{
	[[ $(LC_ALL=C apt-cache policy "$1" 2>/dev/null) == *'Candidate: '[!\(]* ]]
}

listed=
by_hand="as root: apt-get install --no-install-recommends"

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		env DEBIAN_FRONTEND=noninteractive "$@"
	else
		sudo DEBIAN_FRONTEND=noninteractive "$@"
	fi
}

# Whoever cannot become root gets the list, for somebody who can.
check_root()
{
	local why

	[ "$(id -u)" != 0 ] || return 0
	if ! command -v sudo >/dev/null; then
		why="installing these needs root, and there is no sudo here"
	elif ! sudo true; then
		why="installing these needs root, and sudo refuses"
	else
		return 0
	fi
	[ -n "$listed" ] || list_missing
	die "$why; $by_hand ${missing[*]}"
}

update()
{
	check_root
	say "apt-get update"
	as_root apt-get update -q || die "apt-get update failed; is there a network?"
}

apt_install()
{
	LC_ALL=C apt-get install -q -y --no-install-recommends "$@"
}

install()
{
	as_root apt-get install -q -y --no-install-recommends "${missing[@]}"
}

missing_packages()
{
	local task package packages

	for task in "$@"; do
		packages=$(packages_of "$task") || exit 1
		for package in $packages; do
			installed "$package" || echo "$package"
		done
	done | sort -u
}

# Kilobytes to fetch for the package alone.
size_of()
{
	LC_ALL=C apt-cache show --no-all-versions "$1" 2>/dev/null |
		awk '/^Size: / { size = $2 }
		     END { print size ? int((size + 999) / 1000) " kB" : "" }'
}

list_missing()
{
	local package

	listed=yes
	say "missing, to be installed by apt:"
	for package in "${missing[@]}"; do
		printf '        %-16s %9s  %s\n' "$package" \
			"$(size_of "$package")" \
			"$(table | sed -n "s/^[a-z]* *$package  *//p")"
	done
}

# What comes with them. An upgrade has the old version in brackets.
list_others()
{
	local size upgraded

	size=$(apt_install --print-uris "${missing[@]}" 2>/dev/null |
		awk '/^\047/ { n++; sum += $3 }
		     END { printf "%d packages, %d MB", n,
				  (sum + 999999) / 1000000 }')
	say "together with what they need: $size to fetch"
	upgraded=$(awk '$1 == "Inst" && $3 ~ /^\[/ { printf " %s", $2 }' \
		<<<"$plan")
	[ -z "$upgraded" ] || say "newer versions of:$upgraded"
}

check_plan()
{
	local bad

	bad=$(awk '$1 == "Remv" || $1 == "Inst" &&
		   ($2 ~ boots || $2 ~ starts && $3 ~ /^\[/) { print $2 }' \
		boots="$boots" starts="$starts" <<<"$plan" | tr '\n' ' ')
	[ -z "$bad" ] ||
		die "apt would also change or remove ${bad% }, and how this" \
		    "machine boots is not ours to change; nothing was done." \
		    "Bring the machine up to date, or $by_hand ${missing[*]}"
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

[ $# -gt 0 ] || die "usage: $0 TASK..., see the head of that file"
command -v dpkg-query >/dev/null ||
	die "this needs Debian or a distribution made from it; elsewhere" \
	    "build the overlay as part of a kernel, see README.md"
missing=$(missing_packages "$@")
[ -n "$missing" ] || exit 0
mapfile -t missing <<<"$missing"
check_known
list_missing
plan=$(apt_install --simulate "${missing[@]}") ||
	die "apt cannot install these together: ${missing[*]}"
list_others
check_plan
check_root
# Lists that are too old name files which the archive no longer has.
install || { update; install; } ||
	die "apt-get install failed; $by_hand ${missing[*]}"
