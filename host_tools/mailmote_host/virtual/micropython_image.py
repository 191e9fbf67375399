"""A stand-in for the file that MicroPython publishes for a board: true headers, and nothing in them to run.

For virtual boards only. They boot it as MicroPython, since its bootloader, partition table and app are sound
and tell a version; a real chip would run into the empty code and reset without end.
"""

import hashlib
import random
import struct

from ..board.image_header import BOOTLOADER_OFFSETS, CHIPS, STAND_IN, TABLE_OFFSET, octets_xored

_APP_OFFSET = 0x10000
VFS_OFFSET = 0x200000
_SMALLEST_FLASH_BYTES = 4 << 20
# Of MicroPython's ports/esp32/partitions-4MiB.csv: type, subtype, offset, size, label.
_PARTITIONS = (
    (1, 0x02, 0x9000, 0x6000, b"nvs"),
    (1, 0x01, 0xF000, 0x1000, b"phy_init"),
    (0, 0x00, _APP_OFFSET, 0x1F0000, b"factory"),
)
_VFS = (1, 0x81, VFS_OFFSET)
# Where a chip would put a segment: any address of its memory.
_LOAD_ADDRESS = 0x3FFF0000
_DEFAULT_SIZE_OF_PADDING_BYTES = 16 << 10


def build(
    chip: str,
    version: str = "1.25.0",
    board: str = "ESP32_GENERIC",
    size_of_padding_bytes: int = _DEFAULT_SIZE_OF_PADDING_BYTES,
    flash_bytes: int = _SMALLEST_FLASH_BYTES,
) -> bytes:
    """The file; what it holds beside its headers is `size_of_padding_bytes` that do not compress."""
    begins = BOOTLOADER_OFFSETS.get(chip, 0)
    parts = (
        (begins, _image(chip, b"a stand-in for a bootloader\x00".ljust(64, b"\x00"))),
        (TABLE_OFFSET, _table(flash_bytes)),
        (_APP_OFFSET, _image(chip, _app(version, board, size_of_padding_bytes))),
    )
    file = b""
    for offset, content in parts:
        file = file.ljust(offset - begins, b"\xff") + content
    return file


def _image(chip: str, *segments: bytes) -> bytes:
    chip_id = next(number for number, name in CHIPS.items() if name == chip)
    header = struct.pack("<BBBBI", 0xE9, len(segments), 2, 0x20, 0)  # DIO, 4 MB at 40 MHz
    image = header + struct.pack("<B3sHBHH4sB", 0xEE, b"", chip_id, 0, 0, 0xFFFF, b"", 1)
    checksum = 0xEF
    for segment in segments:
        segment = segment.ljust((len(segment) + 3) // 4 * 4, b"\x00")
        image += struct.pack("<II", _LOAD_ADDRESS, len(segment)) + segment
        checksum ^= octets_xored(segment)
    image = image.ljust(len(image) // 16 * 16 + 15, b"\x00") + bytes((checksum,))
    return image + hashlib.sha256(image).digest()


def _app(version: str, board: str, size_of_padding_bytes: int) -> bytes:
    """ESP-IDF's descriptor of an app, and the texts that a real one has somewhere in it."""
    descriptor = struct.pack(
        "<II8s32s32s16s16s32s32s",
        0xABCD5432,
        0,
        b"",
        f"v{version}".encode(),
        b"micropython",
        b"",
        b"",
        b"",
        b"",
    ).ljust(256, b"\x00")
    texts = f"MicroPython v{version} on 2025-01-01\0{board}\0".encode() + STAND_IN + b"\0"
    noise = random.Random(board + version).randbytes(size_of_padding_bytes)  # noqa: S311 - the same each time
    return descriptor + texts + noise


def _table(flash_bytes: int) -> bytes:
    rows = (*_PARTITIONS, (*_VFS, flash_bytes - VFS_OFFSET, b"vfs"))
    table = b"".join(struct.pack("<HBBII16sI", 0x50AA, *row, 0) for row in rows)
    digest = hashlib.md5(table, usedforsecurity=False).digest()
    return (table + b"\xeb\xeb" + b"\xff" * 14 + digest).ljust(0xC00, b"\xff")
