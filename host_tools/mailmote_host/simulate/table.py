"""The result of a run, or of several, as people read it."""

from typing import Any

from rich.console import Console
from rich.table import Table

from mailmote import civil

from .tenant import PER_MINUTE

_CRASHES_SHOWN = 5


def show(found: dict[str, Any]) -> None:
    """Print what a Result or runs.together says."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for row in _rows(found):
        table.add_row(*row)
    console = Console(highlight=False)
    runs = f", {found['runs']} runs from" if "runs" in found else ","
    faults = ", ".join(found["faults"]) or "none"
    console.print(
        f"{found['boards']} boards, {found['days']:g} days{runs} seed {found['seed']}, faults: {faults}\n"
    )
    console.print(table)
    for crash in found["crashes"][:_CRASHES_SHOWN]:
        console.print(f"crash: {crash}", markup=False)


def _rows(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    rows = [
        ("alerts raised", str(found["raised"]), ""),
        ("delivered", str(found["delivered"]), f"in {found['mails']} mails"),
        ("lost", str(found["lost"]), ""),
        ("duplicates", str(found["duplicates"]), f"of {found['interrupted']} mails whose reply was cut off"),
    ]
    for cause, number in found["duplicates_by_cause"].items():
        rows.append(("", str(number), cause))
    median = f"half of them within {_time(found['median_delay_s'])}" if "median_delay_s" in found else ""
    over = f"over {PER_MINUTE} for {_time(found['over_limit_s'])} at the longest"
    return [
        *rows,
        ("worst delay", _time(found["worst_delay_s"]), median),
        ("peak a minute", str(found["peak_per_minute"]), over if found["over_limit_s"] else ""),
        ("over their share", str(found["boards_over_share"]), "boards"),
        ("drained in", _time(found["drain_s"]), "after the faults ended"),
        ("  at best", _time(found["best_drain_s"]), f"at {PER_MINUTE} mails a minute"),
        ("power cuts", str(found["power_cuts"]), ""),
        ("crashes", str(len(found["crashes"])), ""),
    ]


def _time(seconds: int) -> str:
    return civil.duration(seconds)
