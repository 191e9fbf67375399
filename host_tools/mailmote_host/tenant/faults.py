"""Scripted faults: what a hostile network or server does, at an exact point of a session.

    Fault(Stage("rcpt", 2), Reply("451 4.7.500 Server busy"))        the second RCPT is answered so
    Fault(Command(3), Delay(2.0))                                    the third command waits
    Fault(Received(120), RST, times=1)                               reset at the 120th octet, once
    Fault(InData(4096), Reply("421 4.3.2 Shutting down"), FIN)       in the middle of the message
    Fault(Replied(17), FIN)                                          of all replies only 17 octets go out

A `Reply` at a `Stage` or `Command` takes the place of the server's own; what stands before it happens
before, what follows after. A reply that refuses, or is none, also keeps the command from taking effect.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

STAGES = (
    "greeting",
    "ehlo",  # HELO too
    "starttls",
    "handshake",  # after the 220 to STARTTLS, before TLS
    "challenge",  # each 334 of AUTH
    "auth",  # the verdict of AUTH
    "mail",
    "rcpt",
    "data",  # DATA, or a BDAT chunk that is not the last
    "content",  # the end of the message: the lone dot, or BDAT LAST
    "rset",
    "noop",
    "quit",
    "unknown",
)


@dataclass(frozen=True)
class Stage:
    """At each command of that stage, or at the nth of the session only."""

    name: str
    nth: int | None = None

    def __post_init__(self) -> None:
        if self.name not in STAGES:
            raise ValueError(f"no stage is called {self.name!r}: it is one of {', '.join(STAGES)}")


@dataclass(frozen=True)
class Command:
    """At the nth command line of the session, from 1."""

    nth: int


@dataclass(frozen=True)
class Received:
    """When that many octets have come from the client in the session, all commands in them answered."""

    octets: int


@dataclass(frozen=True)
class InData:
    """When that many octets of a message's content have come: of the dot-stuffed text, or of BDAT chunks."""

    octets: int


@dataclass(frozen=True)
class Replied:
    """When that many octets of replies have been sent in the session; no other octet goes out before."""

    octets: int


@dataclass(frozen=True)
class Reply:
    """Say this. Text gets its CRLF; bytes go out as they are, however wrong."""

    said: str | bytes

    @property
    def octets(self) -> bytes:
        return self.said if isinstance(self.said, bytes) else self.said.encode() + b"\r\n"

    @property
    def permits(self) -> bool:
        """Whether the client may take it for success: it begins as a 2xx or 3xx reply does."""
        return self.octets[:1] in (b"2", b"3")


@dataclass(frozen=True)
class Delay:
    """Do nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Close:
    """End the connection: with FIN, TLS not told; or, abruptly, with RST."""

    abruptly: bool = False


FIN = Close()
RST = Close(abruptly=True)

Point = Stage | Command | Received | InData | Replied
Action = Reply | Delay | Close


class Fault:
    """Do `actions` at a point of each session, or the first `times` times only.

    `endpoint` ("submission" or "mx") limits it to one of the two.
    """

    def __init__(
        self, at: Point, *actions: Action, times: int | None = None, endpoint: str | None = None
    ) -> None:
        self.at = at
        self.actions = actions
        self.times = times
        self.endpoint = endpoint

    def __repr__(self) -> str:
        return f"Fault({self.at!r}, {', '.join(map(repr, self.actions))})"

    def split(self) -> tuple[Sequence[Action], Reply | None, Sequence[Action]]:
        """The actions before the first reply, that reply, and the actions after it."""
        for index, action in enumerate(self.actions):
            if isinstance(action, Reply):
                return self.actions[:index], action, self.actions[index + 1 :]
        return self.actions, None, ()


class Script:
    """The faults of a service, and how often each may still happen."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._faults = tuple(faults)
        self._left = {fault: fault.times for fault in faults}

    def take(self, fault: Fault) -> bool:
        """Whether the fault happens now; counts it if so."""
        left = self._left[fault]
        if left is not None:
            self._left[fault] = max(0, left - 1)
        return left != 0

    def of(self, endpoint: str) -> list[Fault]:
        return [fault for fault in self._faults if fault.endpoint in (None, endpoint)]


class SessionScript:
    """The faults as one session meets them: it counts its own stages."""

    def __init__(self, script: Script, endpoint: str) -> None:
        self._script = script
        self._faults = script.of(endpoint)
        self._passed: Counter[str] = Counter()
        self._last_command = 0

    def at_stage(self, name: str, command: int) -> Fault | None:
        """The fault at this stage, which answers the command of that number, if there is one."""
        self._passed[name] += 1
        points: list[Point] = [Stage(name), Stage(name, self._passed[name])]
        if command > self._last_command:  # a command has one first answer, AUTH and DATA more
            points.append(Command(command))
            self._last_command = command
        return next(
            (fault for fault in self._faults if fault.at in points and self._script.take(fault)), None
        )

    def points(self, kind: type[Received] | type[InData] | type[Replied]) -> "Points":
        """The octet counts of that kind at which something happens."""
        faults = [(fault.at.octets, fault) for fault in self._faults if isinstance(fault.at, kind)]
        return Points(self._script, sorted(faults, key=lambda due: due[0]))


class Points:
    """Octet counts of one stream, each with its fault, in order."""

    def __init__(self, script: Script, due: list[tuple[int, Fault]]) -> None:
        self._script = script
        self._due = due

    def room(self, octets: int) -> int | None:
        """How many more octets may pass before the next fault; None: any number."""
        return self._due[0][0] - octets if self._due else None

    def take(self, octets: int) -> Fault | None:
        """The fault that is due after so many octets, each once."""
        while self._due and self._due[0][0] <= octets:
            _, fault = self._due.pop(0)
            if self._script.take(fault):
                return fault
        return None
