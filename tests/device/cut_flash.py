"""A flash whose power goes at any operation, under MicroPython's own littlefs.

`every_cut` does something once for each operation that it takes and each way in which power can go there, and
each time looks at what a board finds that starts again. Runs on MicroPython.
"""

import os
import random

import vfs

# What is done of the operation at which the power goes.
ABSENT, HALF, WHOLE, TORN = "absent", "half", "whole", "torn"
MANNERS = (ABSENT, HALF, WHOLE, TORN)

_MOUNT = "/cut"
_BLOCK_BYTES = 4096
_ERASED = b"\xff" * _BLOCK_BYTES
_EIO = -5
# Operations of a block device: https://docs.micropython.org/en/latest/library/vfs.html
_COUNT_BLOCKS = 4
_SIZE_OF_BLOCK = 5
_ERASE = 6


class PowerCut(BaseException):
    """The power went. No `except Exception` of the firmware holds it up."""


class CutFlash:
    """A NOR flash in memory, from power-on to power-off.

    It begins with a copy of `content`. The power goes at operation `cut_at`, counted from 1, or not at all.
    From then on every operation fails, and allocates nothing: finalisers get here from a garbage collection.
    `erases` and `programmed_bytes` count what the flash was asked for.
    """

    def __init__(self, content, cut_at=0, manner=None):
        self.content = bytearray(content)
        self._cut_at = cut_at
        self._manner = manner
        self.operations = 0
        self.erases = 0
        self.programmed_bytes = 0
        self.dead = False

    def readblocks(self, block, buffer, offset=0):
        if self.dead:
            return _EIO
        start = block * _BLOCK_BYTES + offset
        buffer[:] = self.content[start : start + len(buffer)]
        return 0

    def writeblocks(self, block, buffer, offset):
        self.programmed_bytes += len(buffer)
        return self._change(block * _BLOCK_BYTES + offset, buffer)

    def ioctl(self, operation, argument):
        if operation == _COUNT_BLOCKS:
            return len(self.content) // _BLOCK_BYTES
        if operation == _SIZE_OF_BLOCK:
            return _BLOCK_BYTES
        if operation == _ERASE:
            self.erases += 1
            return self._change(argument * _BLOCK_BYTES, _ERASED)
        return _EIO if self.dead else 0

    def _change(self, start, new):
        if self.dead:
            return _EIO
        self.operations += 1
        if self.operations != self._cut_at:
            self.content[start : start + len(new)] = new
            return 0
        self.dead = True
        done = len(new)
        if self._manner == ABSENT:
            done = 0
        elif self._manner == HALF:
            done //= 2
        elif self._manner == TORN:
            new = self._torn(start, new)
        self.content[start : start + done] = new[:done]
        raise PowerCut

    def _torn(self, start, new):
        """Each bit that was to change has, or has not."""
        torn = bytearray(new)
        for index in range(len(new)):
            old = self.content[start + index]
            torn[index] ^= (old ^ new[index]) & random.getrandbits(8)
        return torn


def blank(blocks):
    """The content of a flash with an empty littlefs."""
    flash = CutFlash(_ERASED * blocks)
    vfs.VfsLfs2.mkfs(flash)
    return flash.content


def run(flash, act):
    """Start with this flash, call `act` with its root as the working directory, and switch off.

    Returns whether the power lasted. What `act` made of a flash that was dead already does not matter.
    """
    try:
        vfs.mount(vfs.VfsLfs2(flash), _MOUNT)
        os.chdir(_MOUNT)
        act()
    except BaseException:
        if not flash.dead:
            raise
    finally:
        os.chdir("/")
        try:  # noqa: SIM105 - MicroPython has no contextlib
            vfs.umount(_MOUNT)
        except OSError:
            pass  # the power went before it was mounted
    return not flash.dead


def every_cut(content, act, check):
    """Cut the power at each operation of `act`, in each manner, and let `check` look at what is left.

    `check` runs after a restart and returns what it finds wrong, in words, or None. What the cut left then
    meets `act` once more, with a cut at one of its operations, and `check` again.
    Returns (content after an `act` without a cut, number of cuts, list of faults).
    """
    whole = CutFlash(content)
    run(whole, act)
    cuts, faults = 0, []

    def look(left, where):
        found = []
        run(CutFlash(left), lambda: found.append(check()))
        if found[0]:
            faults.append("%s: %s" % (where, found[0]))

    for cut_at in range(1, whole.operations + 1):
        for manner in MANNERS:
            where = "%s at %d of %d" % (manner, cut_at, whole.operations)
            first = CutFlash(content, cut_at, manner)
            if run(first, act):
                faults.append("%s: it took fewer operations this time" % where)
            look(first.content, where)
            second = CutFlash(first.content, random.randint(1, whole.operations), random.choice(MANNERS))
            run(second, act)
            look(second.content, where + ", and again")
            cuts += 1 + second.dead
    return whole.content, cuts, faults
