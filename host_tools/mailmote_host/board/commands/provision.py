"""`mailmote provision`: put everything on a board that makes it a mote."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from ...errors import UsageError
from .. import ports, provisioning, secret_sources
from ..log_view import to_terminal
from . import fleet, options
from .replacing import backup_folder, replace, replacement
from .settings import load
from .steps import Steps, has_terminal, say

EXAMPLE = """\b
Example:
  mailmote provision
  mailmote provision freezer-3.toml --port COM5
  mailmote provision --secrets-from fd:3 3< secrets.json
  mailmote provision fleet.csv --at-once 8          many boards, a row each"""

_FLEET = ".csv"
_AT_ONCE = 4

wait_ready = click.option(
    "--wait-ready",
    "wait_ready_s",
    type=click.FloatRange(0, 3600),
    default=provisioning.READY_WITHIN_S,
    show_default=True,
    metavar="SECONDS",
    help="how long the board may take until it says that it is ready; 0: do not wait",
)


@click.command(epilog=EXAMPLE)
@click.argument("file", default="mote.toml", type=click.Path(path_type=Path))
@options.port
@click.option(
    "--secrets-from",
    "sources",
    multiple=True,
    metavar="SOURCE",
    help=f"where missing secrets come from: {secret_sources.WORDS}; repeatable, the first that has one gives "
    "it (default: env, keyring, then a person; of a fleet: env and keyring alone)",
)
@click.option("--renew-secrets", is_flag=True, help="replace the secrets that the board has, too")
@replace
@backup_folder
@wait_ready
@click.option(
    "--settings",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="of a fleet: the mote.toml of rows that name none (default: mote.toml beside the CSV file)",
)
@click.option(
    "--at-once",
    type=click.IntRange(1, 64),
    default=_AT_ONCE,
    show_default=True,
    help="of a fleet: how many boards at the same time",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="of a fleet: what came of each board, and where the next run goes on (default: beside the CSV file)",
)
@click.option("--again", is_flag=True, help="of a fleet: boards that are done already, too")
@options.as_json
@options.yes
def command(
    file: Path,
    port: str | None,
    sources: tuple[str, ...],
    renew_secrets: bool,
    is_replaced: bool,
    backup_folder: Path | None,
    wait_ready_s: float,
    settings: Path | None,
    at_once: int,
    report: Path | None,
    again: bool,
    as_json: bool,
    yes: bool,
) -> int:
    """Put firmware, the settings of FILE (default: mote.toml), CA certificates, clock and secrets on a board.

    Only what differs is copied. Pull the cable when you like: the board runs the old version or the new one,
    and the next run goes on where this one was. At the end the board restarts, and says that it is ready.

    With a CSV file, many boards: one row each, with the columns port, name, site, and keys of mote.toml such
    as wifi.ssid or alarm[0].above. The exit code is the number of boards that failed.
    """
    if file.suffix.lower() == _FLEET:
        if port:
            raise UsageError("--port is for one board; a fleet has a port in each row. Leave it out.")
        return fleet.run(
            file,
            settings,
            sources,
            renew_secrets,
            is_replaced or yes,
            backup_folder,
            wait_ready_s,
            at_once,
            report,
            again,
            as_json,
        )
    replaced = replacement(is_replaced or yes, backup_folder)
    result = provisioned(file, port, sources, replaced, renew_secrets, wait_ready_s)
    if as_json:
        print(json.dumps(told(result)))
    else:
        show(result)
    return 0


def provisioned(
    file: Path,
    port: str | None,
    sources: tuple[str, ...],
    replaced: provisioning.Replace,
    renew_secrets: bool = False,
    wait_ready_s: float = provisioning.READY_WITHIN_S,
) -> provisioning.Result:
    """What `command` does with one board; the arguments are its options. Raises HostError, click.Abort."""
    loaded = load(file)
    source = secret_sources.chosen(sources, loaded, file.parent, has_terminal())
    chosen = ports.choose(port)
    with Steps() as steps:
        return provisioning.provision(
            chosen,
            loaded,
            file.parent,
            source=source,
            renew_secrets=renew_secrets,
            replace=replaced,
            tell=steps.tell,
            hear=to_terminal(sys.stderr, "local"),
            wait_ready_s=wait_ready_s,
        )


def told(result: provisioning.Result) -> dict[str, Any]:
    """What was done, for JSON."""
    return {**result._asdict(), "ready": bool(result.ready)}


def show(result: provisioning.Result) -> None:
    """What was done, in words."""
    if result.notice:
        say(result.notice)
    copied = (
        f"{len(result.copied)} files copied ({result.bytes} bytes sent)"
        if result.copied
        else "Nothing copied"
    )
    removed = f", {len(result.removed)} obsolete ones removed" if result.removed else ""
    stored = f", stored {', '.join(result.secrets)}" if result.secrets else ""
    print(f"{copied}{removed}{stored}.")
    print(result.ready or "The board restarts.")
