"""An empty filesystem for a test: a folder on CPython, real littlefs in memory on MicroPython."""

import os
import sys


class RamBlocks:
    """A block device in memory, as littlefs on an ESP32 sees its flash."""

    def __init__(self, blocks):
        self._data = bytearray(blocks * 4096)

    def readblocks(self, block, buffer, offset=0):
        start = block * 4096 + offset
        buffer[:] = self._data[start : start + len(buffer)]

    def writeblocks(self, block, buffer, offset=None):
        start = block * 4096 + (offset or 0)
        self._data[start : start + len(buffer)] = buffer

    def ioctl(self, operation, _):
        return {4: len(self._data) // 4096, 5: 4096}.get(operation, 0)


def on_flash(test, blocks=32, device=None):
    """Run `test` with an empty filesystem as the working directory; on MicroPython on this block device."""
    before = os.getcwd()
    if sys.implementation.name == "micropython":
        import vfs

        device = device or RamBlocks(blocks)
        vfs.VfsLfs2.mkfs(device)
        vfs.mount(vfs.VfsLfs2(device), "/ram")
        os.chdir("/ram")
        try:
            return test()
        finally:
            os.chdir(before)
            vfs.umount("/ram")
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            return test()
        finally:
            os.chdir(before)
