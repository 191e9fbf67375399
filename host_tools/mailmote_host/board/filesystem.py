"""The filesystem of a board that was just flashed.

MicroPython would make it at its first start: where the power goes while its first block is being written,
every later start finds a block that is neither empty nor a filesystem's, says that the filesystem appears to
be corrupted, and goes no further (ports/esp32/modules/inisetup.py). So it comes with the image instead.
"""

from ..virtual.image import BLOCK_BYTES, format_flash

_SUPERBLOCKS = 2  # all that an empty one consists of


def empty(size_bytes: int) -> bytes:
    """How an empty filesystem of this size begins; the rest of it may hold anything."""
    flash = bytearray(b"\xff" * size_bytes)
    format_flash(flash, 0, {})
    return bytes(flash[: _SUPERBLOCKS * BLOCK_BYTES])
