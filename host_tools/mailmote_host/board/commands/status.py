"""`mailmote status`: how a running board is, asked without stopping it."""

import json

import click

from .. import console, ports
from . import options

EXAMPLE = """\b
Example:
  mailmote status
  mailmote status --port /dev/ttyUSB0 --json"""


@click.command(epilog=EXAMPLE)
@options.port
@options.as_json
def command(port: str | None, as_json: bool) -> None:
    """Ask a running board how it is: outbox, last results, next attempt, sensors, heap, link.

    The board goes on with its work. Exit code 1: it did not answer.
    """
    with console.open(ports.choose(port)) as board:
        status = board.ask("status")
    if as_json:
        click.echo(json.dumps(status, indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ..status_report import rows

    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, text in rows(status):
        table.add_row(Text(name, style="bold"), Text(text))
    Console(highlight=False).print(table)
