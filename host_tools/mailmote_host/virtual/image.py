"""A littlefs in a file, that MicroPython's VfsLfs2 and the host both read and write."""

import os
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

from littlefs import LittleFS
from littlefs.context import UserContext
from littlefs.errors import LittleFSError
from littlefs.lfs import LFSConfig

BLOCK_BYTES = 4096
BLOCKS = 512  # of a new image: 2 MiB, the filesystem of an ESP32 board with 4 MB of flash

# What MicroPython's VfsLfs2 uses by default, and derives (extmod/vfs_lfs.c). The cache decides up to which
# size, 128 bytes, a file lives in its folder's metadata; a file made here then lies as one made by the board.
_READ_BYTES = _PROGRAM_BYTES = _LOOKAHEAD_BYTES = 32
_CACHE_BYTES = 4 * _READ_BYTES
_BLOCK_CYCLES = 100


class Image:
    """The filesystem of one file, from `offset` to its end. Not to be used while a board runs on it."""

    def __init__(self, path, offset=0):
        self.path = Path(path)
        self._offset = offset

    @classmethod
    def create(cls, path, files: Mapping[str, bytes]):
        """A new image that holds `files` (folders are made as needed), over any that was there.

        Raises OSError, and leaves no new image, where they do not fit.
        """
        image = cls(path)
        flash = bytearray(b"\xff" * (BLOCKS * BLOCK_BYTES))
        format_flash(flash, 0, files)
        image.path.write_bytes(flash)
        return image

    def read(self, name) -> bytes:
        """The content of a file. Raises FileNotFoundError."""
        with _littlefs_errors(name):
            filesystem = _mounted(self._load(), self._offset)
            with filesystem.open(name, "rb") as file:
                return file.read()

    def list(self, folder="/") -> list[str]:
        """The names in a folder, sorted. Raises FileNotFoundError."""
        with _littlefs_errors(folder):
            return sorted(_mounted(self._load(), self._offset).listdir(folder))

    def write(self, name, content: bytes):
        """Write a file; its folders are made as needed.

        Raises OSError, and changes nothing, where it does not fit.
        """
        flash = self._load()
        _write(flash, self._offset, name, content)
        self.path.write_bytes(flash)

    def _load(self):
        return bytearray(self.path.read_bytes())


def format_flash(flash: bytearray, offset: int, files: Mapping[str, bytes]) -> None:
    """Make a new filesystem, from `offset` to the end of a flash, that holds `files`. Raises OSError."""
    _mounted(flash, offset, new=True).unmount()
    for name, content in files.items():
        _write(flash, offset, name, content)


def _write(flash, offset, name, content):
    folder = name.rpartition("/")[0]
    with _littlefs_errors(name):
        filesystem = _mounted(flash, offset)
        if folder.strip("/"):
            filesystem.makedirs(folder, exist_ok=True)
        with filesystem.open(name, "wb") as file:
            file.write(content)
        filesystem.unmount()


def _mounted(flash, offset, new=False):
    filesystem = LittleFS(
        context=_Flash(flash, offset),
        mount=False,
        block_size=BLOCK_BYTES,
        block_count=(len(flash) - offset) // BLOCK_BYTES,
        read_size=_READ_BYTES,
        prog_size=_PROGRAM_BYTES,
        cache_size=_CACHE_BYTES,
        lookahead_size=_LOOKAHEAD_BYTES,
        block_cycles=_BLOCK_CYCLES,
    )
    if new:
        filesystem.format()
    filesystem.mount()
    return filesystem


class _Flash(UserContext):
    """A flash in memory. The library's own writes a log line, formatted, for each 32 bytes."""

    def __init__(self, flash: bytearray, offset: int):
        super().__init__(buffer=flash)
        self._offset = offset

    def read(self, cfg: LFSConfig, block, off, size):
        start = self._offset + block * BLOCK_BYTES + off
        return self.buffer[start : start + size]

    def prog(self, cfg: LFSConfig, block, off, data):
        start = self._offset + block * BLOCK_BYTES + off
        self.buffer[start : start + len(data)] = data
        return 0

    def erase(self, cfg: LFSConfig, block):
        return 0


@contextmanager
def _littlefs_errors(name):
    """littlefs's errors, whose codes are errno's with a minus, as the OSError of that number."""
    try:
        yield
    except LittleFSError as error:
        number = -error.code
        raise OSError(number, os.strerror(number), name) from error
