"""`mailmote demo --board`: a bare board is flashed, provisioned, and mails.

Board and tenant alone are not real. What is done is what `mailmote flash` and `mailmote provision` do, with
the real esptool and mpremote, over RFC 2217. The image is a stand-in: MicroPython's own is for real chips.
"""

import json
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from ..board import boards, flash, provisioning, secret_sources
from ..board.commands.steps import Steps
from ..board.image_store import Store
from ..tenant.record import Message
from ..tenant.service import serve
from ..virtual import interpreter, micropython_image
from ..virtual.serial_board import SerialBoard
from .judge import EXPECTED, judge, parsed
from .recording import recording
from .ways import WAYS, secrets_for, settings_for, tenant_for

_WAY = WAYS[0]  # client submission, with OAuth 2.0
_CHIP, _BOARD = "esp32", "esp32-devkitc"
_IMAGE = "ESP32_GENERIC-20250415-v1.25.0.bin"
_IMAGE_PADDING_BYTES = 256 << 10  # a real one has 1.7 MB, which takes a minute
_MAILS_WITHIN_S = 120


def run(keep: Path | None, as_json: bool) -> int:
    """0 if the board delivered its mails, once and as expected; else 1. Raises HostError."""
    console = Console(stderr=as_json, highlight=False)
    interpreter.find(lambda text: print(text, file=sys.stderr, flush=True))
    with tempfile.TemporaryDirectory(prefix="mailmote-demo-") as temporary:
        folder = (keep or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        with _chapter(console, "all of it"):
            told, messages = _play(folder, console)
    problems = judge(_WAY, messages)
    if as_json:
        json.dump(
            told | {"mails": [str(parsed(one)["Subject"]) for one in messages], "problems": problems},
            sys.stdout,
        )
        print()
    elif messages:
        console.rule(f"as {messages[0].recipients[0]} received it")
        console.print(messages[0].data.decode("utf-8", "replace").replace("\r\n", "\n"), markup=False)
        console.rule()
    for problem in problems:
        console.print(problem, style="bold red", markup=False)
    console.print(
        f"{len(messages)} of {len(EXPECTED)} mails{', not as expected' if problems else ''}.", style="bold"
    )
    return 1 if problems else 0


def _play(folder: Path, console: Console) -> tuple[dict, list[Message]]:
    """What was done to the board, and what its tenant received."""
    password = secrets.token_urlsafe(18)
    with serve(tenant_for(_WAY, password)) as service, SerialBoard(folder, transport="rfc2217") as board:
        ca = folder / "ca.pem"
        ca.write_text(service.ca_pem, encoding="ascii")
        (folder / "recording.csv").write_bytes(recording())
        image = folder / _IMAGE
        image.write_bytes(micropython_image.build(_CHIP, size_of_padding_bytes=_IMAGE_PADDING_BYTES))
        settings = settings_for(_WAY, folder, service, ca.name)
        board.start()
        console.print(f"A bare {_CHIP} on {board.port}. It says: {board.said.decode().split()[-1]}")
        with _chapter(console, "esptool flashes it"), Steps() as steps:
            flashed = flash.put(
                board.port, boards.named(_BOARD), image, steps.tell, store=Store(folder / "images")
            )
        with _chapter(console, "a person signs in, with a code"):
            handed = secrets_for(_WAY, settings, password, ca)
        handed["wifi.password"] = secrets.token_urlsafe(12).encode()
        with _chapter(console, "it is provisioned, over its serial port"), Steps() as steps:
            result = provisioning.provision(
                board.port,
                settings,
                folder,
                source=secret_sources.Chain([secret_sources.Given(handed)]),
                tell=steps.tell,
            )
        console.print(f"{len(result.copied)} files, {result.bytes} bytes. {result.ready}")
        with _chapter(console, "two months of readings become alert mail"):
            messages = list(service.wait_for(len(EXPECTED), _MAILS_WITHIN_S))
        for number, message in enumerate(messages, 1):
            (folder / f"{number}.eml").write_bytes(message.data)
    told = {"micropython": flashed.version, "copied": len(result.copied), "bytes": result.bytes}
    return told, messages


@contextmanager
def _chapter(console: Console, title: str) -> Iterator[None]:
    begun_s = time.monotonic()
    yield
    console.print(f"[green]✓[/] {title} ({time.monotonic() - begun_s:.1f} s)")
