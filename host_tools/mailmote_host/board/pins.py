"""Whether the chip has the pins that the settings name, as far as the boards that mailmote knows tell."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from . import boards
from .survey import Facts

_CHIP = re.compile(
    r" with (ESP32\w*)$"
)  # as MicroPython tells its board: Generic ESP32S3 module with ESP32S3
_FLASH = "flash"
_PINS = ("pin", "sda", "scl")


def doubts(settings: Mapping[str, Any], facts: Facts) -> str:
    """What to look at, in words: pins that no board with this chip brings out, or that its flash is wired to.

    No more than that, for there are boards that mailmote does not know. "" where nothing is odd, and for a
    chip that is not known.
    """
    found = _CHIP.search(facts.machine)
    known = boards.with_chip(found[1].lower()) if found else ()
    if not known:
        return ""
    there = {pin for board in known for pin in _all(board)}
    flash = set.intersection(*(_flash(board) for board in known))
    odd = [
        f"{place} is {pin}, {'which its flash is wired to' if pin in flash else 'which no board brings out'}"
        for place, pin in _named(settings)
        if pin not in there or pin in flash
    ]
    if not odd:
        return ""
    return (
        f"The board has an {known[0].chip}, and as far as mailmote knows {'; '.join(odd)}. If that is not "
        "right, take another pin in mote.toml: `mailmote boards` shows which are free."
    )


def _all(board: boards.Board) -> Iterator[int]:
    yield from board.pins.use
    for one in board.pins.avoid:
        yield from one.pins


def _flash(board: boards.Board) -> set[int]:
    return {pin for one in board.pins.avoid if one.why == _FLASH for pin in one.pins}


def _named(settings: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    if "led" in settings["device"]:
        yield "led in [device]", settings["device"]["led"]
    for sensor in settings["sensors"]:
        for key in _PINS:
            if isinstance(pin := sensor["options"].get(key), int):
                yield f"{key} of the sensor {sensor['name']}", pin
