"""Received octets to SMTP replies, in a bounded buffer (RFC 5321 sections 4.2 and 4.5.3.1.5).

A reply is one line or several: `250-text` and so on to the last, `250 text`, each ended by CRLF. It counts
only when its last CRLF is there: a connection that closes in the middle of one has said nothing.
"""

from ..compat import const
from ..errors import ProtocolError, SettingsError
from ..explanations import failure
from ..redaction import shortened

# RFC 5321 allows 512 octets a line. Exchange's SendAsDenied reply brings its diagnostic data along,
# well over that.
_MAX_LINE_OCTETS = const(4096)
# The longest EHLO answers in the field have about 25 lines.
_MAX_LINES = const(64)
# What one reply may take of the heap.
_MAX_REPLY_OCTETS = const(8192)
# What is kept of a line to be logged, mailed and explained: the rest is diagnostic data.
_KEPT_LINE_CHARACTERS = const(1024)

_SHOWN_CHARACTERS = const(40)  # of a line that is no reply

_CODE_DIGITS = const(3)


class Reply:
    """One whole reply: `code` (int), `enhanced` (RFC 2034, as `5.7.139`, or ""), `lines` (list of str).

    The lines lack code and enhanced status code; characters that are not printable became `?`, so that
    a reply can be logged and mailed as it is.
    """

    __slots__ = ("code", "enhanced", "lines")

    def __init__(self, code, enhanced, lines):
        self.code = code
        self.enhanced = enhanced
        self.lines = lines

    @property
    def text(self):
        return " ".join(self.lines)

    def __str__(self):
        return " ".join(part for part in (str(self.code), self.enhanced, self.text) if part)


class ReplyReader:
    """Feed it octets, take whole replies one by one. Raises ProtocolError for what is no reply."""

    def __init__(self):
        self._buffer = bytearray()
        self._code = 0
        self._enhanced = ""
        self._lines = []
        self._octets = 0

    @property
    def empty(self):
        """True when no octet is held that no reply was made of."""
        return not self._buffer and not self._lines

    def feed(self, data):
        self._buffer += data

    def take(self):
        """The next whole reply, or None until more octets come."""
        while True:
            end = self._buffer.find(b"\n") + 1
            if (end or len(self._buffer)) > _MAX_LINE_OCTETS:
                raise failure(
                    ProtocolError, "reply-too-long", "a line of more than %d octets" % _MAX_LINE_OCTETS
                )
            if not end:
                return None
            line = bytes(self._buffer[:end])
            self._buffer = self._buffer[end:]
            if self._take_line(line):
                reply = Reply(self._code, self._enhanced, self._lines)
                self._lines = []
                self._octets = 0
                return reply

    def _take_line(self, line):
        """Move a line into the reply; True if it was the reply's last."""
        code, last = _parse_prefix(line)
        if self._lines and code != self._code:
            raise _malformed(line, "the lines of one reply have different codes")
        self._octets += len(line)
        if len(self._lines) >= _MAX_LINES or self._octets > _MAX_REPLY_OCTETS:
            size = "a reply of more than %d lines or %d octets" % (_MAX_LINES, _MAX_REPLY_OCTETS)
            raise failure(ProtocolError, "reply-too-long", size)
        text = _printable(line)
        enhanced = _enhanced_code(text, code)
        if not self._lines:
            self._code = code
            self._enhanced = enhanced
        self._lines.append(text[len(enhanced) + 1 :] if enhanced else text)
        return last


def _parse_prefix(line):
    if len(line) < 2 or line[-2] != 13:
        raise _malformed(line, "the line does not end in CRLF")
    digits = line[:_CODE_DIGITS]
    if len(line) < _CODE_DIGITS + 2 or not digits.isdigit() or not 50 <= digits[0] <= 53:
        raise _malformed(line, "it does not begin with a reply code from 200 to 599")
    mark = line[_CODE_DIGITS]
    if mark not in b" -\r":
        raise _malformed(line, "the reply code is not followed by a blank or a hyphen")
    return int(digits), mark != 45


def _printable(line):
    """The text of a line, with `?` for control characters, and for what is not UTF-8: the code decides."""
    octets = line[_CODE_DIGITS + 1 : -2]
    try:
        text = str(octets, "utf-8")
    except ValueError:
        text = "".join(chr(octet) if octet < 128 else "?" for octet in octets)
    if len(text) > _KEPT_LINE_CHARACTERS:
        text = shortened(text, _KEPT_LINE_CHARACTERS)
    for character in text:
        if character < " " or character == "\x7f":
            return "".join("?" if c < " " or c == "\x7f" else c for c in text)
    return text


def _enhanced_code(text, code):
    """The enhanced status code (RFC 2034) at the start of the text, or ""."""
    word = text.split(" ", 1)[0]
    parts = word.split(".")
    if len(parts) == 3 and parts[0] == str(code // 100):
        for part in parts[1:]:
            if not (part.isdigit() and len(part) <= 3):
                return ""
        return word
    return ""


def _malformed(line, why):
    text = "".join(chr(octet) if 32 <= octet < 127 else "?" for octet in line[:_KEPT_LINE_CHARACTERS])
    return failure(ProtocolError, "malformed-reply", shortened(text, _SHOWN_CHARACTERS), why)


def command(text):
    """The octets of a command line. The one place where text becomes a command.

    Raises SettingsError for a control character or one outside ASCII: a line break in an address would
    begin a second command (RFC 5321 section 2.3.8).
    """
    for character in text:
        if not " " <= character <= "~":
            raise failure(SettingsError, "control-character", character)
    return text.encode() + b"\r\n"
