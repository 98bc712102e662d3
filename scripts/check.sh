#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Everything about our files that can be judged without running them. Each
# check prints what it found; the exit status is 0 when nothing was.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

cd "$top"
out=$build/check
driver=drivers/iommu/iommufd
failures=0
mkdir -p "$logs"

# files PATTERN...: our files with these names, generated ones left out.
files()
{
	local pattern tests=()

	for pattern in "$@"; do
		tests+=(-o -name "$pattern")
	done
	find drivers include tools -type f \( "${tests[@]:1}" \) | sort
}

# check NAME FUNCTION: run it, its output is what is wrong.
check()
{
	local log=$logs/check-$1.log

	if "$2" >"$log" 2>&1 && [ ! -s "$log" ]; then
		say "$1: clean"
		return 0
	fi
	failures=$((failures + 1))
	say "$1: $(wc -l <"$log") lines, build/logs/check-$1.log"
	head -n 40 "$log" | sed 's/^/        /'
}

# Whole files, not patches. A macro that iterates has to name its arguments
# more than once, hence no MACRO_ARG_REUSE; one that names a member cannot put
# it in brackets, hence no MACRO_ARG_PRECEDENCE; what a lock protects says the
# kernel-doc of the structure, hence no UNCOMMENTED_DEFINITION; a set of bits
# wider than any type of C's needs a name, hence no NEW_TYPEDEFS, and macros like
# the kernel's own for bits are not there for user space, hence no BIT_MACRO.
# Definitions of tracepoints are a language of their own.
run_checkpatch()
{
	local ignored=FILE_PATH_CHANGES,MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE

	ignored+=,UNCOMMENTED_DEFINITION,NEW_TYPEDEFS,BIT_MACRO
	files '*.[chS]' Kconfig Makefile '*.rst' | grep -v '^include/trace/' |
		xargs -n 8 -P "$jobs" "$base/scripts/checkpatch.pl" --strict --terse \
			--no-summary --no-tree --show-types \
			--ignore "$ignored" -f
}

# W=1 and C=2 together: gcc's and sparse's opinion of every file.
run_compile()
{
	"$top/scripts/kernel.sh" check W=1 C=2 KBUILD_MODPOST_WARN=1 \
		"$driver/" >"$logs/check-build.out" 2>&1 || {
		cat "$logs/check-build.out"
		return 1
	}
	grep -E '(warning|error):' "$logs/kernel-check.log" || true
}

run_kernel_doc()
{
	files '*.[ch]' | grep -v ^tools/ |
		xargs "$base/scripts/kernel-doc" -none -Wall -Werror
}

# How the kernel build compiles a file of the driver, without the file.
compile_command()
{
	sed -n 's/^savedcmd_[^ ]* := //p' "$out/$driver/.main.o.cmd" |
		sed -E 's/ -c -o .*//; s/-Wp,-MMD,[^ ]*//; s/^ccache //'
}

# Each header has to compile alone, and twice.
run_headers()
{
	local command header

	command=$(compile_command)
	[ -n "$command" ] || { echo "no compile command"; return 1; }
	while IFS= read -r header; do
		printf '#include "%s"\n#include "%s"\n' "$top/$header" \
			"$top/$header" >"$out/header.c"
		(cd "$out" && eval "$command -I$base/$driver -fsyntax-only header.c") ||
			echo "$header does not compile alone"
	done < <(files '*.h' | grep -E "^($driver|include)/")
	rm -f "$out/header.c"
}

# User space includes it on its own, in the oldest C and in a newer one. Each
# structure is among those that uapi.c knows the size of.
run_uapi()
{
	local language structures=include/uapi/linux/iommufd.h

	sed -n 's/^struct \([a-z0-9_]*\) {$/\1/p' $structures |
		while IFS= read -r name; do
			grep -q "sizeof(struct $name) ==" "$driver/uapi.c" ||
				echo "$driver/uapi.c: does not know struct $name"
		done
	for language in 'c -std=c90' 'c -std=gnu17'; do
		# shellcheck disable=SC2086 # language and its option
		echo '#include "include/uapi/linux/iommufd.h"' |
			gcc -Wall -Wextra -Werror -D__user= -fsyntax-only \
				-I "$top" -x $language -
	done
}

# The C of the document for programs, with the headers that it says it needs.
run_examples()
{
	local document=Documentation/userspace-api/iommufd.rst headers=$out/examples

	mkdir -p "$headers/linux"
	cp include/uapi/linux/iommufd.h "$base/include/uapi/linux/vfio.h" \
		"$headers/linux"
	scripts/examples.py $document >"$out/examples.c"
	[ -s "$out/examples.c" ] || echo "$document: no examples"
	gcc -Wall -Wextra -Werror -D__user= -fsyntax-only -I "$headers" \
		"$out/examples.c" || echo "$document: examples do not compile"
}

run_scripts()
{
	local script scripts=(scripts/*.sh scripts/*/*.sh scripts/guest/* .ci/run
		scripts/deb/debian/*.{dkms,postinst,postrm}
		tools/iommu/ctl/*.bash-completion)

	for script in "${scripts[@]}"; do
		bash -n "$script"
	done
	python3 -c 'import ast, sys
for name in sys.argv[1:]:
    ast.parse(open(name).read(), name)' scripts/*.py tools/testing/*/*.py
	if command -v shellcheck >/dev/null; then
		shellcheck -x "${scripts[@]}"
	fi
}

"$top/scripts/base.sh"
check scripts run_scripts
check deps-test scripts/deps_test.py
check distribution-test scripts/distribution_test.py
check guest-test scripts/guest_test.py
check layers-test scripts/layers_test.py
check documents-test scripts/documents_test.py
check documents scripts/documents.py
check examples-test scripts/examples_test.py
check examples run_examples
check kunitconfig-test scripts/kunitconfig_test.py
check kunitconfig scripts/kunitconfig.py
check checkpatch run_checkpatch
check kernel-doc run_kernel_doc
check compile run_compile
check layers scripts/layers.py
check headers run_headers
check uapi run_uapi
if [ $failures -gt 0 ]; then
	say "$failures checks found something"
	exit 1
fi
say "all checks clean"
