"""Small numbers that outlive a restart, such as the last time known to be right: one file each, in `state/`.

Eight digits or ten lie inline in littlefs's metadata, so a write costs no block; it is renamed into place, so
a power cut leaves the old number or the new one.
"""

import os

from ..errors import StorageError
from ..explanations import failure

_FOLDER = "state"
_UNFINISHED = _FOLDER + "/tmp"
_MAX_DIGITS = 12  # of seconds since 1970, for longer than anybody needs


def read(name):
    """The number, or None where there is none, or no sound one."""
    try:
        with open("%s/%s" % (_FOLDER, name), "rb") as file:
            text = file.read(_MAX_DIGITS + 1)
    except OSError:
        return None
    return int(text) if text.isdigit() and len(text) <= _MAX_DIGITS else None


def write(name, number):
    """Keep a number that is not negative. Raises StorageError."""
    try:
        _make_folder()
        with open(_UNFINISHED, "wb") as file:
            file.write(b"%d" % number)
        os.rename(_UNFINISHED, "%s/%s" % (_FOLDER, name))
    except OSError as error:
        raise failure(StorageError, "flash-failed", error)


def _make_folder():
    try:
        os.mkdir(_FOLDER)
    except OSError:
        pass  # it is there, or the write tells what is wrong
