"""`mailmote monitor`: follow the log of a board that runs."""

import re
import sys
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import click

from .. import log_view, monitoring, ports
from ..log_lines import LEVELS
from . import options

EXAMPLE = """\b
Example:
  mailmote monitor
  mailmote monitor --port COM5 --level warning --log board.log
  mailmote monitor --reset --until "Ready:" --for 60s"""

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_IN_TIME, _TOO_LATE = 0, 1


class _Duration(click.ParamType):
    """As `90`, `90s`, `1.5m` or `2h`, to seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = _DURATION.fullmatch(str(value))
        if not found:
            self.fail(f"{value!r} is no duration. Give one such as 90s, 5m or 2h.", param, ctx)
        return float(found[1]) * _SECONDS[found[2] or "s"]


@click.command(epilog=EXAMPLE)
@options.port
@click.option("--reset/--no-reset", default=False, help="start the board anew first (default: it runs on)")
@click.option("--level", type=click.Choice(LEVELS), default="debug", help="leave out what matters less")
@click.option(
    "--timestamps",
    type=click.Choice(["local", "none"]),
    default="local",
    help="begin each line with the time of this computer (the default), or not",
)
@click.option(
    "--log",
    "log_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="append each line to this file too",
)
@click.option("--for", "for_s", type=_Duration(), metavar="DURATION", help="end after 90s, 5m or 2h")
@click.option("--until", metavar="TEXT", help="end when a line with this text came; exit code 1 if none did")
@options.as_json
def command(
    port: str | None,
    reset: bool,
    level: str,
    timestamps: log_view.Timestamps,
    log_file: Path | None,
    for_s: float | None,
    until: str | None,
    as_json: bool,
) -> int:
    """Follow the log of a board, until Ctrl-C.

    The board runs on, now and afterwards. A port that goes away, for a reset or with its cable, is waited
    for.
    """
    chosen = ports.choose(port)
    seen = False
    with ExitStack() as stack:
        if until is None:  # where a text is waited for, it was not seen
            stack.enter_context(suppress(KeyboardInterrupt))
        shows = [log_view.to_json(sys.stdout) if as_json else log_view.to_terminal(sys.stdout, timestamps)]
        if log_file:
            file = stack.enter_context(log_file.open("a", encoding="utf-8"))
            shows.append(log_view.to_file(file))
        lines = stack.enter_context(closing(monitoring.follow(chosen, for_s, press_reset=reset)))
        if sys.stderr.isatty():
            print(f"Following {chosen}. Ctrl-C ends it; the board runs on.", file=sys.stderr)
        seen = _shown_until(lines, shows, level, until)
    if until is None or seen:
        return _IN_TIME
    print(f"No line with {until!r} came within {for_s:g} s. Wait longer with --for.", file=sys.stderr)
    return _TOO_LATE


def _shown_until(
    lines: monitoring.Following, shows: list[log_view.Write], level: str, until: str | None
) -> bool:
    """Write lines until one has the text. Returns whether one had."""
    for line in lines:
        if log_view.is_shown(line, level):
            for show in shows:
                show(line)
        if until is not None and line.raw and until in line.shown:
            return True
    return False
