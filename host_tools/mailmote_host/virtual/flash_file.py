"""The whole flash of a board in one file, as a chip has it; the NVS in it lies in a file of its own."""

from collections.abc import Mapping
from pathlib import Path

from . import micropython_image, provision
from .image import format_flash

SECTOR_BYTES = 4096
SIZES_MB = (4, 8, 16)
_NVS = range(0x9000, 0xF000)


class FlashFile:
    """To be used by one at a time, as a flash is. Raises ValueError for what lies outside of it."""

    def __init__(self, path: Path, nvs_path: Path):
        self.path = path
        self._nvs_path = nvs_path
        self.size = path.stat().st_size

    @classmethod
    def create(
        cls,
        path: Path,
        nvs_path: Path,
        size: int,
        firmware: bytes | None = None,
        firmware_offset: int = 0,
        files: Mapping[str, bytes] | None = None,
    ) -> "FlashFile":
        """An erased flash; or with `firmware` at its offset, and `files` in the filesystem behind it.

        Raises OSError, and leaves no new flash, where the files do not fit.
        """
        content = bytearray(b"\xff" * size)
        if firmware is not None:
            content[firmware_offset : firmware_offset + len(firmware)] = firmware
        if files is not None:
            format_flash(content, micropython_image.VFS_OFFSET, files)
        path.write_bytes(content)
        return cls(path, nvs_path)

    def read(self, offset: int, size: int) -> bytes:
        self._check(offset, size)
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def write(self, offset: int, data: bytes) -> None:
        self._check(offset, len(data))
        with self.path.open("r+b") as file:
            file.seek(offset)
            file.write(data)

    def erase(self, offset: int, size: int) -> None:
        """All sectors that the range touches."""
        self._check(offset, size)
        if not size:
            return
        begins = offset // SECTOR_BYTES * SECTOR_BYTES
        ends = -(-(offset + size) // SECTOR_BYTES) * SECTOR_BYTES
        self.write(begins, b"\xff" * (min(ends, self.size) - begins))
        if begins < _NVS.stop and ends > _NVS.start:
            provision.write_nvs(self._nvs_path, {})

    def _check(self, offset: int, size: int) -> None:
        if offset + size > self.size:
            raise ValueError(f"the flash ends at 0x{self.size:x}")
