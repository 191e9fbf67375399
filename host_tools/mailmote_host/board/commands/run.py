"""`mailmote run mote.toml`: from a bare board to its first mail, the other commands one after the other."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ... import settings_file
from ...errors import UsageError
from .. import link, ports, secret_sources, survey
from ..returning import Place
from . import flash, monitor, options, provision, test_mail
from .replacing import backup_folder, replace, replacement
from .settings import load
from .steps import has_terminal, say

EXAMPLE = """\b
Example:
  mailmote run
  mailmote run freezer-3.toml --port COM5 --board esp32-devkitc
  mailmote run --yes --no-follow --board esp32-devkitc          in a script"""

_DONE, _FAILED = 0, 1


@click.command(epilog=EXAMPLE)
@click.argument("file", default="mote.toml", type=click.Path(path_type=Path))
@options.port
@options.board
@options.image
@click.option(
    "--secrets-from",
    "sources",
    multiple=True,
    metavar="SOURCE",
    help=f"where missing secrets come from: {secret_sources.WORDS}; repeatable",
)
@click.option(
    "--test-mail/--no-test-mail", "mails", default=True, help="have the board send a test mail (the default)"
)
@click.option(
    "--follow/--no-follow",
    "follows",
    default=None,
    help="follow the board's log at the end (the default without --json)",
)
@replace
@backup_folder
@options.as_json
@options.yes
@click.pass_context
def command(
    context: click.Context,
    file: Path,
    port: str | None,
    name: str | None,
    given: Path | None,
    sources: tuple[str, ...],
    mails: bool,
    follows: bool | None,
    is_replaced: bool,
    backup_folder: Path | None,
    as_json: bool,
    yes: bool,
) -> int:
    """Make the board what FILE (default: mote.toml) says: flash it if needed, provision it, send a test mail.

    At the end the board's log is followed, until Ctrl-C. Run it again at any time: what is done is not done
    again.
    """
    if as_json and follows:
        raise UsageError("--json ends with one value, and --follow does not end. Leave one out.")
    settings = load(file)
    place, flashed = Place(ports.choose(port)), None
    why, has_files = _why_flash(place)
    if why:
        say(f"{why}: it has to be flashed first.")
        _check_secrets(settings, file.parent, sources)
        flashed = flash.flashed(
            place.after_reset(),
            name,
            given,
            backup_folder=backup_folder if has_files else None,
            no_backup=not has_files,
            yes=yes,
        )
        if not as_json:
            flash.show(flashed)
    replaced = replacement(is_replaced or yes, backup_folder)
    result = provision.provisioned(file, place.after_reset(), sources, replaced)
    if not as_json:
        provision.show(result)
    outcome = test_mail.sent(place.name()) if mails else None
    if outcome and not as_json:
        test_mail.show(outcome)
    if as_json:
        told = {"flashed": flashed, "provisioned": provision.told(result)}
        click.echo(json.dumps(told | {"test_mail": outcome and outcome._asdict()}, indent=2))
    if outcome and outcome.state != "delivered":
        return _FAILED
    if not as_json and follows is not False:
        say("The board's log, until Ctrl-C:")
        context.invoke(monitor.command, port=place.name())
    return _DONE


def _why_flash(place: Place) -> tuple[str, bool]:
    """What is there instead of a MicroPython that will do, "" if one is; and whether it has files to copy.

    The board starts anew. Raises HostError where that is not known.
    """
    try:
        with place.open() as board:
            survey.facts(board)
    except link.SilentError:
        return f"No MicroPython answers on {place.name()}", False
    except survey.TooOldError as error:
        return f"The board on {place.name()} runs {error.runs}", True
    return "", True


def _check_secrets(settings: Mapping[str, Any], folder: Path, words: tuple[str, ...]) -> None:
    """Raise UsageError, before anything is erased, for secrets that nothing would give to a bare board.

    What a descriptor gives is not looked at: it can be read only once.
    """
    if any(word.startswith("fd:") for word in words):
        return
    chain = secret_sources.chosen(words, settings, folder, has_terminal())
    missing = [name for name in settings_file.secrets_needed(settings) if not chain.parted()[0].get(name)]
    if missing and not chain.slow:
        raise secret_sources.missing(missing)
