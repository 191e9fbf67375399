"""Somebody else's files on a board: they are copied to this computer, and replaced only if that is wanted."""

from collections.abc import Mapping
from pathlib import Path

import click

from .. import backup, provisioning
from .steps import has_terminal, say

replace = click.option(
    "--replace",
    "is_replaced",
    is_flag=True,
    help="replace somebody else's files, such as a main.py, and keep a copy",
)
backup_folder = click.option(
    "--backup",
    "backup_folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="where that copy goes (default: a new folder in your data)",
)


def replacement(wanted: bool, folder: Path | None) -> provisioning.Replace:
    """Asks, unless it is `wanted`, and keeps the files in `folder`, or in a new one of the user's data."""

    def settle(foreign: Mapping[str, bytes]) -> None:
        if not wanted:
            if not has_terminal():
                provisioning.refuse(foreign)
            names = provisioning.listed(foreign)
            click.confirm(f"Replace somebody else's {names} on the board?", abort=True, err=True)
        kept = folder or backup.new_folder()
        for path, content in foreign.items():
            say(f"{path} of the board is kept as {backup.write(kept, path, content)}")

    return settle
