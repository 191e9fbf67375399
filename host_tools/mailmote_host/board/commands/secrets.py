"""`mailmote secrets`: the passwords, tokens and keys on a board. They are written, and never read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from mailmote.store.secrets import NAMES

from ...errors import HostError, UsageError
from .. import ports, secret_sources, secrets
from ..returning import Place
from . import options
from .settings import load
from .steps import has_terminal

_EXAMPLE = "\b\nExample:\n  "
_SET = """\
mailmote secrets set wifi.password
  MAILMOTE_MAIL_PASSWORD=… mailmote secrets set mail.password --from env
  mailmote secrets set oauth.refresh --from sign-in --settings mote.toml"""
_FORGET = "mailmote secrets forget mail.password --port COM5"
_LIST = "mailmote secrets list"
EXAMPLE = f"{_EXAMPLE}{_LIST}\n  {_SET}\n  {_FORGET}"

_NO_SETTINGS: Mapping[str, Any] = {"device": {"name": ""}, "mail": {"from": ""}}
_A_NAME = click.argument("name", type=click.Choice(NAMES), metavar="NAME")


@click.group(epilog=EXAMPLE)
def command() -> None:
    """Set, forget or list the secrets on a board.

    The board stops meanwhile, and starts anew afterwards.
    """


@command.command("set", epilog=_EXAMPLE + _SET)
@_A_NAME
@options.port
@click.option(
    "--from",
    "sources",
    multiple=True,
    metavar="SOURCE",
    help=f"{secret_sources.WORDS} (default: a person if there is a terminal, else env, keyring)",
)
@click.option(
    "--settings",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="the mote.toml, for keyring and sign-in",
)
@options.as_json
def set_secret(
    name: str, port: str | None, sources: tuple[str, ...], file: Path | None, as_json: bool
) -> None:
    """Put the secret NAME on a board, in place of an older one."""
    if any(word in ("keyring", "sign-in") for word in sources) and file is None:
        raise UsageError("keyring and sign-in go by the mote.toml. Name it with --settings.")
    if not sources:
        sources = ("sign-in", "prompt") if has_terminal() else ("env", "keyring")
    settings = load(file) if file else _NO_SETTINGS
    folder = file.parent if file else Path()
    value = secret_sources.chosen(sources, settings, folder, has_terminal()).get(name)
    if value is None:
        raise secret_sources.missing((name,), option="--from")
    secret_sources.check({name: value})
    with Place(ports.choose(port)).open() as board:
        secrets.put(board, name, value)
    print(json.dumps({"set": name}) if as_json else f"The board has {name}.")


@command.command("forget", epilog=_EXAMPLE + _FORGET)
@_A_NAME
@options.port
@options.as_json
def forget(name: str, port: str | None, as_json: bool) -> None:
    """Remove the secret NAME from a board. Exit code 1 if it had none."""
    with Place(ports.choose(port)).open() as board:
        found = secrets.forget(board, name)
    if not found:
        raise HostError(f"the board has no {name}. `mailmote secrets list` tells what it has.")
    print(json.dumps({"forgotten": name}) if as_json else f"The board has forgotten {name}.")


@command.command("list", epilog=_EXAMPLE + _LIST)
@options.port
@options.as_json
def list_secrets(port: str | None, as_json: bool) -> None:
    """The names of the secrets that a board has."""
    with Place(ports.choose(port)).open() as board:
        names = secrets.names(board)
    if as_json:
        print(json.dumps(names))
    else:
        print("\n".join(names) or "The board has no secrets.")
