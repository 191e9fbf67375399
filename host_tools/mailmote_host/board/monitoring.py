"""Following what a board says, across resets and unplugged cables.

    with monitoring.follow(port, for_s=60) as lines:
        for line in lines:
            print(line.shown)

A native USB port vanishes while its board resets, and may come back under another name: it is known by the
board's serial number then.
"""

import time
from collections.abc import Iterator
from datetime import datetime

import mailmote

from . import hints, ports, tracebacks
from .log_lines import Kind, Line, Reader, Splitter
from .ports import PortError, SerialPort, Whereabouts

_READ_S = 0.1
_QUIET_S = 1.0  # then a line that has no end, such as a prompt, is told as it is
_PRESS_S = 0.1
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0
_PATIENCE_S = 5.0  # a port that has just come back may be another's for a moment: udev, ModemManager


def follow(port: str, for_s: float | None = None, press_reset: bool = False) -> "Following":
    """Open a port, and follow what its board says, until `for_s` is over or it is closed.

    `press_reset` starts the board anew first. Raises PortError where the port cannot be opened.
    """
    return Following(port, for_s, press_reset)


class Following(Iterator[Line]):
    """The lines of a board, as they come. Made by `follow`.

    A port that goes away is waited for, and that is told. Leaving the context frees the port, and the board
    runs on.
    """

    def __init__(self, port: str, for_s: float | None, press_reset: bool):
        self._name = port
        self._whereabouts = Whereabouts(port)
        self._end_s = None if for_s is None else time.monotonic() + for_s
        self._commentary = Commentary()
        self._port = _opened_after_reset(port) if press_reset else self._open()
        self._lines = self._follow()

    def __next__(self) -> Line:
        return next(self._lines)

    def __enter__(self) -> "Following":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._port.close()

    def _follow(self) -> Iterator[Line]:
        while not self._is_over():
            try:
                yield from self._heard()
            except PortError as error:
                self._port.close()
                yield _notice(self._waiting_for(error))
                self._commentary.forget()
                yield from self._again()
        self.close()

    def _open(self) -> SerialPort:
        return ports.open_serial(self._name, timeout_s=_READ_S)

    def _waiting_for(self, error: PortError) -> str:
        why = (
            f"The port {self._name} went away: a reset, or the cable."
            if error.reason == "gone"
            else str(error)
        )
        return f"{why} It is waited for."

    def _heard(self) -> Iterator[Line]:
        """Until the time is over. Raises PortError when the port goes away."""
        splitter, heard_s = Splitter(), time.monotonic()
        try:
            while not self._is_over():
                data = self._port.read_available()
                if data:
                    heard_s = time.monotonic()
                    for raw in splitter.feed(data):
                        yield from self._commentary.on(raw)
                elif time.monotonic() - heard_s > _QUIET_S and (rest := splitter.rest()):
                    yield from self._commentary.on(rest)
        except PortError:
            if rest := splitter.rest():
                yield from self._commentary.on(rest)
            raise

    def _again(self) -> Iterator[Line]:
        """Until the port is there again, which is told, or the time is over."""
        pause_s, began_s, told = _FIRST_PAUSE_S, time.monotonic(), ""
        while not self._is_over():
            self._name = self._whereabouts.name()
            try:
                self._port = self._open()
            except PortError as error:
                lasts = time.monotonic() - began_s > _PATIENCE_S
                if lasts and error.reason not in ("missing", "gone", "unreachable", told):
                    told = error.reason
                    yield _notice(str(error))
            else:
                yield _notice(f"The port {self._name} is there again.")
                return
            left_s = pause_s if self._end_s is None else self._end_s - time.monotonic()
            time.sleep(max(0, min(pause_s, left_s)))
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def _is_over(self) -> bool:
        return self._end_s is not None and time.monotonic() >= self._end_s


class Commentary:
    """The lines of a board, each followed by what is known of it: a source line, a hint, a notice."""

    def __init__(self) -> None:
        self._reader = Reader()
        self._hinted: set[str] = set()
        self._version: str | None = None
        self._uptime_s = 0.0

    def forget(self) -> None:
        """Another start, or another board: nothing is known of it."""
        self._reader, self._version, self._uptime_s = Reader(), None, 0.0

    def on(self, raw: bytes) -> Iterator[Line]:
        line = self._reader.read(raw, datetime.now().astimezone())
        if line.uptime_s is not None:
            if line.uptime_s < self._uptime_s:
                self._version = None
                yield _notice("The board has started anew.")
            self._uptime_s = line.uptime_s
        yield line
        yield from self._versions(line)
        if line.level == "error" and self._version in (None, mailmote.__version__):
            source = tracebacks.source_of(line.text)
            if source:
                yield _comment(line, "source", source)
        hint = hints.hint(line)
        if hint and hint not in self._hinted:
            self._hinted.add(hint)
            yield _comment(line, "hint", hint)

    def _versions(self, line: Line) -> Iterator[Line]:
        version = hints.version(line)
        if version is None or version == self._version:
            return
        self._version = version
        if version != mailmote.__version__:
            yield _notice(
                f"The board runs mailmote {version}, and this program carries {mailmote.__version__}: the "
                "source of a traceback is not shown. `mailmote update` renews the board's."
            )


def _comment(line: Line, kind: Kind, text: str) -> Line:
    return Line(line.at, line.level if kind == "source" else "", "", text, b"", kind)


def _notice(text: str) -> Line:
    return Line(datetime.now().astimezone(), "", "", text, b"", "notice")


def _opened_after_reset(name: str) -> SerialPort:
    port = ports.open_serial(name, timeout_s=_READ_S)
    try:
        if press_reset(port):
            return port
    except PortError:
        return port  # native USB: the port vanishes, which the first read tells
    except BaseException:
        port.close()
        raise
    port.close()
    from . import link  # it brings mpremote

    link.open(name).close()  # a port without the lines: its REPL starts the board anew
    return ports.open_serial(name, timeout_s=_READ_S)


def press_reset(port: SerialPort) -> bool:
    """RTS without DTR holds EN down (see `ports`). False for a port that has no such lines."""
    if not port.set_lines(dtr=False, rts=True):
        return False
    try:
        time.sleep(_PRESS_S)
    finally:
        port.set_lines(dtr=False, rts=False)
    time.sleep(_PRESS_S)  # until IO0, which DTR alone holds down, has been looked at
    return port.set_lines(dtr=True, rts=True)
