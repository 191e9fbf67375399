"""A serial port that is a pseudo-terminal: no modem lines, and for programs of this computer alone."""

import os
import pty
import tty
from pathlib import Path

_CHUNK_BYTES = 4096
_MAX_WAITING_BYTES = 1 << 20  # when nobody reads, the oldest is lost, as on a wire


class PtyPort:
    """`name` is what programs open: a link at `path` to the terminal, whose own number is soon another's.

    The terminal's own end stays open, so that a program can come and go.
    """

    timeout_s = None

    def __init__(self, path: Path) -> None:
        self._board_end, self._program_end = pty.openpty()
        tty.setraw(self._program_end)
        os.set_blocking(self._board_end, False)
        path.unlink(missing_ok=True)
        path.symlink_to(os.ttyname(self._program_end))
        self._path = path
        self.name = str(path)
        self._waiting = bytearray()

    def plug(self) -> None:
        """It is there before and after power."""

    def unplug(self) -> None:
        """It is there before and after power."""

    def readers(self) -> list[int]:
        return [self._board_end]

    def writers(self) -> list[int]:
        """Something may wait until a program reads."""
        return [self._board_end] if self._waiting else []

    def read(self) -> bytes:
        """What programs wrote; nothing if there is nothing yet."""
        try:
            return os.read(self._board_end, _CHUNK_BYTES)
        except BlockingIOError:
            return b""

    def write(self, data: bytes) -> None:
        self._waiting += data
        del self._waiting[:-_MAX_WAITING_BYTES]
        self.flush()

    def flush(self) -> None:
        while self._waiting:
            try:
                del self._waiting[: os.write(self._board_end, self._waiting[:_CHUNK_BYTES])]
            except BlockingIOError:
                return

    def close(self) -> None:
        self._path.unlink(missing_ok=True)
        os.close(self._board_end)
        os.close(self._program_end)
