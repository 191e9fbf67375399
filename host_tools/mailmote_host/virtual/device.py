"""Makes a process of MicroPython's unix port into a board: flash, root folder, modules, scripts.

Started with `-c "import device; device.run(...)"`; after that, nothing of the host's files is in reach of
the firmware but its flash image and the files of its NVS and RTC.
"""

import gc
import os
import sys

import esp32_stand_in
import machine_stand_in
import network_stand_in
import startup
import vfs

_BLOCK_BYTES = 4096
# Operations of a block device: https://docs.micropython.org/en/latest/library/vfs.html
_COUNT_BLOCKS = 4
_SIZE_OF_BLOCK = 5
_ERASE = 6


# What a new filesystem begins with, as on a board that was just flashed.
_BOOT_SCRIPT = "# What is written here runs at each start, before main.py.\n"


class Flash:
    """The image file, from `offset` on, as a block device that counts. It allocates nothing once it is made.

    An erase writes nothing, as littlefs reads nothing that it has not programmed since.
    """

    def __init__(self, path, offset=0):
        self._file = open(path, "r+b")  # noqa: SIM115 - it stays open as long as the board runs
        self._offset = offset
        self._blocks = (self._file.seek(0, 2) - offset) // _BLOCK_BYTES
        self.erases = 0
        self.programmed_bytes = 0

    def readblocks(self, block, buffer, offset):
        self._file.seek(self._offset + block * _BLOCK_BYTES + offset)
        self._file.readinto(buffer)

    def writeblocks(self, block, buffer, offset):
        self._file.seek(self._offset + block * _BLOCK_BYTES + offset)
        self._file.write(buffer)
        self.programmed_bytes += len(buffer)

    def ioctl(self, operation, argument):
        if operation == _COUNT_BLOCKS:
            return self._blocks
        if operation == _SIZE_OF_BLOCK:
            return _BLOCK_BYTES
        if operation == _ERASE:
            self.erases += 1
        return 0


def _execute(name):
    execfile(name, {"__name__": "__main__"})  # noqa: F821 - MicroPython has it


def power_on(image_path, nvs_path, rtc_path, offset=0):
    """Put the flash in the place of the host's files, and the stand-ins where `import` finds them."""
    host_files = vfs.VfsPosix()
    flash = Flash(image_path, offset)
    esp32_stand_in.install(esp32_stand_in.NvsFile(nvs_path, host_files.open, host_files.rename))
    machine_stand_in.install(machine_stand_in.RtcFile(rtc_path, host_files.open, host_files.rename))
    network_stand_in.install()
    vfs.umount("/")
    _mount(flash)
    sys.path[:] = ["", ".frozen", "/lib"]
    gc.collect()
    return flash


def _mount(flash):
    """The filesystem as root, newly made on a blank flash. A damaged one is told, and then there is none.

    MicroPython's ports/esp32/modules/inisetup.py is the model.
    """
    try:
        filesystem = vfs.VfsLfs2(flash)
    except OSError:
        if not _is_blank(flash):
            print("The filesystem is damaged. Erase the flash and write MicroPython anew.")
            return
        print("Performing initial setup")
        vfs.VfsLfs2.mkfs(flash)
        filesystem = vfs.VfsLfs2(flash)
        with filesystem.open("boot.py", "w") as file:
            file.write(_BOOT_SCRIPT)
    vfs.mount(filesystem, "/")
    os.chdir("/")


def _is_blank(flash):
    block = bytearray(_BLOCK_BYTES)
    flash.readblocks(0, block, 0)
    return block.count(b"\xff") == _BLOCK_BYTES


def run(image_path, nvs_path, rtc_path):
    """Run boot.py and main.py of the image, tell what they cost, and exit with their code."""
    flash = power_on(image_path, nvs_path, rtc_path)
    startup.tell(started=True)
    code = startup.run(_execute, sys.print_exception)
    startup.tell(erases=flash.erases, programmed_bytes=flash.programmed_bytes)
    sys.exit(code)
