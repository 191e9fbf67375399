"""The table that ends a test run: what a mail client must survive, and whether it does, on each runtime."""

from collections.abc import Iterable
from typing import Any

_RUNTIMES = ("cpython", "micropython")
_HEADINGS = ("must survive", "", "CPython", "MicroPython", "and says")
_OUTCOMES = {"passed": "yes", "failed": "NO", "skipped": "cannot"}
# Rows that a suite of their own proves.
_ELSEWHERE = {"Secrets": "tests/device/test_canary.py"}


def write(terminal: Any) -> None:
    """Write the table of the tests that ran; nothing where none of test_hostile.py did."""
    reports = [
        report for outcome in _OUTCOMES for report in terminal.stats.get(outcome, ()) if _properties(report)
    ]
    if reports:
        terminal.section("hostile servers")
        for line in table(reports):
            terminal.write_line(line)


def table(reports: Iterable[Any]) -> list[str]:
    """Its lines. A report has a property `hostile`: place in the table, row, item, runtime, what is said."""
    cells: dict[tuple[int, str, str, str], dict[str, str]] = {}
    notes: list[str] = []
    for report in reports:
        place, row, item, runtime, says = _properties(report)
        cells.setdefault((place, row, item, says), {})[runtime] = _OUTCOMES[report.outcome]
        if report.outcome == "skipped":
            reason = str(report.longrepr[2]).removeprefix("Skipped: ")
            notes.append(f"{row}, {item}: {runtime} cannot: {reason}.")
    lines = [_HEADINGS]
    shown = ""
    for (_, row, item, says), found in sorted(cells.items()):
        outcomes = (found.get(runtime, "-") for runtime in _RUNTIMES)
        lines.append(("" if row == shown else row, item, *outcomes, says))
        shown = row
    lines += [(row, f"see {path}", "", "", "") for row, path in _ELSEWHERE.items()]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    return [*(_line(line, widths) for line in lines), *sorted(notes)]


def _properties(report: Any) -> list[Any]:
    return next((value for name, value in getattr(report, "user_properties", ()) if name == "hostile"), [])


def _line(line: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
