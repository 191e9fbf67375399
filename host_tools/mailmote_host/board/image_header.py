"""What lies in a file for the flash of an ESP chip: one image, or MicroPython's with all that it boots from.

The file that MicroPython publishes for a board begins where its chip begins to read: bootloader, partition
table at 0x8000 of the flash, app at 0x10000. Sources: Espressif's esptool, "Firmware Image Format"; ESP-IDF,
"Partition Tables" and "App Image Format"; MicroPython's ports/esp32/makeimg.py.
"""

import hashlib
import re
import struct
from typing import NamedTuple

from ..errors import HostError

# By the number in the extended header, which esptool calls IMAGE_CHIP_ID.
CHIPS = {
    0: "esp32",
    2: "esp32s2",
    5: "esp32c3",
    9: "esp32s3",
    12: "esp32c2",
    13: "esp32c6",
    16: "esp32h2",
    18: "esp32p4",
    20: "esp32c61",
    23: "esp32c5",
}
# Where in the flash a chip finds its bootloader, and a file of MicroPython for it begins; elsewhere 0.
STAND_IN = b"a stand-in for a virtual board"  # stands in the file where that is what it is
BOOTLOADER_OFFSETS = {"esp32": 0x1000, "esp32s2": 0x1000, "esp32c5": 0x2000, "esp32p4": 0x2000}
TABLE_OFFSET = 0x8000

_MAGIC = 0xE9
_HEADER = struct.Struct("<BBBBI")  # magic, segments, SPI mode, speed and size, entry
# WP pin, drive of the pins, chip, revisions (one, least, most), reserved, whether a digest follows
_EXTENDED_HEADER = struct.Struct("<B3sHBHH4sB")
_SEGMENT = struct.Struct("<II")  # address, octets
_MAX_SEGMENTS = 16
_CHECKSUM_START = 0xEF
_DIGEST_BYTES = 32
_APP_DESCRIPTOR = struct.Struct("<II8s32s32s")  # magic, secure version, reserved, version, project
_APP_DESCRIPTOR_MAGIC = 0xABCD5432
_VERSION = re.compile(rb"MicroPython (v\d+\.\d+(?:\.\d+)?(?:-[\w.]+)*)")
_DESCRIBED_VERSION = re.compile(r"v\d+\.\d+(?:\.\d+)?(?:-[\w.]+)*")
_GENERIC_BOARD_ID = re.compile(rb"ESP32_GENERIC(?:_[A-Z0-9]{2,3})?(?:-[A-Z0-9_]{3,20})?(?=\x00)")
_PARTITION = struct.Struct("<HBBII16sI")
_PARTITION_MAGIC = 0x50AA
_TABLE_DIGEST_MAGIC = b"\xeb\xeb" + b"\xff" * 14
_MAX_TABLE_BYTES = 0xC00
_APP = 0  # type of a partition

_FETCH_ANEW = "Fetch the image anew."


class ImageError(HostError):
    """It is no image, a damaged one, or one for another chip."""


class ImageHeader(NamedTuple):
    """One image. `size_bytes` is of all of it, digest included; a chip without a name has its number."""

    chip: str
    chip_id: int
    size_bytes: int
    digest_present: bool


class Partition(NamedTuple):
    type: int
    subtype: int
    offset: int
    size_bytes: int
    label: str


class MicroPythonImage(NamedTuple):
    """`version` is such as v1.25.0; `board` such as ESP32_GENERIC_C3; of other boards it is None.

    `stands_in`: there is nothing in it to run, and only virtual boards take it for MicroPython.
    """

    chip: str
    version: str
    board: str | None
    partitions: tuple[Partition, ...]
    size_bytes: int
    stands_in: bool = False


def read(data: bytes, offset: int = 0) -> ImageHeader:
    """The image that begins at `offset`, its checksum and digest verified. Raises ImageError."""
    view = memoryview(data)[offset:]
    if len(view) < _HEADER.size + _EXTENDED_HEADER.size:
        raise ImageError(f"The image ends within its header. {_FETCH_ANEW}")
    magic, segments = _HEADER.unpack_from(view)[:2]
    if magic != _MAGIC:
        raise ImageError(
            f"This is no image for an ESP chip: it begins with 0x{magic:02x}, not 0x{_MAGIC:02x}. Take the "
            "file that ends in .bin from MicroPython's page for the board."
        )
    if not 1 <= segments <= _MAX_SEGMENTS:
        raise ImageError(f"The image is damaged: it cannot have {segments} segments. {_FETCH_ANEW}")
    *_, chip_id, _, _, _, _, has_digest = _EXTENDED_HEADER.unpack_from(view, _HEADER.size)
    position, checksum = _segments(view, segments)
    position = position // 16 * 16 + 15  # the checksum is the last octet of a line of 16
    _expect(view, position + 1)
    if view[position] != checksum:
        raise ImageError(f"The image is damaged: its checksum is wrong. {_FETCH_ANEW}")
    position += 1
    if has_digest:
        _expect(view, position + _DIGEST_BYTES)
        if hashlib.sha256(view[:position]).digest() != view[position : position + _DIGEST_BYTES]:
            raise ImageError(f"The image is damaged: its SHA-256 is wrong. {_FETCH_ANEW}")
        position += _DIGEST_BYTES
    return ImageHeader(CHIPS.get(chip_id, f"chip {chip_id}"), chip_id, position, bool(has_digest))


def _segments(view: memoryview, count: int) -> tuple[int, int]:
    """(where they end, their checksum)"""
    position, checksum = _HEADER.size + _EXTENDED_HEADER.size, _CHECKSUM_START
    for _ in range(count):
        _expect(view, position + _SEGMENT.size)
        _, size = _SEGMENT.unpack_from(view, position)
        position += _SEGMENT.size
        _expect(view, position + size)
        checksum ^= octets_xored(view[position : position + size])
        position += size
    return position, checksum


def _expect(view: memoryview, size: int) -> None:
    if len(view) < size:
        raise ImageError(f"The image is cut off after {len(view)} bytes. {_FETCH_ANEW}")


def octets_xored(data: bytes | memoryview) -> int:
    """All octets in one, by exclusive or; a loop over each would take a second for a large image."""
    value, size = int.from_bytes(data, "little"), len(data)
    while size > 1:
        size = (size + 1) // 2
        value = (value >> size * 8) ^ (value & ((1 << size * 8) - 1))
    return value


def micropython_version(data: bytes) -> str | None:
    """The version that an app tells, such as v1.25.0; None where it is not MicroPython."""
    found = _VERSION.search(data)
    if found:
        return found[1].decode()
    start = _HEADER.size + _EXTENDED_HEADER.size + _SEGMENT.size
    if len(data) < start + _APP_DESCRIPTOR.size:
        return None
    magic, _, _, version, project = _APP_DESCRIPTOR.unpack_from(data, start)
    if magic != _APP_DESCRIPTOR_MAGIC or _text(project) != "micropython":
        return None
    described = _DESCRIBED_VERSION.match(_text(version))
    return described[0] if described else None


def partitions(data: bytes, offset: int = 0) -> tuple[Partition, ...]:
    """The partition table that begins at `offset`, its MD5 verified. Raises ImageError."""
    table = bytes(data[offset : offset + _MAX_TABLE_BYTES])
    found: list[Partition] = []
    for position in range(0, len(table) - _PARTITION.size + 1, _PARTITION.size):
        row = table[position : position + _PARTITION.size]
        if row.startswith(_TABLE_DIGEST_MAGIC):
            if hashlib.md5(table[:position], usedforsecurity=False).digest() != row[16:]:
                raise ImageError(f"The partition table is damaged: its MD5 is wrong. {_FETCH_ANEW}")
            break
        magic, kind, subtype, start, size, label, _ = _PARTITION.unpack(row)
        if magic == 0xFFFF:
            break
        if magic != _PARTITION_MAGIC:
            raise ImageError(
                f"The partition table is damaged: a row begins with 0x{magic:04x}. {_FETCH_ANEW}"
            )
        found.append(Partition(kind, subtype, start, size, _text(label)))
    if not found:
        raise ImageError(f"There is no partition table at 0x{TABLE_OFFSET:x} of the flash. {_FETCH_ANEW}")
    return tuple(found)


def verify_micropython(data: bytes, chip: str) -> MicroPythonImage:
    """A file as MicroPython publishes it for a board with `chip`: all of its parts. Raises ImageError."""
    bootloader = read(data)
    if bootloader.chip != chip:
        raise ImageError(
            f"The image is for an {bootloader.chip}, and the chip is an {chip}. Take the image of a board "
            f"that has an {chip}."
        )
    begins = BOOTLOADER_OFFSETS.get(chip, 0)
    table = partitions(data, TABLE_OFFSET - begins)
    app = app_partition(table)
    if app is None:
        raise ImageError(f"The partition table has no app. {_FETCH_ANEW}")
    position = app.offset - begins
    header = read(data, position)
    if header.chip != chip:
        raise ImageError(f"The app in the image is for an {header.chip}, not for an {chip}. {_FETCH_ANEW}")
    if header.size_bytes > app.size_bytes:
        raise ImageError(f"The app in the image is larger than its partition. {_FETCH_ANEW}")
    code = bytes(memoryview(data)[position : position + header.size_bytes])
    version = micropython_version(code)
    if version is None:
        raise ImageError(
            "The image holds a program that is not MicroPython. Take the file that ends in .bin from "
            "MicroPython's page for the board."
        )
    return MicroPythonImage(chip, version, _board_id(code), table, len(data), STAND_IN in code)


def app_partition(table: tuple[Partition, ...]) -> Partition | None:
    """The first app, which is what a board boots that was never updated over the air."""
    return next((partition for partition in table if partition.type == _APP), None)


def _board_id(code: bytes) -> str | None:
    generic = _GENERIC_BOARD_ID.search(code)
    return generic[0].decode() if generic else None


def _text(field: bytes) -> str:
    return field.partition(b"\x00")[0].decode("ascii", "replace")
