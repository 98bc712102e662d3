# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034
#
# Common ground of the scripts: where things are, how to talk, how to stop.
# Sourced, never run.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$top/build
# TREE=linux-base for the kernel as it comes, which has the base's own iommufd.
tree=${TREE:-linux}
base=$build/$tree
logs=$build/logs
jobs=${JOBS:-$(nproc)}

# The packages' names carry the kernel series, nothing else depends on it.
series=6.12

started=$SECONDS

# say TEXT...: one line of progress with the seconds since the script started.
say()
{
	printf '[%4ds] %s\n' $((SECONDS - started)) "$*"
}

# die TEXT...: stop; the text says what went wrong and what to do next.
die()
{
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# logged NAME COMMAND...: run with the output in build/logs/NAME.log; when it
# fails show the errors in it, or else its end.
logged()
{
	local log=$logs/$1.log
	shift
	mkdir -p "$logs"
	if "$@" >"$log" 2>&1 </dev/null; then
		return 0
	fi
	grep -n -m 20 -E '(error|ERROR|warning|WARNING):|\*\*\*|undefined reference' \
		"$log" >&2 ||
		tail -n 20 "$log" >&2
	die "'${*:1:3} ...' failed; the whole output is in ${log#"$top"/}"
}

# alone NAME: wait until no other script works on build/NAME; the lock goes
# with the process.
alone()
{
	mkdir -p "$build"
	exec {lock}>"$build/.lock-$1"
	flock "$lock"
}

# compiler: gcc, through ccache when that is installed.
compiler()
{
	if command -v ccache >/dev/null; then
		echo "ccache gcc"
	else
		echo gcc
	fi
}

# Same source, same object: lets ccache recognise what another clone compiled.
export CCACHE_BASEDIR=$top CCACHE_NOHASHDIR=1
export CCACHE_SLOPPINESS=time_macros,include_file_mtime,include_file_ctime
export KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 2026'
export KBUILD_BUILD_USER=iommufd KBUILD_BUILD_HOST=localhost

# Debian keeps programs such as modinfo from ordinary users.
PATH=$PATH:/usr/sbin:/sbin

# Sources, and not what a build in place may have left between them.
sources='.*\(\.[chS]\|\.sh\|\.rst\|/Makefile\|/Kbuild\|/Kconfig'
sources+='\|/config\|/settings\|/\.kunitconfig\)'

# link_overlay TREE DIRECTORY...: our files in DIRECTORY become symbolic links
# in TREE. Directories stay real ones, so that an #include with "../" finds a
# header of the tree and not of our repository.
link_overlay()
{
	local tree=$1 file target
	shift

	while IFS= read -r file; do
		target=$tree/$file
		[ "$(readlink "$target" || true)" = "$top/$file" ] && continue
		mkdir -p "$(dirname "$target")"
		ln -sfn "$top/$file" "$target"
	done < <(cd "$top" && find "$@" -type f -regex "$sources" 2>/dev/null)
	# A file that we removed or renamed leaves a dangling link behind.
	find "${@/#/$tree/}" -xtype l -lname "$top/*" -delete
}
