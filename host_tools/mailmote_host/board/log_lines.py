"""What a board says, cut into lines, each made safe to show.

A board may say anything: its log (`mailmote.log`), the messages of the ROM and of ESP-IDF, a traceback, an
answer of its console (a record separator, then JSON, as in RFC 7464), noise of another baud rate, and
sequences that would command a terminal. No octet is lost, no line is longer than its cap, and nothing but
printable characters gets out.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal, NamedTuple

Kind = Literal["log", "console", "boot", "text", "source", "hint", "notice"]

LEVELS = ("debug", "info", "warning", "error")
RECORD_SEPARATOR = b"\x1e"
_MAX_LINE_BYTES = 8192  # the longest answer of the console; a longer line is cut into several

_LEVEL_OF = dict(zip("DIWE", LEVELS, strict=True)) | {"V": "debug"}
_LOG = re.compile(r"^ *(\d+\.\d{3}) ([DIWE]) ([^:]{1,60}): (.*)$", re.DOTALL)
_ESP_IDF = re.compile(
    r"^(?:\\x1b\[[\d;]*m)?([EWIDV]) \((\d+)\) ([^:]{1,60}): (.*?)(?:\\x1b\[0m)?$", re.DOTALL
)
# What the ROM and the second boot loader print (docs.espressif.com, esptool, boot log).
_ROM = re.compile(
    r"^(?:ets [A-Z][a-z]{2} +\d|ESP-ROM:|Build:|rst:0x|Saved PC:|SPIWP:|mode:|load:0x|entry 0x|"
    r"configsip:|clk_drv:|waiting for download|Core *\d register dump)"
)
_TRACEBACK = "Traceback (most recent call last):"
_CRASH = re.compile(r"^(?:Guru Meditation Error|Brownout detector|abort\(\) was called|Backtrace:|Rebooting)")


class Line(NamedTuple):
    """A line that a board said, or that tells of it (`source`, `hint`, `notice`, with an empty `raw`).

    `at` is the clock of this computer. `level` is one of LEVELS, and "" where the line has none. `text` is
    safe to show; `answer` is what an answer of the console says.
    """

    at: datetime
    level: str
    part: str
    text: str
    raw: bytes
    kind: Kind = "log"
    uptime_s: float | None = None
    answer: dict[str, Any] | None = None

    @property
    def shown(self) -> str:
        """The whole line as it is to be shown, the time apart."""
        return visible(self.raw) if self.kind in ("log", "boot", "text") else self.text


class Splitter:
    """Octets in, lines out, without their ends. A record separator begins a line wherever it stands."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._waiting += data
        while self._waiting:
            end = self._end()
            if end is None:
                return
            line = bytes(self._waiting[:end])
            del self._waiting[:end]
            yield line.rstrip(b"\r\n")

    def _end(self) -> int | None:
        newline = self._waiting.find(b"\n", 0, _MAX_LINE_BYTES) + 1
        record = self._waiting.find(RECORD_SEPARATOR, 1, newline or _MAX_LINE_BYTES)
        if record > 0:
            return record
        return newline or (_MAX_LINE_BYTES if len(self._waiting) >= _MAX_LINE_BYTES else None)

    def rest(self) -> bytes:
        """The line that has no end yet; it is taken as it is."""
        line = bytes(self._waiting)
        self._waiting.clear()
        return line


class Reader:
    """Lines of octets to lines to show. It keeps whether a traceback goes on."""

    def __init__(self) -> None:
        self._in_traceback = False

    def read(self, raw: bytes, at: datetime) -> Line:
        if raw.startswith(RECORD_SEPARATOR) and (found := _answer(raw)) is not None:
            answer, words = found
            return Line(at, "", "console", words, raw, "console", answer=answer)
        text = visible(raw)
        if found := _LOG.match(text):
            self._in_traceback = False
            return Line(at, _LEVEL_OF[found[2]], found[3], found[4], raw, "log", float(found[1]))
        if found := _ESP_IDF.match(text):
            level = _LEVEL_OF[found[1]]
            kind = "log" if level in ("warning", "error") else "boot"
            return Line(at, level, found[3], found[4], raw, kind)
        if _ROM.match(text):
            return Line(at, "", "", text, raw, "boot")
        return Line(at, "error" if self._is_error(text) else "", "", text, raw, "text")

    def _is_error(self, text: str) -> bool:
        """Whether a line is of a traceback, or tells of a crash."""
        if text.startswith(_TRACEBACK):
            self._in_traceback = True
            return True
        was_in, self._in_traceback = self._in_traceback, self._in_traceback and text.startswith("  ")
        return was_in or bool(_CRASH.match(text))


def visible(raw: bytes) -> str:
    """Octets as text: those that are no UTF-8, and characters that command a terminal, are escaped."""
    text = raw.decode("utf-8", "backslashreplace").replace("\t", "    ")
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _answer(raw: bytes) -> tuple[dict[str, Any], str] | None:
    """The answer, and in words; None for what is none, or nested too deeply."""
    try:
        answer = json.loads(raw[1:], parse_constant=_refused)
        return (answer, in_words(answer)) if isinstance(answer, dict) else None
    except (ValueError, RecursionError):
        return None


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def in_words(answer: dict[str, Any]) -> str:
    """An answer of the console, as `name freezer-7, outbox (waiting 2, refused 0)`."""
    return visible(
        ", ".join(f"{key} {_value(value)}" for key, value in answer.items()).encode(errors="backslashreplace")
    )


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return f"({in_words(value)})" if value else "none"
    if isinstance(value, list):
        return "; ".join(map(_value, value)) if value else "none"
    if value is None or isinstance(value, bool):
        return {None: "unknown", True: "yes", False: "no"}[value]
    return str(value)
