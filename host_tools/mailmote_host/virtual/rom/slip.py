"""Frames on a serial line: SLIP (RFC 1055), with an END at both sides of each frame."""

_END, _ESCAPE = 0xC0, 0xDB
_ESCAPED = {0xDC: _END, 0xDD: _ESCAPE}
# The largest that esptool sends is a block of 16 kB for the stub, less than doubled by escapes.
_MAX_FRAME_BYTES = 1 << 17


def frame(content: bytes) -> bytes:
    return b"\xc0" + content.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"


class Decoder:
    """Takes octets in any pieces. What is not framed well is dropped, and what is too long."""

    def __init__(self) -> None:
        self._frame = bytearray()

    def frames(self, data: bytes) -> list[bytes]:
        """The frames that `data` completes: what lies between two ENDs, if anything does."""
        found: list[bytes] = []
        first, *others = data.split(b"\xc0")
        self._frame += first
        for piece in others:
            content = _unescaped(bytes(self._frame))
            if content:
                found.append(content)
            self._frame = bytearray(piece)
        if len(self._frame) > _MAX_FRAME_BYTES:
            self._frame.clear()
        return found


def _unescaped(data: bytes) -> bytes | None:
    """None where an escape is none."""
    first, *rest = data.split(b"\xdb")
    content = first
    for part in rest:
        if not part or part[0] not in _ESCAPED:
            return None
        content += bytes((_ESCAPED[part[0]],)) + part[1:]
    return content
