"""Options that several commands share."""

from pathlib import Path

import click

port = click.option(
    "--port",
    metavar="PORT",
    envvar="MAILMOTE_PORT",
    help="the board's serial port, or a URL such as rfc2217://host:port; found by itself where there is but "
    "one (also: MAILMOTE_PORT)",
)
as_json = click.option("--json", "as_json", is_flag=True, help="print the result as JSON")
yes = click.option("--yes", "-y", is_flag=True, help="answer each question with yes")
board = click.option(
    "--board", "name", metavar="BOARD", help="a board of `mailmote boards` (default: by its chip)"
)
image = click.option(
    "--image",
    "given",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="an image of MicroPython on this computer, not one of the site",
)
