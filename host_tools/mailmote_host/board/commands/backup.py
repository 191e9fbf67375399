"""`mailmote backup`: copy the files of a board to this computer."""

import json
from pathlib import Path

import click

from .. import backup, ports
from . import options
from .steps import Steps, say

EXAMPLE = """\b
Example:
  mailmote backup
  mailmote backup freezer-3-files --port COM5"""


@click.command(epilog=EXAMPLE)
@click.argument("folder", required=False, type=click.Path(path_type=Path, file_okay=False))
@options.port
@options.as_json
def command(folder: Path | None, port: str | None, as_json: bool) -> None:
    """Copy all files of a board into FOLDER (default: a new one in your data), but not its secrets.

    The board stops meanwhile, and starts anew afterwards.
    """
    folder = folder or backup.new_folder()
    with Steps() as steps:
        count = backup.save(ports.choose(port), folder, steps.tell)
    say("Secrets are not copied: they never leave a board.")
    if as_json:
        print(json.dumps({"files": count, "folder": str(folder)}))
    else:
        print(f"{count} files are in {folder}.")
