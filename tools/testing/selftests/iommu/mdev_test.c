// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) 2026 The iommufd authors */
/*
 * Emulated devices: the mediated serial port and the mediated display of the
 * kernel's samples, through VFIO's character device and through a group with an
 * iommufd as its container. They do their I/O, and their accesses come and go.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/serial_reg.h>

#include "lib/harness.h"
#include "lib/ioctls.h"
#include "lib/mdev.h"
#include "lib/memory.h"
#include "lib/process.h"
#include "lib/rig.h"
#include "lib/usage.h"
#include "lib/vfio_device.h"

#define TEST_IOVA	0x200000ULL
#define TEST_PAGES	4

/* How long something has to take until it counts as waiting. */
#define WAIT_MS		300

/* The samples, and the smallest device that each offers. */
struct sample {
	const char *parent;
	const char *type;
};

static const struct sample mtty = { "mtty", "mtty-2" };
static const struct sample mdpy = { "mdpy", "mdpy-vga" };

enum way {
	WAY_CDEV,
	WAY_GROUP,
};

/**
 * struct desk - an emulated device that is open
 * @baseline: taken before anything else
 * @fd: the iommufd
 * @ioas_id: an IOAS; that of the container, if there is one
 * @mdev: the device: bound and attached to nothing, or opened from its group
 */
struct desk {
	struct baseline baseline;
	int fd;
	__u32 ioas_id;
	struct mdev mdev;
};

static int container_ioas(int fd, __u32 *ioas_id)
{
	struct iommu_vfio_ioas get = {
		.size = sizeof(get),
		.op = IOMMU_VFIO_IOAS_GET,
	};
	int ret = iommufd_ioctl(fd, IOMMU_VFIO_IOAS, &get);

	*ioas_id = get.ioas_id;
	return ret;
}

static int open_by_cdev(struct desk *desk)
{
	int ret = ioas_alloc(desk->fd, &desk->ioas_id);

	if (!ret)
		ret = mdev_open_cdev(&desk->mdev);
	return ret ? ret : vfio_bind(&desk->mdev.vfio, desk->fd);
}

static int open_by_group(struct desk *desk)
{
	int ret = mdev_open_group(&desk->mdev);

	if (!ret)
		ret = vfio_group_set_container(desk->mdev.group, desk->fd);
	if (!ret)
		ret = container_ioas(desk->fd, &desk->ioas_id);
	return ret ? ret : mdev_open_from_group(&desk->mdev);
}

static int desk_create(struct desk *desk, const struct sample *sample,
		       enum way way)
{
	int ret;

	memset(desk, 0, sizeof(*desk));
	baseline_take(&desk->baseline);
	desk->fd = iommufd_open();
	if (desk->fd < 0)
		return desk->fd;
	ret = mdev_create(&desk->mdev, sample->parent, sample->type);
	if (ret)
		return ret;
	return way == WAY_CDEV ? open_by_cdev(desk) : open_by_group(desk);
}

static const char *desk_destroy(struct desk *desk)
{
	int ret = mdev_destroy(&desk->mdev);

	if (desk->fd >= 0)
		close(desk->fd);
	memory_free_all();
	if (ret)
		return "the mediated device cannot be removed";
	return baseline_check(&desk->baseline);
}

/* Ids, attaching and detaching; the character device only */

FIXTURE(mdev)
{
	struct desk desk;
};

FIXTURE_VARIANT(mdev)
{
	const struct sample *sample;
};

FIXTURE_VARIANT_ADD(mdev, mtty)
{
	.sample = &mtty,
};

FIXTURE_VARIANT_ADD(mdev, mdpy)
{
	.sample = &mdpy,
};

FIXTURE_SETUP(mdev)
{
	int ret = desk_create(&self->desk, variant->sample, WAY_CDEV);

	if (ret == -ENODEV)
		SKIP(return, "no such sample");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(mdev)
{
	EXPECT_STREQ("", desk_destroy(&self->desk));
}

TEST_F(mdev, bind_gives_an_id)
{
	struct desk *desk = &self->desk;
	struct vfio_device *vfio = &desk->mdev.vfio;

	EXPECT_NE(0, vfio->dev_id);
	EXPECT_NE(desk->ioas_id, vfio->dev_id);
	EXPECT_EQ(-EINVAL, vfio_bind(vfio, desk->fd));
	EXPECT_EQ(-EBUSY, iommufd_destroy(desk->fd, vfio->dev_id));
	vfio_close(vfio);
	EXPECT_EQ(-ENOENT, iommufd_destroy(desk->fd, vfio->dev_id));
}

TEST_F(mdev, bind_again_after_close)
{
	struct desk *desk = &self->desk;
	struct vfio_device *vfio = &desk->mdev.vfio;
	int i;

	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, vfio_attach_ioas(vfio, desk->ioas_id));
		vfio_close(vfio);
		ASSERT_EQ(0, mdev_open_cdev(&desk->mdev));
		ASSERT_EQ(0, vfio_bind(vfio, desk->fd));
	}
}

TEST_F(mdev, attach_and_detach)
{
	struct desk *desk = &self->desk;
	struct vfio_device *vfio = &desk->mdev.vfio;
	__u32 pt_id = desk->ioas_id;

	/* There is no page table in between. */
	ASSERT_EQ(0, vfio_attach(vfio, &pt_id));
	EXPECT_EQ(desk->ioas_id, pt_id);
	EXPECT_EQ(-EBUSY, iommufd_destroy(desk->fd, desk->ioas_id));
	EXPECT_EQ(0, vfio_detach(vfio));
	EXPECT_EQ(0, vfio_detach(vfio));
	EXPECT_EQ(0, iommufd_destroy(desk->fd, desk->ioas_id));
}

TEST_F(mdev, attach_to_what_is_not_there)
{
	struct desk *desk = &self->desk;
	struct vfio_device *vfio = &desk->mdev.vfio;

	EXPECT_EQ(-ENOENT, vfio_attach_ioas(vfio, 0));
	EXPECT_EQ(-ENOENT, vfio_attach_ioas(vfio, 1000));
	EXPECT_EQ(-ENOENT, vfio_attach_ioas(vfio, vfio->dev_id));
	EXPECT_EQ(0, vfio_attach_ioas(vfio, desk->ioas_id));
}

TEST_F(mdev, attach_again_replaces)
{
	struct desk *desk = &self->desk;
	struct vfio_device *vfio = &desk->mdev.vfio;
	__u32 other;

	ASSERT_EQ(0, ioas_alloc(desk->fd, &other));
	ASSERT_EQ(0, vfio_attach_ioas(vfio, desk->ioas_id));
	EXPECT_EQ(0, vfio_attach_ioas(vfio, desk->ioas_id));
	EXPECT_EQ(0, vfio_attach_ioas(vfio, other));
	EXPECT_EQ(-EBUSY, iommufd_destroy(desk->fd, other));
	EXPECT_EQ(0, iommufd_destroy(desk->fd, desk->ioas_id));
	EXPECT_EQ(0, vfio_detach(vfio));
	EXPECT_EQ(0, iommufd_destroy(desk->fd, other));
}

/* Map a page of @va that begins in its middle. */
static int map_unaligned(int fd, __u32 ioas_id, const char *va)
{
	return ioas_map_fixed(fd, ioas_id, va + 16, PAGE_SIZE, TEST_IOVA + 16);
}

TEST_F(mdev, h42_failed_replace_leaves_the_old_one)
{
	struct desk *desk = &self->desk;
	struct vfio_device *vfio = &desk->mdev.vfio;
	struct iova_ranges ranges;
	__u32 other;
	char *va;

	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, 2 * PAGE_SIZE,
				  (void **)&va));
	ASSERT_EQ(0, ioas_alloc(desk->fd, &other));
	ASSERT_EQ(0, map_unaligned(desk->fd, other, va));
	ASSERT_EQ(0, vfio_attach_ioas(vfio, desk->ioas_id));

	EXPECT_EQ(-ENOENT, vfio_attach_ioas(vfio, 1000));
	EXPECT_EQ(-EADDRINUSE, vfio_attach_ioas(vfio, other));
	EXPECT_EQ(-EBUSY, iommufd_destroy(desk->fd, desk->ioas_id));
	ASSERT_EQ(0, ioas_iova_ranges(desk->fd, desk->ioas_id, &ranges));
	EXPECT_EQ(PAGE_SIZE, ranges.alignment);
	EXPECT_EQ(0, iommufd_destroy(desk->fd, other));
	EXPECT_EQ(0, vfio_detach(vfio));
	EXPECT_EQ(0, iommufd_destroy(desk->fd, desk->ioas_id));
}

/* A driver that pins gets whole pages. */
TEST_F(mdev, attached_device_needs_pages)
{
	struct desk *desk = &self->desk;
	struct iova_ranges ranges;
	char *va;

	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, 2 * PAGE_SIZE,
				  (void **)&va));
	ASSERT_EQ(0, ioas_iova_ranges(desk->fd, desk->ioas_id, &ranges));
	EXPECT_EQ(1, ranges.alignment);
	ASSERT_EQ(0, vfio_attach_ioas(&desk->mdev.vfio, desk->ioas_id));
	ASSERT_EQ(0, ioas_iova_ranges(desk->fd, desk->ioas_id, &ranges));
	EXPECT_EQ(PAGE_SIZE, ranges.alignment);
	EXPECT_EQ(-EINVAL, map_unaligned(desk->fd, desk->ioas_id, va));
	ASSERT_EQ(0, vfio_detach(&desk->mdev.vfio));
	EXPECT_EQ(0, map_unaligned(desk->fd, desk->ioas_id, va));
	EXPECT_EQ(-EADDRINUSE,
		  vfio_attach_ioas(&desk->mdev.vfio, desk->ioas_id));
}

/* Attaching pins nothing; areas come and go as they please. */
TEST_F(mdev, map_and_unmap_while_attached)
{
	struct desk *desk = &self->desk;
	__u64 pinned = status_kib("VmPin:");
	__u64 unmapped;
	char *va;
	int i;

	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, TEST_PAGES * PAGE_SIZE,
				  (void **)&va));
	ASSERT_EQ(0, ioas_map_fixed(desk->fd, desk->ioas_id, va,
				    TEST_PAGES * PAGE_SIZE, TEST_IOVA));
	ASSERT_EQ(0, vfio_attach_ioas(&desk->mdev.vfio, desk->ioas_id));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(pinned, status_kib("VmPin:"));
		EXPECT_EQ(0, ioas_unmap(desk->fd, desk->ioas_id, TEST_IOVA,
					TEST_PAGES * PAGE_SIZE, &unmapped));
		EXPECT_EQ(TEST_PAGES * PAGE_SIZE, unmapped);
		EXPECT_EQ(0, ioas_map_fixed(desk->fd, desk->ioas_id, va,
					    TEST_PAGES * PAGE_SIZE, TEST_IOVA));
	}
}

TEST_F(mdev, two_devices_share_an_ioas)
{
	struct desk *desk = &self->desk;
	struct mdev second;

	ASSERT_EQ(0, mdev_create(&second, variant->sample->parent,
				 variant->sample->type));
	ASSERT_EQ(0, mdev_open_cdev(&second));
	ASSERT_EQ(0, vfio_bind(&second.vfio, desk->fd));
	EXPECT_NE(desk->mdev.vfio.dev_id, second.vfio.dev_id);
	ASSERT_EQ(0, vfio_attach_ioas(&desk->mdev.vfio, desk->ioas_id));
	ASSERT_EQ(0, vfio_attach_ioas(&second.vfio, desk->ioas_id));
	EXPECT_EQ(0, vfio_detach(&desk->mdev.vfio));
	EXPECT_EQ(-EBUSY, iommufd_destroy(desk->fd, desk->ioas_id));
	EXPECT_EQ(0, mdev_destroy(&second));
	EXPECT_EQ(0, iommufd_destroy(desk->fd, desk->ioas_id));
}

static bool config_space_answers(const struct desk *desk)
{
	struct vfio_region_info config;
	__u16 vendor = 0;

	return !vfio_region(desk->mdev.vfio.fd, VFIO_PCI_CONFIG_REGION_INDEX,
			    &config) &&
	       pread(desk->mdev.vfio.fd, &vendor, sizeof(vendor),
		     config.offset + PCI_VENDOR_ID) == sizeof(vendor) &&
	       vendor;
}

/* The device keeps its context; nobody else can reach that any more. */
TEST_F(mdev, h07_iommufd_closed_before_the_device)
{
	struct desk *desk = &self->desk;

	ASSERT_EQ(0, vfio_attach_ioas(&desk->mdev.vfio, desk->ioas_id));
	close(desk->fd);
	desk->fd = -1;
	EXPECT_TRUE(config_space_answers(desk));
	EXPECT_EQ(0, vfio_detach(&desk->mdev.vfio));
	EXPECT_EQ(0, vfio_attach_ioas(&desk->mdev.vfio, desk->ioas_id));
	vfio_close(&desk->mdev.vfio);
}

TEST_F(mdev, h07_device_closed_while_attached)
{
	struct desk *desk = &self->desk;

	ASSERT_EQ(0, vfio_attach_ioas(&desk->mdev.vfio, desk->ioas_id));
	vfio_close(&desk->mdev.vfio);
	EXPECT_EQ(0, iommufd_destroy(desk->fd, desk->ioas_id));
}

static int remove_device(void *arg)
{
	struct desk *desk = arg;

	/* Not what keeps the device open. */
	close(desk->mdev.vfio.fd);
	return -mdev_remove(&desk->mdev);
}

TEST_F(mdev, removed_while_attached)
{
	struct desk *desk = &self->desk;
	pid_t child;

	ASSERT_EQ(0, vfio_attach_ioas(&desk->mdev.vfio, desk->ioas_id));
	child = child_start(remove_device, desk);
	ASSERT_GT(child, 0);
	usleep(WAIT_MS * 1000);
	EXPECT_EQ(0, waitpid(child, NULL, WNOHANG));
	EXPECT_TRUE(config_space_answers(desk));
	EXPECT_EQ(-EBUSY, iommufd_destroy(desk->fd, desk->ioas_id));
	vfio_close(&desk->mdev.vfio);
	EXPECT_EQ(0, child_wait(child, TIMEOUT_MS));
	EXPECT_FALSE(mdev_exists(&desk->mdev));
	EXPECT_EQ(0, iommufd_destroy(desk->fd, desk->ioas_id));
}

/* An emulated device and a real one on the same areas. */
TEST_F(mdev, beside_a_real_device)
{
	struct desk *desk = &self->desk;
	__u64 half = TEST_PAGES / 2 * PAGE_SIZE;
	struct edu edu;
	char *va;
	int ret;

	ret = edu_open(&edu, 0);
	if (ret == -ENODEV)
		SKIP(return, "no edu device");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, TEST_PAGES * PAGE_SIZE,
				  (void **)&va));
	memory_fill(va, half, 1);
	ASSERT_EQ(0, edu_bind(&edu, desk->fd));
	ASSERT_EQ(0, vfio_attach_ioas(&desk->mdev.vfio, desk->ioas_id));
	ASSERT_EQ(0, ioas_map_fixed(desk->fd, desk->ioas_id, va,
				    TEST_PAGES * PAGE_SIZE, TEST_IOVA));
	ASSERT_EQ(0, edu_attach_ioas(&edu, desk->ioas_id));
	ASSERT_EQ(0, edu_start(&edu));
	EXPECT_EQ(0, vfio_detach(&desk->mdev.vfio));
	EXPECT_EQ(0, edu_dma_copy(&edu, TEST_IOVA, TEST_IOVA + half,
				  EDU_DMA_MAX));
	EXPECT_EQ(-1, memory_compare(va + half, EDU_DMA_MAX, 1));
	edu_close(&edu);
}

/* The serial port, whose output comes back as its input */

/**
 * struct port - the first port of a serial card
 * @fd: the device
 * @offset: of the registers in it
 */
struct port {
	int fd;
	__u64 offset;
};

FIXTURE(serial)
{
	struct desk desk;
	struct port port;
	int event;
};

FIXTURE_VARIANT(serial)
{
	enum way way;
};

FIXTURE_VARIANT_ADD(serial, cdev)
{
	.way = WAY_CDEV,
};

FIXTURE_VARIANT_ADD(serial, group)
{
	.way = WAY_GROUP,
};

static int describe(int fd, struct vfio_device_info *about)
{
	*about = (struct vfio_device_info){ .argsz = sizeof(*about) };
	return ioctl(fd, VFIO_DEVICE_GET_INFO, about) ? -errno : 0;
}

FIXTURE_SETUP(serial)
{
	int ret = desk_create(&self->desk, &mtty, variant->way);
	struct vfio_device_info about;
	struct vfio_region_info info;

	if (ret == -ENODEV)
		SKIP(return, "no such sample");
	ASSERT_EQ(0, ret);
	if (variant->way == WAY_CDEV)
		ASSERT_EQ(0, vfio_attach_ioas(&self->desk.mdev.vfio,
					      self->desk.ioas_id));
	ASSERT_EQ(0, vfio_region(self->desk.mdev.vfio.fd,
				 VFIO_PCI_BAR0_REGION_INDEX, &info));
	EXPECT_EQ(8, info.size);
	/* It accepts no interrupt before somebody asked how many it has. */
	ASSERT_EQ(0, describe(self->desk.mdev.vfio.fd, &about));
	EXPECT_EQ(VFIO_PCI_NUM_IRQS, about.num_irqs);
	self->port = (struct port){ self->desk.mdev.vfio.fd, info.offset };
	self->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_GE(self->event, 0);
}

FIXTURE_TEARDOWN(serial)
{
	close(self->event);
	EXPECT_STREQ("", desk_destroy(&self->desk));
}

static int port_read(const struct port *port, __u64 reg)
{
	__u8 value;

	if (pread(port->fd, &value, 1, port->offset + reg) != 1)
		return -errno;
	return value;
}

static int port_write(const struct port *port, __u64 reg, __u8 value)
{
	if (pwrite(port->fd, &value, 1, port->offset + reg) != 1)
		return -errno;
	return 0;
}

/* How often the event came since the last question. */
static __u64 events(int event)
{
	__u64 count;

	return read(event, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

TEST_F(serial, registers_keep_what_is_written)
{
	ASSERT_EQ(0, port_write(&self->port, UART_SCR, 0xa5));
	ASSERT_EQ(0, port_write(&self->port, UART_LCR, UART_LCR_WLEN8));
	EXPECT_EQ(0xa5, port_read(&self->port, UART_SCR));
	EXPECT_EQ(UART_LCR_WLEN8, port_read(&self->port, UART_LCR));
}

TEST_F(serial, output_comes_back)
{
	static const char text[] = "fifteen letters";
	size_t i;

	ASSERT_EQ(0, port_write(&self->port, UART_FCR,
				UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR));
	EXPECT_EQ(UART_LSR_TEMT | UART_LSR_THRE,
		  port_read(&self->port, UART_LSR));
	for (i = 0; i < strlen(text); i++)
		ASSERT_EQ(0, port_write(&self->port, UART_TX, text[i]));
	EXPECT_EQ(UART_LSR_DR, port_read(&self->port, UART_LSR));
	for (i = 0; i < strlen(text); i++)
		ASSERT_EQ(text[i], port_read(&self->port, UART_RX));
	EXPECT_EQ(UART_LSR_TEMT | UART_LSR_THRE,
		  port_read(&self->port, UART_LSR));
}

TEST_F(serial, overrun)
{
	int i;

	ASSERT_EQ(0, port_write(&self->port, UART_FCR,
				UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR));
	for (i = 0; i < 17; i++)
		ASSERT_EQ(0, port_write(&self->port, UART_TX, i));
	EXPECT_NE(0, port_read(&self->port, UART_LSR) & UART_LSR_OE);
	EXPECT_EQ(0, port_read(&self->port, UART_RX));
}

/* A level interrupt is masked when it comes. */
TEST_F(serial, interrupt_of_a_line)
{
	int fd = self->desk.mdev.vfio.fd;

	ASSERT_EQ(0, vfio_irq_signal(fd, VFIO_PCI_INTX_IRQ_INDEX, self->event));
	ASSERT_EQ(0, port_write(&self->port, UART_FCR,
				UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR));
	ASSERT_EQ(0, port_write(&self->port, UART_IER, UART_IER_RDI));
	EXPECT_EQ(0, events(self->event));
	ASSERT_EQ(0, port_write(&self->port, UART_TX, 'a'));
	EXPECT_EQ(1, events(self->event));
	EXPECT_EQ(UART_IIR_RDI,
		  port_read(&self->port, UART_IIR) & UART_IIR_RDI);
	EXPECT_EQ('a', port_read(&self->port, UART_RX));
	ASSERT_EQ(0, port_write(&self->port, UART_TX, 'b'));
	EXPECT_EQ(0, events(self->event));
	EXPECT_EQ('b', port_read(&self->port, UART_RX));
	EXPECT_EQ(0, vfio_irq_unmask(fd, VFIO_PCI_INTX_IRQ_INDEX));
	ASSERT_EQ(0, port_write(&self->port, UART_TX, 'c'));
	EXPECT_EQ(1, events(self->event));
}

TEST_F(serial, interrupt_by_message)
{
	int fd = self->desk.mdev.vfio.fd;

	ASSERT_EQ(0, vfio_irq_signal(fd, VFIO_PCI_MSI_IRQ_INDEX, self->event));
	ASSERT_EQ(0, port_write(&self->port, UART_FCR,
				UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR));
	ASSERT_EQ(0, port_write(&self->port, UART_IER, UART_IER_RDI));
	ASSERT_EQ(0, port_write(&self->port, UART_TX, 'a'));
	EXPECT_EQ('a', port_read(&self->port, UART_RX));
	ASSERT_EQ(0, port_write(&self->port, UART_TX, 'b'));
	EXPECT_EQ(2, events(self->event));
	EXPECT_EQ(0, vfio_irq_raise(fd, VFIO_PCI_MSI_IRQ_INDEX));
	EXPECT_EQ(1, events(self->event));
	EXPECT_EQ(0, vfio_irq_signal(fd, VFIO_PCI_MSI_IRQ_INDEX, -1));
	EXPECT_EQ('b', port_read(&self->port, UART_RX));
	ASSERT_EQ(0, port_write(&self->port, UART_TX, 'c'));
	EXPECT_EQ(0, events(self->event));
}

/* What its memory is does not matter to the device. */
TEST_F(serial, data_survives_replace)
{
	struct vfio_device *vfio = &self->desk.mdev.vfio;
	bool cdev = variant->way == WAY_CDEV;
	__u32 other;

	ASSERT_EQ(0, ioas_alloc(self->desk.fd, &other));
	ASSERT_EQ(0, port_write(&self->port, UART_FCR,
				UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR));
	ASSERT_EQ(0, port_write(&self->port, UART_TX, 'a'));
	ASSERT_EQ(cdev ? 0 : -ENOTTY, vfio_attach_ioas(vfio, other));
	EXPECT_EQ('a', port_read(&self->port, UART_RX));
	ASSERT_EQ(cdev ? 0 : -ENOTTY, vfio_detach(vfio));
	ASSERT_EQ(0, port_write(&self->port, UART_TX, 'b'));
	EXPECT_EQ('b', port_read(&self->port, UART_RX));
}

/* The display, whose picture is memory of the kernel */

FIXTURE(display)
{
	struct desk desk;
	struct vfio_region_info picture;
};

FIXTURE_VARIANT(display)
{
	enum way way;
};

FIXTURE_VARIANT_ADD(display, cdev)
{
	.way = WAY_CDEV,
};

FIXTURE_VARIANT_ADD(display, group)
{
	.way = WAY_GROUP,
};

FIXTURE_SETUP(display)
{
	int ret = desk_create(&self->desk, &mdpy, variant->way);

	if (ret == -ENODEV)
		SKIP(return, "no such sample");
	ASSERT_EQ(0, ret);
	if (variant->way == WAY_CDEV)
		ASSERT_EQ(0, vfio_attach_ioas(&self->desk.mdev.vfio,
					      self->desk.ioas_id));
	ASSERT_EQ(0, vfio_region(self->desk.mdev.vfio.fd,
				 VFIO_PCI_BAR0_REGION_INDEX, &self->picture));
}

FIXTURE_TEARDOWN(display)
{
	EXPECT_STREQ("", desk_destroy(&self->desk));
}

static int query_plane(int fd, struct vfio_device_gfx_plane_info *plane)
{
	*plane = (struct vfio_device_gfx_plane_info){
		.argsz = sizeof(*plane),
		.flags = VFIO_GFX_PLANE_TYPE_REGION,
	};
	return ioctl(fd, VFIO_DEVICE_QUERY_GFX_PLANE, plane) ? -errno : 0;
}

TEST_F(display, describes_its_picture)
{
	struct vfio_device_gfx_plane_info plane;

	ASSERT_EQ(0, query_plane(self->desk.mdev.vfio.fd, &plane));
	EXPECT_EQ(640, plane.width);
	EXPECT_EQ(480, plane.height);
	EXPECT_EQ(640 * 4, plane.stride);
	EXPECT_EQ(self->picture.size, plane.size);
	EXPECT_GE(self->picture.size, 640 * 480 * 4);
	EXPECT_EQ(VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE |
		  VFIO_REGION_INFO_FLAG_MMAP, self->picture.flags);
}

TEST_F(display, picture_is_drawn)
{
	int fd = self->desk.mdev.vfio.fd;
	unsigned char *picture;
	__u32 corner;

	picture = mmap(NULL, self->picture.size, PROT_READ | PROT_WRITE,
		       MAP_SHARED, fd, self->picture.offset);
	ASSERT_NE(MAP_FAILED, (void *)picture);
	memory_fill(picture, self->picture.size, 7);

	/* Reading and writing begin at the corner whatever the offset. */
	ASSERT_EQ(4, pread(fd, &corner, 4, self->picture.offset));
	EXPECT_EQ(0, memcmp(picture, &corner, 4));
	corner = ~corner;
	ASSERT_EQ(4, pwrite(fd, &corner, 4, self->picture.offset));
	EXPECT_EQ(0, memcmp(picture, &corner, 4));

	/* Reset draws a gradient from black to nearly white. */
	ASSERT_EQ(0, ioctl(fd, VFIO_DEVICE_RESET));
	EXPECT_EQ(0, picture[0]);
	EXPECT_EQ(479 * 255 / 480, picture[640 * 480 * 4 - 1]);
	munmap(picture, self->picture.size);
}

/* What one device shows is ordinary memory to another one. */
TEST_F(display, real_device_draws)
{
	struct desk *desk = &self->desk;
	struct edu edu;
	char *picture;
	int ret;

	ret = edu_open(&edu, 0);
	if (ret == -ENODEV)
		SKIP(return, "no edu device");
	ASSERT_EQ(0, ret);
	picture = mmap(NULL, self->picture.size, PROT_READ | PROT_WRITE,
		       MAP_SHARED, desk->mdev.vfio.fd, self->picture.offset);
	ASSERT_NE(MAP_FAILED, (void *)picture);
	memory_fill(picture, EDU_DMA_MAX, 3);
	ASSERT_EQ(0, edu_bind(&edu, desk->fd));
	ASSERT_EQ(0, edu_attach_ioas(&edu, desk->ioas_id));
	ASSERT_EQ(0, edu_start(&edu));
	ASSERT_EQ(0, ioas_map_fixed(desk->fd, desk->ioas_id, picture,
				    TEST_PAGES * PAGE_SIZE, TEST_IOVA));
	EXPECT_EQ(0, edu_dma_copy(&edu, TEST_IOVA, TEST_IOVA + PAGE_SIZE,
				  EDU_DMA_MAX));
	EXPECT_EQ(-1, memory_compare(picture + PAGE_SIZE, EDU_DMA_MAX, 3));
	edu_close(&edu);
	munmap(picture, self->picture.size);
}

/* The group: container and device come and go in any order */

FIXTURE(mdev_group)
{
	struct desk desk;
};

FIXTURE_VARIANT(mdev_group)
{
	const struct sample *sample;
};

FIXTURE_VARIANT_ADD(mdev_group, mtty)
{
	.sample = &mtty,
};

FIXTURE_VARIANT_ADD(mdev_group, mdpy)
{
	.sample = &mdpy,
};

FIXTURE_SETUP(mdev_group)
{
	int ret = desk_create(&self->desk, variant->sample, WAY_GROUP);

	if (ret == -ENODEV)
		SKIP(return, "no such sample");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(mdev_group)
{
	EXPECT_STREQ("", desk_destroy(&self->desk));
}

TEST_F(mdev_group, device_uses_the_ioas_of_the_container)
{
	struct desk *desk = &self->desk;

	EXPECT_TRUE(config_space_answers(desk));
	EXPECT_EQ(-EBUSY, iommufd_destroy(desk->fd, desk->ioas_id));
	vfio_close(&desk->mdev.vfio);
	EXPECT_EQ(0, iommufd_destroy(desk->fd, desk->ioas_id));
	EXPECT_EQ(-ENODEV, mdev_open_from_group(&desk->mdev));
}

TEST_F(mdev_group, closed_in_another_order)
{
	struct desk *desk = &self->desk;

	close(desk->fd);
	desk->fd = -1;
	EXPECT_TRUE(config_space_answers(desk));
	close(desk->mdev.group);
	desk->mdev.group = -1;
	EXPECT_TRUE(config_space_answers(desk));
	vfio_close(&desk->mdev.vfio);
}

static int is_coherent(int container)
{
	return ioctl(container, VFIO_CHECK_EXTENSION, VFIO_DMA_CC_IOMMU);
}

/* Open the device again, in another container; is it coherent, by the way? */
static int coherent_in(int container, struct mdev *mdev)
{
	int ret;

	vfio_close(&mdev->vfio);
	close(mdev->group);
	ret = mdev_open_group(mdev);
	if (!ret)
		ret = vfio_group_set_container(mdev->group, container);
	if (!ret)
		ret = ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU);
	if (!ret)
		ret = mdev_open_from_group(mdev);
	return ret ? ret : is_coherent(container);
}

/* There is nothing that could bypass caches. */
TEST_F(mdev_group, h57_emulated_devices_are_coherent)
{
	struct desk *desk = &self->desk;
	int type1;

	EXPECT_EQ(0, is_coherent(desk->fd));
	ASSERT_EQ(0, ioctl(desk->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(1, is_coherent(desk->fd));
	type1 = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (type1 < 0)
		SKIP(return, "no type1 to compare with");
	EXPECT_EQ(1, coherent_in(type1, &desk->mdev));
	vfio_close(&desk->mdev.vfio);
	close(desk->mdev.group);
	desk->mdev.group = -1;
	close(type1);
}

/* A real one may, and then it is what counts. */
TEST_F(mdev_group, h57_coherent_beside_a_real_device)
{
	struct desk *desk = &self->desk;
	struct edu edu;
	int alone, ret;

	ret = edu_open(&edu, 0);
	if (ret == -ENODEV)
		SKIP(return, "no edu device");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(0, edu_bind(&edu, desk->fd));
	ASSERT_EQ(0, edu_attach_ioas(&edu, desk->ioas_id));
	ASSERT_EQ(0, ioctl(desk->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	ret = is_coherent(desk->fd);
	vfio_close(&desk->mdev.vfio);
	alone = is_coherent(desk->fd);
	EXPECT_EQ(alone, ret);
	edu_close(&edu);
}

TEST_F(mdev_group, map_like_a_container)
{
	struct desk *desk = &self->desk;
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.iova = TEST_IOVA,
		.size = TEST_PAGES * PAGE_SIZE,
	};
	__u64 unmapped;
	void *va;

	ASSERT_EQ(0, memory_alloc(MEMORY_SMALL_PAGES, map.size, &va));
	map.vaddr = va_to_u64(va);
	ASSERT_EQ(0, ioctl(desk->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, ioctl(desk->fd, VFIO_IOMMU_MAP_DMA, &map));
	EXPECT_EQ(-1, ioctl(desk->fd, VFIO_IOMMU_MAP_DMA, &map));
	EXPECT_EQ(EEXIST, errno);
	EXPECT_EQ(0, ioas_unmap_all(desk->fd, desk->ioas_id, &unmapped));
	EXPECT_EQ(map.size, unmapped);
}

TEST_HARNESS_MAIN
