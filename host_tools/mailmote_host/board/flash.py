"""Put MicroPython on a board, by esptool: which chip it has, which boards have that, writing and verifying.

Theory of operation. With modem lines (USB, RFC 2217) esptool resets the chip into its loader and out of it.
Without them (a pseudo-terminal, a bare UART) a person presses the buttons, once: the loader then stays
between the two runs of esptool, at the one speed that both begin with.
"""

import contextlib
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import HostError, UsageError
from . import boards, esptool_process, filesystem, images, monitoring, ports, returning
from .boards import Board
from .esptool_process import Tell, Way
from .esptool_trouble import HOW_TO_LOAD, EsptoolError
from .image_header import ImageError, MicroPythonImage
from .image_store import Store
from .ports import PortError

Say = Callable[[str], None]

_SPEEDS = (460800, 115200)
_PATIENCE_ATTEMPTS = 60  # about a minute for a person to find the buttons
_VERIFIED = "Hash of data verified."
_CHIP = re.compile(r"^Connected to (ESP32[\w-]*) on ", re.MULTILINE)
_MODEL = re.compile(r"^Chip type: +(\S.*)$", re.MULTILINE)
_MAC = re.compile(r"^MAC: +([0-9a-f:]{17,23})$", re.MULTILINE)
_FLASH = re.compile(r"^Detected flash size: (\d+)(KB|MB)$", re.MULTILINE)


class Chip(NamedTuple):
    """`name` is as in the files of boards, esp32c3; `model` as esptool tells it."""

    name: str
    model: str
    mac: str
    flash_bytes: int | None
    has_lines: bool

    @property
    def is_virtual(self) -> bool:
        """Its address is locally administered (IEEE 802): Espressif makes none such."""
        return bool(self.mac) and bool(int(self.mac[:2], 16) & 2)

    def __str__(self) -> str:
        size = f", {self.flash_bytes >> 20} MB flash" if self.flash_bytes else ""
        return f"{self.model or self.name}{size}"


def nothing(step: str, share: float) -> None:
    """Tells nobody."""


def has_lines(port: str) -> bool:
    """Whether a program can reset the board on a port. Raises PortError."""
    with ports.open_serial(port) as opened:
        return opened.set_lines(dtr=True, rts=True)


def detect(port: str, tell: Tell = nothing, say: Say = lambda text: None) -> Chip:
    """The chip on a port. With modem lines the board starts anew; without, it stays in its loader.

    Raises EsptoolError, PortError.
    """
    lines, place = has_lines(port), returning.Place(port)
    if lines:
        ways = [Way(), Way(stub=False)]
    else:
        say(f"The port {port} cannot reset the board. On the board: {HOW_TO_LOAD}. It is waited for.")
        ways = [Way(before="no-reset", after="no-reset-stub", connect_attempts=_PATIENCE_ATTEMPTS)]
    try:
        output = _tried(port, ways, ["flash-id"], tell, say)
    except BaseException:
        if lines:
            _start(port)
        raise
    if lines:
        place.after_reset()
    return _chip(port, output, lines)


def plausible(chip: Chip, port: str = "") -> tuple[Board, ...]:
    """The boards that it can be, by the chip, its flash, and the id of a port that only one kind has."""
    found = tuple(
        board
        for board in boards.with_chip(chip.name)
        if chip.flash_bytes is None or board.flash_mb << 20 <= chip.flash_bytes
    )
    by_id = [board for board in found if port and _has_own_id(board, port)]
    return (by_id[0],) if len(by_id) == 1 else found


def the_board(chip: Chip, name: str | None, port: str = "") -> Board:
    """The board that is meant, or the only plausible one. Raises UsageError, which lists what it can be."""
    if name:
        board = boards.named(name)
        if board.chip != chip.name:
            raise UsageError(
                f"{board.name} has an {board.chip}, and the chip that is connected is an {chip.name}. Give "
                f"one of these with --board: {_names(boards.with_chip(chip.name)) or 'none is known yet'}."
            )
        return board
    candidates = plausible(chip, port)
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise UsageError(
            f"Several boards have this chip ({chip}). Say which it is, with --board: {_names(candidates)}. "
            "`mailmote boards` tells of each."
        )
    raise UsageError(
        f"mailmote knows no board with this chip ({chip}). Give one that is like it with --board, and "
        "an image for it with --image FILE: `mailmote boards` lists them."
    )


def checked(chip: Chip, image: Path, store: Store) -> MicroPythonImage:
    """An image, held against itself, its pin, the chip and the flash. Raises HostError."""
    held = images.verified(image, chip.name, store, chip.flash_bytes)
    if held.stands_in and not chip.is_virtual:
        raise ImageError(
            f"{image.name} only stands in for MicroPython, on virtual boards: a real one would reset without "
            "end. Nothing was written. Leave --image out, or name the image of MicroPython."
        )
    return held


def put(
    port: str,
    board: Board,
    image: Path,
    tell: Tell = nothing,
    say: Say = lambda text: None,
    *,
    erase: bool = True,
    chip: Chip | None = None,
    store: Store | None = None,
) -> MicroPythonImage:
    """Check an image, write it, verify it, and start the board. `chip` is what `detect` found.

    What does not work at one speed is tried at a lower one, and at last without esptool's own loader. Raises
    HostError; before anything is written where the image is not right.
    """
    chip = chip or detect(port, tell, say)
    the_board(chip, board.name)
    place = returning.Place(port)
    held = checked(chip, image, store or Store())
    with tempfile.TemporaryDirectory() as folder:
        written = [f"0x{board.image.offset:x}", str(image)]
        if erase:
            written += _empty_filesystem(held, Path(folder) / "filesystem.bin")
        try:
            output = _write(port, chip, written, erase, tell, say)
        except KeyboardInterrupt:
            say("The flash may be half written: run `mailmote flash` again before the board is used.")
            raise
    if _VERIFIED not in output:
        raise EsptoolError(
            f"esptool did not say that it verified what it wrote on {port}. Try again.", "verify"
        )
    if chip.has_lines:
        place.after_reset()
    else:
        say("MicroPython is on the board. Press its reset button (EN, RST): this port cannot.")
    return held


def _write(
    port: str,
    chip: Chip,
    written: list[str],
    erase: bool,
    tell: Tell,
    say: Say,
) -> str:
    erased = ["--erase-all"] if erase else []
    with_stub = ["write-flash", *erased, *written]
    if not chip.has_lines:
        ways = [Way(before="no-reset-no-sync", after="no-reset")]
        return _tried(port, ways, with_stub, tell, say)
    try:
        return _tried(port, [Way(speed) for speed in _SPEEDS], with_stub, tell, say)
    except EsptoolError as error:
        if not error.may_pass:
            raise
        say("It is tried once more, slowly, with the chip's own loader.")
    # That loader erases only what it writes, so the old filesystem ends by the new one in its place.
    return esptool_process.run(port, Way(stub=False), ["write-flash", *written], tell)


def _tried(port: str, ways: Sequence[Way], command: Sequence[str], tell: Tell, say: Say) -> str:
    for way in ways[:-1]:
        try:
            return esptool_process.run(port, way, command, tell)
        except EsptoolError as error:
            if not error.may_pass:
                raise
            say("That did not work. It is tried again, more slowly.")
    return esptool_process.run(port, ways[-1], command, tell)


def _chip(port: str, output: str, lines: bool) -> Chip:
    name = _CHIP.search(output)
    if not name:
        raise HostError(
            f"esptool told no chip on {port}. See that it is version 5: `python -m esptool version`."
        )
    model, mac, size = _MODEL.search(output), _MAC.search(output), _FLASH.search(output)
    flash_bytes = int(size[1]) << (20 if size[2] == "MB" else 10) if size else None
    return Chip(
        name[1].lower().replace("-", ""),
        model[1].strip() if model else "",
        mac[1] if mac else "",
        flash_bytes,
        lines,
    )


def _empty_filesystem(image: MicroPythonImage, path: Path) -> list[str]:
    """What esptool is to write besides an image whose table has a place for files; `path` is made."""
    found = next((partition for partition in image.partitions if partition.label == "vfs"), None)
    if found is None:
        return []
    path.write_bytes(filesystem.empty(found.size_bytes))
    return [f"0x{found.offset:x}", str(path)]


def _has_own_id(board: Board, port: str) -> bool:
    """Whether the port has an id that no other board is known to have."""
    usb_id = next((found.usb_id for found in ports.listed() if found.device == port), "")
    return usb_id in board.usb_ids and sum(usb_id in other.usb_ids for other in boards.known()) == 1


def _names(found: Sequence[Board]) -> str:
    return ", ".join(board.name for board in found)


def _start(port: str) -> None:
    """Start a board that esptool, cut short, may have left in its loader."""
    with contextlib.suppress(PortError), ports.open_serial(port) as opened:
        monitoring.press_reset(opened)
