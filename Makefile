# SPDX-License-Identifier: GPL-2.0-only
#
# The front door. Everything is done by scripts/ and ends up in build/.

# Whoever types "make" wants to know what there is.
help:
	@echo 'iommufd for Linux 6.12: /dev/iommu for the kernel you run'
	@echo
	@echo '  make run      build the modules, boot the distribution kernel in QEMU and'
	@echo '                let a device do DMA through /dev/iommu, on three IOMMUs'
	@echo '  make test     all tests, in an instrumented kernel and on the distribution'
	@echo '                one; the last line is "N passed, N failed"'
	@echo '  make test-clients  QEMU on it, all cases that "make test" has no time for'
	@echo '  make bench    what mapping costs, next to the base kernel and to type1'
	@echo '  make modules  only the modules: build/modules/*.ko and load.sh'
	@echo '                (KERNEL=release for another kernel with headers installed,'
	@echo '                CONTAINER=iommufd to serve /dev/vfio/vfio, too)'
	@echo '  make tools    only the programs: build/tools/iommu/edu-vmm, a sample virtual'
	@echo '                machine monitor, and iommufdctl: who uses /dev/iommu for'
	@echo '                what, and why a device cannot be used ("iommufdctl help")'
	@echo '  make deb      packages for Debian in build/deb: iommufd-dkms_*.deb builds the'
	@echo '                modules where it is installed, iommufdctl_*.deb has iommufdctl'
	@echo '  make test-deb      install, upgrade and purge both in Debian 12 and 13'
	@echo '                (needs root; RELEASES=trixie for one of them)'
	@echo '  make test-door     "make run" on a new Debian 12 and 13 (needs root)'
	@echo '  make kernel   only the instrumented kernel: build/test/vmlinux'
	@echo '  make check    style, sparse, warnings, kernel-doc, layers, documents'
	@echo '  make graph    who includes and who calls whom, as pictures in build/graph'
	@echo '  make shell    a shell in the instrumented guest (IOMMU=vtd|amd|virtio)'
	@echo '  make deps     only install the tools and fetch the kernel that are missing'
	@echo '  make clean    remove build/'
	@echo
	@echo 'Variables: JOBS=n for parallel builds, ACCEL=kvm|tcg for QEMU.'
	@echo 'Logs are in build/logs. What to do with it: README.md'

run: deps-run
	@scripts/modules.sh
	@scripts/run.py

test: deps-test
	@scripts/test.py

test-clients: deps-test
	@scripts/test.py clients

bench: deps-bench
	@scripts/bench.py

modules: deps-build
	@scripts/modules.sh

deb: deps-deb
	@scripts/deb.sh

test-deb: deps-test-deb
	@scripts/test_deb.py $(RELEASES)

test-door: deps-test-door
	@scripts/test_door.py $(RELEASES)

tools: deps-build
	@scripts/base.sh
	@$(MAKE) -s -C tools/iommu

kernel: deps-test
	@scripts/kernel.sh test

check: deps-check
	@scripts/check.sh

graph: deps-graph
	@scripts/graph.py

IOMMU ?= vtd
shell: kernel
	@scripts/guest.py --iommu $(IOMMU) --timeout 86400

deps: deps-run deps-test deps-check
	@scripts/distribution.sh kernel
	@scripts/distribution.sh source
	@scripts/dpdk.py

deps-%:
	@scripts/deps.sh $*

clean:
	rm -rf build

.PHONY: help run test test-clients test-deb test-door bench modules deb tools kernel check graph shell deps clean
