#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: order.sh DIRECTORY
#
# The modules in DIRECTORY in the order in which they can be loaded, one in a
# line, with the modules of the kernel itself that it needs behind it.
set -eu

cd "$1"

depends()
{
	modinfo -F depends "$1.ko" | tr ',' ' '
}

# Pairs for tsort: what has to come first, and what needs it.
pairs()
{
	for file in *.ko; do
		module=${file%.ko}
		echo "$module $module"
		for other in $(depends "$module"); do
			[ ! -e "$other.ko" ] || echo "$other $module"
		done
	done
}

pairs | tsort | while read -r module; do
	line=$module
	for other in $(depends "$module"); do
		[ -e "$other.ko" ] || line="$line $other"
	done
	echo "$line"
done
