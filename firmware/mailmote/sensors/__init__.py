"""The sensor drivers. Adding one is adding one file to this folder.

A driver is a module `<name>.py` with
    OPTIONS    mapping of option name to (type, default, words for people); a default of `...`: must be given
    Driver     class: `__init__(options, board)`, `read(now_s)` -> (time_s, value), and `paced`: False where
               the next reading is there at once, as in a recording

`board` is what the agent tells its drivers about the board; none of these needs it. The constructor raises
SettingsError for what a person must correct, `read` raises SensorError for a reading that failed and
EndOfReadings after the last one. `time_s` is `now_s`, but for a recording. Modules of the hardware are
imported inside functions, so that any computer can read OPTIONS.

A driver is found by importing it by its name: that works from files, from .mpy and from frozen code, of which
no folder can be listed. `names` lists the folder, for the host and for messages.
"""

import os
import sys

from ..errors import SettingsError

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CHARACTERS = _LETTERS + "0123456789_"


def names():
    """The names of the drivers, sorted. Empty where the code is frozen."""
    try:
        files = os.listdir(__file__[: __file__.rindex("__init__") - 1])
    except OSError:
        return ()
    found = set()
    for file in files:
        stem, _, suffix = file.partition(".")
        if suffix in ("py", "mpy") and _is_name(stem):
            found.add(stem)
    return tuple(sorted(found))


def options(name):
    """The OPTIONS table of a driver. Raises SettingsError for one that is not there."""
    return _module(name).OPTIONS


def is_live(name):
    """False for a driver of recordings; True for others, and for what cannot be loaded: `make` tells why."""
    try:
        return _module(name).Driver.paced
    except SettingsError:
        return True


def make(name, values, board=None):
    """A Driver with its option `values`; those that are left out get their default. Raises SettingsError."""
    module = _module(name)
    filled = {}
    for key, (_, default, words) in module.OPTIONS.items():
        filled[key] = values.get(key, default)
        if filled[key] is ...:
            raise SettingsError(
                'The sensor driver "%s" needs the option "%s" (%s). Add it to the [[sensor]] in mote.toml.'
                % (name, key, words)
            )
    return module.Driver(filled, board)


def _module(name):
    path = __name__ + "." + name
    if _is_name(name):
        try:
            __import__(path)
            return sys.modules[path]
        except ImportError as error:
            reason = str(error)
    else:
        reason = "a driver's name has small letters, digits and _"
    raise SettingsError(
        'The sensor driver "%s" cannot be loaded: %s. Set driver to one of: %s, or put the file of a new '
        "one into the folder mailmote/sensors."
        % (name, reason, ", ".join(names()) or "those of the documentation")
    )


def _is_name(name):
    """True for what may be the name of a driver: no dots, so that no other module can be reached."""
    return bool(name) and name[0] in _LETTERS and all(character in _CHARACTERS for character in name)
