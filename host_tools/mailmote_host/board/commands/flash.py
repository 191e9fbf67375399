"""`mailmote flash`: put MicroPython on a board."""

import contextlib
import json
from pathlib import Path
from typing import Any

import click

from ...errors import HostError, UsageError
from .. import backup, boards, flash, images, link, ports
from ..image_site import DEFAULT_SITE, SITE_VARIABLE, Site
from ..image_store import Store
from ..returning import Place
from . import options
from .steps import Steps, has_terminal, say

EXAMPLE = """\b
Example:
  mailmote flash
  mailmote flash --port COM5 --board esp32-wrover --version 1.25.0
  mailmote flash --board esp32-c3 --image ESP32_GENERIC_C3-20250415-v1.25.0.bin --yes"""

_NOT_COPIED = "The files of the board could not be copied, and nothing was erased."
_WITHOUT_A_COPY = "To flash it without a copy of them: `mailmote flash --no-backup`."


@click.command(epilog=EXAMPLE)
@options.port
@options.board
@options.image
@click.option("--version", metavar="VERSION", help="such as 1.25.0 (default: the latest stable one)")
@click.option("--site", metavar="URL", help=f"not {DEFAULT_SITE}, for images (also: {SITE_VARIABLE})")
@click.option(
    "--backup",
    "backup_folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="copy the board's files there first (default: asked; with --yes a new folder in your data)",
)
@click.option("--no-backup", is_flag=True, help="do not copy the board's files first")
@click.option(
    "--erase/--no-erase",
    default=True,
    help="erase the whole flash, files too (the default), or write over what the image takes",
)
@options.yes
@options.as_json
def command(
    port: str | None,
    name: str | None,
    given: Path | None,
    version: str | None,
    site: str | None,
    backup_folder: Path | None,
    no_backup: bool,
    erase: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Put MicroPython on a board: find its chip, check the image, erase, write, verify.

    Nothing is written before the image is known to be whole, for this chip, and to fit its flash.
    """
    told = flashed(
        port,
        name,
        given,
        version=version,
        site=site,
        backup_folder=backup_folder,
        no_backup=no_backup,
        erase=erase,
        yes=yes,
    )
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        show(told)


def flashed(
    port: str | None,
    name: str | None,
    given: Path | None,
    *,
    version: str | None = None,
    site: str | None = None,
    backup_folder: Path | None = None,
    no_backup: bool = False,
    erase: bool = True,
    yes: bool = False,
) -> dict[str, Any]:
    """What `command` does; the arguments are its options. Raises HostError, click.Abort."""
    if given and version:
        raise UsageError("--image and --version exclude each other: a file has its version. Leave one out.")
    if no_backup and backup_folder:
        raise UsageError("--backup and --no-backup exclude each other. Leave one out.")
    chosen = ports.choose(port)
    place, has_lines = Place(chosen), flash.has_lines(chosen)
    if erase and not yes and not has_terminal():
        raise UsageError(
            "To flash erases all that is on the board, and nobody is there to be asked. Agree with --yes; "
            "--backup FOLDER keeps a copy of its files, --no-erase keeps them on the board."
        )
    board = boards.named(name) if name else None
    store = Store()
    with Steps() as steps:
        saved = None
        if has_lines:
            chip = flash.detect(chosen, steps.tell, say)
            chosen = place.name()
        else:  # once it is in its loader, its files are out of reach
            saved = _back_up(chosen, backup_folder, not no_backup and erase, yes, steps)
            chip = flash.detect(chosen, steps.tell, say)
        steps.pause()
        say(f"{chosen}: {chip}")
        board = flash.the_board(chip, name, chosen) if name else _asked(chip, chosen)
        image = given or images.fetch_or_cached(board, version, Site(site), store, steps.tell)
        found = flash.checked(chip, image, store)
        steps.pause()
        say(f"{image.name}: MicroPython {found.version} for {board.name}")
        if has_lines:
            saved = _back_up(chosen, backup_folder, not no_backup and erase, yes, steps)
            chosen = place.after_reset()
        if erase and not yes:
            click.confirm(f"Erase all that is on the board on {chosen}?", abort=True, err=True)
        flash.put(chosen, board, image, steps.tell, say, erase=erase, chip=chip, store=store)
    return {
        "port": place.name(),
        "chip": chip.name,
        "model": chip.model,
        "mac": chip.mac,
        "board": board.name,
        "image": str(image),
        "version": found.version.removeprefix("v"),
        "backup": str(saved) if saved else None,
    }


def show(told: dict[str, Any]) -> None:
    """What was done, in words."""
    click.echo(
        f"MicroPython {told['version']} is on the board on {told['port']}, and verified. Next: `mailmote "
        "provision`."
    )


def _asked(chip: flash.Chip, port: str) -> boards.Board:
    """The board, by its chip, or by asking which it is. Raises UsageError where nobody can be asked."""
    candidates = flash.plausible(chip, port)
    if len(candidates) < 2 or not has_terminal():
        return flash.the_board(chip, None, port)
    say("Several boards have this chip:")
    for number, board in enumerate(candidates, 1):
        say(f"  {number}  {board.name}: {board.title}")
    chosen = click.prompt("Which is it?", type=click.IntRange(1, len(candidates)), err=True)
    return candidates[chosen - 1]


def _back_up(port: str, folder: Path | None, offered: bool, yes: bool, steps: Steps) -> Path | None:
    """Copy the files of a board, if that is wanted. Returns where they are."""
    steps.pause()
    if folder is None:
        if not offered:
            return None
        if not yes and not click.confirm(
            "Copy the files of the board to this computer first?", True, err=True
        ):
            return None
        folder = backup.new_folder()
    try:
        count = backup.save(port, folder, steps.tell)
    except link.SilentError:
        steps.pause()
        say("No MicroPython answers on the board, so there are no files to copy.")
        _forget(folder)
        return None
    except UsageError:
        raise
    except HostError as error:
        steps.pause()
        _forget(folder)
        if yes or not has_terminal():
            raise HostError(f"{error} {_NOT_COPIED} {_WITHOUT_A_COPY}") from None
        say(f"{error} {_NOT_COPIED}")
        click.confirm("Go on without a copy of them?", abort=True, err=True)
        return None
    steps.pause()
    say(f"{count} files of the board are in {folder}. Its secrets are not: they never leave a board.")
    return folder


def _forget(folder: Path) -> None:
    """A folder for a backup that came to nothing; one with something in it stays."""
    with contextlib.suppress(OSError):
        folder.rmdir()
