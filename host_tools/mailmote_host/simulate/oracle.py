"""What was raised, what arrived, and what arrived twice and why.

An event counts as raised when the outbox has taken it. It is delivered when a mail that tells it was accepted
by the tenant for each of its recipients. What a mail tells is known from the records that it was made of, by
its Message-ID; where records are merged, the merged one tells the events of both.

A mail that tells something a second time is a duplicate. It is explained by what came between the end of
the earlier mail and the complete reply to it: the connection broke there, the board gave up, or lost its
power. RFC 5321 section 6.1: no queue can do better. Any other one is a fault of the firmware.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .network import RST

_SETTLING_S = 1.0  # a board that has the reply takes note of it at once
_LONG_ENOUGH_S = 590  # RFC 5321 section 4.5.3.2.6: 10 minutes for the final reply

UNEXPLAINED = "unexplained"


class Key(NamedTuple):
    """A record of a board's outbox."""

    board: int
    identity: int


@dataclass(eq=False)
class Event:
    """Something that a board was to tell. `told` are the mails that told it, by recipient."""

    board: int
    raised_s: float
    title: str
    recipients: tuple[str, ...]
    told: dict[str, list["Acceptance"]] = field(default_factory=dict)

    @property
    def delivered_s(self) -> float | None:
        """When the last of its recipients had it; None while one has not."""
        firsts = [self.told[recipient][0].at_s for recipient in self.recipients if self.told.get(recipient)]
        return max(firsts) if len(firsts) == len(self.recipients) else None


@dataclass(eq=False)
class Acceptance:
    """A mail that the tenant took."""

    at_s: float
    life: Any
    connection: Any
    message_id: str
    recipients: tuple[str, ...]
    events: tuple[Event, ...] = ()
    replied_s: float | None = None
    """When the complete reply was with the board, which still waited for it."""

    def interruption(self) -> str | None:
        """What kept the board from knowing; None if nothing did."""
        connection, life = self.connection, self.life
        if self.replied_s is None:
            if connection.fate:
                return f"the connection {connection.fate}, before the reply"
            left_s = connection.client_left
            if left_s is not None and left_s - connection.client_wrote >= _LONG_ENOUGH_S:
                return "the reply took longer than a client has to wait"
            return None
        if connection.fate == RST and connection.broke_s <= self.replied_s:
            return (
                f"the connection {connection.fate}, together with the reply"  # what is unread is thrown away
            )
        if life.ended_s is not None and life.ended_s <= self.replied_s + _SETTLING_S:
            return "the board lost its power, before it took note of the reply"
        return None


class Oracle:
    """Hears of everything; judges at the end."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.acceptances: list[Acceptance] = []
        self.unknown: list[str] = []
        self.duplicates: dict[str, int] = {}
        self._records: dict[Key, list[Event]] = {}
        self._composed: dict[tuple[int, str], tuple[Key, ...]] = {}

    # What the boards tell

    def raised(self, key: Key, title: str, recipients: tuple[str, ...], now_s: float) -> None:
        """The outbox has taken an event."""
        event = Event(key.board, now_s, title, recipients)
        self.events.append(event)
        self._records.setdefault(key, []).append(event)

    def merged(self, sources: list[Key], into: Key) -> None:
        """One record stands for others from now on."""
        events = [event for source in sources for event in self._records.get(source, ())]
        self._records[into] = list(dict.fromkeys(events))

    def composed(self, board: int, message_id: str, keys: tuple[Key, ...]) -> None:
        """A board has made a mail of these records."""
        self._composed[board, message_id] = keys

    # What the tenant tells

    def accepted(self, acceptance: Acceptance) -> None:
        """The tenant took a mail."""
        self.acceptances.append(acceptance)
        board = acceptance.life.board.number
        keys = self._composed.get((board, acceptance.message_id))
        if keys is None:
            self.unknown.append(acceptance.message_id)
            return
        found = [event for key in keys for event in self._records.get(key, ())]
        acceptance.events = tuple(dict.fromkeys(found))
        causes = [
            _cause(earlier, acceptance)
            for event in acceptance.events
            for recipient in acceptance.recipients
            if (earlier := event.told.get(recipient))
        ]
        for event in acceptance.events:
            for recipient in acceptance.recipients:
                event.told.setdefault(recipient, []).append(acceptance)
        if causes:
            cause = UNEXPLAINED if UNEXPLAINED in causes else causes[0]
            self.duplicates[cause] = self.duplicates.get(cause, 0) + 1

    # The verdict

    @property
    def lost(self) -> list[Event]:
        return [event for event in self.events if event.delivered_s is None]

    @property
    def interrupted(self) -> int:
        """How many mails met an interruption in the window in which their board could not know."""
        return sum(acceptance.interruption() is not None for acceptance in self.acceptances)

    @property
    def unexplained(self) -> int:
        return self.duplicates.get(UNEXPLAINED, 0) + len(self.unknown)


def _cause(earlier: list[Acceptance], again: Acceptance) -> str:
    """Why something was told again. A mail that was interrupted may also be taken after the next one."""
    interruptions = [mail.interruption() for mail in earlier]
    own = again.interruption()
    if interruptions.count(None) > (1 if own else 0):
        return UNEXPLAINED
    return own or interruptions[-1] or UNEXPLAINED
