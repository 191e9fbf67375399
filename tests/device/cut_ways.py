"""Ways of keeping alerts that are wrong: the power cuts, or the flipped bits, must find each of them.

They take the place of what the store uses of the filesystem, so they stay wrong whatever it is made of.
Runs on MicroPython.
"""

import os
import sys

from cut_board import DELIVERED, Board

from mailmote.store import record

_OUTBOX = "outbox/"


class _Os:
    """`os` with another rename of what goes into the outbox."""

    def __init__(self, rename):
        self._rename = rename

    def __getattr__(self, name):
        return getattr(os, name)

    def rename(self, old, new):
        (self._rename if new.startswith(_OUTBOX) else os.rename)(old, new)


def _removed_first(old, new):
    _remove(new)
    os.rename(old, new)


def _without_rename(old, new):
    with open(old, "rb") as file:
        content = file.read()
    _remove(new)
    with open(new, "wb") as file:
        file.write(content)
    os.remove(old)


def _flushed_midway(old, new):
    with open(old, "rb") as file:
        content = file.read()
    with open(new, "wb") as file:
        file.write(content[: len(content) // 2])
        file.flush()
        file.write(content[len(content) // 2 :])
    os.remove(old)


def _remove(path):
    try:  # noqa: SIM105 - MicroPython has no contextlib
        os.remove(path)
    except OSError:
        pass  # there is none


class _DeletesFirst(Board):
    """Deletes an alert before the server has answered for it."""

    def _conclude(self, mail, serials, said):
        taken = [index for index in said if said[index] == DELIVERED]
        self._settle(mail, serials, taken, [])
        self._taken(mail, serials, taken)


class _NoChecksum:
    """`binascii` whose checksum is always the same."""

    @staticmethod
    def crc32(data, *_):
        return 0


_RENAMES = {
    "remove, then rename": _removed_first,
    "create without rename": _without_rename,
    "flush midway": _flushed_midway,
}


def take(way):
    """Let the store work in this way from now on. Returns the Board to use; "own": as the firmware does."""
    if way == "delete before the reply":
        return _DeletesFirst
    if way == "no checksum":
        record.binascii = _NoChecksum
    elif way != "own":
        for name, module in list(sys.modules.items()):
            if name.startswith("mailmote.store.") and hasattr(module, "os"):
                module.os = _Os(_RENAMES[way])
    return Board
