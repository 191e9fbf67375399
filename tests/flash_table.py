"""The end of a test run: what power cuts came to, and what the work of a board costs its flash."""

from collections.abc import Iterator
from typing import Any

_CUTS = ("cuts", "lost", "corrupt", "came back", "stuck", "repeats of the mail in flight")
_COSTS = ("what", "erases", "bytes programmed")


def write(terminal: Any) -> None:
    """Write both tables; nothing where nothing was cut or counted."""
    reports = [report for outcome in ("passed", "failed") for report in terminal.stats.get(outcome, ())]
    cuts = list(_told(reports, "power cuts"))
    if cuts:
        terminal.section("power cuts")
        seeds, *counts = zip(*cuts, strict=True)
        totals = (f"{name} {sum(column)}" for name, column in zip(_CUTS, counts, strict=True))
        terminal.write_line(f"outbox: {', '.join(totals)}; seeds {', '.join(map(str, seeds))}")
        terminal.write_line("the same again: MAILMOTE_SEED=SEED make test")
    costs = [row for rows in _told(reports, "flash cost") for row in rows]
    if costs:
        terminal.section("flash cost")
        lines = [_COSTS, *((what, f"{erases:.3f}", f"{octets:.0f}") for what, erases, octets in costs)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(_COSTS))]
        for what, erases, octets in lines:
            terminal.write_line(f"{what:{widths[0]}}  {erases:>{widths[1]}}  {octets:>{widths[2]}}")


def _told(reports: list[Any], name: str) -> Iterator[list[Any]]:
    for report in reports:
        yield from (value for told, value in getattr(report, "user_properties", ()) if told == name)
