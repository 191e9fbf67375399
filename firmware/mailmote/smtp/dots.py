"""Dot-stuffing for DATA: RFC 5321 section 4.5.2."""

_CR = 13
_LF = 10
_DOT = 46


class DotStuffer:
    """Makes the content of DATA from a message cut into chunks anywhere.

    What is canonical passes unchanged but for its dots. A bare CR or LF becomes CRLF: a server that takes
    one for the end of a line could otherwise find a terminator in the text, and commands after it.
    """

    def __init__(self):
        self._line_start = True
        self._after_cr = False

    def feed(self, chunk):
        """What goes to the wire for a bytes-like chunk: the chunk itself where it needs nothing."""
        if not chunk:
            return b""
        if isinstance(chunk, memoryview):
            chunk = bytes(chunk)
        if self._needs_work(chunk):
            return self._stuff(chunk)
        self._line_start = chunk[-1] == _LF
        return chunk

    def finish(self):
        """The terminator, with a CRLF before it only if the last line still lacks its own."""
        return b".\r\n" if self._line_start and not self._after_cr else b"\r\n.\r\n"

    def _needs_work(self, chunk):
        """A search at the speed of C: most chunks, and nearly all of an attachment, hold nothing to do."""
        breaks = chunk.count(b"\r\n")
        return (
            self._after_cr
            or (self._line_start and chunk[0] == _DOT)
            or b"\n." in chunk
            or chunk.count(b"\r") != breaks
            or chunk.count(b"\n") != breaks
        )

    def _stuff(self, chunk):
        out = bytearray()
        for octet in chunk:
            if self._after_cr:
                out.extend(b"\r\n")
                self._after_cr = False
                self._line_start = True
                if octet == _LF:
                    continue
            if octet == _CR:
                self._after_cr = True
                continue
            if octet == _LF:
                out.extend(b"\r\n")
                self._line_start = True
                continue
            if octet == _DOT and self._line_start:
                out.append(_DOT)
            out.append(octet)
            self._line_start = False
        return bytes(out)
