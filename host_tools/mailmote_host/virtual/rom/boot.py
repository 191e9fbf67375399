"""From power-on to a program: what ROM and bootloader look at in the flash, and what they print.

A real chip tries again and again where it fails; here it says so once and waits for the next reset. Source:
ESP-IDF, "Application Startup Flow", and the lines that its bootloader and the ROMs print.
"""

from typing import NamedTuple

from ...board import image_header
from ...board.image_header import ImageError
from .chips import Chip
from .loader import Flash

_MAGIC = 0xE9


class Start(NamedTuple):
    """`said` is for the serial port. `version` is MicroPython's where the flash holds a sound one."""

    said: bytes
    version: str | None = None


def download(chip: Chip) -> Start:
    """With IO0 low at the end of the reset."""
    return Start(_lines(f"{chip.banner},{chip.boot_loader}", "waiting for download"))


def from_flash(chip: Chip, flash: Flash) -> Start:
    greeting = f"{chip.banner},{chip.boot_flash}"
    content = flash.read(0, flash.size)
    try:
        bootloader = image_header.read(content, chip.bootloader_offset)
    except ImageError:
        return Start(_lines(greeting, _bootloader_fault(content, chip.bootloader_offset)))
    if bootloader.chip != chip.name:
        return Start(_lines(greeting))  # code for another processor: nothing more comes
    fault, version = _second_stage(content, chip)
    return Start(_lines(greeting, *fault), version)


def _bootloader_fault(content: bytes, offset: int) -> str:
    if content[offset] != _MAGIC:
        return f"invalid header: 0x{int.from_bytes(content[offset : offset + 4], 'little'):08x}"
    return "csum err"


def _second_stage(content: bytes, chip: Chip) -> tuple[list[str], str | None]:
    """(what the bootloader prints, the version of MicroPython or None)"""
    try:
        table = image_header.partitions(content, image_header.TABLE_OFFSET)
    except ImageError:
        return [
            "E (37) boot: Failed to verify partition table",
            "E (41) boot: load partition table error!",
        ], None
    app = image_header.app_partition(table)
    if app is None:
        return ["E (52) boot: No bootable app partitions in the partition table"], None
    try:
        header = image_header.read(content, app.offset)
    except ImageError:
        fault = _app_fault(content, app.offset)
    else:
        if header.chip == chip.name:
            code = content[app.offset : app.offset + header.size_bytes]
            return [], image_header.micropython_version(code)
        fault = f"E (46) boot_comm: mismatch chip ID, expected {chip.image_chip_id}, found {header.chip_id}"
    return [
        fault,
        "E (58) boot: Factory app partition is not bootable",
        "E (64) boot: No bootable app partitions in the partition table",
    ], None


def _app_fault(content: bytes, offset: int) -> str:
    if content[offset : offset + 1] != bytes((_MAGIC,)):
        return f"E (46) esp_image: image at 0x{offset:x} has invalid magic byte (nothing flashed here?)"
    return f"E (46) esp_image: image at 0x{offset:x} is damaged"


def _lines(*lines: str) -> bytes:
    return "".join(line + "\r\n" for line in lines).encode()
