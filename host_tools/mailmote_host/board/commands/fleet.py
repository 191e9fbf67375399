"""`mailmote provision fleet.csv`: several boards at once, a live table, a report at the end."""

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

import mailmote

from ... import check, settings_file
from ...errors import HostError, UsageError
from .. import ports, provisioning, secret_sources
from ..fleet import DONE, FAILED, STOPPED, WAITING, WORKING, Board, Fleet, Work
from ..fleet_file import Row, apply
from ..fleet_file import read as read_rows
from .replacing import replacement
from .steps import has_terminal, say

_STYLES = {WAITING: "dim", WORKING: "", DONE: "green", FAILED: "bold red", STOPPED: "yellow"}
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
    loaded = _settings(path, rows)
    handed = _secrets(rows, loaded, sources)
    boards = [
        Board(row.port, row.name, _digest(one, secrets))
        for row, one, secrets in zip(rows, loaded, handed, strict=True)
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
            source=secret_sources.Chain([secret_sources.Given(handed[index])]),
            renew_secrets=renew_secrets,
            replace=replace(index),
            tell=tell,
            wait_ready_s=wait_ready_s,
        )
        return {**result._asdict(), "ready": bool(result.ready)}

    _show(fleet, work, at_once)
    if as_json:
        print(json.dumps([vars(board) for board in fleet.boards], indent=2, ensure_ascii=False))
    _tell(fleet, path)
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


def _secrets(rows: list[Row], loaded: list[dict[str, Any]], words: tuple[str, ...]) -> list[dict[str, bytes]]:
    """What each board is handed, asked for before the first is begun: nobody is asked in the middle of it.

    What a person is asked for once is for all boards of the same sender, but for its sign-in: a board has one
    of its own. What no source gives may be on the board already.
    """
    known: dict[tuple[str, str], bytes] = {}
    read: dict[str, secret_sources.Source] = {}
    handed = []
    for row, settings in zip(rows, loaded, strict=True):
        chain = secret_sources.chosen(
            words, settings, row.settings.parent, has_terminal() and bool(words), read
        )
        own: dict[str, bytes] = {}
        for name in settings_file.secrets_needed(settings):
            key = (settings_file.route_of(settings, name)["from"], name)
            value = (None if name == "oauth.refresh" else known.get(key)) or chain.get(name)
            if value:
                own[name] = value
                if chain.slow:
                    known[key] = value
        try:
            secret_sources.check(own)
        except HostError as error:
            raise UsageError(f"{row.name}: {error}") from None
        handed.append(own)
    return handed


def _digest(settings: Mapping[str, Any], secrets: Mapping[str, bytes]) -> str:
    """Of all that a board is to get; of its secrets the names alone, for the report lies beside the CSV."""
    told = [mailmote.__version__, settings_file.compact(settings).decode(), sorted(secrets)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _show(fleet: Fleet, work: Work, at_once: int) -> None:
    console = Console(stderr=True)
    if not console.is_terminal:
        told: dict[str, str] = {}
        for _ in fleet.run(work, at_once):
            _log(fleet, told)
        _log(fleet, told)
        return
    with Live(_table(fleet), console=console, refresh_per_second=8) as live:
        for _ in fleet.run(work, at_once):
            live.update(_table(fleet))
        live.update(_table(fleet))


def _log(fleet: Fleet, told: dict[str, str]) -> None:
    """One line for each board that has come to an end."""
    for board in fleet.boards:
        if board.state in (DONE, FAILED, STOPPED) and told.get(board.port) != board.state:
            told[board.port] = board.state
            print(f"{board.name} ({board.port}): {board.state}. {board.error}".rstrip(), file=sys.stderr)


def _table(fleet: Fleet) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("Board", "Port", "", ""):
        table.add_column(heading)
    for board in fleet.boards:
        step = f"{board.share:4.0%} {board.step}" if board.state == WORKING else board.error
        style = _STYLES[board.state]
        table.add_row(Text(board.name), Text(board.port), Text(board.state, style=style), Text(step))
    return table


def _tell(fleet: Fleet, path: Path) -> None:
    good = len(fleet.boards) - fleet.failed
    say(f"{good} of {len(fleet.boards)} boards are done.")
    if fleet.failed:
        say(f"To go on with the others: mailmote provision {path}")
