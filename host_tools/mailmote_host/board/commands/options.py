"""Options that several commands share."""

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
