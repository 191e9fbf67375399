"""An alarm that comes and goes is told so many times an hour, and no oftener.

The window slides: of the changes (alarms and recoveries) of one alarm, no more than `per_hour` are told in
any hour. What comes beyond that is held, and told as one event as soon as there is room: the last of them,
with how many it stands for and since when. So the state that people know is right again within the hour, and
no change goes uncounted. The level and the absence of readings are held apart: neither is the other's end.
A reminder is not counted; it goes at once, or not at all while a change is held that says more.

Time comes in, in whole seconds, from the clock that the alarm goes by: a recording's, for a recording.
"""

import struct

from ..compat import const
from ..event import ABOVE, ALARM, BELOW, NO_READING, RECOVERY, REMINDER, SENSOR_ERROR, Event, merged

_NOTHING = ()
_CHANGES = (ALARM, RECOVERY)
_OF_LEVEL = (ABOVE, BELOW)
_OF_ABSENCE = (NO_READING, SENSOR_ERROR)
_CONDITIONS = const(2)
_HOUR_S = const(3600)
_LATE_S = const(60)  # as in alarms.py: more than that is the clock being set

_HEAD = "<BBI"
_HELD = "<BBHIIIfff"
_LAST_S = const(0xFFFFFFFF)
_MOST = const(0xFFFF)
_NAN = float("nan")


class Flapping:
    """Of one alarm. What the calls return is told by the caller; mostly it is nothing.

    They raise nothing but MemoryError, and what it kept from being told is told by a later call.
    """

    def __init__(self, per_hour):
        self._told = [None] * per_hour  # when, a ring
        self._next = 0
        self._last_s = None
        self._level = None
        self._absence = None

    @property
    def holds(self):
        """Whether a change waits to be told."""
        return self._level is not None or self._absence is not None

    def told(self, events, now_s):
        """The events to tell now, where the alarm has raised `events`."""
        others = _NOTHING
        for event in events:
            if event.kind in _CHANGES and event.cause in _OF_LEVEL:
                self._level = _joined(self._level, event)
            elif event.kind in _CHANGES and event.cause in _OF_ABSENCE:
                self._absence = _joined(self._absence, event)
            elif event.kind != REMINDER or self._held(event.cause) is None:
                others += (event,)
        return self._release(self._room(now_s), now_s, others) if self.holds else others

    def tick(self, now_s):
        """The events whose time has come, when only time has passed. Call it at least once a minute."""
        return self._release(self._room(now_s), now_s) if self.holds else _NOTHING

    def all_held(self, now_s):
        """What is held, room or not: for the end of a recording, after which no time passes."""
        return self._release(_CONDITIONS, now_s) if self.holds else _NOTHING

    def clock_moved(self, by_s):
        """The clock that gives the times was set: what was t is t + by_s now."""
        for place, told_s in enumerate(self._told):
            if told_s is not None:
                self._told[place] = told_s + by_s
        if self._last_s is not None:
            self._last_s += by_s
        for event in (self._level, self._absence):
            if event is not None:
                event.since_s += by_s
                event.at_s += by_s
                event.first_s += by_s

    def _held(self, cause):
        return self._level if cause in _OF_LEVEL else self._absence

    def _room(self, now_s):
        """How many changes may be told."""
        if self._last_s is not None and self._last_s - now_s > _LATE_S:
            self.clock_moved(now_s - self._last_s)
        room = 0
        for told_s in self._told:
            if told_s is None or now_s - told_s >= _HOUR_S:
                room += 1
        return room

    def _release(self, most, now_s, others=_NOTHING):
        """Up to `most` of what is held, the one that has waited longer first, and `others`."""
        level, absence = self._level, self._absence
        if level is None or absence is None:
            held = (level or absence,)
        else:
            held = (level, absence) if level.first_s <= absence.first_s else (absence, level)
        held = held[:most]
        events = held + others
        if self._last_s is None or now_s > self._last_s:
            self._last_s = now_s
        for event in held:  # nothing is allocated from here on
            self._told[self._next] = self._last_s
            self._next = (self._next + 1) % len(self._told)
            if event is level:
                self._level = None
            else:
                self._absence = None
        return events

    def pack(self):
        """The state as octets, for memory that outlives deep sleep: 6 and 4 for each change told within the
        hour, and 28 for each of the two that can be held. Readings are left out."""
        last_s = self._last_s
        recent = [told_s for told_s in self._in_order() if last_s - told_s < _HOUR_S]
        held = [event for event in (self._level, self._absence) if event is not None]
        data = struct.pack(_HEAD, len(recent), len(held), _word(last_s or 0))
        for told_s in recent:
            data += struct.pack("<I", _word(told_s))
        for event in held:
            data += struct.pack(
                _HELD,
                event.kind,
                event.cause,
                min(event.count, _MOST),
                _word(event.since_s),
                _word(event.at_s),
                _word(event.first_s),
                _float(event.value),
                _float(event.threshold),
                _float(event.extreme),
            )
        return data

    def unpack(self, data, alarm, position=0):
        """Give a new Flapping the state at `position` of `data`; where that ends. `alarm`: its alarm's name.

        Raises ValueError where `data` is too short.
        """
        recent, held, last_s = _take(_HEAD, data, position)
        position += struct.calcsize(_HEAD)
        for _ in range(recent):
            (self._told[self._next],) = _take("<I", data, position)
            self._next = (self._next + 1) % len(self._told)
            position += 4
            self._last_s = last_s
        for _ in range(held):
            kind, cause, count, since_s, at_s, first_s, *values = _take(_HELD, data, position)
            position += struct.calcsize(_HELD)
            values = [None if value != value else value for value in values]
            event = Event(kind, cause, alarm, since_s, at_s, *values, (), count, first_s)
            if cause in _OF_LEVEL:
                self._level = event
            else:
                self._absence = event
        return position

    def _in_order(self):
        """When changes were told, the oldest first."""
        told = self._told[self._next :] + self._told[: self._next]
        return [told_s for told_s in told if told_s is not None]


def _joined(held, event):
    """What to hold where `event` comes upon `held`."""
    try:
        return event if held is None else merged(held, event)
    except MemoryError:
        event.count += held.count
        event.first_s = held.first_s
        return event


def _take(form, data, position):
    if position + struct.calcsize(form) > len(data):
        raise ValueError("the kept state of a flapping alarm is cut short")
    return struct.unpack_from(form, data, position)


def _word(time_s):
    return min(max(int(time_s), 0), _LAST_S)


def _float(value):
    return _NAN if value is None else value
