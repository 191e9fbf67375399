"""What code printed, as it leaves on the serial line."""

from . import orders

_NEWLINE = 10


class ConsoleOutput:
    """Takes octets in any pieces. `keys` says whether Ctrl-C is a key, or data for the code that runs."""

    def __init__(self) -> None:
        self.keys = True
        self._is_marked = False

    def cooked(self, printed: bytes) -> bytes:
        """Lines end in CR LF but where they were marked as raw."""
        said = bytearray()
        first, *others = (orders.MARK + printed if self._is_marked else printed).split(orders.MARK)
        said += first.replace(b"\n", b"\r\n")
        self._is_marked = False
        while others:
            piece = others.pop(0)
            if not piece and not others:
                self._is_marked = True  # what it means comes with the next octet
            elif not piece:
                said += orders.MARK
                said += others.pop(0).replace(b"\n", b"\r\n")
            else:
                said += self._meant(piece[0]) + piece[1:].replace(b"\n", b"\r\n")
        return bytes(said)

    def _meant(self, octet: int) -> bytes:
        if octet == _NEWLINE:
            return b"\n"
        self.keys = octet == orders.KEYS_ON[1]
        return b""
