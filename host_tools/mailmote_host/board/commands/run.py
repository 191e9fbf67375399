"""`mailmote run mote.toml`: from a bare board to its first mail, the other commands one after the other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ... import settings_file
from .. import link, ports, secret_sources
from . import flash, monitor, options, provision, test_mail
from .settings import load
from .steps import has_terminal, say

EXAMPLE = """\b
Example:
  mailmote run
  mailmote run freezer-3.toml --port COM5 --board esp32-devkitc
  mailmote run --yes --no-follow --board esp32-devkitc          in a script"""

_DONE = 0


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
    "--follow/--no-follow", "follows", default=True, help="follow the board's log at the end (the default)"
)
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
    follows: bool,
    yes: bool,
) -> int:
    """Make the board what FILE (default: mote.toml) says: flash it if needed, provision it, send a test mail.

    At the end the board's log is followed, until Ctrl-C. Run it again at any time: what is done is not done
    again.
    """
    settings = load(file)
    chosen = ports.choose(port)
    if not _has_micropython(chosen):
        say(f"No MicroPython answers on {chosen}: it has to be flashed first.")
        _check_secrets(settings, file.parent, sources)
        context.invoke(flash.command, port=chosen, name=name, given=given, yes=yes)
    context.invoke(provision.command, file=file, port=chosen, sources=sources, yes=yes)
    if mails and (code := context.invoke(test_mail.command, port=chosen)):
        return code
    if follows:
        say("The board's log, until Ctrl-C:")
        context.invoke(monitor.command, port=chosen)
    return _DONE


def _has_micropython(port: str) -> bool:
    """Stops what runs there. Raises LinkError where that is not known."""
    try:
        link.open(port).close()
    except link.SilentError:
        return False
    return True


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
