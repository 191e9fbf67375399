"""The interface of uMail (https://github.com/shawwwn/uMail) on mailmote's core: blocking calls, for programs
of one's own.

    smtp = umail.SMTP("smtp.example.com", 587, username="mote@example.com", password="...")
    smtp.to(["a@example.com", "b@example.com"])
    smtp.write("Subject: Freezer\\r\\n\\r\\n")
    code, text = smtp.send("It is too warm.")
    smtp.quit()

TLS is verified with the certificates in `CA_FILE`, and used wherever the server offers it; without TLS nobody
is logged in. What the server refuses, and what a person has to put right, raises Refused, an AssertionError
as in uMail; what may pass by itself raises Broken, an OSError. The text of each says what to do. The content
is the program's own: it goes out as it is, but for its line ends, which become CRLF, and its dots.
"""

from mailmote import compat
from mailmote.errors import FixSettings, MailmoteError, ProtocolError, RetryLater, RetryNow, SettingsError
from mailmote.explanations import failure
from mailmote.net import blocking, bundle
from mailmote.net.lockstep import Lockstep
from mailmote.redaction import hide, redacted
from mailmote.smtp.auth import choose, decode
from mailmote.smtp.capabilities import Capabilities
from mailmote.smtp.credentials import Bearer, Credentials
from mailmote.smtp.dots import DotStuffer
from mailmote.smtp.lines import command
from mailmote.smtp.refusal import refusal

CA_FILE = "/ca.pem"
DEFAULT_TIMEOUT = 60  # seconds for a whole reply, and for a call that sends
LOCAL_DOMAIN = "[127.0.0.1]"  # what the board calls itself: RFC 5321 section 4.1.3

_MAX_CHALLENGES = 3  # LOGIN has two; a server may ask once more


class Refused(AssertionError):
    """The server refuses, or something has to be put right first. `key` is for `mailmote explain`."""

    def __init__(self, text, key="error"):
        super().__init__(text)
        self.key = key


class Broken(OSError):
    """The connection failed, or there can be none now: the same may succeed later. `key` as in Refused."""

    def __init__(self, text, key="error"):
        super().__init__(text)
        self.key = key


class SMTP:
    """A connection to a mail server, open until `quit`. Every method may raise Refused or Broken.

    After Broken the connection is closed, and what was under way is lost.
    """

    def __init__(self, host, port, ssl=False, username=None, password=None):
        """Connect, and log in if told with what. With `ssl`, TLS comes first; else STARTTLS, if offered."""
        self.username = username
        self._host = host
        self._line = None
        self._capabilities = Capabilities()
        self._stuffer = None  # while a message is under way
        try:
            self._told(self._open, port, ssl)
            if username and password:
                self.login(username, password)
        except BaseException:
            self._close()
            raise

    def login(self, username, password=None, token=None):
        """Log in with a password, or with an OAuth 2.0 access token (XOAUTH2); returns (code, lines)."""
        return self._told(self._login, username, password, token)

    def to(self, addrs, mail_from=None):
        """Begin a message to an address or a list of them; returns (code, lines).

        The sender is `mail_from`, or else the user name. A recipient that is refused is printed; if all are,
        it raises Refused.
        """
        return self._told(self._begin, addrs, mail_from)

    def write(self, content):
        """Send a piece of the message, str or bytes, cut anywhere."""
        self._told(self._write, content)

    def send(self, content=""):
        """End the message, after a last piece; returns (code, text), and 250 is the code of success."""
        return self._told(self._end, content)

    def quit(self):
        """Take leave and close. A message that was not ended is dropped."""
        try:
            if self._line and self._line.open and self._stuffer is None:
                self._line.quit()
        except MailmoteError:
            pass  # what was sent before stands
        finally:
            self._close()

    def _told(self, action, *values):
        """What `action` returns; its MailmoteError becomes an exception that programs for uMail know."""
        try:
            return action(*values)
        except (RetryLater, RetryNow) as error:
            self._close()
            raise Broken(_text(error), error.key)
        except MailmoteError as error:
            raise Refused(_text(error), error.key)

    def _open(self, port, implicit_tls):
        context = bundle.context(CA_FILE) if implicit_tls else None
        self._line = Lockstep(
            blocking.connect(self._host, port, int(DEFAULT_TIMEOUT * 1000)), DEFAULT_TIMEOUT
        )
        if context:
            self._line.upgrade(context, self._host)
        self._command("greeting", b"", 2)  # the server speaks first
        self._say_ehlo()
        if not self._line.secure and self._capabilities.starttls:
            context = bundle.context(CA_FILE)
            self._command("starttls", b"STARTTLS\r\n", 2)
            self._line.upgrade(context, self._host)
            self._say_ehlo()

    def _say_ehlo(self):
        reply = self._command("ehlo", command("EHLO " + LOCAL_DOMAIN), 2)
        self._capabilities = Capabilities(reply.lines)

    def _login(self, username, password, token):
        self._expect_no_message()
        self.username = username
        secret = _octets(password if token is None else token)
        if secret is None:
            raise Refused("login() has nothing to show. Pass a password or a token.")
        hide(secret)
        if not self._line.secure:
            raise failure(FixSettings, "auth-needs-tls")
        credentials = Credentials(username, secret) if token is None else Bearer(username, secret)
        mechanism = choose(self._capabilities.auth, credentials)
        reply = self._line.ask("auth", b"AUTH %s " % mechanism.name.encode(), mechanism.initial_response())
        challenges = 0
        while reply.code == 334:
            challenges += 1
            if challenges > _MAX_CHALLENGES:
                raise failure(ProtocolError, "malformed-reply", "334", "it asks again and again")
            reply = self._line.ask("auth", b"", mechanism.answer(decode(reply.lines[0])))
        if reply.code not in (235, 503):  # 503: logged in already
            raise _refused(reply, "auth")
        return _pair(reply)

    def _begin(self, addrs, mail_from):
        self._expect_no_message()
        sender = self.username if mail_from is None else mail_from
        if sender is None:
            raise Refused("to() has no sender. Pass mail_from, or log in first.")
        addrs = (addrs,) if isinstance(addrs, str) else tuple(addrs)
        if not addrs:
            raise Refused("to() has no recipient. Pass one address or a list of them.")
        parameter = " BODY=8BITMIME" if self._capabilities.eight_bit else ""
        envelope = [command("MAIL FROM:<%s>%s" % (_checked(sender), parameter))]
        for address in addrs:
            envelope.append(command("RCPT TO:<%s>" % _checked(address)))
        self._command("mail", envelope[0], 2)
        try:
            self._name_recipients(addrs, envelope)
            reply = self._command("data", b"DATA\r\n", 3)
        except Refused:
            self._reset()
            raise
        self._stuffer = DotStuffer()
        return _pair(reply)

    def _name_recipients(self, addrs, envelope):
        refused = 0
        for index, address in enumerate(addrs):
            reply = self._line.ask("rcpt", envelope[index + 1])
            if reply.code // 100 != 2:
                print("%s refused, %s" % (address, _pair(reply)[1]))
                refused += 1
                if refused == len(addrs):
                    raise _refused(reply, "rcpt")

    def _reset(self):
        """Forget the envelope: the next message begins anew."""
        try:
            self._line.ask("mail", b"RSET\r\n")
        except MailmoteError:
            self._close()

    def _write(self, content):
        self._expect_open()
        if self._stuffer is None:
            raise Refused("There is no message to write to. Call to() before write() and send().")
        self._line.write(self._stuffer.feed(_octets(content)))

    def _end(self, content):
        self._write(content)
        self._line.expect_silence("content")
        self._line.write(self._stuffer.finish())
        self._stuffer = None
        reply = self._line.reply("content")
        if reply.code == 421:
            self._close()
        code, lines = _pair(reply)
        return code, " ".join(lines)

    def _command(self, stage, line, wanted):
        """The reply to a command line, if it has the first digit that is wanted."""
        reply = self._line.ask(stage, line)
        if reply.code // 100 != wanted:
            raise _refused(reply, stage)
        return reply

    def _expect_no_message(self):
        self._expect_open()
        if self._stuffer is not None:
            raise Refused("A message is under way. Call send() to end it first.")

    def _expect_open(self):
        if not self._line.open:
            raise Broken("The connection to %s is closed. Make a new umail.SMTP." % self._host)

    def _close(self):
        self._stuffer = None
        if self._line:
            self._line.close()


def _refused(reply, stage):
    error = refusal(reply, stage)
    return Refused(_text(error), error.key)


def _text(error):
    """The text of a MailmoteError, in words for a program."""
    try:
        return compat.borrow("mailmote.explanations.for_programs").text(error)
    except MemoryError:
        return error.text


def _checked(address):
    """`address`, if nothing in it could end the path that it stands in. Raises SettingsError."""
    for character in address:
        if not "!" <= character <= "~" or character in "<>":
            raise failure(SettingsError, "control-character", character)
    return address


def _octets(text):
    return text.encode() if isinstance(text, str) else text


def _pair(reply):
    """A reply as uMail tells it: (code, the texts of its lines)."""
    lines = [redacted(line) for line in reply.lines]
    if reply.enhanced:
        lines[0] = "%s %s" % (reply.enhanced, lines[0])
    return reply.code, lines
