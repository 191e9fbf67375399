"""The content of a message as it crosses the wire: dot-stuffed after DATA, counted in BDAT."""

import re
from email.parser import BytesHeaderParser
from email.utils import parseaddr

_END = b"\r\n.\r\n"
_EMPTY = b".\r\n"  # the end of a message that has no line
_STUFFED_DOT = re.compile(rb"(\A|\r\n)\.")


class DottedText:
    """Gathers the text after DATA until the lone dot (RFC 5321 section 4.5.2), over any split.

    Only CRLF ends a line: a lone LF or CR beside a dot ends no message. Beyond `limit` octets the text is
    thrown away, and only its end is looked for.
    """

    def __init__(self, limit: int) -> None:
        self.overflowed = False
        self._limit = limit
        self._text = bytearray()

    def feed(self, piece: bytes) -> bytes | None:
        """Take a piece. None: there is more to come. Else the message is whole: what followed it."""
        searched = max(0, len(self._text) - len(_END) + 1)
        self._text += piece
        if self._text.startswith(_EMPTY) and not self.overflowed:
            end = 0
        else:
            end = self._text.find(_END, searched)
            if end < 0:
                self._trim()
                return None
            end += len(b"\r\n")
            self.overflowed = self.overflowed or end > self._limit
        rest = bytes(self._text[end + len(_EMPTY) :])
        del self._text[end:]
        return rest

    def unstuffed(self) -> bytes:
        """The message as it was before stuffing."""
        return _STUFFED_DOT.sub(rb"\1", self._text)

    def _trim(self) -> None:
        if len(self._text) > self._limit + len(_END):
            self.overflowed = True
            del self._text[: 1 - len(_END)]


def author(content: bytes) -> str | None:
    """The address in the From header, or None where there is none."""
    header = BytesHeaderParser().parsebytes(content).get("From")
    address = parseaddr(str(header))[1] if header is not None else ""
    return address if "@" in address else None


def message_id(content: bytes) -> str | None:
    """The Message-ID header, or None."""
    header = BytesHeaderParser().parsebytes(content).get("Message-ID")
    return str(header).strip() or None if header is not None else None
