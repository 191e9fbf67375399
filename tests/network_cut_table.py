"""The table that ends a test run: what connections cut at any octet came to."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

_COLUMNS = (
    "cuts",
    "in the window",
    "duplicates",
    "outside the window",
    "other Message-ID",
    "other alarms",
    "false successes",
    "lost",
    "left over",
    "not for later",
)


def write(terminal: Any) -> None:
    """A line for each way they were made; nothing where none was."""
    sums: dict[str, Counter[str]] = {}
    caught = planted = 0
    for way, found in _told(terminal):
        if way == "planted":
            planted += 1
            caught += found["caught"]
        else:
            sums.setdefault(way, Counter()).update(found)
    if not (sums or planted):
        return
    terminal.section("network cuts")
    for way, found in sorted(sums.items()):
        terminal.write_line(f"{way}: " + ", ".join(f"{found[name]} {name}" for name in _COLUMNS))
    if planted:
        terminal.write_line(f"planted bugs: {caught} of {planted} caught")


def _told(terminal: Any) -> Iterator[tuple[str, dict[str, int]]]:
    for outcome in ("passed", "failed"):
        for report in terminal.stats.get(outcome, ()):
            for name, value in getattr(report, "user_properties", ()):
                if name == "network cuts":
                    yield value
