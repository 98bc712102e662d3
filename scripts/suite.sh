#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Compile the base's own test suite, unmodified, against our headers. The
# programs are build/suite/iommufd and build/suite/iommufd_fail_nth.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

suite=$build/suite
directory=tools/testing/selftests/iommu
programs=(iommufd iommufd_fail_nth)
tarball=${TARBALL:-$("$top/scripts/distribution.sh" source)}

# From the tarball only the sources of the suite; they find everything else by
# relative names, where links to ours and to the base stand ready for them.
extract_suite()
{
	local stamp=$suite/.stamp-tarball

	cmp -s "$base/.stamp-tarball" "$stamp" && return 0
	say "extracting the base's own test suite"
	rm -rf "$suite"
	mkdir -p "$suite"
	tar -C "$suite" --strip-components=1 --anchored --wildcards \
		-xf "$tarball" "*/$directory/*.[ch]"
	mkdir -p "$suite/drivers/iommu/iommufd"
	ln -s "$top/drivers/iommu/iommufd/iommufd_test.h" \
		"$suite/drivers/iommu/iommufd/"
	ln -s "$base/tools/testing/selftests/kselftest.h" \
		"$suite/tools/testing/selftests/"
	patient_harness
	cp "$base/.stamp-tarball" "$stamp"
}

# The harness gives a case 30 seconds. That is meant for hardware, and not for
# an instrumented kernel in an emulator that shares its processors.
patient_harness()
{
	local header=tools/testing/selftests/kselftest_harness.h

	sed 's/^#define TEST_TIMEOUT_DEFAULT 30\b.*/#define TEST_TIMEOUT_DEFAULT 600/' \
		"$base/$header" >"$suite/$header"
	grep -q 'TEST_TIMEOUT_DEFAULT 600' "$suite/$header" ||
		die "$header has no timeout of 30 seconds any more"
}

# The headers of user space, made from those of the kernel.
install_headers()
{
	make -s -C "$top/$directory" OUTPUT="$suite" \
		"$suite/uapi/linux/iommufd.h" "$suite/uapi/linux/vfio.h"
}

# Messages of the compiler name the place and do not quote the line.
compile()
{
	local flags=(-D_GNU_SOURCE= -O2 -Wall -Wno-unused-function -fdiagnostics-plain-output)

	flags+=(-isystem "$suite/uapi" -static)
	for program in "${programs[@]}"; do
		gcc "${flags[@]}" -o "$suite/$program" \
			"$suite/$directory/$program.c"
	done
}

alone suite
"$top/scripts/base.sh"
extract_suite
logged suite-headers install_headers
logged suite-build compile
