"""What goes wrong in a run, and when: made from the seed before the run begins.

All times are in seconds since the run began. After the last day nothing goes wrong any more.
"""

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .network import FIN, RST, SILENCE, WAYS, Cut

DAY_S = 86400
POWER, NETWORK, TENANT, CLOCK = "power", "network", "tenant", "clock"
FAULTS = (POWER, NETWORK, TENANT, CLOCK)

_CONNECTIONS_CUT = 0.15  # of all, while the network is at fault
_FLICKERS = 0.4  # of the power cuts: the next one comes at once
_LONG, _LONGER = 0.08, 10  # that part of all windows lasts so many times longer
_OPENING_OCTETS = 7000  # both flights of TLS and the dialogue up to the first message, about
_REPLY_OCTETS = 150  # the final reply, and some


class Window(NamedTuple):
    """Something lasts from `begin_s` to `end_s`; `what` says which of its kinds."""

    begin_s: float
    end_s: float
    what: str = ""


class Windows:
    """Windows of one fault, in order, none over another."""

    def __init__(self, windows: Sequence[Window] = ()) -> None:
        self._windows = windows
        self._begins = [window.begin_s for window in windows]

    def at(self, when_s: float) -> Window | None:
        index = bisect_right(self._begins, when_s) - 1
        return self._windows[index] if index >= 0 and when_s < self._windows[index].end_s else None

    def open_at(self, when_s: float) -> float:
        """The first moment from `when_s` on that lies in none."""
        window = self.at(when_s)
        return window.end_s if window else when_s

    def __iter__(self) -> Iterator[Window]:
        return iter(self._windows)


class PowerFault(NamedTuple):
    """`how`: "now"; "flash": at one of the next operations of the flash; "mail": around a final reply."""

    at_s: float
    how: str
    off_s: float


class Plan:
    """The faults of the kinds that are asked for. `chance` is for what is decided on the way."""

    def __init__(self, seed: int, days: float, kinds: Sequence[str]) -> None:
        self.seed = seed
        self.end_s = days * DAY_S
        self.kinds = kinds
        self.outages = Windows()
        self.wifi = Windows()
        self.tenant = Windows()
        self.sign_in = Windows()
        self.ntp = Windows()
        chance = self.chance("windows")
        if NETWORK in kinds:
            self.outages = self._windows(chance, 1.5, 300, 4 * 3600, ("unreachable", "no answer", "no name"))
            self.wifi = self._windows(chance, 1, 60, 3600, ("",))
        if TENANT in kinds:
            what = ("busy", "busy", "slow", "slow", "down", "throttles", "late")
            self.tenant = self._windows(chance, 3, 600, 3 * 3600, what)
            self.sign_in = self._windows(chance, 0.3, 1800, 6 * 3600, ("",))
        if CLOCK in kinds:
            self.ntp = self._windows(
                chance, 2, 600, 8 * 3600, ("silent", "silent", "ahead", "behind", "nonsense")
            )

    def chance(self, *names: object) -> random.Random:
        """Random numbers for one purpose, always the same for the same seed."""
        return random.Random(" ".join(map(str, (self.seed, *names))))  # noqa: S311 - a simulation

    def power(self, board: int) -> list[PowerFault]:
        """When a board loses its power."""
        chance = self.chance("power", board)
        found = []
        at_s = chance.expovariate(1 / DAY_S)
        while POWER in self.kinds and at_s < self.end_s:
            off_s = chance.choice((1.0, 5.0, 60.0, chance.uniform(60, 7200)))
            found.append(PowerFault(at_s, chance.choice(("now", "flash", "flash", "mail", "mail")), off_s))
            flickers = chance.random() < _FLICKERS
            at_s += off_s + (chance.uniform(0, 20) if flickers else chance.expovariate(1 / DAY_S))
        return found

    def drift(self, board: int) -> float:
        """How much faster a board's clock goes than it should, as a part of 1."""
        return self.chance("drift", board).uniform(-5e-5, 5e-5) if CLOCK in self.kinds else 0.0

    def cut(self, chance: random.Random, when_s: float) -> Cut | None:
        """Where a connection that begins now will be cut, if it will."""
        if NETWORK not in self.kinds or when_s >= self.end_s or chance.random() >= _CONNECTIONS_CUT:
            return None
        return Cut(chance.random() < 0.5, chance.randrange(_OPENING_OCTETS), chance.choice(WAYS))

    def cuts_reply(self, chance: random.Random, when_s: float) -> tuple[int, str] | None:
        """After how many octets of the reply to a whole message the connection is cut, if it is."""
        if NETWORK not in self.kinds or when_s >= self.end_s or chance.random() >= _CONNECTIONS_CUT / 2:
            return None
        return chance.randrange(_REPLY_OCTETS), chance.choice((FIN, RST, SILENCE))

    def _windows(
        self, chance: random.Random, a_day: float, least_s: float, most_s: float, what: Sequence[str]
    ) -> Windows:
        found = []
        begin_s = chance.expovariate(a_day / DAY_S)
        while begin_s < self.end_s:
            longer = _LONGER if chance.random() < _LONG else 1
            end_s = min(begin_s + chance.uniform(least_s, most_s) * longer, self.end_s)
            found.append(Window(begin_s, end_s, chance.choice(what)))
            begin_s = end_s + chance.expovariate(a_day / DAY_S)
        return Windows(found)


def outage(seed: int, days: float, kinds: Sequence[str]) -> Plan:
    """A plan in which a whole site has no Wi-Fi from soon after the start to the end."""
    made = Plan(seed, days, kinds)
    made.wifi = Windows([Window(60.0, made.end_s)])
    return made
