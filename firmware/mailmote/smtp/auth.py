"""Signing in with AUTH (RFC 4954): which mechanism, and what it says at each step.

Microsoft 365 offers LOGIN and XOAUTH2 after STARTTLS, and answers 504 to PLAIN; a site's own relay may
offer PLAIN, which needs one round trip less than LOGIN.
"""

import binascii

from ..errors import FixSettings, ProtocolError
from ..explanations import failure


class Credentials:
    """A user name (str) and a password (bytes). Never shown."""

    __slots__ = ("_password", "username")

    def __init__(self, username, password):
        self.username = username
        self._password = password

    def __repr__(self):
        return "Credentials(%r, ...)" % self.username

    def plain(self):
        """RFC 4616: authorization identity (empty), authentication identity, password."""
        return b"\0" + self.username.encode() + b"\0" + self._password

    def password(self):
        return self._password


class Plain:
    name = "PLAIN"

    def __init__(self, credentials):
        self._credentials = credentials

    def initial_response(self):
        return encode(self._credentials.plain())

    def answer(self, challenge):
        """PLAIN has said everything in its first line: any challenge is empty, or a mistake."""
        if challenge:
            raise _unexpected(self.name)
        return self.initial_response()


class Login:
    """The user name goes along with AUTH, so a server that takes it asks only for the password."""

    name = "LOGIN"

    def __init__(self, credentials):
        self._credentials = credentials
        self._answers = 0

    def initial_response(self):
        return encode(self._credentials.username.encode())

    def answer(self, challenge):
        self._answers += 1
        if self._answers > 2:
            raise _unexpected(self.name)
        # A password in place of a user name would end in the server's logs.
        if self._answers == 1 and b"pass" not in challenge.lower():
            return self.initial_response()
        return encode(self._credentials.password())


def choose(offered, credentials):
    """The mechanism to use, of those `offered` in EHLO's AUTH line (upper case). Raises FixSettings."""
    for mechanism in (Plain, Login):
        if mechanism.name in offered:
            return mechanism(credentials)
    raise failure(FixSettings, "no-password-auth", " ".join(offered) or "none")


def encode(octets):
    return binascii.b2a_base64(octets)[:-1]


def decode(text):
    """The octets of a challenge. Raises ProtocolError."""
    try:
        return binascii.a2b_base64(text)
    except ValueError:
        raise failure(ProtocolError, "malformed-reply", "334", "its challenge is not base64")


def _unexpected(name):
    return failure(ProtocolError, "malformed-reply", "334", "it asks for more than AUTH %s has to say" % name)
