"""The schema of boards/*.toml. All that is wrong with a file is told at once, by the path of each key."""

import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ..errors import HostError
from .boards import WHYS, Avoided, Battery, Board, Image, Led, Pins
from .image_header import BOOTLOADER_OFFSETS

MAX_FILE_BYTES = 16 * 1024  # a board with every pin and a page of notes takes a quarter of it

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_IMAGE_NAME = re.compile(r"[A-Za-z0-9_]+")
_USB_ID = re.compile(r"[0-9A-F]{4}:[0-9A-F]{4}")
_FLASH_MB = (2, 4, 8, 16, 32)
_PSRAM_MB = (2, 4, 8, 16, 32)
# Chip: (its pins, those of ADC1, the converter that works beside Wi-Fi). Source: ESP-IDF Programming Guide,
# "GPIO & RTC GPIO", GPIO Summary, of each chip.
_CHIP_PINS = {
    "esp32": ({*range(24), 25, 26, 27, *range(32, 40)}, range(32, 40)),
    "esp32s2": ({*range(22), *range(26, 47)}, range(1, 11)),
    "esp32s3": ({*range(22), *range(26, 49)}, range(1, 11)),
    "esp32c3": ({*range(22)}, range(5)),
    "esp32c6": ({*range(31)}, range(7)),
}


class BoardFileError(HostError):
    """A file breaks the schema."""


def load(path: Path) -> Board:
    """Read and check a file. Raises BoardFileError, with a line for each thing that is wrong."""
    problems: list[str] = []
    board = None
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            problems.append(f"is larger than {MAX_FILE_BYTES // 1024} KiB. Shorten its notes")
        else:
            board = _board(path.stem, _Table("", tomllib.loads(data.decode("utf-8")), problems))
    except OSError as error:
        problems.append(f"cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        problems.append("is not in UTF-8. Save it in UTF-8")
    except tomllib.TOMLDecodeError as error:
        problems.append(f"is no TOML: {error}")
    if board is None or problems:
        raise BoardFileError("\n".join(f"boards/{path.name}: {problem}." for problem in problems))
    return board


class _Table:
    """A table of the file. What is wrong goes into `problems`, and a value that fits the type is returned."""

    def __init__(self, path: str, values: Mapping[str, Any], problems: list[str]):
        self._path = path
        self._values = values
        self._seen: set[str] = set()
        self._problems = problems

    def problem(self, key: str, text: str) -> None:
        path = f"{self._path}.{key}" if self._path and key else self._path or key
        self._problems.append(f"{path}: {text}" if path else text)

    def has(self, key: str) -> bool:
        return key in self._values

    def text(self, key: str, form: re.Pattern[str] | None = None, default: str | None = None) -> str:
        value = self._take(key, str, "a text in quotes", default)
        if not value:
            if default is None and self.has(key):
                self.problem(key, "is empty. Give it a text, or leave the table out")
            return ""
        if form and not form.fullmatch(value):
            self.problem(key, f"{value!r} has not the form of {form.pattern}. Write it so")
        return value

    def choice(self, key: str, choices: Collection[str]) -> str:
        value = self._take(key, str, "a text in quotes")
        if value is not None and value not in choices:
            self.problem(key, f"{value!r} is not known. Choose one of {', '.join(choices)}")
        return value or ""

    def whole(self, key: str, allowed: Collection[int], default: int | None = None) -> int:
        value = self._take(key, int, "a whole number", default)
        if value is None:
            return 0
        if value != default and value not in allowed:
            known = ", ".join(map(str, sorted(allowed)))
            self.problem(key, f"{value} cannot be. Choose one of {known}")
        return value

    def number(self, key: str, least: float, most: float) -> float:
        value = self._take(key, (int, float), "a number")
        if value is not None and not least <= value <= most:
            self.problem(key, f"{value} is not between {least:g} and {most:g}. Correct it")
        return float(value or 0)

    def texts(self, key: str, form: re.Pattern[str] | None = None, required: bool = True) -> tuple[str, ...]:
        values = self._list(key, str, "texts in quotes", required)
        for value in values:
            if form and not form.fullmatch(value):
                self.problem(key, f"{value!r} has not the form of {form.pattern}. Write it so")
        return values

    def pins(self, key: str, allowed: Collection[int], of: str, required: bool = True) -> tuple[int, ...]:
        values = self._list(key, int, "numbers of pins", required)
        for value in values:
            if value not in allowed:
                self.problem(key, f"{value} is no pin {of}. Remove it")
        if len(set(values)) != len(values):
            self.problem(key, "has a pin twice. Remove one of them")
        return values

    def table(self, key: str, required: bool = True) -> "_Table | None":
        self._seen.add(key)
        value = self._values.get(key)
        if value is None and not required:
            return None
        if not isinstance(value, Mapping):
            self.problem(key, f"is {'no table' if self.has(key) else 'missing'}. Write it as [{key}]")
            value = None
        return None if value is None else _Table(self._join(key), value, self._problems)

    def tables(self, key: str) -> list["_Table"]:
        values = self._list(key, dict, "tables", required=False)
        return [_Table(f"{self._join(key)}[{at}]", value, self._problems) for at, value in enumerate(values)]

    def end(self) -> None:
        """Whatever was not asked for has no meaning here."""
        for key in self._values:
            if key not in self._seen:
                self.problem(
                    key, f"is not known here. Remove it, or choose one of {', '.join(sorted(self._seen))}"
                )

    def _join(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def _take(self, key: str, kind: Any, words: str, default: Any = None) -> Any:
        self._seen.add(key)
        if not self.has(key):
            if default is None:
                self.problem(key, f"is missing. Give it {words}")
            return default
        value = self._values[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            self.problem(key, f"is no {words.removeprefix('a ')}. Give it {words}")
            return default
        return value

    def _list(self, key: str, kind: type, words: str, required: bool) -> tuple[Any, ...]:
        self._seen.add(key)
        values = self._values.get(key, [])
        if not isinstance(values, list) or any(
            not isinstance(value, kind) or isinstance(value, bool) for value in values
        ):
            self.problem(key, f"is no list of {words}. Give it one")
            return ()
        if required and not values:
            self.problem(key, f"is missing or empty. Give it a list of {words}")
        return tuple(values)


def _board(name: str, top: _Table) -> Board:
    if not _NAME.fullmatch(name):
        top.problem("", f"the name {name!r} has not the form of esp32-c3. Rename the file")
    title = top.text("name")
    chip = top.choice("chip", _CHIP_PINS)
    psram_mb, psram_bus, flash_mb = 0, "", 0
    if memory := top.table("memory"):
        flash_mb = memory.whole("flash_mb", _FLASH_MB)
        psram_mb = memory.whole("psram_mb", _PSRAM_MB, default=0)
        psram_bus = memory.choice("psram_bus", ("quad", "octal")) if psram_mb else ""
        memory.end()
    usb, usb_ids = "", ()
    if port := top.table("usb"):
        usb, usb_ids = port.choice("kind", ("bridge", "native", "both")), port.texts("ids", _USB_ID)
        port.end()
    board = Board(
        name=name,
        title=title,
        chip=chip,
        sources=top.texts("sources", re.compile(r"https://\S+")),
        notes=top.texts("notes", required=False),
        image=_image(top, chip),
        flash_mb=flash_mb,
        psram_mb=psram_mb,
        psram_bus=psram_bus,
        usb=usb,
        usb_ids=usb_ids,
        pins=_pins(top, chip),
        led=_led(top, chip),
        battery=_battery(top, chip),
    )
    top.end()
    return board


def _image(top: _Table, chip: str) -> Image:
    table = top.table("image")
    if table is None:
        return Image("", "", 0)
    begins = BOOTLOADER_OFFSETS.get(chip, 0)
    offset = table.whole("offset", range(1 << 16))
    if table.has("offset") and offset != begins and chip in _CHIP_PINS:
        table.problem("offset", f"an {chip} begins to read at 0x{begins:x}, not at 0x{offset:x}. Write that")
    image = Image(table.text("board", _IMAGE_NAME), table.text("variant", _IMAGE_NAME, default=""), offset)
    table.end()
    return image


def _pins(top: _Table, chip: str) -> Pins:
    table = top.table("pins")
    if table is None:
        return Pins((), (), (), None, ())
    all_pins, adc1 = _CHIP_PINS.get(chip, (range(64), range(64)))
    use = table.pins("use", all_pins, f"of an {chip}")
    adc = table.pins("adc", set(use) & set(adc1), f"of ADC1 that is in pins.use of an {chip}", required=False)
    input_only = table.pins("input_only", use, "that is in pins.use", required=False)
    i2c = None
    if bus := table.table("i2c", required=False):
        i2c = (bus.whole("sda", use), bus.whole("scl", use))
        bus.end()
    avoid = []
    for entry in table.tables("avoid"):
        free = set(all_pins) - set(use)
        pins = entry.pins("pins", free, f"of an {chip}, or it is in pins.use too")
        avoid.append(Avoided(pins, entry.choice("why", WHYS), entry.text("note", default="")))
        entry.end()
    table.end()
    return Pins(use, adc, input_only, i2c, tuple(avoid))


def _led(top: _Table, chip: str) -> Led | None:
    table = top.table("led", required=False)
    if table is None:
        return None
    kinds = ("plain", "plain-low", "neopixel", "dotstar")
    led = Led(_pin(table, chip), table.choice("kind", kinds), table.text("note", default=""))
    table.end()
    return led


def _battery(top: _Table, chip: str) -> Battery | None:
    table = top.table("battery", required=False)
    if table is None:
        return None
    battery = Battery(_pin(table, chip), table.number("ratio", 1, 20), table.text("note", default=""))
    table.end()
    return battery


def _pin(table: _Table, chip: str) -> int:
    return table.whole("pin", _CHIP_PINS.get(chip, (range(64), ()))[0])
