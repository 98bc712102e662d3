# SPDX-License-Identifier: GPL-2.0-only
"""What a guest boots from: an archive with busybox, files and modules."""
import lzma
import os
import re
import shutil
import stat
import subprocess


class Initramfs:
    """A cpio archive (format newc), written without root and without cpio."""

    def __init__(self, path):
        self.out = open(path, "wb")
        self.inode = 0
        self.known = set()

    def _entry(self, name, mode, data=b"", rdev=(0, 0)):
        self.inode += 1
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev,
                  len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % f for f in fields)
        head += name.encode() + b"\0"
        self.out.write(head + b"\0" * (-len(head) % 4))
        self.out.write(data + b"\0" * (-len(data) % 4))

    def directory(self, path):
        path = path.strip("/")
        if not path or path in self.known:
            return
        self.directory(os.path.dirname(path))
        self.known.add(path)
        self._entry(path, stat.S_IFDIR | 0o755)

    def content(self, path, data, mode=0o644):
        path = path.strip("/")
        if path in self.known:
            return
        self.directory(os.path.dirname(path))
        self.known.add(path)
        self._entry(path, stat.S_IFREG | mode, data)

    def link(self, path, target):
        path = path.strip("/")
        if path in self.known:
            return
        self.directory(os.path.dirname(path))
        self.known.add(path)
        self._entry(path, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, major, minor):
        self.directory(os.path.dirname(path))
        self._entry(path.strip("/"), stat.S_IFCHR | 0o600, rdev=(major, minor))

    def file(self, path, source):
        """A file or a whole directory, with the libraries programs need."""
        if os.path.isdir(source):
            for name in sorted(os.listdir(source)):
                self.file(os.path.join(path, name), os.path.join(source, name))
            return
        with open(source, "rb") as f:
            data = f.read()
        mode = 0o755 if os.access(source, os.X_OK) else 0o644
        self.content(path, data, mode)
        if mode == 0o755 and data[:4] == b"\x7fELF":
            for library in libraries(source):
                self.file(library, os.path.realpath(library))

    def busybox(self):
        """busybox under all its names, and a console to talk to."""
        for name in ("proc", "sys", "dev", "tmp"):
            self.directory(name)
        self.device("dev/console", 5, 1)
        self.file("bin/busybox", shutil.which("busybox"))
        applets = subprocess.run(["busybox", "--list"], text=True, check=True,
                                 stdout=subprocess.PIPE).stdout.split()
        for applet in applets:
            if applet != "busybox":
                self.link("bin/" + applet, "busybox")

    def close(self):
        self._entry("TRAILER!!!", 0)
        self.out.close()


def libraries(program):
    """Absolute paths of the shared objects of a program, none if static."""
    out = subprocess.run(["ldd", program], capture_output=True, text=True,
                         check=False).stdout
    return re.findall(r"(/\S+) \(0x", out)


class StockModules:
    """A kernel's modules and what they depend on."""

    def __init__(self, folder):
        self.root = folder
        self.release = os.path.basename(folder)
        self.needs = {}
        with open(os.path.join(self.root, "modules.dep"),
                  encoding="utf-8") as f:
            for line in f:
                path, _, rest = line.partition(":")
                self.needs[path] = rest.split()
        self.by_name = {self.name(p): p for p in self.needs}

    @staticmethod
    def name(path):
        return os.path.basename(path).split(".")[0].replace("-", "_")

    @staticmethod
    def _plain(path):
        """Name and content of a module, not compressed."""
        if path.endswith(".xz"):
            with lzma.open(path) as f:
                return f.read()
        if path.endswith(".zst"):
            return subprocess.run(["zstd", "-dc", path], check=True,
                                  stdout=subprocess.PIPE).stdout
        with open(path, "rb") as f:
            return f.read()

    def add(self, image, names):
        """Put modules and dependencies into the image, with a modules.dep."""
        wanted = []
        for name in names:
            path = self.by_name.get(name.replace("-", "_"))
            if path:              # else it is built in
                wanted += [path] + self.needs[path]
        lines = []
        for path in dict.fromkeys(wanted):
            plain = re.sub(r"\.(xz|zst)$", "", path)
            image.content(f"lib/modules/{self.release}/{plain}",
                          self._plain(os.path.join(self.root, path)))
            needs = [re.sub(r"\.(xz|zst)$", "", n) for n in self.needs[path]]
            lines.append(f"{plain}: {' '.join(needs)}\n")
        image.content(f"lib/modules/{self.release}/modules.dep",
                      "".join(lines).encode())
