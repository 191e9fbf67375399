"""Signing in with AUTH (RFC 4954): which mechanism, and what it says at each step.

Microsoft 365 offers LOGIN and XOAUTH2 after STARTTLS, and answers 504 to PLAIN; a site's own relay may
offer PLAIN, which needs one round trip less than LOGIN. What a mechanism says comes in pieces, so that an
access token of 4 kB is never copied whole into base64.
"""

import binascii

from ..errors import FixSettings, ProtocolError
from ..explanations import failure
from .credentials import Bearer

_BASE64_STEP = 384  # octets, a multiple of 3: 512 in base64


class Xoauth2:
    """https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth

    All of it goes in the line of AUTH, which is longer than the 512 octets of RFC 5321: Exchange Online
    answered 504 to the form in two steps.
    """

    name = "XOAUTH2"

    def __init__(self, bearer):
        self._bearer = bearer
        self._challenged = False

    def initial_response(self):
        return in_base64(self._bearer.pieces())

    def answer(self, challenge):
        """A refusal may come as a challenge that holds an error in JSON: an empty line asks for the 535."""
        if self._challenged:
            raise _unexpected(self.name)
        self._challenged = True
        return ()


class Plain:
    name = "PLAIN"

    def __init__(self, credentials):
        self._credentials = credentials
        self._answered = False

    def initial_response(self):
        return in_base64((self._credentials.plain(),))

    def answer(self, challenge):
        """PLAIN has said everything in its first line: an empty challenge may ask for it once more."""
        if challenge or self._answered:
            raise _unexpected(self.name)
        self._answered = True
        return self.initial_response()


class Login:
    """The user name goes along with AUTH, so a server that takes it asks only for the password."""

    name = "LOGIN"

    def __init__(self, credentials):
        self._credentials = credentials
        self._answers = 0

    def initial_response(self):
        return in_base64((self._credentials.username.encode(),))

    def answer(self, challenge):
        self._answers += 1
        if self._answers > 2:
            raise _unexpected(self.name)
        # A password in place of a user name would end in the server's logs.
        if self._answers == 1 and b"pass" not in challenge.lower():
            return self.initial_response()
        return in_base64((self._credentials.password(),))


def choose(offered, credentials):
    """The mechanism to use, of those `offered` in EHLO's AUTH line (upper case). Raises FixSettings.

    `credentials` is Credentials or Bearer.
    """
    told = " ".join(offered) or "none"
    if isinstance(credentials, Bearer):
        if Xoauth2.name not in offered:
            raise failure(FixSettings, "no-oauth", told)
        return Xoauth2(credentials)
    for mechanism in (Plain, Login):
        if mechanism.name in offered:
            return mechanism(credentials)
    raise failure(FixSettings, "no-password-auth", told)


def in_base64(pieces):
    """Base64 of all the pieces together, in chunks of at most 512 octets."""
    rest = b""
    for piece in pieces:
        view = memoryview(piece)
        if rest:
            taken = -len(rest) % 3
            rest += bytes(view[:taken])
            view = view[taken:]
            if len(rest) < 3:
                continue
            yield binascii.b2a_base64(rest)[:-1]
        whole = len(view) - len(view) % 3
        for start in range(0, whole, _BASE64_STEP):
            yield binascii.b2a_base64(view[start : min(start + _BASE64_STEP, whole)])[:-1]
        rest = bytes(view[whole:])
    if rest:
        yield binascii.b2a_base64(rest)[:-1]


def decode(text):
    """The octets of a challenge. Raises ProtocolError."""
    try:
        return binascii.a2b_base64(text)
    except ValueError:
        raise failure(ProtocolError, "malformed-reply", "334", "its challenge is not base64")


def _unexpected(name):
    return failure(ProtocolError, "malformed-reply", "334", "it asks for more than AUTH %s has to say" % name)
