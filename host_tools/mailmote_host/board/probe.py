"""What runs on a board, asked without stopping it.

A REPL that waits answers Ctrl-B with MicroPython's banner; to anything else that is an empty line. The agent
of mailmote answers `status` with a record of JSON, and runs on.
"""

import re
import time
from datetime import datetime
from typing import Literal, NamedTuple

from . import ports
from .hints import version
from .log_lines import Line, Reader, Splitter, visible
from .ports import PortError, SerialPort

_READ_S = 0.1
_BANNER_WITHIN_S = 1.0
_ANSWER_WITHIN_S = 1.5
_ASKED_TIMES = 2  # a board may be starting: on some, to open the port is to press reset
_SHOW_BANNER = b"\r\x02"
_ASK_STATUS = b"\rstatus\r"

_BANNER = re.compile(r"^(?:>>> )?MicroPython (v?\d\S*)[^;]*; (.+)$")
_READY = re.compile(r"^Ready: mailmote [^,]+, (.+?), \d+ sensor")


class Running(NamedTuple):
    """`what`: "mailmote" runs, "micropython" waits at its REPL, "something" else speaks, or "trouble".

    What is not known is "".
    """

    what: Literal["mailmote", "micropython", "something", "silent", "trouble"]
    mailmote: str = ""
    name: str = ""
    micropython: str = ""
    board: str = ""
    trouble: str = ""

    def __str__(self) -> str:
        if self.what == "mailmote":
            named = f"{self.name}: mailmote" if self.name else "mailmote"
            return f"{named} {self.mailmote}" + (
                f", MicroPython {self.micropython}" if self.micropython else ""
            )
        if self.what == "micropython":
            return f"MicroPython {self.micropython}, no program ({self.board})"
        if self.what == "silent":
            return "silent: not flashed, or a program that does not answer"
        return self.trouble or "something that is not mailmote"


def ask(port: str) -> Running:
    """What runs on the board of a port, in some seconds. A port that cannot be used is told, not raised."""
    try:
        with ports.open_serial(port, timeout_s=_READ_S) as opened:
            return _asked(opened)
    except PortError as error:
        return Running("trouble", trouble=str(error))


def _asked(port: SerialPort) -> Running:
    ear = _Ear(port)
    port.write(_SHOW_BANNER)
    found = ear.listen(_BANNER_WITHIN_S)
    for _ in range(_ASKED_TIMES):
        if found is None:
            port.write(_ASK_STATUS)
            found = ear.listen(_ANSWER_WITHIN_S)
    return found or Running("something" if ear.heard else "silent")


class _Ear:
    def __init__(self, port: SerialPort):
        self.heard = False
        self._port = port
        self._splitter, self._reader = Splitter(), Reader()

    def listen(self, within_s: float) -> Running | None:
        """The first line that tells what runs."""
        end_s = time.monotonic() + within_s
        while time.monotonic() < end_s:
            data = self._port.read_available()
            self.heard = self.heard or bool(data)
            for raw in self._splitter.feed(data):
                found = _told(self._reader.read(raw, datetime.now().astimezone()))
                if found:
                    return found
        return None


def _told(line: Line) -> Running | None:
    answer = line.answer or {}
    if told := version(line):
        ready = _READY.match(line.text)
        name = ready[1] if ready else _text(answer.get("name"))
        return Running("mailmote", _text(told), name, _text(answer.get("micropython")))
    banner = _BANNER.match(line.text) if line.kind == "text" else None
    return Running("micropython", micropython=banner[1], board=banner[2]) if banner else None


def _text(value: object) -> str:
    """Safe to show, whatever the board says."""
    return visible(value.encode(errors="backslashreplace")) if isinstance(value, str) else ""
