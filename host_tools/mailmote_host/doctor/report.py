"""The doctor's report: a line for each step, as it is found, or JSON at the end.

What a step that failed keeps from being checked is told in one line.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from typing import TextIO

from rich.console import Console
from rich.text import Text

from .steps import FAIL, PASS, SKIP, WARN, Result

_MARKS = {PASS: "\u2713", WARN: "!", FAIL: "\u2717", SKIP: "!"}
_PLAIN_MARKS = {PASS: "ok", WARN: "!", FAIL: "X", SKIP: "!"}
_STYLES = {PASS: "green", WARN: "yellow", FAIL: "bold red", SKIP: "yellow"}
_INDENT = 22
_WIDEST = 120


def show(title: str, results: Iterable[Result], console: Console) -> list[Result]:
    """Print each result as it comes; returns all of them."""
    console.print(Text(title, style="bold"))
    seen = []
    for several in _joined(_noted(results, seen)):
        _print(several, console)
    return seen


def _noted(results: Iterable[Result], seen: list[Result]) -> Iterator[Result]:
    for result in results:
        seen.append(result)
        yield result


def _joined(results: Iterable[Result]) -> Iterator[list[Result]]:
    """Each result alone; those in a row that were skipped for one reason, together."""
    waiting: list[Result] = []
    for result in results:
        if waiting and result.blame != waiting[0].blame:
            yield waiting
            waiting = []
        if result.blame:
            waiting.append(result)
        else:
            yield [result]
    if waiting:
        yield waiting


def _print(several: list[Result], console: Console) -> None:
    result = several[0]
    found = visible(result.found)
    marks = _MARKS if can_show("".join(_MARKS.values()), console.file) else _PLAIN_MARKS
    names = ", ".join(one.step for one in several)
    head = Text.assemble(
        f" {marks[result.ok]:<2} ", (f"{result.step if len(several) == 1 else '':<{_INDENT - 4}}", "")
    )
    head.stylize(_STYLES[result.ok], 0, 4)
    found = found if len(several) == 1 else f"{names}: {found[:1].lower()}{found[1:]}"
    lines = Text(found, overflow="fold").wrap(console, max(_width(console) - _INDENT, 30))
    for index, line in enumerate(lines):
        line.rstrip()
        console.print(Text.assemble(head if index == 0 else " " * _INDENT, line), soft_wrap=True)
    _print_below(result, console)


def _print_below(result: Result, console: Console) -> None:
    if result.fix:
        wrapped = Text.assemble(("Fix: ", "bold"), visible(result.fix)).wrap(
            console, max(_width(console) - _INDENT, 30)
        )
        for line in wrapped:
            line.rstrip()
            console.print(Text.assemble(" " * _INDENT, line), soft_wrap=True)
    for line in result.copy:  # to be copied: not wrapped
        console.print(Text(" " * (_INDENT + 2) + visible(line), style="cyan"), soft_wrap=True)
    if result.key and result.ok != PASS:
        console.print(
            Text(f"{'':<{_INDENT}}More: mailmote explain {result.key}", style="dim"), soft_wrap=True
        )


def visible(text: str) -> str:
    """Without what could steer a terminal: servers and the DNS of others wrote some of it."""
    return "".join(one if one.isprintable() else "?" for one in text)


def _width(console: Console) -> int:
    return min(console.width, _WIDEST)


def can_show(text: str, file: TextIO | object) -> bool:
    """Whether the encoding of a stream has these characters: that of a Windows console may not."""
    try:
        text.encode(getattr(file, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def show_end(results: list[Result], console: Console) -> None:
    """What it comes to, in a line."""
    counts = [
        f"{number} {what}"
        for ok, what in ((FAIL, "failed"), (WARN, "to look at"), (SKIP, "not checked"))
        if (number := sum(result.ok == ok for result in results))
    ]
    told = ", ".join(counts) or "all is well"
    console.print(Text(f"\n{len(results)} steps: {told}."))


def print_json(by_option: list[tuple[str, list[Result]]], with_option: bool) -> None:
    """All results, in order; each names its option where there are several."""
    told = []
    for option, results in by_option:
        for result in results:
            told.append(({"option": option} if with_option else {}) | result.to_json())
    json.dump(told, sys.stdout, indent=2)
    print()
