"""`mailmote test-mail`: have a running board send a test mail, and see it delivered or know why not."""

import json

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from .. import console, ports, test_mail
from ..log_lines import Line
from ..test_mail import Outcome
from . import options

EXAMPLE = """\b
Example:
  mailmote test-mail
  mailmote test-mail --port COM5 --wait 300 --json"""

WAIT_S = 120.0
_DONE, _FAILED = 0, 1
_STYLES = {"warning": "yellow", "error": "red"}


@click.command(epilog=EXAMPLE)
@options.port
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    default=WAIT_S,
    show_default=True,
    metavar="SECONDS",
    help="how long to follow it",
)
@options.as_json
def command(port: str | None, wait_s: float, as_json: bool) -> int:
    """Have a running board mail a test to all recipients of [mail], and follow it.

    The board goes on with its work, and no alarm is raised. Exit code 0: the server took it for every
    recipient; 1: it did not, and why is told.
    """
    outcome = sent(port, wait_s)
    if as_json:
        click.echo(json.dumps(outcome._asdict(), indent=2))
    else:
        show(outcome)
    return _DONE if outcome.state == "delivered" else _FAILED


def sent(port: str | None, wait_s: float = WAIT_S) -> Outcome:
    """What came of a test mail that a board was asked for. Raises HostError."""
    stderr = Console(stderr=True, highlight=False)
    chosen = ports.choose(port)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as progress:
        task = progress.add_task("", total=None)

        def hear(line: Line) -> None:
            if line.kind == "log":
                progress.console.print(Text(line.shown, style=_STYLES.get(line.level, "dim")), soft_wrap=True)

        with console.open(chosen, hear) as board:
            return test_mail.send(board, wait_s, lambda text: progress.update(task, description=text))


def show(outcome: Outcome) -> None:
    """What came of it, in words."""
    click.echo(in_words(outcome))


def in_words(outcome: Outcome) -> str:
    """What came of it, why, and what to do."""
    if outcome.state == "delivered":
        return (
            f"The test mail was accepted for {', '.join(outcome.to)}. Look for it there, and in the junk too."
        )
    if outcome.state == "refused":
        got_it = [address for address in outcome.to if address not in outcome.refused]
        others = f" {', '.join(got_it)} got it." if got_it else ""
        return f"The test mail was refused for {', '.join(outcome.refused)}.{others} {outcome.text}".rstrip()
    if outcome.number is None:
        return f"The board could not keep a test mail. {outcome.text}"
    if outcome.state == "failed":
        return f"The test mail was not delivered. {outcome.text}"
    why = f" {outcome.text}" if outcome.text else ""
    return f"The test mail still waits, and the board goes on trying.{why}"
