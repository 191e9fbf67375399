"""Scripted faults of the sign-in endpoint: what the next requests get, one item each.

    HttpAnswer(503, headers={"Retry-After": "120"})     in place of its own answer, which has no effect then
    HttpAnswer(raw=b"HTTP/1.1 200 OK\\r\\n...")           the same, octet for octet
    Broken(0, RST)                                      its own answer takes effect, and none of it arrives
    Broken(40, FIN)                                     of its own answer only 40 octets arrive
    Broken(40)                                          and then it is silent, the connection open
    None                                                the ordinary answer

Only requests for device codes and tokens count.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .faults import Close


@dataclass(frozen=True)
class HttpAnswer:
    """An answer by script. `raw`, where given, is all of it."""

    status: int = 200
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Broken:
    """The answer ends after so many octets, headers included: by a close, or in silence.

    `answer` is the scripted one to break; None: the endpoint's own.
    """

    after: int = 0
    close: Close | None = None
    answer: HttpAnswer | None = None


SignInFault = HttpAnswer | Broken | None
