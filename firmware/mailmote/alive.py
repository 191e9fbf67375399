"""The daily mail that says that all is well: a board that died quietly is noticed when it stays out."""

from . import log
from .errors import StorageError
from .event import ALIVE, Event
from .net import clock
from .store import state

_DAY_S = 86400
_TOLD = "alive"  # its name in the store: the local day that was told last, in days since 1970


class Alive:
    """`settings` are the board's; without [alive] nothing is ever due. While one waits there is no other."""

    def __init__(self, settings, outbox):
        self._outbox = outbox
        alive = settings.get("alive")
        self._wanted = bool(alive)
        self._shift_s = settings["device"]["utc_offset_s"] - alive["at_s"] if alive else 0
        self._told = -1

    def due_in_s(self):
        """Seconds until the next one, 0 for now; None where there is none, or the clock is not set."""
        if not self._wanted or not clock.is_set():
            return None
        now_s = clock.now_s() + self._shift_s
        self._recall(now_s // _DAY_S)
        return max(0, (self._told + 1) * _DAY_S - now_s)

    def event(self):
        """The Event that is due, or None; it is due no more then."""
        if self.due_in_s() != 0:
            return None
        now_s = clock.now_s()
        self._write((now_s + self._shift_s) // _DAY_S)
        if self._outbox.newest(ALIVE) is not None:
            return None
        return Event(ALIVE, 0, "", now_s, now_s)

    def _recall(self, today):
        """The first start is told of nothing: the next one is due tomorrow."""
        if self._told < 0:
            self._told = state.read(_TOLD) or 0
        if not 0 < self._told <= today:
            self._write(today)

    def _write(self, day):
        self._told = day
        try:
            state.write(_TOLD, day)
        except StorageError as error:
            log.error("agent", "The day of the last sign of life is not stored. %s", error)
