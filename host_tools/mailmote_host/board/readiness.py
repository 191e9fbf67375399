"""Starting a board anew, and waiting until it says itself that it is ready."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing

from ..errors import HostError
from . import console, monitoring, ports
from .link import Link
from .log_lines import Line, Splitter, visible
from .ports import PortError

_READY = "Ready: mailmote "
_PROMPT = 'Type "help()" for more information.'  # main.py has ended
_END_OF_RAW_REPL = b"\x04"  # its last words stand before the first of a start
_SHOWN_ERRORS = 6
_QUIET_READS = 10  # of a tenth of a second
_PAUSE_S = 0.2  # until a port is looked for again


class NotReadyError(HostError):
    """The board has everything, and does not get ready. The text has the errors that it logged."""


def restart(
    link: Link, within_s: float, hear: Callable[[Line], None], wait: Callable[[], None] = lambda: None
) -> str:
    """Start the board anew and return its ready line; `hear` gets every line until then. The link is closed.

    `wait` is called several times a second, and may raise to end it. Raises NotReadyError, PortError.
    """
    errors: list[str] = []
    end_s = time.monotonic() + within_s
    whereabouts = ports.Whereabouts(link.port)

    def heard(line: Line) -> None:
        hear(line)
        if line.level == "error":
            errors.append(line.shown)

    try:
        with closing(_lines(link, within_s, wait)) as lines:
            for line in lines:
                heard(line)
                if line.part == "agent" and line.text.startswith(_READY):
                    return line.text
                if line.text.strip() == _PROMPT:
                    raise NotReadyError(_ended(link.port, errors))
    except PortError:  # native USB, whose port goes away with the reset
        if ready := _asked(whereabouts, end_s, heard, wait):
            return ready
    raise NotReadyError(_too_late(link.port, errors, within_s))


def _lines(link: Link, within_s: float, wait: Callable[[], None]) -> Generator[Line, None, None]:
    """What the board says from its start on."""
    try:
        link.restart()
        yield from _heard(link, within_s, wait)
    finally:
        link.release()


def _heard(link: Link, within_s: float, wait: Callable[[], None]) -> Iterator[Line]:
    splitter, commentary, quiet = Splitter(), monitoring.Commentary(), 0
    for data in link.heard(within_s):
        wait()
        quiet = 0 if data else quiet + 1
        for raw in splitter.feed(data):
            yield from commentary.on(raw.rpartition(_END_OF_RAW_REPL)[2])
        if quiet == _QUIET_READS and (rest := splitter.rest()):
            yield from commentary.on(rest)


def _asked(
    whereabouts: ports.Whereabouts, end_s: float, heard: Callable[[Line], None], wait: Callable[[], None]
) -> str:
    """The ready line may have come before the port came back: the board is asked. "" if it is not ready."""
    while (left_s := end_s - time.monotonic()) > 0:
        wait()
        try:
            with console.open(whereabouts.name(), heard, wait) as board:
                status = board.ask("status", left_s)
            return f"{_READY}{_text(status, 'version')}, {_text(status, 'name')}, as it answers."
        except PortError:
            time.sleep(min(_PAUSE_S, left_s))
        except console.ConsoleError:
            return ""
    return ""


def _text(status: console.Answer, key: str) -> str:
    return visible(str(status.get(key, "?")).encode(errors="replace"))


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
