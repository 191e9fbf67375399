"""The client's side of an SMTP connection, as a state machine without input or output.

Theory of operation
===================
The machine holds one state: the reply it awaits. A driver asks `wants` and does it:

    SEND      write every chunk of `output()`
    RECEIVE   read, and hand the octets to `receive(data)`; an empty `data` is the end of the stream
    UPGRADE   make the connection a TLS one, then call `upgraded()`
    READY     the connection is open: `send(...)`, or `quit()`
    CLOSED    nothing more can be done with this connection

The opening runs GREETING, EHLO, and then, as the server's capabilities and the settings say, STARTTLS,
UPGRADE, EHLO again (RFC 3207 section 4.2: all learned before TLS is forgotten), and AUTH. A message runs
MAIL, RCPT for each recipient, then DATA and CONTENT, or with CHUNKING straight to CONTENT.

    GREETING --2xx--> EHLO --2xx--> STARTTLS --220--> (upgrade) --> EHLO --2xx--> AUTH --235--> READY
                        `--500..504--> HELO                                        `--334--> AUTH
    READY --> MAIL --2xx--> RCPT ... --> DATA --354--> CONTENT --2xx--> READY
                                    `--------BDAT--------^
    a message that fails before its content was taken: RSET --2xx--> READY

In lock step a command leaves when the reply before it has come. With PIPELINING (RFC 2920) the whole
envelope leaves at once, together with DATA, or with BDAT and a small message where CHUNKING (RFC 3030) is
offered too; the states then follow one another with nothing left to send. A pipelined DATA may be answered
354 though no recipient was accepted: the machine then sends an empty message and minds no answer to it.

A refusal during the opening raises. A refusal of a message is its result, one for each recipient: None for
delivered, else an exception of errors.py, so that one refused recipient does not touch the others. 421 closes
the connection at any stage (RFC 5321 section 3.8) and raises. A reply that comes before the command it could
answer, and any octet between the 220 to STARTTLS and the handshake, is an attack or a broken server:
ProtocolError.
"""

from ..errors import FixSettings, ProtocolError
from ..explanations import failure
from .auth import choose, decode
from .capabilities import Capabilities
from .lines import ReplyReader, command
from .refusal import refusal
from .transaction import DONE, Transaction

SEND = "send"
RECEIVE = "receive"
UPGRADE = "upgrade"
READY = "ready"
MESSAGE = "message"
CLOSED = "closed"

TLS_REQUIRED = "required"
TLS_OPPORTUNISTIC = "opportunistic"
TLS_NONE = "none"

# State: (stage as replies.py names it, first digits that go on, handler of those, handler of a refusal,
# seconds to wait for the reply: RFC 5321 section 4.5.3.2 for the greeting, and the same where it is silent).
# The states of a message are those of transaction.py.
_TRANSITIONS = {
    "GREETING": ("greeting", "2", "_greeted", "_opening_refused", 300),
    "EHLO": ("ehlo", "2", "_introduced", "_ehlo_refused", 300),
    "HELO": ("ehlo", "2", "_introduced_plainly", "_opening_refused", 300),
    "STARTTLS": ("starttls", "2", "_upgrade", "_opening_refused", 300),
    "AUTH": ("auth", "23", "_signing_in", "_opening_refused", 300),
    "QUIT": ("quit", "2345", "_closed", "_closed", 10),
}


class Dialogue:
    """One connection. `client_name` is for EHLO, `tls` one of TLS_*; with `credentials` it signs in."""

    def __init__(self, client_name, tls, credentials=None):
        self._name = client_name
        self._tls = tls
        self._credentials = credentials
        self._mechanism = None
        self._reader = ReplyReader()
        self._state = "GREETING"
        self._output = None
        self._transaction = None
        self._results = ()
        self.secure = False
        self.capabilities = Capabilities()

    # What the driver sees

    @property
    def wants(self):
        if self._output is not None:
            return SEND
        return self._state if self._state in (READY, CLOSED, UPGRADE) else RECEIVE

    @property
    def stage(self):
        """Where the dialogue stands, in the words of replies.py."""
        if self._transaction:
            return self._transaction.stage
        transition = _TRANSITIONS.get(self._state)
        return transition[0] if transition else self._state

    @property
    def reply_timeout_s(self):
        """How long the awaited reply may take, as a whole."""
        return self._transaction.reply_timeout_s if self._transaction else _TRANSITIONS[self._state][4]

    def output(self):
        """The chunks to write now: an iterable of bytes-like objects, each to be used before the next.

        Raises ProtocolError, or what a 421 says, if the server has spoken again since the last reply.
        """
        self._expect_silence()
        output, self._output = self._output, None
        return output

    def receive(self, data):
        """Take octets from the server; returns the number of whole replies. Empty `data`: it has closed.

        Stops at what ends the wait: what came after the final reply to a message cannot undo its result.
        """
        if not data:
            self._end_of_stream()
        self._reader.feed(data)
        count = 0
        while self.wants == RECEIVE:
            reply = self._reader.take()
            if reply is None:
                break
            count += 1
            self._take(reply)
        if self._state == UPGRADE and not self._reader.empty:
            self._closed()
            raise failure(ProtocolError, "starttls-injection")
        return count

    def upgraded(self):
        """The connection is a TLS one now."""
        self.secure = True
        self._say_ehlo()

    def send(self, reverse_path, recipients, message):
        """Begin a message: see Transaction. Raises SettingsError or GiveUp before any octet is sent.

        Raises ProtocolError where the connection is closed already.
        """
        if self._state == CLOSED:
            raise failure(ProtocolError, "connection-closed", "after the last message", CLOSED)
        self._transaction = Transaction(reverse_path, recipients, message, self.capabilities)
        self._output = self._transaction.first_flight()
        self._state = MESSAGE

    def results(self):
        """One entry for each recipient of the message last sent: None if delivered, else an exception."""
        return self._results

    def quit(self):
        """Take leave. The results stand, whatever the answer."""
        self._state = "QUIT"
        self._output = (b"QUIT\r\n",)

    # Replies

    def _take(self, reply):
        if reply.code == 421:
            stage = self.stage
            if self._settled():
                return
            self._closed()
            raise refusal(reply, stage)
        if self._transaction:
            self._output = self._transaction.take(reply)
            if self._transaction.state == DONE:
                self._results = self._transaction.errors
                self._ready()
            return
        _, good, on_good, on_refusal, _ = _TRANSITIONS[self._state]
        getattr(self, on_good if str(reply.code)[0] in good else on_refusal)(reply)

    def _expect_silence(self):
        if self._reader.empty:
            return
        stage = self.stage
        self._closed()
        reply = self._reader.take()
        if reply and reply.code == 421:
            raise refusal(reply, stage)
        raise failure(ProtocolError, "early-reply", reply or "part of a reply")

    def _settled(self):
        """True, and closed, if every recipient has been refused: the end of the connection adds nothing."""
        if not (self._transaction and all(self._transaction.errors)):
            return False
        self._results = self._transaction.errors
        self._closed()
        return True

    def _end_of_stream(self):
        if self._settled():
            return
        stage = self.stage
        whole = self._reader.empty
        self._closed()
        if stage not in ("quit", CLOSED):
            how = "without a reply" if whole else "in the middle of a reply"
            raise failure(ProtocolError, "connection-closed", how, stage)

    # The opening

    def _opening_refused(self, reply):
        raise refusal(reply, self.stage)

    def _greeted(self, reply):
        self._say_ehlo()

    def _say_ehlo(self):
        self._state = "EHLO"
        self._output = (command("EHLO " + self._name),)

    def _ehlo_refused(self, reply):
        if reply.code not in (500, 501, 502, 504):
            raise refusal(reply, self.stage)
        self._state = "HELO"
        self._output = (command("HELO " + self._name),)

    def _introduced_plainly(self, reply):
        self._negotiate(Capabilities())

    def _introduced(self, reply):
        self._negotiate(Capabilities(reply.lines))

    def _negotiate(self, capabilities):
        self.capabilities = capabilities
        if not self.secure and self._tls != TLS_NONE:
            if capabilities.starttls:
                self._state = "STARTTLS"
                self._output = (b"STARTTLS\r\n",)
                return
            if self._tls == TLS_REQUIRED:
                raise failure(FixSettings, "starttls-missing")
        if self._credentials is None:
            self._ready()
            return
        if not self.secure:
            raise failure(FixSettings, "auth-needs-tls")
        self._mechanism = choose(capabilities.auth, self._credentials)
        self._state = "AUTH"
        self._output = _line(b"AUTH %s " % self._mechanism.name.encode(), self._mechanism.initial_response())

    def _upgrade(self, reply):
        self._state = UPGRADE

    def _signing_in(self, reply):
        if reply.code == 334:
            self._output = _line(b"", self._mechanism.answer(decode(reply.lines[0])))
        elif reply.code == 235:
            self._mechanism = None
            self._ready()
        else:
            raise refusal(reply, self.stage)

    def _ready(self):
        self._transaction = None
        self._state = READY

    def _closed(self, reply=None):
        self._transaction = None
        self._output = None
        self._state = CLOSED


def _line(start, pieces):
    if start:
        yield start
    yield from pieces
    yield b"\r\n"
