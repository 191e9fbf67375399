"""Secrets as files, where there is no ESP32: MicroPython's unix port, and CPython.

The folder `secrets/` keeps other people out, not the files: MicroPython cannot change permissions, and what
it makes has those of the umask. A folder that others can look into is not used. littlefs has no permissions.
"""

import errno
import os

from .. import compat
from ..errors import FixSettings
from ..explanations import failure

_FOLDER = "secrets"
_UNFINISHED = _FOLDER + "/tmp"
_OTHERS = 0o077  # of a mode as stat gives it: the group and everybody else


def get(name):
    """The bytes, or None. Raises FixSettings where others can read them too."""
    try:
        with open(_path(name), "rb") as file:
            _check_folder()
            return file.read()
    except OSError:
        return None


def put(name, value):
    """Raises OSError, or FixSettings before anything is written where others could read it.

    What was written is read back before it takes the place of the older one.
    """
    try:
        compat.make_private_folder(_FOLDER)
    except OSError:
        pass  # it is there, or the check tells that it is not
    _check_folder()
    try:
        with open(_UNFINISHED, "wb") as file:
            file.write(value)
        with open(_UNFINISHED, "rb") as file:
            if file.read() != value:
                raise OSError(errno.EIO)
        os.rename(_UNFINISHED, _path(name))
    except OSError:
        _remove_unfinished()
        raise


def forget(name):
    """Remove it, and what a power cut may have left of its successor. Raises OSError."""
    _remove_unfinished()
    os.remove(_path(name))


def _remove_unfinished():
    try:
        os.remove(_UNFINISHED)
    except OSError:
        pass  # there is none


def _path(name):
    return "%s/%s" % (_FOLDER, name)


def _check_folder():
    if os.stat(_FOLDER)[0] & _OTHERS:
        raise failure(FixSettings, "secrets-readable", _FOLDER)
