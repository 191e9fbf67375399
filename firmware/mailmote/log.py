"""The log: a line to the console, the last lines in memory, secrets never in either.

A line is `  12.345 I courier: text`: seconds since start, level, part.
"""

from . import compat
from .redaction import redacted

DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40

_LETTERS = {DEBUG: "D", INFO: "I", WARNING: "W", ERROR: "E"}
_KEPT_LINES = 8
_MAX_LINE_CHARACTERS = 600  # the longest error text, its reply included

level = INFO
_ring = []
_clock = compat.Stopwatch()


def recent():
    """The last lines, oldest first."""
    return tuple(_ring)


def debug(part, text, *values):
    _write(DEBUG, part, text, values)


def info(part, text, *values):
    _write(INFO, part, text, values)


def warning(part, text, *values):
    _write(WARNING, part, text, values)


def error(part, text, *values):
    _write(ERROR, part, text, values)


def exception(part, caught):
    """Keep an unexpected exception, with its traceback, on the console and in memory."""
    for line in traceback(caught).split("\n"):
        if line:
            _write(ERROR, part, line, ())


def traceback(caught):
    """The traceback of an exception, in lines, without secrets."""
    import io

    text = io.StringIO()
    compat.print_exception(caught, text)
    return redacted(text.getvalue())  # pyright: ignore[reportAttributeAccessIssue] - not in the stubs


def _write(line_level, part, text, values):
    if line_level < level:
        return
    text = str(text) % values if values else str(text)
    elapsed_ms = _clock.elapsed_ms()
    line = "%4d.%03d %s %s: %s" % (
        elapsed_ms // 1000,
        elapsed_ms % 1000,
        _LETTERS[line_level],
        part,
        redacted(text),
    )
    line = line[:_MAX_LINE_CHARACTERS]
    if len(_ring) == _KEPT_LINES:
        _ring.pop(0)
    _ring.append(line)
    print(line)
