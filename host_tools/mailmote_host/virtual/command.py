"""`mailmote virtual-board`: a board on this computer, for esptool, mpremote and mailmote to work on."""

import contextlib
import json
import os
import select
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from ..errors import HostError, UsageError
from .rom.chips import CHIPS

if TYPE_CHECKING:
    from .serial_board import SerialBoard

_CHECK_S = 0.5
_KEYS = "r presses reset, b does it with BOOT held, p cuts the power and restores it"

EXAMPLE = """\b
Example:
  mailmote virtual-board --chip esp32c3 --image firmware.bin
  mailmote virtual-board --flashed --transport pty --folder my-board"""


@click.command(epilog=EXAMPLE, context_settings={"show_default": True})
@click.option("--chip", type=click.Choice(list(CHIPS)), default="esp32")
@click.option(
    "--transport", type=click.Choice(["rfc2217", "pty"]), default="rfc2217", help="kind of the port"
)
@click.option(
    "--tcp-port", type=click.IntRange(0, 65535), metavar="PORT", help="for rfc2217; a free one if absent"
)
@click.option("--flash-size", type=click.Choice(["4MB", "8MB", "16MB"]), default="4MB")
@click.option("--flashed", is_flag=True, help="MicroPython is on it already; else its flash is erased")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="keep the board here, and take the one that is there; else it goes with the command",
)
@click.option(
    "--image",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="write a file to flash it with: it stands in for MicroPython's, on virtual boards only",
)
@click.option("--json", "as_json", is_flag=True, help="print the port and what it is as a line of JSON")
def command(
    chip: str,
    transport: str,
    tcp_port: int | None,
    flash_size: str,
    flashed: bool,
    folder: Path | None,
    image: Path | None,
    as_json: bool,
) -> int:
    """Run a board on this computer that esptool and mpremote take for one, until Ctrl-C.

    Its MicroPython is the one of this computer, whatever version the flashed image makes it tell. On a
    terminal a line with r presses its reset button, b does so with BOOT held, p cuts the power and restores
    it.
    """
    if os.name == "nt":
        raise HostError("the virtual board needs Linux or macOS: on Windows run mailmote in WSL.")
    if tcp_port is not None and transport == "pty":
        raise UsageError("--tcp-port is for --transport rfc2217.")
    from . import micropython_image
    from .serial_board import SerialBoard

    flash_mb = int(flash_size.removesuffix("MB"))
    with contextlib.ExitStack() as stack:
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mailmote-board-")))
        stack.enter_context(_alone(place, chip))
        if image is not None:
            _write_image(image, micropython_image.build(chip, flash_bytes=flash_mb << 20))
        stack.enter_context(_stopped())
        board = stack.enter_context(
            SerialBoard(
                place,
                files={} if flashed else None,
                chip=chip,
                transport=transport,
                flash_mb=flash_mb,
                tcp_port=tcp_port or 0,
                kept=folder is not None,
            )
        )
        board.start()
        if as_json:
            facts = {
                "port": board.port,
                "chip": chip,
                "flash_mb": board.flash_mb,
                "folder": str(board.folder),
            }
            print(json.dumps(facts), flush=True)
        else:
            print(_directions(board, chip, image), flush=True)
        _serve(board, sys.stdin if sys.stdin.isatty() else None)
    return 0


def _write_image(path: Path, content: bytes) -> None:
    """Raises UsageError rather than write over anything else."""
    from ..board.image_header import STAND_IN

    if path.exists() and STAND_IN not in path.read_bytes():
        raise UsageError(f"{path} is there already, and is no stand-in of mailmote's. Name a new file.")
    path.write_bytes(content)


@contextlib.contextmanager
def _alone(folder: Path, chip: str):
    """One board at a time in a folder, and the same one. Raises HostError, UsageError."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "chip").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise HostError(f"A virtual board runs in {folder} already. Name another folder.") from None
        file.seek(0)
        if (before := file.read().strip()) not in ("", chip):
            raise UsageError(
                f"The board in {folder} has an {before}, not an {chip}. Name that chip, or another folder."
            )
        file.truncate(0)
        file.write(chip)
        file.flush()
        yield


@contextlib.contextmanager
def _stopped():
    """Ctrl-C, or a request to end, leaves the context."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def _directions(board: "SerialBoard", chip: str, image: Path | None) -> str:
    keys = f" On this terminal {_KEYS}." if sys.stdin.isatty() else ""
    offset = CHIPS[chip].bootloader_offset
    before = "" if board.port.startswith("rfc2217:") else "   (press b before, and r after it)"
    return f"""\
A virtual {chip} with {board.flash_mb} MB of flash is on {board.port}; Ctrl-C ends it.{keys}

  esptool --port {board.port} write-flash 0x{offset:x} {image or "FIRMWARE.bin"}{before}
  mpremote connect {board.port} repl
"""


def _serve(board: "SerialBoard", keyboard: TextIO | None) -> None:
    presses: dict[str, Callable[[], None]] = {
        "r": board.reset,
        "b": board.hold_boot_and_reset,
        "p": lambda: (board.cut_power(), board.start())[0],
    }
    while True:
        ready, _, _ = select.select([keyboard] if keyboard else [], [], [], _CHECK_S)
        board.check()
        if not ready or keyboard is None:
            continue
        line = keyboard.readline()
        if not line:
            keyboard = None
        elif line.strip() in presses:
            presses[line.strip()]()
        elif line.strip():
            print(f"{_KEYS}.", file=sys.stderr)
