"""How the lines of a board are written: to a terminal in colours, to a file, or as JSON."""

import json
from collections.abc import Callable
from typing import Literal, TextIO

from rich.console import Console
from rich.text import Text

from .log_lines import LEVELS, Line

Timestamps = Literal["local", "none"]
Write = Callable[[Line], None]

_STYLES = {"debug": "dim", "warning": "yellow", "error": "red"}
_KIND_STYLES = {"boot": "dim", "console": "cyan", "source": "dim red", "hint": "blue", "notice": "magenta"}
_MARKS = {"source": "    | ", "hint": "    > ", "notice": "--- "}


def is_shown(line: Line, level: str) -> bool:
    """Whether a line is at least of this level. One that has none counts as information, a notice always."""
    return line.kind == "notice" or LEVELS.index(line.level or "info") >= LEVELS.index(level)


def to_terminal(stream: TextIO, timestamps: Timestamps) -> Write:
    """In colours where it is a terminal; nothing in a line is taken for mark-up."""
    console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)

    def write(line: Line) -> None:
        style = _KIND_STYLES.get(line.kind) or _STYLES.get(line.level, "")
        text = Text(_MARKS.get(line.kind, "") + line.shown, style=style)
        if timestamps == "local":
            text = Text.assemble((f"{line.at:%H:%M:%S}.{line.at.microsecond // 1000:03d} ", "dim"), text)
        console.print(text)
        stream.flush()

    return write


def to_file(stream: TextIO) -> Write:
    """With the whole date, so that a log of weeks can be read."""

    def write(line: Line) -> None:
        at = line.at.isoformat(timespec="milliseconds")
        stream.write(f"{at} {_MARKS.get(line.kind, '')}{line.shown}\n")
        stream.flush()

    return write


def to_json(stream: TextIO) -> Write:
    """An object a line."""

    def write(line: Line) -> None:
        told = {"at": line.at.isoformat(timespec="milliseconds"), "kind": line.kind, "level": line.level}
        told |= {"part": line.part, "text": line.text, "uptime_s": line.uptime_s, "answer": line.answer}
        stream.write(json.dumps({key: value for key, value in told.items() if value not in ("", None)}))
        stream.write("\n")
        stream.flush()

    return write
