"""The result of a run as people read it."""

from rich.console import Console
from rich.table import Table

from mailmote import civil

from .run import Result
from .tenant import PER_MINUTE


def show(result: Result) -> None:
    """Print it."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for row in _rows(result):
        table.add_row(*row)
    console = Console(highlight=False)
    faults = ", ".join(result.faults) or "none"
    console.print(f"{result.boards} boards, {result.days:g} days, seed {result.seed}, faults: {faults}\n")
    console.print(table)
    for crash in result.crashes[:5]:
        console.print(f"crash: {crash}", markup=False)


def _rows(result: Result) -> list[tuple[str, str, str]]:
    rows = [
        ("alerts raised", str(result.raised), ""),
        ("delivered", str(result.delivered), f"in {result.mails} mails"),
        ("lost", str(result.lost), ""),
        ("duplicates", str(result.duplicates), f"of {result.interrupted} mails whose reply was cut off"),
    ]
    for cause, count in result.duplicates_by_cause.items():
        rows.append(("", str(count), cause))
    return [
        *rows,
        (
            "worst delay",
            civil.duration(result.worst_delay_s),
            f"half of them within {_short(result.median_delay_s)}",
        ),
        ("peak a minute", str(result.peak_per_minute), _peak(result)),
        ("  of one board", str(result.peak_of_one_board), ""),
        ("drained within", civil.duration(result.drain_s), "after the faults ended"),
        ("  at best", civil.duration(result.best_drain_s), f"at {PER_MINUTE} mails a minute"),
        ("power cuts", str(result.power_cuts), ""),
        ("crashes", str(len(result.crashes)), ""),
    ]


def _short(seconds: int) -> str:
    return civil.duration(seconds) if seconds else "1 s"


def _peak(result: Result) -> str:
    if not result.over_limit_s:
        return f"never over {PER_MINUTE} for long"
    return f"over {PER_MINUTE} for {civil.duration(result.over_limit_s)} at the longest"
