"""A mail (RFC 5322, RFC 2045) as a stream of chunks: one text, any attachments, never whole in memory."""

import binascii

from ..errors import RetryNow
from . import headers, transfer
from .transfer import CRLF

_CHUNK_OCTETS = 512


class Message:
    """One mail, the same bytes each time it is read.

    `sender` is an address or (display name, address), `to` and `cc` sequences of such, `reply_to` one or
    None. `message_id` goes without its angle brackets; `date` is the text of the Date field. Both come from
    the alert's record, so that every retry is the same mail. `text` is an iterable of str that can be
    iterated again and again, or a callable that returns a new one each time; pieces are best kept to some
    hundred characters, their line breaks may be CR LF, CR or LF. `attachments` are (filename, content type,
    opener): `opener()` returns a new binary file, or a new iterable of bytes-like blocks; what it raises, and
    what reading raises, passes through.

    All header text is checked here. Raises SettingsError, naming the field.
    """

    def __init__(
        self, sender, to, subject, message_id, date, text, cc=(), reply_to=None, urgent=False, attachments=()
    ):
        head = [headers.mailboxes("From", (sender,))]
        for name, entries in (("To", to), ("Cc", cc), ("Reply-To", (reply_to,) if reply_to else ())):
            if entries:
                head.append(headers.mailboxes(name, entries))
        head.append(headers.text("Subject", subject))
        head.append(headers.exact("Date", date))
        head.append(headers.exact("Message-ID", "<%s>" % message_id))
        # RFC 3834 section 5, and the field that Exchange heeds: no out-of-office replies to a board.
        head.append(b"Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n")
        if urgent:
            head.append(b"Importance: high\r\nX-Priority: 1\r\n")
        head.append(b"MIME-Version: 1.0\r\n")
        self._head = head
        self._text = text
        self._attachments = [(headers.attachment(name, kind), opener) for name, kind, opener in attachments]
        # `=_` is in no quoted-printable or base64 content, so the boundary cannot be.
        self._boundary = b"=_mailmote_%08x" % binascii.crc32(message_id.encode()) if attachments else b""
        self._encoding = transfer.SEVEN_BIT
        self.size = None

    def measure(self, eight_bit):
        """The size in octets, as RFC 1870 counts it, for a server that takes 8BITMIME, or does not.

        Reads the text and the attachments through. Sets `size`, and what `chunks` yields from now on.
        """
        # Beside attachments the text is always quoted-printable: as it is, it could hold the boundary.
        if self._boundary:
            self._encoding = transfer.QUOTED_PRINTABLE
        else:
            self._encoding = transfer.choose(self._open_text(), eight_bit)
        size = 0
        for piece in self._pieces(False):
            size += len(piece)
        for _, opener in self._attachments:
            size += transfer.base64_size(transfer.blocks(opener()))
        self.size = size
        return size

    @property
    def needs_8bit(self):
        """True where MAIL has to say BODY=8BITMIME (RFC 6152)."""
        return self._encoding == transfer.EIGHT_BIT

    def chunks(self):
        """The canonical CRLF message, not dot-stuffed, in bytes of 512, the last one fewer: `size` in all.

        Unmeasured, it is 7-bit. A caller that stops early calls close() on the generator, which closes the
        open attachment. Raises RetryNow where the mail turns out longer or shorter than it was measured: the
        size is a promise to the server, which takes what goes beyond it for commands.
        """
        left = self.measure(False) if self.size is None else self.size
        buffer = bytearray(_CHUNK_OCTETS)
        used = 0
        pieces = self._pieces(True)
        try:
            for piece in pieces:
                at = 0
                while at < len(piece):
                    taken = min(_CHUNK_OCTETS - used, len(piece) - at)
                    part = piece if taken == len(piece) else memoryview(piece)[at : at + taken]
                    buffer[used : used + taken] = part
                    used += taken
                    at += taken
                    if used == _CHUNK_OCTETS:
                        if left < used:
                            raise _changed()
                        left -= used
                        used = 0
                        yield bytes(buffer)
        finally:
            pieces.close()  # MicroPython closes no generator that is left behind
        if left != used:
            raise _changed()
        if used:
            yield bytes(memoryview(buffer)[:used])

    def _open_text(self):
        return self._text() if callable(self._text) else self._text

    def _pieces(self, with_contents):
        """Everything in order; without the contents of the attachments, to measure the rest."""
        yield from self._head
        if self._boundary:
            yield b'Content-Type: multipart/mixed;\r\n boundary="%s"\r\n\r\n' % self._boundary
            yield self._delimiter(b"")
        yield b"Content-Type: text/plain; charset=utf-8\r\n"
        yield b"Content-Transfer-Encoding: %s\r\n\r\n" % self._encoding.encode()
        lines = transfer.canonical(self._open_text())
        yield from transfer.quoted_printable(lines) if self._encoding == transfer.QUOTED_PRINTABLE else lines
        for fields, opener in self._attachments:
            yield self._delimiter(b"")
            yield fields
            yield CRLF
            if with_contents:
                contents = transfer.blocks(opener())
                try:
                    yield from transfer.base64(contents)
                finally:
                    contents.close()
        if self._boundary:
            yield self._delimiter(b"--")

    def _delimiter(self, end):
        """RFC 2046 section 5.1.1: its first CRLF belongs to it, so that a part keeps its own last one."""
        return b"\r\n--%s%s\r\n" % (self._boundary, end)


def _changed():
    return RetryNow(
        "The mail is not as long as it was when measured: an attachment has changed. It is made again.",
        "attachment",
    )
