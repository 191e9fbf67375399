"""One message on an open connection: the states MAIL to CONTENT of dialogue.py, which tells the theory."""

from ..errors import GiveUp
from ..explanations import failure
from .dots import DotStuffer
from .lines import command
from .refusal import refusal

# A message up to here goes with its envelope in one flight: refused, it cost that many octets for nothing.
_ONE_FLIGHT_OCTETS = 16384
# RFC 5321 section 4.5.3.1.8 lets a server stop at 100.
_MAX_RECIPIENTS = 100

DONE = "DONE"

# State: (stage as replies.py names it, first digit that goes on, handler of that, handler of a refusal,
# seconds to wait for the reply: RFC 5321 section 4.5.3.2).
_TRANSITIONS = {
    "MAIL": ("mail", "2", "_sender_accepted", "_sender_refused", 300),
    "RCPT": ("rcpt", "2", "_recipient_answered", "_recipient_refused", 300),
    "DATA": ("data", "3", "_content_wanted", "_content_unwanted", 120),
    "CONTENT": ("content", "2", "_done", "_content_refused", 600),
    "RSET": ("mail", "2", "_done", "_done", 300),
}


class Transaction:
    """`errors` has an entry for each recipient: None if it is or may yet be delivered, else an exception."""

    def __init__(self, reverse_path, recipients, message, capabilities):
        """Raises SettingsError or GiveUp for what must not be sent.

        `message` has measure(eight_bit) and then size, needs_8bit and chunks(): mail/message.py.
        """
        message.measure(capabilities.eight_bit)
        if capabilities.size and message.size > capabilities.size:
            raise failure(GiveUp, "message-too-large")
        if not 0 < len(recipients) <= _MAX_RECIPIENTS:
            raise failure(GiveUp, "recipient-count", _MAX_RECIPIENTS, len(recipients))
        parameters = "" if capabilities.size is None else " SIZE=%d" % message.size
        if message.needs_8bit:
            parameters += " BODY=8BITMIME"
        lines = [command("MAIL FROM:<%s>%s" % (reverse_path, parameters))]
        for recipient in recipients:
            lines.append(command("RCPT TO:<%s>" % recipient))
        self._lines = lines
        self._message = message
        self._pipelining = capabilities.pipelining
        self._chunking = capabilities.chunking
        self._content_in_flight = self._pipelining and self._chunking and message.size <= _ONE_FLIGHT_OCTETS
        self._answered = 0
        self.errors = [None] * len(recipients)
        self.state = "MAIL"

    @property
    def stage(self):
        return _TRANSITIONS[self.state][0]

    @property
    def reply_timeout_s(self):
        """Where all of the message has left with MAIL, each reply may take what the last one may."""
        return _TRANSITIONS["CONTENT" if self._content_in_flight else self.state][4]

    def first_flight(self):
        """The chunks to begin with: the envelope and what may follow it unasked, or MAIL alone."""
        if not self._pipelining:
            yield self._lines[0]
            return
        yield from self._lines
        if self._content_in_flight:
            yield from self._content()
        elif not self._chunking:
            yield b"DATA\r\n"

    def take(self, reply):
        """What to send after `reply`: an iterable of chunks, or None. Sets `state`, to DONE at last."""
        _, good, on_good, on_refusal, _ = _TRANSITIONS[self.state]
        return getattr(self, on_good if str(reply.code)[0] == good else on_refusal)(reply)

    def _content(self):
        """The message as BDAT takes it, with its exact length (RFC 3030), or as DATA does, dot-stuffed."""
        if self._chunking:
            yield b"BDAT %d LAST\r\n" % self._message.size
            yield from self._message.chunks()
            return
        stuffer = DotStuffer()
        chunks = self._message.chunks()
        try:
            for chunk in chunks:
                yield stuffer.feed(chunk)
        finally:
            chunks.close()  # MicroPython's `for` leaves it, and its attachment, open when this is closed
        yield stuffer.finish()

    def _refuse_all(self, reply):
        error = refusal(reply, self.stage)
        self.errors = [earlier or error for earlier in self.errors]

    def _sender_accepted(self, reply):
        self.state = "RCPT"
        return None if self._pipelining else (self._lines[1],)

    def _sender_refused(self, reply):
        self._refuse_all(reply)
        if self._pipelining:
            self.state = "RCPT"
            return None
        return self._done(reply)

    def _recipient_refused(self, reply):
        if self.errors[self._answered] is None:
            self.errors[self._answered] = refusal(reply, self.stage)
        return self._recipient_answered(reply)

    def _recipient_answered(self, reply):
        self._answered += 1
        if self._answered < len(self.errors):
            return None if self._pipelining else (self._lines[self._answered + 1],)
        if self._content_in_flight:
            self.state = "CONTENT"
            return None
        if self._pipelining and not self._chunking:
            self.state = "DATA"
            return None
        if all(self.errors):
            return self._reset()
        if self._chunking:
            self.state = "CONTENT"
            return self._content()
        self.state = "DATA"
        return (b"DATA\r\n",)

    def _content_wanted(self, reply):
        self.state = "CONTENT"
        return (b".\r\n",) if all(self.errors) else self._content()

    def _content_unwanted(self, reply):
        self._refuse_all(reply)
        return self._reset()

    def _content_refused(self, reply):
        self._refuse_all(reply)
        # After a BDAT that failed the state is indeterminate: RFC 3030 section 2.
        return self._reset() if self._chunking else self._done(reply)

    def _reset(self):
        self.state = "RSET"
        return (b"RSET\r\n",)

    def _done(self, reply):
        self.state = DONE
