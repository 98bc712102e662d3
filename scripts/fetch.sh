#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: fetch.sh [--only PREFIX] NAME SUITE PACKAGE...
#        fetch.sh --sources SUITE
#
# Packages of another release of Debian, with all that they depend on, from the
# archives that this machine's apt uses: unpacked in build/fetched/NAME, where
# their programs run with their own libraries. Nothing is installed and root is
# not needed. What is there already is not fetched again.
#
# SUITE is trixie or trixie-backports, say. "own" means this machine's release;
# then what is installed here is not fetched.
#
# With --only what the packages depend on is fetched where its name begins with
# PREFIX, and nothing else.
#
# --sources only prints where apt finds that release, for its sources.list.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

usage="usage: $0 [--only PREFIX] NAME SUITE PACKAGE... | --sources SUITE"
only=
if [ "${1:-}" = --only ]; then
	[ $# -ge 5 ] || die "$usage"
	only=$2
	shift 2
fi
if [ "${1:-}" = --sources ]; then
	[ $# = 2 ] || die "$usage"
	name=sources-$2
else
	[ $# -ge 3 ] || die "$usage"
	name=$1
fi
suite=$2
packages=("${@:3}")
out=$build/fetched/$name
state=$out.apt
status=$state/status
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# shellcheck source=/dev/null
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
[ "$suite" != own ] || { suite=$codename; status=/var/lib/dpkg/status; }
release=${suite%-backports}

# An apt with lists, packages and sources of its own, whose guests are x86-64.
# Its proxies and passwords are those of the machine.
private()
{
	local program=$1
	shift
	"$program" -q -y -o Dir::State="$state" -o Dir::Cache="$state/cache" \
		-o Dir::State::status="$status" -o APT::Sandbox::User=root \
		-o APT::Architecture=amd64 -o APT::Architectures=amd64 \
		-o Acquire::Languages=none -o APT::Install-Recommends=false \
		"$@"
}

# Of a release the newest there is, security updates too; backports are only for
# whoever asks for them.
fetcher()
{
	local default=()

	[ "$suite" = "$release" ] ||
		default=(-o APT::Default-Release="$suite")
	private "$1" -o Dir::Etc::sourcelist="$state/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null "${default[@]}" "${@:2}"
}

# "URI CODENAME" of each of Debian's archives that this machine uses. apt knows
# only those whose lists it has.
own_archives()
{
	"$@" indextargets --format "\$(REPO_URI) \$(CODENAME)" \
		'Created-By: Packages' 'Origin: Debian' | sort -u
}

archives()
{
	if [ -z "$(own_archives apt-get)" ]; then
		private apt-get update >&2
		own_archives private apt-get
	else
		own_archives apt-get
	fi
}

# The same archives, with the other release in the place of this one.
sources()
{
	local uri name

	while read -r uri name; do
		case $name in
		"$codename" | "$codename-updates" | "$codename-security") ;;
		*) continue ;;
		esac
		name=$release${name#"$codename"}
		echo "deb [signed-by=$keyring] $uri $name main"
		if [ "$name" = "$release" ] && [ "$suite" != "$release" ]; then
			echo "deb [signed-by=$keyring] $uri $suite main"
		fi
	done
}

# An older machine does not know the keys of a newer release, but its own
# updates have them.
check_keyring()
{
	[ ! -e "/usr/share/keyrings/debian-archive-$release-stable.gpg" ] ||
		return 0
	(cd "$state" && apt-get -q download debian-archive-keyring &&
		dpkg-deb -x debian-archive-keyring_*.deb keyring) || return 1
	keyring=$state/keyring$keyring
}

# An archive that has nothing for this release does no harm: whether all that
# is needed is there, apt finds out afterwards.
list_sources()
{
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	: >"$state/status"
	check_keyring || return 1
	archives | sources >"$state/sources.list"
	[ -s "$state/sources.list" ] ||
		{ echo "error: apt uses no archive of Debian"; return 1; }
}

update()
{
	list_sources || return 1
	fetcher apt-get update
}

# "NAME BYTES" of each package that has to be fetched.
wanted()
{
	fetcher apt-get install --print-uris "${packages[@]}" |
		sed -n "s/^'[^']*' \([^_ ]*\)_[^ ]* \([0-9]*\) .*/\1 \2/p" |
		grep "^$only"
}

megabytes()
{
	awk '{ sum += $2 } END { printf "%d", (sum + 999999) / 1000000 }'
}

fetch()
{
	local names

	if [ -n "$only" ]; then
		mapfile -t names < <(cut -d ' ' -f 1 "$state/wanted")
		(cd "$state/cache/archives" &&
			fetcher apt-get download "${names[@]}")
	else
		fetcher apt-get install --download-only "${packages[@]}"
	fi
}

# As on every machine since Debian 12, /lib is a link to /usr/lib, and so on;
# packages have files in both.
unpack()
{
	local package name

	rm -rf "$out"
	for name in bin sbin lib lib64; do
		mkdir -p "$out/usr/$name"
		ln -s "usr/$name" "$out/$name"
	done
	for package in "$state"/cache/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$package" |
			tar -x --keep-directory-symlink -C "$out" || return 1
	done
	rm -rf "$state"
	echo "$suite ${packages[*]}" >"$out/.stamp"
}

alone "fetched-$name"
if [ "$1" = --sources ]; then
	logged "fetch-$name" list_sources
	cat "$state/sources.list"
	exit 0
fi
[ "$(cat "$out/.stamp" 2>/dev/null)" != "$suite ${packages[*]}" ] || exit 0
say "looking for ${packages[*]} in Debian's $suite"
logged "fetch-$name-update" update
wanted >"$state/wanted" ||
	die "the archives of Debian's $suite that apt uses here have no" \
	    "${packages[*]}; are all of them in /etc/apt, with security?"
say "fetching $(wc -l <"$state/wanted") packages," \
    "$(megabytes <"$state/wanted") MB, into build/fetched/$name"
logged "fetch-$name" fetch
logged "fetch-$name-unpack" unpack
