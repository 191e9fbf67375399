"""Power cuts while MicroPython's ESP32 port makes the filesystem at the first start after flashing.

    micropython cut_first_boot.py PATH-ENTRIES BEGINNING

PATH-ENTRIES are separated by `:` and put before sys.path. BEGINNING is a file with what `mailmote flash`
writes to the beginning of a filesystem of 64 blocks. One line of JSON for each kind of flash: [flash,
operations of the first start, operations cut, faults]. What a start does is that of MicroPython's
ports/esp32/modules/_boot.py and inisetup.py.
"""

import json
import os
import random
import sys

sys.path[:0] = sys.argv[1].split(":")

import vfs  # noqa: E402
from cut_flash import MANNERS, CutFlash, PowerCut  # noqa: E402

BLOCKS = 64
BLOCK_BYTES = 4096
ROOT = "/root"
BOOT_SCRIPT = b"# what comes with MicroPython\n" * 5
ERASED = b"\xff" * (BLOCKS * BLOCK_BYTES)
ROUNDS = 8  # cuts at random operations, one start after the other
PROBE = "settings.json"


class Corrupted(Exception):
    """MicroPython prints that the filesystem appears to be corrupted, every three seconds, for ever."""


def start(flash):
    """What _boot.py does. Raises Corrupted where the board would go no further."""
    try:
        vfs.mount(flash, ROOT)
    except OSError:
        setup(flash)


def setup(flash):
    """What inisetup.py does: it takes nothing but an erased first block for an empty flash."""
    first = bytearray(BLOCK_BYTES)
    flash.readblocks(0, first, 0)
    if first.count(b"\xff") != BLOCK_BYTES:
        raise Corrupted
    vfs.VfsLfs2.mkfs(flash)
    vfs.mount(vfs.VfsLfs2(flash), ROOT)
    with open(ROOT + "/boot.py", "wb") as file:
        file.write(BOOT_SCRIPT)


def power_on(content, cut_at=0, manner=None, work=None):
    """(the flash after this start, the exception that ended it or None)."""
    flash = CutFlash(content, cut_at, manner)
    ended = None
    try:
        start(flash)
        if work:
            work()
    except (Exception, PowerCut) as error:
        ended = error
    try:  # noqa: SIM105 - MicroPython has no contextlib
        vfs.umount(ROOT)
    except OSError:
        pass  # it was never mounted
    return flash, ended


def first_work():
    """What `mailmote provision` needs: a file is written, and is there. boot.py is whole, empty or absent."""
    with open(ROOT + "/" + PROBE, "wb") as file:
        file.write(bytes(1000))
    if os.stat(ROOT + "/" + PROBE)[6] != 1000:
        raise OSError("the first file is not whole")
    if "boot.py" in os.listdir(ROOT):
        with open(ROOT + "/boot.py", "rb") as file:
            if file.read() not in (b"", BOOT_SCRIPT):
                raise OSError("boot.py is damaged")


def fault(content):
    """What keeps a board with this flash from its work, in words, or None. It starts twice."""
    flash, ended = power_on(content, work=first_work)
    if ended is None:
        flash, ended = power_on(flash.content, work=first_work)
    return None if ended is None else repr(ended)


def every_cut(content, work):
    """(operations, cuts, faults): the power goes at each operation of a start with its work, then at some."""
    whole, _ = power_on(content, work=work)
    cuts, faults = 0, []
    for cut_at in range(1, whole.operations + 1):
        for manner in MANNERS:
            left = power_on(content, cut_at, manner, work)[0].content
            cuts += 1
            where = "%s at %d of %d" % (manner, cut_at, whole.operations)
            for _ in range(ROUNDS):
                found = fault(left)
                if found:
                    faults.append(where + ": " + found)
                    break
                cut_again = random.randint(1, whole.operations)
                flash, _ = power_on(left, cut_again, random.choice(MANNERS), work)
                cuts += flash.dead
                left = flash.content
    return whole.operations, cuts, faults


def beginning_with(first):
    """An erased flash but for what begins it."""
    return first + ERASED[len(first) :]


def tell(name, content, work=None):
    alone = power_on(content)[0].operations
    _, cuts, faults = every_cut(content, work)
    print(json.dumps([name, alone, cuts, faults]))


random.seed(1)
with open(sys.argv[2], "rb") as file:
    tell("as flashed", beginning_with(file.read()), first_work)
tell("erased", ERASED)
