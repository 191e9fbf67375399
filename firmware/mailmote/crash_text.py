"""What is known of the last crash: a bounded file, for the mail and the console after the reset."""

import os

from . import log
from .compat import const

_FOLDER = "state"
_FILE = _FOLDER + "/crash.txt"
_UNFINISHED = _FOLDER + "/crash.tmp"
_MAX_BYTES = const(1500)
_MAX_TRACEBACK_BYTES = const(800)
_MAX_LINE_CHARACTERS = const(200)
_LOG_HEADING = ["", "The last lines of the log:"]


def read():
    """The text, or "" where there is none."""
    try:
        with open(_FILE, "rb") as file:
            return str(file.read(_MAX_BYTES), "utf-8")
    except (OSError, ValueError):
        return ""


def write(headline, traceback, logged):
    """Keep these, without secrets already, as far as there is room; a cut leaves what was there before."""
    lines = [_shown(headline)]
    lines += _last(traceback, min(_MAX_TRACEBACK_BYTES, _MAX_BYTES - _size(lines)))
    logged = _last(logged, _MAX_BYTES - _size(lines) - _size(_LOG_HEADING))
    if logged:
        lines += _LOG_HEADING
        lines += logged
    content = "\n".join(lines).encode()
    try:
        try:
            os.mkdir(_FOLDER)
        except OSError:
            pass  # it is there, or the write tells what is wrong
        with open(_UNFINISHED, "wb") as file:
            file.write(content)
        os.rename(_UNFINISHED, _FILE)
    except OSError as error:
        log.error("crashes", "The flash does not keep what is known of the crash (%r).", error)


def _last(lines, room_bytes):
    """As many of the last lines as there is room for."""
    kept = []
    for line in reversed(lines):
        line = _shown(line)
        room_bytes -= _size((line,))
        if room_bytes < 0:
            break
        kept.insert(0, line)
    return kept


def _size(lines):
    """In octets."""
    return sum([len(line.encode()) + 1 for line in lines])


def _shown(line):
    line = line[:_MAX_LINE_CHARACTERS]
    return "".join([character if character >= " " and character != "\x7f" else "?" for character in line])
