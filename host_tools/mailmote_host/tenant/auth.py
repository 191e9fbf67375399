"""The AUTH exchange (RFC 4954): LOGIN and XOAUTH2, the two that Exchange Online offers after TLS."""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from .directory import DELEGATED_SCOPE
from .manners import InitialResponse

Ask = Callable[[str], Awaitable[bytes]]
"""Sends the challenge of that key and returns the client's line."""


@dataclass(frozen=True)
class Credentials:
    """What the client showed. `secret` is the password or the access token."""

    mechanism: str
    user: str
    secret: str = field(repr=False)


class AuthRefused(Exception):
    """The exchange cannot go on; `key` names the reply."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


async def exchange(argument: str, ask: Ask, initial_response: InitialResponse) -> Credentials:
    """Lead the exchange that `AUTH <argument>` begins. Raises AuthRefused."""
    mechanism, _, initial = argument.partition(" ")
    match mechanism.upper():
        case "LOGIN":
            return await _login(initial, ask, initial_response)
        case "XOAUTH2" if initial:
            return _xoauth2(_decoded(initial.encode()))
        case _:  # XOAUTH2 in two steps too, as was seen
            raise AuthRefused("unrecognized-auth")


async def _login(initial: str, ask: Ask, initial_response: InitialResponse) -> Credentials:
    if initial and initial_response == "refused":
        raise AuthRefused("invalid-arguments")
    if initial and initial_response == "accepted":
        user = _decoded(initial.encode())
    else:
        user = _decoded(await ask("ask-username"))
    return Credentials("LOGIN", user, _decoded(await ask("ask-password")))


def _xoauth2(text: str) -> Credentials:
    """`user=<mailbox>^Aauth=Bearer <token>^A^A`, ^A being the octet 1."""
    parts: list[tuple[str, str, str]] = [part.partition("=") for part in text.split("\x01")]
    fields = {name: value for name, _, value in parts}
    scheme, _, token = fields.get("auth", "").partition(" ")
    if not text.endswith("\x01\x01") or scheme.lower() != "bearer" or "user" not in fields:
        raise AuthRefused("bad-token")
    return Credentials("XOAUTH2", fields["user"], token)


def refusal_challenge() -> str:
    """What other providers say of a refused token before the verdict: JSON, in base64.

    The client answers with an empty line. See https://developers.google.com/gmail/imap/xoauth2-protocol
    """
    told = {"status": "400", "schemes": "Bearer", "scope": DELEGATED_SCOPE.split()[0]}
    return base64.b64encode(json.dumps(told).encode()).decode("ascii")


def _decoded(line: bytes) -> str:
    if line == b"*":
        raise AuthRefused("cancelled")
    try:
        return base64.b64decode(line, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise AuthRefused("invalid-arguments") from None
