"""`mailmote alerts`: what waits in the outbox of a running board, and what was refused."""

import json

import click

from .. import console, ports
from ..console import Answer
from . import options

EXAMPLE = """\b
Example:
  mailmote alerts
  mailmote alerts --port COM5 --json"""


@click.command(epilog=EXAMPLE)
@options.port
@options.as_json
def command(port: str | None, as_json: bool) -> None:
    """List the alerts that wait on a running board, and those that some recipients did not get.

    The board goes on with its work. Exit code 1: it did not answer.
    """
    with console.open(ports.choose(port)) as board:
        status = board.ask("status")
        alerts, totals = board.alerts()
    if as_json:
        click.echo(json.dumps({"alerts": alerts, "totals": totals}, indent=2))
    else:
        _print(status, alerts, totals)


def _print(status: Answer, alerts: list[Answer], totals: Answer) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ..status_report import alert, utc_offset_s

    output = Console(highlight=False)
    if not alerts:
        output.print("No alert waits, and none was refused.")
        return
    table = Table("Number", "Alarm", "Kind", "Local time", "Recipients", box=box.SIMPLE)
    for one in alerts:
        table.add_row(*(Text(cell) for cell in alert(one, utc_offset_s(status))))
    output.print(table)
    left_out = totals.get("waiting", 0) + totals.get("refused", 0) - len(alerts)
    if left_out > 0:
        output.print(f"The newest of each sort are shown; {left_out} more are on the board.")
