"""How the servers behave on the wire, apart from what the tenant decides."""

from dataclasses import dataclass
from typing import Literal

Stack = Literal["new", "old"]
InitialResponse = Literal["accepted", "ignored", "refused"]


@dataclass(frozen=True)
class Manners:
    """`stack`: which of Exchange's two front ends answers. `hide`: EHLO keywords, and commands of that
    name, that are not there; "EHLO" leaves HELO alone. `lower_case`: EHLO keywords in lower case.
    `login_initial_response`: what becomes of a user name on the AUTH LOGIN line. `delays`: factor on the
    waiting times of Exchange Online; 1 is as slow as the real one. `drip_s`: seconds between two octets of
    a reply. `idle_s`: after so much silence the server gives up. `patience_s`: see `wire`.
    `xoauth2_challenge`: a token that is refused is told so in a 334 first, as other providers do.
    """

    stack: Stack = "new"
    hide: frozenset[str] = frozenset()
    lower_case: bool = False
    login_initial_response: InitialResponse = "accepted"
    delays: float = 0.0
    drip_s: float | None = None
    idle_s: float = 300.0
    patience_s: float = 0.5
    xoauth2_challenge: bool = False
