"""How fast a board may send: its share of the 30 messages a minute that Exchange Online lets a mailbox send.

The source: "Exchange Online limits", sending limits, message rate limit. What is above it is no error, but
is throttled, and delays the alerts of all boards of the mailbox.

Each message earns the right to the next one after an interval (GCRA, the generic cell rate algorithm): a
message that begins up to `_SLACK` late costs nothing, one that comes after a full interval of rest goes at
once. Time is counted in thirtieths of a second. 30 messages take 62 s and not 60: one second for the slack,
one for clocks that tell whole seconds. So there are never more than 30 in any 60 s. A board that has the
mailbox for itself may begin four at once, and takes 68 s for 30 instead.

Boards that share a mailbox have a slot each. They take turns by the clock, so nobody has to know of the
others: whoever must wait waits for the next slot of its own. After an outage even the first message does,
since every board of the site has one. With a share that is not 1/N the slots do not fit the interval; then
only the message after an outage waits for one.
"""

import struct

from ..compat import const

_TICKS = const(30)  # in a second
_SLOT = const(62)  # ticks: 30 slots take 62 s
_SLACK = const(30)
_SLOT_ALONE = const(68)
_SLACK_ALONE = 3 * _SLOT_ALONE
_WIDE_SLACK = const(450)  # more of it, where the interval is beyond a minute and a missed turn costs as much
_MINUTE = 30 * _SLOT
_FULL = const(16)  # the rate is counted in sixteenths, and never lower than one
_FORGET_S = const(600)  # so long after its turn nobody waits any more: a slow server takes minutes to open
_FORM = "<BBi"
_OUTAGE = const(1)
_BEGUN = const(2)


class Rate:
    """`share` of the mailbox: above 0, at most 1. `slot`: from 0, one of round(1 / share).

    `now_s` is monotonic, `unix_s` the clock, both at least to the second. Call `began` as soon as `wait_s`
    gives 0, before the message's connection is opened. Steps of the clock can delay a message by two
    intervals in all, and never make the board faster.
    """

    def __init__(self, share=1.0, slot=0):
        slots = max(1, round(1 / share))
        self._turns = slots > 1
        self._cycle = slots * _SLOT
        self._slot = slot % slots * _SLOT
        self._fits = self._turns and abs(slots * share - 1) * _SLOT < 2  # rounding is within the two seconds
        self._interval = self._cycle if self._fits else -int(-_SLOT / share // 1)
        self._slack = _SLACK + min(max(0, self._interval - _MINUTE), _WIDE_SLACK)
        if share == 1:
            self._interval, self._slack = _SLOT_ALONE, _SLACK_ALONE
        self._factor = _FULL
        self._outage = False
        self._base = None  # in ticks: when the last message began, or should have
        self._due_s = None  # what was told to wait for

    def wait_s(self, now_s, unix_s):
        """Whole seconds until the next message may begin: 0 for now."""
        if self._due_s is None or now_s - self._due_s > _FORGET_S:
            self._due_s = now_s + self._plan_s(now_s, unix_s)
        left_s = self._due_s - now_s
        return -int(-left_s // 1) if left_s > 0 else 0

    def began(self, now_s):
        """A message begins."""
        now = int(now_s * _TICKS)
        self._base = now if self._base is None else max(now, self._base + self._pause())
        self._outage = False
        self._due_s = None

    def throttled(self):
        """The server asks for less."""
        self._factor = max(1, self._factor // 2)
        self._due_s = None

    def succeeded(self):
        """A message was taken: a sixteenth faster."""
        self._factor = min(_FULL, self._factor + 1)

    def outage(self):
        """The server could not be reached, and not by this board alone."""
        self._outage = True
        self._due_s = None

    def hurry(self):
        """Forget an outage: only the pace counts."""
        self._outage = False
        self._due_s = None

    def pack(self, now_s):
        """The state as six octets."""
        flags = _OUTAGE if self._outage else 0
        age_s = 0
        if self._base is not None:
            flags |= _BEGUN
            age_s = min((int(now_s * _TICKS) - self._base) // _TICKS, 0x7FFFFFFF)
        return struct.pack(_FORM, flags, self._factor, age_s)

    def unpack(self, data, now_s, slept_s=0):
        """Take the state back, `slept_s` after it was packed. Raises ValueError where `data` is none."""
        if len(data) != struct.calcsize(_FORM):
            raise ValueError("the kept state of the rate has the wrong length")
        flags, factor, age_s = struct.unpack(_FORM, data)
        self._factor = min(max(1, factor), _FULL)
        self._outage = bool(flags & _OUTAGE)
        self._base = int((now_s - age_s - max(0, slept_s)) * _TICKS) if flags & _BEGUN else None
        self._due_s = None

    def _pause(self):
        return self._interval * _FULL // self._factor

    def _plan_s(self, now_s, unix_s):
        rest = 0
        if self._base is not None:
            rest = max(0, self._base + self._pause() - self._slack - int(now_s * _TICKS))
        if (self._outage and self._turns) or (self._fits and rest):
            # The remainder first: thirtieths of the seconds since 1970 are no small integer.
            turn = (self._slot - int(unix_s % self._cycle * _TICKS)) % self._cycle
            late = (rest - turn) % self._cycle
            if late > _SLACK:
                rest += -late % self._cycle
        return -(-rest // _TICKS)
