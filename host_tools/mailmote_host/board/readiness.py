"""Starting a board anew, and waiting until it says itself that it is ready."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing

from ..errors import HostError
from . import monitoring
from .link import Link
from .log_lines import Line, Splitter
from .ports import PortError

_READY = "Ready: mailmote "
_PROMPT = 'Type "help()" for more information.'  # main.py has ended
_END_OF_RAW_REPL = b"\x04"  # its last words stand before the first of a start
_SHOWN_ERRORS = 6
_QUIET_READS = 10  # of a tenth of a second


class NotReadyError(HostError):
    """The board has everything, and does not get ready. The text has the errors that it logged."""


def restart(link: Link, within_s: float, hear: Callable[[Line], None]) -> str:
    """Start the board anew and return its ready line; `hear` gets every line until then. The link is closed.

    Raises NotReadyError, PortError.
    """
    errors: list[str] = []
    with closing(_lines(link, within_s)) as lines:
        for line in lines:
            hear(line)
            if line.part == "agent" and line.text.startswith(_READY):
                return line.text
            if line.level == "error":
                errors.append(line.shown)
            if line.text.strip() == _PROMPT:
                raise NotReadyError(_ended(link.port, errors))
    raise NotReadyError(_too_late(link.port, errors, within_s))


def _lines(link: Link, within_s: float):
    """What the board says from its start on, through the link, or through a port that has come back."""
    end_s = time.monotonic() + within_s
    try:
        try:
            link.restart()
            yield from _heard(link, within_s)
        finally:
            link.release()
    except PortError:  # native USB, whose port goes away with the reset
        yield from _returned(link.port, end_s)


def _heard(link: Link, within_s: float) -> Iterator[Line]:
    splitter, commentary, quiet = Splitter(), monitoring.Commentary(), 0
    for data in link.heard(within_s):
        quiet = 0 if data else quiet + 1
        for raw in splitter.feed(data):
            yield from commentary.on(raw.rpartition(_END_OF_RAW_REPL)[2])
        if quiet == _QUIET_READS and (rest := splitter.rest()):
            yield from commentary.on(rest)


def _returned(port: str, end_s: float) -> Iterator[Line]:
    while (left_s := end_s - time.monotonic()) > 0:
        try:
            yield from monitoring.follow(port, left_s)
            return
        except PortError:
            time.sleep(min(0.2, left_s))


def _ended(port: str, errors: list[str]) -> str:
    return f"The board on {port} has all files, and its program ended. {_told(errors)}"


def _too_late(port: str, errors: list[str], within_s: float) -> str:
    return (
        f"The board on {port} has all files, and did not say within {within_s:.0f} s that it is ready. "
        f"{_told(errors)}"
    )


def _told(errors: list[str]) -> str:
    if not errors:
        return "It told no error. Watch it with `mailmote monitor`; wait longer with --wait-ready."
    return "It says:\n  " + "\n  ".join(errors[-_SHOWN_ERRORS:])
