"""Received octets to one HTTP/1.1 answer, within bounds (RFC 9110 and RFC 9112). No input or output here.

Of the head only the status and three fields are kept, of each line its beginning: Microsoft's services send
cookies and policies of some kB. A body counts by Content-Length or in chunks. One that lasts to the end of
the stream could be cut anywhere: TLS on MicroPython does not tell, and its JSON parser takes half an object.
"""

from ..compat import const
from ..errors import ProtocolError, RetryLater
from ..explanations import failure

_MAX_HEAD_OCTETS = const(16384)  # what common servers take themselves
_MAX_BODY_OCTETS = const(16384)  # an access token has 2 to 4 kB, a refresh token 1 to 2
_KEPT_LINE_OCTETS = const(256)
_MAX_INTERIM = const(4)  # answers of 1xx that come before the real one
_MAX_RETRY_AFTER_S = const(86400)
_MAX_HOST_OCTETS = const(80)  # of the one that a redirect names

# What stands for the rest of a line of which the beginning is kept: no number, coding or host ends so.
_REST_OF_LINE = b"..."

_STATUS, _FIELDS, _BODY, _CHUNK_SIZE, _CHUNK_END, _TRAILERS, _DONE = range(7)


class Answer:
    """`status`, `retry_after_s` (0 where there is none) and `body` count once `done` is True."""

    def __init__(self, host):
        """`host` is named in errors."""
        self._host = host
        self._state = _STATUS
        self._line = bytearray()
        self._last = 0  # octet of what came before, while a line is not whole
        self._head_octets = 0
        self._interim = 0
        self._left = 0  # of the body, or of the chunk
        self._begin_head()
        self.status = 0
        self.body = bytearray()

    @property
    def done(self):
        return self._state == _DONE

    def feed(self, data):
        """Take octets (bytes-like); none at all is the end of the stream. Raises RetryLater: ProtocolError,
        or for a redirect.

        What follows the answer is left alone.
        """
        octets = bytes(data)
        if not octets:
            self._end()
            return
        position = 0
        while position < len(octets) and not self.done:
            if self._state == _BODY:
                position = self._take_body(octets, position)
            else:
                position = self._take_line(octets, position)

    def _begin_head(self):
        self._length = None
        self._chunked = False
        self._location = ""
        self.retry_after_s = 0

    def _end(self):
        if self.done:
            return
        how = "in the middle of an answer" if self._head_octets else "without an answer"
        raise failure(ProtocolError, "connection-closed", how, "HTTPS")

    def _unusable(self, why):
        return failure(ProtocolError, "http-unusable", self._host, why)

    # Lines

    def _take_line(self, octets, position):
        """Add to the line; act on it when it is whole. Returns where the next octet stands."""
        end = octets.find(b"\n", position) + 1
        stop = end or len(octets)
        self._head_octets += stop - position
        if self._head_octets > _MAX_HEAD_OCTETS:
            raise self._unusable("a head of more than %d octets" % _MAX_HEAD_OCTETS)
        room = _KEPT_LINE_OCTETS - len(self._line)
        self._line += octets[position : min(stop, position + max(room, 0))]
        if end:
            # The end of a long line is seen here, that of a short one in what is kept.
            before = octets[end - 2] if end - position > 1 else self._last
            if before != 13:
                raise self._unusable("a line without CRLF")
            line = bytes(self._line)
            self._line = bytearray()
            self._last = 0
            self._act(line[:-2] if line.endswith(b"\r\n") else line.rstrip(b"\r") + _REST_OF_LINE)
        else:
            self._last = octets[-1]
        return stop

    def _act(self, line):
        if self._state == _STATUS:
            self._take_status(line)
        elif self._state == _FIELDS:
            if line:
                self._take_field(line)
            else:
                self._head_is_over()
        elif self._state == _CHUNK_SIZE:
            self._take_chunk_size(line)
        elif self._state == _CHUNK_END:
            if line:
                raise self._unusable("a chunk that is longer than it says")
            self._state = _CHUNK_SIZE
        elif not line:  # the trailers are over
            self._state = _DONE

    def _take_status(self, line):
        digits = line[9:12]
        if not (
            line.startswith(b"HTTP/1.")
            and line[7:8].isdigit()
            and line[8:9] == b" "
            and len(digits) == 3
            and digits.isdigit()
            and 49 <= digits[0] <= 53
            and line[12:13] in (b"", b" ")
        ):
            raise self._unusable("it does not begin as HTTP/1.1 does")
        self.status = int(digits)
        self._begin_head()
        self._state = _FIELDS

    def _take_field(self, line):
        name, colon, value = line.partition(b":")
        if not colon or not name or name.strip() != name:
            raise self._unusable("a malformed header field")
        for octet in line:
            if octet < 32 and octet != 9 or octet == 127:
                raise self._unusable("a control character in a header field")
        name, value = name.lower(), value.strip()
        if name == b"content-length":
            length = self._size(value, 10)
            if self._length not in (None, length):
                raise self._unusable("two lengths")
            self._length = length
        elif name == b"transfer-encoding":
            if self._chunked or value.lower() != b"chunked":
                raise self._unusable("an unknown transfer coding")
            self._chunked = True
        elif name == b"retry-after" and value.isdigit():
            self.retry_after_s = min(int(value), _MAX_RETRY_AFTER_S)
        elif name == b"location":
            self._location = _host_of(value)

    def _head_is_over(self):
        if self.status < 200:
            self._interim += 1
            if self._interim > _MAX_INTERIM or self.status == 101:
                raise self._unusable("an interim answer that nobody asked for")
            self._state = _STATUS
            return
        if 300 <= self.status < 400:
            raise failure(RetryLater, "http-redirected", self._host, self._location or "another page")
        if self._chunked and self._length is not None:
            raise self._unusable("chunks and a length")
        if self.status == 204:
            self._state = _DONE
        elif self._chunked:
            self._state = _CHUNK_SIZE
        elif self._length:
            self.body = bytearray(self._length)
            self._left = self._length
            self._state = _BODY
        elif self._length is None and self.status < 300:
            raise self._unusable("a body without a length, which may be cut off anywhere")
        else:
            self._state = _DONE  # of a refusal without a length the status alone counts

    def _take_chunk_size(self, line):
        size = self._size(line.partition(b";")[0].strip(), 16)
        if len(self.body) + size > _MAX_BODY_OCTETS:
            raise self._too_long()
        self._left = size
        self._state = _BODY if size else _TRAILERS

    def _size(self, digits, base):
        for octet in digits:
            if not (48 <= octet <= 57 or (base == 16 and 97 <= octet | 32 <= 102)):
                raise self._unusable("a length that is no number")
        if not digits:
            raise self._unusable("a length that is no number")
        size = int(digits, base)
        if size > _MAX_BODY_OCTETS:
            raise self._too_long()
        return size

    def _too_long(self):
        return self._unusable("a body of more than %d octets" % _MAX_BODY_OCTETS)

    # The body

    def _take_body(self, octets, position):
        stop = min(len(octets), position + self._left)
        if self._chunked:
            # Mostly it grows where it is. Pieces joined in the end would take twice their size, and those of
            # one octet much more.
            self.body += octets[position:stop]
        else:
            start = len(self.body) - self._left
            self.body[start : start + stop - position] = octets[position:stop]
        self._left -= stop - position
        if not self._left:
            self._state = _CHUNK_END if self._chunked else _DONE
        return stop


def _host_of(location):
    """The host that a Location names, or "": never its path or query, which may hold a secret."""
    rest = location.partition(b"://")[2]
    host = rest.partition(b"/")[0].partition(b"?")[0].partition(b"#")[0]
    host = host.rpartition(b"@")[2]
    if len(host) > _MAX_HOST_OCTETS:
        return ""
    return "".join(chr(octet) if 32 < octet < 127 else "?" for octet in host)
