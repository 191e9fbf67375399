"""The flash of a board as a file: a littlefs that MicroPython's VfsLfs2 and the host both read and write."""

import os
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

from littlefs import LittleFS
from littlefs.context import UserContext
from littlefs.errors import LittleFSError
from littlefs.lfs import LFSConfig

BLOCK_BYTES = 4096
BLOCKS = 512  # 2 MiB, the filesystem of an ESP32 board with 4 MB of flash

# What MicroPython's VfsLfs2 uses by default, and derives (extmod/vfs_lfs.c). The cache decides up to which
# size, 128 bytes, a file lives in its folder's metadata; a file made here then lies as one made by the board.
_READ_BYTES = _PROGRAM_BYTES = _LOOKAHEAD_BYTES = 32
_CACHE_BYTES = 4 * _READ_BYTES
_BLOCK_CYCLES = 100


class Image:
    """One image file. Not to be used while a board runs on it."""

    def __init__(self, path):
        self.path = Path(path)

    @classmethod
    def create(cls, path, files: Mapping[str, bytes]):
        """A new image that holds `files` (folders are made as needed), over any that was there.

        Raises OSError, and leaves no new image, where they do not fit.
        """
        image = cls(path)
        flash = bytearray(b"\xff" * (BLOCKS * BLOCK_BYTES))
        image._mounted(flash, new=True).unmount()
        for name, content in files.items():
            image._write(flash, name, content)
        image.path.write_bytes(flash)
        return image

    def read(self, name) -> bytes:
        """The content of a file. Raises FileNotFoundError."""
        with _littlefs_errors(name):
            filesystem = self._mounted(self._load())
            with filesystem.open(name, "rb") as file:
                return file.read()

    def list(self, folder="/") -> list[str]:
        """The names in a folder, sorted. Raises FileNotFoundError."""
        with _littlefs_errors(folder):
            return sorted(self._mounted(self._load()).listdir(folder))

    def write(self, name, content: bytes):
        """Write a file; its folders are made as needed.

        Raises OSError, and changes nothing, where it does not fit.
        """
        flash = self._load()
        self._write(flash, name, content)
        self.path.write_bytes(flash)

    def _load(self):
        return bytearray(self.path.read_bytes())

    def _write(self, flash, name, content):
        folder = name.rpartition("/")[0]
        with _littlefs_errors(name):
            filesystem = self._mounted(flash)
            if folder.strip("/"):
                filesystem.makedirs(folder, exist_ok=True)
            with filesystem.open(name, "wb") as file:
                file.write(content)
            filesystem.unmount()

    def _mounted(self, flash, new=False):
        filesystem = LittleFS(
            context=_Flash(flash),
            mount=False,
            block_size=BLOCK_BYTES,
            block_count=BLOCKS,
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

    def __init__(self, flash: bytearray):
        super().__init__(buffer=flash)

    def read(self, cfg: LFSConfig, block, off, size):
        start = block * BLOCK_BYTES + off
        return self.buffer[start : start + size]

    def prog(self, cfg: LFSConfig, block, off, data):
        start = block * BLOCK_BYTES + off
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
