"""What a battery board knows while it sleeps: what is due when, what waits, and the states of its alarms.

Times are seconds since 1970, and 0 is at once. The clock can be set in between, so a time is reached, too,
when it lies further ahead than it was ever meant to.
"""

import struct

from ..compat import const

DAY_S = 86400

_FORMAT = const(1)
_HEAD = "<BIHIIBIIBIHHHHH"
_HEAD_BYTES = struct.calcsize(_HEAD)
_SENSOR = "<IH"
_SENSOR_BYTES = struct.calcsize(_SENSOR)
_LAST_S = const(0xFFFFFFFF)
_MOST = const(0xFFFF)


class Asleep:
    """`waiting`: alerts in the outbox; `try_s`: when they are to be tried; `reached`: the server
    took mail at the last try. `clock_s`: when the clock is to
    be set, after `clock_failures` times in a row without an answer; `clock_sure`: once there was one.
    `alive_s`: the next sign of life, 0 for
    none. `renew_s`: when the sign-in is to be renewed, 0 for never; `warned`: that it failed is told.
    `began_s`: the start after a loss of power. `counts`: four numbers of mails. `courier`: what the courier
    keeps. `due_s`: of each sensor; `alarms`: octets of each sensor's alarms, None for new ones.
    """

    def __init__(self, sensors):
        self.waiting = 0
        self.try_s = 0
        self.reached = False
        self.clock_s = 0
        self.clock_failures = 0
        self.clock_sure = False
        self.alive_s = 0
        self.renew_s = 0
        self.warned = False
        self.began_s = 0
        self.counts = tuple([0] * 4)
        self.courier = b""
        self.due_s = [0] * sensors
        self.alarms = [None] * sensors

    def next_s(self):
        """When the board is to be awake again."""
        first_s = self.clock_s
        for due_s in self.due_s:
            first_s = min(first_s, due_s)
        if self.waiting:
            first_s = min(first_s, self.try_s)
        for due_s in (self.alive_s, self.renew_s):
            if due_s:
                first_s = min(first_s, due_s)
        return first_s

    def clock_moved(self, by_s):
        """The clock was set: what was t is t + by_s now. Times of day stay."""
        self.try_s = _moved(self.try_s, by_s)
        self.clock_s = _moved(self.clock_s, by_s)
        self.began_s = _moved(self.began_s, by_s)
        self.due_s = [_moved(due_s, by_s) for due_s in self.due_s]


def is_due(at_s, now_s, within_s):
    """Whether `at_s` is reached, for something that comes every `within_s` or sooner."""
    return not 0 < at_s - now_s <= within_s


def pack(asleep, fingerprint):
    """As octets, which belong to what `fingerprint`, 32 bits, is of."""
    data = bytearray(_HEAD_BYTES)
    struct.pack_into(
        _HEAD,
        data,
        0,
        _FORMAT,
        fingerprint,
        min(asleep.waiting, _MOST),
        _word(asleep.try_s),
        _word(asleep.clock_s),
        min(asleep.clock_failures, 255),
        _word(asleep.alive_s),
        _word(asleep.renew_s),
        int(asleep.warned) | asleep.reached << 1 | asleep.clock_sure << 2,
        _word(asleep.began_s),
        min(asleep.counts[0], _MOST),
        min(asleep.counts[1], _MOST),
        min(asleep.counts[2], _MOST),
        min(asleep.counts[3], _MOST),
        len(asleep.courier),
    )
    data += asleep.courier
    for due_s, alarms in zip(asleep.due_s, asleep.alarms):
        data += struct.pack(_SENSOR, _word(due_s), len(alarms))
        data += alarms
    return data


def unpack(data, fingerprint, sensors):
    """The Asleep of that fingerprint and number of sensors in `data`, or None."""
    if not data or len(data) < _HEAD_BYTES:
        return None
    head = struct.unpack_from(_HEAD, data)
    if head[:2] != (_FORMAT, fingerprint):
        return None
    asleep = Asleep(sensors)
    (
        asleep.waiting,
        asleep.try_s,
        asleep.clock_s,
        asleep.clock_failures,
        asleep.alive_s,
        asleep.renew_s,
        flags,
        asleep.began_s,
    ) = head[2:10]
    asleep.warned, asleep.reached, asleep.clock_sure = bool(flags & 1), bool(flags & 2), bool(flags & 4)
    asleep.counts = head[10:14]
    position = _HEAD_BYTES + head[14]
    asleep.courier = data[_HEAD_BYTES:position]
    for index in range(sensors):
        if position + _SENSOR_BYTES > len(data):
            return None
        asleep.due_s[index], length = struct.unpack_from(_SENSOR, data, position)
        position += _SENSOR_BYTES + length
        asleep.alarms[index] = data[position - length : position]
    return asleep if position == len(data) else None


def _moved(time_s, by_s):
    return time_s and time_s + by_s


def _word(time_s):
    return min(max(time_s, 0), _LAST_S)
