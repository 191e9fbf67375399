"""How the stub sends a part of the flash: blocks, a few ahead of what was acknowledged, then their MD5."""

import hashlib
import struct

from . import slip


class FlashReader:
    """`done` once the digest was sent. At most `in_flight` blocks are not acknowledged."""

    def __init__(self, content: bytes, block_bytes: int, in_flight: int):
        if block_bytes < 1 or in_flight < 1:
            raise ValueError("a block has octets, and one at least is under way")
        self._content = content
        self._block_bytes = block_bytes
        self._window_bytes = block_bytes * in_flight
        self._sent = 0
        self.done = False

    def begin(self) -> bytes:
        return self._send(0)

    def acknowledged(self, content: bytes) -> bytes:
        """Take the frame that says how many octets have come."""
        if len(content) != 4:
            return b""
        return self._send(struct.unpack("<I", content)[0])

    def _send(self, arrived: int) -> bytes:
        said = b""
        while self._sent < min(len(self._content), arrived + self._window_bytes):
            block = self._content[self._sent : self._sent + self._block_bytes]
            said += slip.frame(block)
            self._sent += len(block)
        if arrived >= len(self._content):
            said += slip.frame(hashlib.md5(self._content, usedforsecurity=False).digest())
            self.done = True
        return said
