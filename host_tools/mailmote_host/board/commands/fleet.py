"""`mailmote provision fleet.csv`: several boards at once, a live table, a report at the end."""

import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mailmote.policy import options

from ... import check, settings_file
from ...errors import HostError, UsageError
from .. import contents, firmware, ports, provisioning, secret_sources, survey
from ..fleet import DONE, FAILED, STOPPED, WAITING, WORKING, Board, Fleet, Tell
from ..fleet_file import Row, apply, twice
from ..fleet_file import read as read_rows
from ..returning import Place
from .replacing import replacement
from .steps import has_terminal, say

_STYLES = {WAITING: "dim", WORKING: "", DONE: "green", FAILED: "bold red", STOPPED: "yellow"}
_ASKED = "or in a terminal --secrets-from sign-in --secrets-from prompt, to be asked before all boards"
_ROUNDING = 0.01
_MAX_EXIT_CODE = 99  # of failures: above lie the codes of shells


def run(
    path: Path,
    settings: Path | None,
    sources: tuple[str, ...],
    renew_secrets: bool,
    is_replaced: bool,
    backup_folder: Path | None,
    wait_ready_s: float,
    at_once: int,
    report: Path | None,
    again: bool,
    as_json: bool,
) -> int:
    """Provision each row, and return how many failed. Raises HostError before anything is changed."""
    rows = read_rows(path, settings)
    if faults := twice(path, rows, "port", ports.distinct(row.port for row in rows)):
        raise UsageError("\n".join(faults))
    loaded = _settings(path, rows)
    for warning in _crowded(loaded):
        say(warning)
    digests = _digests(path, rows, loaded)
    handed = _secrets(rows, loaded, sources)
    boards = [
        Board(row.port, row.name, _digest(told, secrets))
        for row, told, secrets in zip(rows, digests, handed, strict=True)
    ]
    fleet = Fleet(boards, report or path.with_suffix(".report.json"), again or renew_secrets)

    def replace(index: int) -> provisioning.Replace:
        if not is_replaced:
            return provisioning.refuse
        return replacement(True, backup_folder and backup_folder / f"line-{rows[index].number}")

    def work(index: int, tell: provisioning.Tell) -> dict[str, Any]:
        result = provisioning.provision(
            ports.choose(rows[index].port),
            loaded[index],
            rows[index].settings.parent,
            source=secret_sources.Chain([secret_sources.Given(handed[index])], _ASKED),
            renew_secrets=renew_secrets,
            replace=replace(index),
            tell=tell,
            wait_ready_s=wait_ready_s,
        )
        return {**result._asdict(), "ready": bool(result.ready)}

    def recognise(index: int, result: Mapping[str, Any], tell: Tell) -> bool:
        tell("looking whether it is the same board", 0)
        return _may_be(rows[index].port, result.get("board_id"))

    try:
        _show(fleet, lambda: fleet.run(work, at_once, recognise))
    finally:
        _tell(fleet, renew_secrets)
    if as_json:
        print(json.dumps([vars(board) for board in fleet.boards], indent=2))
    return min(fleet.failed, _MAX_EXIT_CODE)


def _settings(path: Path, rows: list[Row]) -> list[dict[str, Any]]:
    """The settings of each row. Raises UsageError with every problem of every row."""
    drivers = check.drivers()
    found, faults = [], []
    for row in rows:
        try:
            loaded = settings_file.load(
                row.settings, drivers, lambda document, row=row: apply(document, row.changes)
            )
        except UsageError as error:
            faults.append(f"{path}:{row.number}: {error}")
            continue
        if loaded.settings is None:
            faults += [f"{path}:{row.number}: {problem}" for problem in loaded.problems]
        else:
            found.append(loaded.settings)
    if faults:
        raise UsageError("\n".join(["nothing was changed.", *dict.fromkeys(faults)]))
    return found


def _crowded(loaded: list[dict[str, Any]]) -> Iterator[str]:
    """A warning for each mailbox whose boards may send more together than it may."""
    shares: dict[str, list[float]] = {}
    for settings in loaded:
        mail = settings["mail"]
        if options.named(mail["option"]).signs_in:
            shares.setdefault(mail["username"], []).append(settings["limits"]["mailbox_share"])
    for mailbox, parts in shares.items():
        if sum(parts) > 1 + _ROUNDING:
            yield (
                f"! {len(parts)} boards send as {mailbox}, together {sum(parts):g} times what a mailbox may. "
                f"Give each its part: mailbox_share = {round(1 / len(parts), 3):g} in [limits], and a "
                f"mailbox_slot of its own, 0 to {len(parts) - 1}."
            )


def _secrets(rows: list[Row], loaded: list[dict[str, Any]], words: tuple[str, ...]) -> list[dict[str, bytes]]:
    """What each board is handed, asked for before the first is begun: nobody is asked in the middle of it.

    What a person types is for all boards of the same network or sender, but for its sign-in: a board has one
    of its own. What no source gives may be on the board already.
    """
    typed: dict[tuple[str, str], bytes | None] = {}
    read: dict[str, secret_sources.Source] = {}
    handed = []
    for row, settings in zip(rows, loaded, strict=True):
        at_once, by_person = secret_sources.chosen(
            words, settings, row.settings.parent, has_terminal() and bool(words), read
        ).parted()
        own: dict[str, bytes] = {}
        for name in settings_file.secrets_needed(settings):
            value = at_once.get(name)
            if not value:
                key = (secret_sources.owner(settings, name), name)
                if name == "oauth.refresh" or key not in typed:
                    typed[key] = by_person.get(name)
                value = typed[key]
            if value:
                own[name] = value
        try:
            secret_sources.check(own, secret_sources.domains_of(settings))
        except HostError as error:
            raise UsageError(f"{row.name}: {error}") from None
        handed.append(own)
    return handed


def _may_be(port: str, board_id: str | None) -> bool:
    """Whether the board on a port has that number, or nothing is plugged in there. It starts anew.

    What cannot be asked is not the board that was done: it is for the work to say what is wrong with it.
    """
    try:
        with Place(ports.choose(port)).open() as board:
            return survey.facts(board).board_id == board_id
    except ports.PortError as error:
        return error.reason in ("missing", "unreachable")
    except UsageError:  # there is no such serial number now
        return True
    except HostError:
        return False


def _digests(path: Path, rows: list[Row], loaded: list[dict[str, Any]]) -> list[str]:
    """Of the files that each board is to get. Raises UsageError for those that cannot be had."""
    firmware_digest = _of_files(firmware.files(compiled=False))
    found, faults = [], []
    for row, settings in zip(rows, loaded, strict=True):
        try:
            own = contents.settings_for(settings, row.settings.parent)
        except HostError as error:
            faults.append(f"{path}:{row.number}: {error}")
        else:
            found.append(firmware_digest + _of_files(own.files))
    if faults:
        raise UsageError("\n".join(["nothing was changed.", *dict.fromkeys(faults)]))
    return found


def _of_files(files: Mapping[str, bytes]) -> str:
    each = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return hashlib.sha256(json.dumps(each, sort_keys=True).encode()).hexdigest()


def _digest(files: str, secrets: Mapping[str, bytes]) -> str:
    """Of all that a board is to get; of its secrets the names alone, for the report lies beside the CSV."""
    return hashlib.sha256(json.dumps([files, sorted(secrets)]).encode()).hexdigest()


def _show(fleet: Fleet, run: Callable[[], Generator[None, None, None]]) -> None:
    console = Console(stderr=True)
    if not console.is_terminal:
        told: dict[str, str] = {}
        with closing(run()) as going:
            for _ in going:
                _log(fleet, told)
        _log(fleet, told)
        return
    with Live(_table(fleet), console=console, refresh_per_second=8) as live, closing(run()) as going:
        for _ in going:
            live.update(_table(fleet))
        live.update(_table(fleet))


def _log(fleet: Fleet, told: dict[str, str]) -> None:
    """One line for each board that has come to an end."""
    for board in fleet.boards:
        if board.state in (DONE, FAILED, STOPPED) and told.get(board.port) != board.state:
            told[board.port] = board.state
            print(f"{board.name} ({board.port}): {_state(board)}. {board.error}".rstrip(), file=sys.stderr)


def _state(board: Board) -> str:
    return f"done before, at {board.at}" if board.before and board.state == DONE else board.state


def _table(fleet: Fleet) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("Board", "Port", "", ""):
        table.add_column(heading)
    for board in fleet.boards:
        step = f"{board.share:4.0%} {board.step}" if board.state == WORKING else board.error
        style = _STYLES[board.state]
        table.add_row(Text(board.name), Text(board.port), Text(_state(board), style=style), Text(step))
    return table


def _tell(fleet: Fleet, all_again: bool) -> None:
    good = len(fleet.boards) - fleet.failed
    say(f"{good} of {len(fleet.boards)} boards are done.")
    if fleet.failed:
        what = "do all of it again" if all_again else "go on with the others"
        say(f"To {what}: {_command_line(click.get_current_context())}")


def _command_line(context: click.Context) -> str:
    """The command as it was given, but for --again, with which nothing would be done already."""
    words: list[str] = []
    for parameter in context.command.params:
        name, value = str(parameter.name), context.params.get(str(parameter.name))
        if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE or name == "again":
            continue
        if isinstance(parameter, click.Argument):
            words.append(str(value))
        elif value is True:
            words.append(parameter.opts[0])
        else:
            for one in value if isinstance(value, tuple) else (value,):
                words += [parameter.opts[0], str(one)]
    quoted = subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
    return f"{context.command_path} {quoted}"
