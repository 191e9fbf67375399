"""The boards that mailmote knows: one TOML file each, in the folder `boards`.

The files' names are the boards' names. `board_file` has their schema.
"""

from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .. import carried
from ..errors import UsageError

# Why a pin is better left alone, as the files have it.
WHYS = {
    "strapping": "read at reset: it decides how the chip boots",
    "flash": "wired to the flash",
    "psram": "wired to the PSRAM",
    "usb": "USB",
    "serial": "the serial console",
    "led": "the LED",
    "battery": "the divider of the battery",
    "board": "wired to something on the board",
}


@dataclass(frozen=True)
class Image:
    """MicroPython's name for the image, and where in the flash it begins."""

    board: str
    variant: str
    offset: int

    @property
    def id(self) -> str:
        """As in the names of its files: ESP32_GENERIC-SPIRAM."""
        return f"{self.board}-{self.variant}" if self.variant else self.board


@dataclass(frozen=True)
class Avoided:
    """Pins to leave alone; `why` is a key of WHYS."""

    pins: tuple[int, ...]
    why: str
    note: str = ""

    @property
    def words(self) -> str:
        return f"{WHYS[self.why]}; {self.note}" if self.note else WHYS[self.why]


@dataclass(frozen=True)
class Pins:
    """`adc` can be read while Wi-Fi is on; `adc` and `input_only` are some of `use`; `i2c` is (SDA, SCL)."""

    use: tuple[int, ...]
    adc: tuple[int, ...]
    input_only: tuple[int, ...]
    i2c: tuple[int, int] | None
    avoid: tuple[Avoided, ...]


@dataclass(frozen=True)
class Led:
    pin: int
    kind: str
    note: str = ""


@dataclass(frozen=True)
class Battery:
    """The battery's voltage is `ratio` times that of the pin."""

    pin: int
    ratio: float
    note: str = ""


@dataclass(frozen=True)
class Board:
    """`flash_mb` is the least that it is sold with; `usb` is bridge, native or both; ids as 10C4:EA60."""

    name: str
    title: str
    chip: str
    sources: tuple[str, ...]
    notes: tuple[str, ...]
    image: Image
    flash_mb: int
    psram_mb: int
    psram_bus: str
    usb: str
    usb_ids: tuple[str, ...]
    pins: Pins
    led: Led | None
    battery: Battery | None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "image": {**asdict(self.image), "id": self.image.id}}


def known() -> tuple[Board, ...]:
    """All boards, those of Espressif first. Raises HostError for a file that breaks the schema."""
    return _read(carried.boards())


def named(name: str) -> Board:
    """A board by its name or by that of its image. Raises UsageError."""
    wanted = name.lower()
    boards = known()
    for board in boards:
        if board.name == wanted:
            return board
    alike = [board for board in boards if board.image.id.lower() == wanted]
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise UsageError(f"Several boards run {name}: {_names(alike)}. Give the name of one of them.")
    raise UsageError(
        f"There is no board {name}. There are: {_names(boards)}. `mailmote boards` tells of each."
    )


def with_chip(chip: str) -> tuple[Board, ...]:
    """The boards with a chip, as in esp32c3."""
    return tuple(board for board in known() if board.chip == chip)


@cache
def _read(folder: Path) -> tuple[Board, ...]:
    from . import board_file

    boards = (board_file.load(path) for path in folder.glob("*.toml"))
    return tuple(sorted(boards, key=lambda board: (not board.name.startswith("esp32-"), board.name)))


def _names(boards: tuple[Board, ...] | list[Board]) -> str:
    return ", ".join(board.name for board in boards)
