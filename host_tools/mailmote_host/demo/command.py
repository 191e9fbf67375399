"""`mailmote demo`: recorded readings become alert mail through each of the three options, with no hardware.

The firmware's own main.py runs under real MicroPython with littlefs as its root; only the tenant is a fake.
"""

import json
import re
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..board.commands.options import as_json
from ..errors import HostError, UsageError
from ..tenant.record import Message
from ..tenant.service import serve
from ..virtual import interpreter
from ..virtual.board import VirtualBoard
from .judge import EXPECTED, judge, parsed
from .recording import recording
from .ways import WAYS, Way, secrets_for, settings_for, tenant_for

DEFAULT_HEAP = "296K"
BOARD_TIMEOUT_S = 60  # a run takes seconds; a board out of memory would start its tasks again for ever

NOTES = """\
Round trips: how often the board waited for the server, for each of its mails;
the first mail of a connection opens it. OAuth 2.0: a device code is approved,
and the board gets its access tokens itself. Heap: the most in use, on a 64-bit
port; objects are half as large on an ESP32. The tenant listened on free ports
of this computer in place of 587, 25 and 443.
"""

EXAMPLE = """\b
Example:
  mailmote demo --keep out          settings, flash images and mails stay in out/
  mailmote demo --board             from a bare board to its mails"""


@dataclass(frozen=True)
class Outcome:
    """What one run came to."""

    way: Way
    messages: list[Message]
    heap_bytes: int | None
    problems: list[str]


@click.command(epilog=EXAMPLE)
@click.option(
    "--heapsize",
    default=DEFAULT_HEAP,
    show_default=True,
    metavar="SIZE",
    help="the interpreter's heap",
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="keep settings, flash images and mails here",
)
@click.option(
    "--board",
    "on_board",
    is_flag=True,
    help="begin with a bare virtual board, which esptool flashes and which is provisioned over its port",
)
@as_json
def command(heapsize: str, keep: Path | None, on_board: bool, as_json: bool) -> int:
    """Turn recorded readings into alert mail through each of the three options, with no hardware."""
    if on_board:
        from . import on_board as board

        return board.run(keep, as_json)
    return run(heapsize, keep, as_json)


def run(heapsize: str, keep: Path | None, as_json: bool) -> int:
    """0 if each option delivered its four mails, once and as expected; else 1. Raises UsageError."""
    if not re.fullmatch(r"\d+[kKmM]?", heapsize):
        raise UsageError(f"--heapsize {heapsize!r} is no size: write bytes, or as 256K or 1M.")
    console = Console(stderr=as_json)
    interpreter.find(
        lambda text: print(text, file=sys.stderr, flush=True)
    )  # or the fix, before anything is shown
    with tempfile.TemporaryDirectory(prefix="mailmote-demo-") as temporary:
        folder = keep or Path(temporary)
        outcomes = list(_run_all(folder, heapsize, console))
    found = sum(len(outcome.messages) for outcome in outcomes)
    good = all(not outcome.problems for outcome in outcomes)
    if as_json:
        json.dump(_as_json(outcomes), sys.stdout, indent=2)
        print()
    else:
        _show(outcomes, console)
    for outcome in outcomes:
        for problem in outcome.problems:
            console.print(f"{outcome.way.title}: {problem}", style="bold red", markup=False)
    wanted = len(WAYS) * len(EXPECTED)
    console.print(f"{found} of {wanted} mails{'' if good else ', not as expected'}.", style="bold")
    return 0 if good else 1


def _run_all(folder: Path, heapsize: str, console: Console) -> Iterator[Outcome]:
    played = recording()
    columns = (TextColumn("{task.description:<18}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        tasks = [progress.add_task(way.title, total=100, start=False) for way in WAYS]
        for way, task in zip(WAYS, tasks, strict=True):
            progress.start_task(task)
            yield _run(way, folder / way.name, played, heapsize, progress, task)


def _run(way: Way, folder: Path, played: bytes, heapsize: str, progress: Progress, task: TaskID) -> Outcome:
    password = secrets.token_urlsafe(18)
    with serve(tenant_for(way, password)) as service:
        settings = settings_for(way, folder, service)
        ca_pem = folder / "ca.pem"
        ca_pem.write_text(service.ca_pem, encoding="ascii")
        handed = secrets_for(way, settings, password, ca_pem)
        board = VirtualBoard(
            folder,
            settings,
            handed | {"wifi.password": secrets.token_urlsafe(12).encode()},
            {"recording.csv": played, "ca/0.der": service.ca_der},
            heapsize=heapsize,
        )
        with board:
            board.start()
            deadline_s = time.monotonic() + BOARD_TIMEOUT_S
            for line in board.lines(BOARD_TIMEOUT_S):
                if percent := re.search(r"(\d+) % of the recording", line):
                    progress.update(task, completed=int(percent[1]))
                if time.monotonic() > deadline_s:
                    raise HostError(
                        f"the board is not done after {BOARD_TIMEOUT_S} s:\n{board.console[-3000:]}"
                    )
            exit_code = board.wait(BOARD_TIMEOUT_S)
        progress.update(task, completed=100)
        messages = list(service.messages)
    problems = judge(way, messages)
    if exit_code:
        problems.append(
            f"the board stopped with exit code {exit_code}. Its console ended:\n{board.console[-3000:]}"
        )
    heap = re.search(r"Heap in use at most: (\d+) bytes", board.console)
    for number, message in enumerate(messages):
        (folder / f"{number + 1}.eml").write_bytes(message.data)
    return Outcome(way, messages, int(heap[1]) if heap else None, problems)


def _show(outcomes: list[Outcome], console: Console) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for heading in ("Option", "Port", "TLS", "Sign-in", "Mails", "Round trips", "Heap"):
        table.add_column(heading, justify="right" if heading in ("Port", "Heap") else "left")
    for outcome in outcomes:
        way = outcome.way
        table.add_row(
            way.title,
            str(way.port),
            way.tls,
            way.sign_in,
            f"{len(outcome.messages)} of {len(EXPECTED)}",
            ", ".join(str(message.round_trips) for message in outcome.messages),
            f"{outcome.heap_bytes // 1024} kB" if outcome.heap_bytes else "?",
        )
    console.print(table)
    console.print(NOTES, highlight=False)
    for message in outcomes[0].messages[2:3]:
        console.rule(f"as {message.recipients[0]} received it")
        text = message.data.decode("utf-8", "replace").replace("\r\n", "\n")
        console.print(text, markup=False, highlight=False, soft_wrap=True)
        console.rule()


def _as_json(outcomes: list[Outcome]) -> list[dict]:
    return [
        asdict(outcome.way)
        | {
            "mails": [
                {
                    "date": parsed(message)["Date"].datetime.isoformat(),
                    "subject": parsed(message)["Subject"],
                    "message_id": parsed(message)["Message-ID"],
                    "to": list(message.recipients),
                    "tls": message.tls,
                    "round_trips": message.round_trips,
                }
                for message in outcome.messages
            ],
            "heap_bytes": outcome.heap_bytes,
            "problems": outcome.problems,
        }
        for outcome in outcomes
    ]
