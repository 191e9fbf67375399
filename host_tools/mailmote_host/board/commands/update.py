"""`mailmote update`: renew the firmware on a board."""

import json
import sys
from pathlib import Path

import click

from .. import ports, provisioning
from ..log_view import to_terminal
from . import options
from .provision import show, told, wait_ready
from .replacing import backup_folder, replace, replacement
from .steps import Steps

EXAMPLE = """\b
Example:
  mailmote update
  mailmote update --port /dev/ttyUSB0 --json"""


@click.command(epilog=EXAMPLE)
@options.port
@replace
@backup_folder
@wait_ready
@options.as_json
@options.yes
def command(
    port: str | None,
    is_replaced: bool,
    backup_folder: Path | None,
    wait_ready_s: float,
    as_json: bool,
    yes: bool,
) -> None:
    """Renew the firmware of mailmote on a board. Settings, CA certificates and secrets stay as they are."""
    chosen = ports.choose(port)
    with Steps() as steps:
        result = provisioning.update(
            chosen,
            replace=replacement(is_replaced or yes, backup_folder),
            tell=steps.tell,
            hear=to_terminal(sys.stderr, "local"),
            wait_ready_s=wait_ready_s,
        )
    if as_json:
        print(json.dumps(told(result)))
    else:
        show(result)
