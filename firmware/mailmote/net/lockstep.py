"""Commands and whole replies, one after the other, over a blocking Connection: SMTP for a caller that waits.

The dialogue of net/session.py sends flights; here each command waits for its reply, as a program of one's own
may call anything next.
"""

from .. import compat
from ..errors import ProtocolError
from ..explanations import failure
from ..smtp.lines import ReplyReader
from ..smtp.refusal import refusal

_RECEIVE_BYTES = 512


class Lockstep:
    """`timeout_s` is for each whole reply, and for each call that sends. Methods may raise MailmoteError."""

    def __init__(self, connection, timeout_s):
        self._connection = connection
        self._timeout_ms = int(timeout_s * 1000)
        self._reader = ReplyReader()
        self._received = memoryview(bytearray(_RECEIVE_BYTES))
        self.open = True
        self.secure = False

    def ask(self, stage, line, pieces=None):
        """The reply to a line, which may go on in `pieces` that lack its CRLF. 421 closes, and is raised."""
        self.expect_silence(stage)
        self.write(line)
        if pieces is not None:
            for piece in pieces:
                self.write(piece)
            self.write(b"\r\n")
        reply = self.reply(stage)
        if reply.code == 421:
            self._said_goodbye(reply, stage)
        return reply

    def reply(self, stage):
        """The next whole reply: one deadline for all of it, however slowly it drips."""
        deadline = compat.ticks_add(compat.ticks_ms(), self._timeout_ms)
        while True:
            reply = self._reader.take()
            if reply:
                return reply
            left_ms = compat.ticks_diff(deadline, compat.ticks_ms())
            count = self._connection.read_into(self._received, left_ms)
            if not count:
                how = "without a reply" if self._reader.empty else "in the middle of a reply"
                raise failure(ProtocolError, "connection-closed", how, stage)
            self._reader.feed(self._received[:count])

    def expect_silence(self, stage):
        """A reply that comes before its command would be taken for the answer to it."""
        if self._reader.empty:
            return
        reply = self._reader.take()
        if reply and reply.code == 421:
            self._said_goodbye(reply, stage)
        raise failure(ProtocolError, "early-reply", reply or "part of a reply")

    def write(self, octets):
        self._connection.write(octets, self._timeout_ms)

    def upgrade(self, context, server_hostname):
        """Go on over TLS. Raises ProtocolError where the server has spoken in clear meanwhile."""
        if not self._reader.empty:
            raise failure(ProtocolError, "starttls-injection")
        self._connection.upgrade(context, server_hostname)
        self.secure = True

    def quit(self):
        """Take leave without waiting for the answer."""
        self.write(b"QUIT\r\n")
        self._connection.flush(self._timeout_ms)

    def close(self):
        self.open = False
        self._connection.close()

    def _said_goodbye(self, reply, stage):
        self.close()
        raise refusal(reply, stage)
