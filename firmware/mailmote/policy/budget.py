"""How many recipients a day still has: Exchange Online lets a mailbox send to 10,000 in any 24 hours.

The source: "Exchange Online limits", sending limits, recipient rate limit. Beyond it every message is
refused. Seven buckets of four hours hold what was used: 24 to 28 hours, so never too many.

Over a restart one number keeps it, small enough for store/state.py: four digits for the third of a day (8 h,
from 2026) in which it was written, then two for each of that third and the three before, in steps of the 99th
part of the limit, rounded up. It is written before the steps are used, so a power cut makes the board count
up to one step too many for each of the thirds, and never too few.
"""

import struct

from ..compat import const

_BUCKET_S = 4 * 3600
_BUCKETS = const(7)
_THIRD_S = 8 * 3600
_THIRDS = const(4)
_FIRST_THIRD = 1767225600 // _THIRD_S  # 2026-01-01
_LAST_THIRD = const(9999)  # in 2035
_STEPS = const(99)
_FORM = "<II8H"
_LAST_S = const(0xFFFFFFFF)
_MOST = const(0xFFFF)


class Budget:
    """`limit` in recipients. `unix_s` is the clock; whoever sets it says so by `clock_moved`.

    A clock that nobody set serves as well, for it runs. One that goes back unannounced frees nothing before
    its time, and blocks for 56 hours at most.
    """

    def __init__(self, limit):
        self._limit = limit
        self._step = -(-limit // _STEPS)
        self._used = [0] * _BUCKETS  # the newest first
        self._end_s = 0  # of the newest; 0 before the first call
        self._third = 0  # what the written number covers: so many more in this third
        self._spare = 0

    def left(self, unix_s):
        """How many more recipients may be written to now."""
        self._settle(int(unix_s))
        return max(0, self._limit - sum(self._used))

    def use(self, count, unix_s):
        """Call before `count` recipients are written to: the number to keep, or None where the last does."""
        unix_s = int(unix_s)
        self._settle(unix_s)
        self._used[0] += count
        if count <= self._spare and unix_s // _THIRD_S == self._third:
            self._spare -= count
            return None
        return self._number(unix_s)

    def load(self, number, unix_s):
        """Take back a kept number; None is nothing. What is ahead of the clock counts as used now."""
        if number is None:
            return
        unix_s = int(unix_s)
        self._used = [0] * _BUCKETS
        self._spare = 0
        self._end_s = (unix_s // _BUCKET_S + 1) * _BUCKET_S
        age = _third(unix_s) - number // 100**_THIRDS
        for back in range(_THIRDS):
            steps = number // 100 ** (_THIRDS - 1 - back) % 100
            last_s = min(unix_s, (unix_s // _THIRD_S - age - back + 1) * _THIRD_S - 1)
            bucket = (self._end_s - 1 - last_s) // _BUCKET_S
            if bucket < _BUCKETS:
                self._used[bucket] += steps * self._step

    def clock_moved(self, by_s):
        """The clock was set: what was t is t + by_s now."""
        if self._end_s:
            self._end_s += int(by_s)

    def pack(self):
        """The state as 24 octets."""
        counts = [min(count, _MOST) for count in self._used]
        end_s = min(max(self._end_s, 0), _LAST_S)
        return struct.pack(_FORM, end_s, min(self._third, _LAST_S), min(self._spare, _MOST), *counts)

    def unpack(self, data):
        """Take the state back. Raises ValueError where `data` is none."""
        if len(data) != struct.calcsize(_FORM):
            raise ValueError("the kept state of the budget has the wrong length")
        self._end_s, self._third, self._spare, *self._used = struct.unpack(_FORM, data)

    def _settle(self, unix_s):
        """Let the buckets go that are over."""
        window_s = _BUCKETS * _BUCKET_S
        if not self._end_s or unix_s < self._end_s - _BUCKET_S - window_s:
            self._end_s = (unix_s // _BUCKET_S + 1) * _BUCKET_S
        over = max(0, (unix_s - self._end_s) // _BUCKET_S + 1)
        if over:
            self._end_s += over * _BUCKET_S
            self._used = ([0] * min(over, _BUCKETS) + self._used)[:_BUCKETS]

    def _number(self, unix_s):
        now = unix_s // _THIRD_S
        thirds = [0] * _THIRDS
        for bucket, count in enumerate(self._used):
            last_s = min(unix_s, self._end_s - bucket * _BUCKET_S - 1)
            thirds[now - last_s // _THIRD_S] += count
        number = _third(unix_s)
        for count in thirds:
            number = number * 100 + min(-(-count // self._step), _STEPS)
        self._third = now
        self._spare = -thirds[0] % self._step
        return number


def _third(unix_s):
    """As in the number: 0 for a clock that is not set."""
    return min(max(0, unix_s // _THIRD_S - _FIRST_THIRD), _LAST_THIRD)
