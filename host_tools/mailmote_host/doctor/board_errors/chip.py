"""Errors of the chip's own software, ESP-IDF, by name or negative number; and a heap that is too small.

Sources: esp_err.h, nvs.h and "Error Codes Reference" of ESP-IDF 5; "MicroPython on microcontrollers",
docs.micropython.org.
"""

import re
from collections.abc import Iterator

from ..explanations.form import LongForm
from .form import Fault, Found

_LINKS = ("https://docs.espressif.com/projects/esp-idf/en/stable/esp32/api-reference/error-codes.html",)

# Name, number, cause, fix.
_ROWS = (
    (
        "ESP_ERR_NO_MEM",
        0x101,
        "The chip's own software has too little memory, which it does not share with Python.",
        "Restart the board; use fewer connections, or a board with SPIRAM.",
    ),
    (
        "ESP_ERR_INVALID_ARG",
        0x102,
        "A part of the chip was given a value that it does not take, as a wrong pin.",
        "Check the pin in mote.toml against the pins of the board: mailmote boards.",
    ),
    (
        "ESP_ERR_INVALID_STATE",
        0x103,
        "A part of the chip was used before it was set up, or twice.",
        "Restart the board; give each sensor a pin of its own.",
    ),
    (
        "ESP_ERR_INVALID_SIZE",
        0x104,
        "A size is wrong, as that of a file system or a partition.",
        "Erase the flash and flash MicroPython again: mailmote flash.",
    ),
    (
        "ESP_ERR_NOT_FOUND",
        0x105,
        "Something is missing, as a partition or a free channel of the chip.",
        "Erase the flash and flash the image that is made for the board: mailmote flash.",
    ),
    (
        "ESP_ERR_NOT_SUPPORTED",
        0x106,
        "This chip does not have that.",
        "Use another pin, or a board that has it.",
    ),
    (
        "ESP_ERR_TIMEOUT",
        0x107,
        "A part of the chip, or what is connected to it, did not answer in time.",
        "Check the sensor's power and wires.",
    ),
    ("ESP_ERR_INVALID_CRC", 0x109, "Data came with a wrong checksum.", "Check the wires, or flash again."),
    (
        "ESP_ERR_NVS_NOT_FOUND",
        0x1102,
        "The board's store has no value of that name, such as a secret.",
        "Provision it again: mailmote provision.",
    ),
    (
        "ESP_ERR_NVS_NOT_ENOUGH_SPACE",
        0x1105,
        "The board's store for secrets is full.",
        "Forget secrets that are not used: mailmote secrets list; or erase the flash and begin anew.",
    ),
)

_MEMORY = Fault(
    "memory-error",
    "MemoryError",
    "MicroPython found no piece of memory of that size: the heap is full, or in pieces.",
    "Use fewer sensors and alarms, or a board with SPIRAM; a restart puts the pieces together.",
    LongForm(
        "Python's memory on an ESP32 is about 100 to 150 kB, and what is free may lie in many small "
        "pieces. mailmote keeps its alerts in the flash, so none is lost.",
        (
            "See how much is free: mailmote status.",
            "Provision the compiled firmware, which needs less memory: mailmote provision.",
            "In a program of your own, import first, and call gc.collect() before TLS.",
        ),
        (),
        ("https://docs.micropython.org/en/latest/reference/constrained.html",),
    ),
)


_BY_NAME = {
    name: Fault(
        name.lower().replace("_", "-"),
        f"{name}, 0x{number:x} = {number}",
        cause,
        fix,
        LongForm("ESP-IDF, on which MicroPython runs, tells its errors by these names.", (), (), _LINKS),
    )
    for name, number, cause, fix in _ROWS
}
_BY_NUMBER = {row[1]: _BY_NAME[row[0]] for row in _ROWS}
FAULTS = (_MEMORY, *_BY_NAME.values())

_NUMBER = re.compile(r"(?:\[Errno |\bOSError:? \(?)-(\d{3,4})\b")
_NAME = re.compile(r"\bESP_ERR_[A-Z_]+\b")
_NO_HEAP = re.compile(r"\bMemoryError\b|\bmemory allocation failed\b")


def find(text: str) -> Iterator[Found]:
    """Each error of ESP-IDF that the table has, and each lack of memory."""
    for match in _NUMBER.finditer(text):
        if int(match[1]) in _BY_NUMBER:
            yield Found(match.start(), _BY_NUMBER[int(match[1])])
    for match in _NAME.finditer(text):
        if match[0] in _BY_NAME:
            yield Found(match.start(), _BY_NAME[match[0]])
    for match in _NO_HEAP.finditer(text):
        yield Found(match.start(), _MEMORY)
