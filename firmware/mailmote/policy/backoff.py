"""When a failed delivery is tried again: pure, the random number passed in.

Full jitter: a whole site of boards that lost the same server must not return at the same second. Alerts are
kept and tried for as long as it takes; RFC 5321 section 4.5.4.1 asks for 4 to 5 days at least.
"""

import struct

from ..compat import const

LATER = 0  # it may pass
FIX = 1  # a person has to act first: hammering a sign-in prolongs a lockout
LOCKED = 2  # the account is locked: no attempt for an hour

_FIX_FIRST_S = const(900)
_LOCKED_FIRST_S = const(3600)
_SLOW_CAP_S = const(12000)  # which the jitter takes to four hours at most
_JITTER = 0.2
_MOST_DOUBLINGS = const(20)
_MOST_FAILURES = const(0xFFFF)
_FORM = "<BH"


class Backoff:
    """Counts the failures of one kind in a row; those of another kind begin anew.

    `first_s` and `cap_s` are of LATER. `failures` and `kind` can be set; pack and unpack keep both.
    """

    def __init__(self, first_s=60, cap_s=3600):
        self._first_s = first_s
        self._cap_s = cap_s
        self.failures = 0
        self.kind = LATER

    def succeeded(self):
        self.failures = 0

    def pause_s(self, kind, chance):
        """Whole seconds to wait after one more failure. `chance` is a random float from 0 to 1."""
        if kind != self.kind:
            self.kind = kind
            self.failures = 0
        doublings = min(self.failures, _MOST_DOUBLINGS)
        self.failures = min(self.failures + 1, _MOST_FAILURES)
        if kind == LATER:
            most = min(self._first_s << doublings, self._cap_s)
            least = min(self._first_s // 2, most)
        elif kind == FIX:
            middle = min(_FIX_FIRST_S << doublings, _SLOW_CAP_S)
            spread = int(middle * _JITTER)
            least, most = middle - spread, middle + spread
        else:
            least = min(_LOCKED_FIRST_S << doublings, _SLOW_CAP_S)
            most = least + int(least * _JITTER)
        return max(1, int(least + (most - least) * chance))

    def pack(self):
        """The state as three octets."""
        return struct.pack(_FORM, self.kind, self.failures)

    def unpack(self, data):
        """Take the state back. Raises ValueError where `data` is none."""
        if len(data) != struct.calcsize(_FORM):
            raise ValueError("the kept state of the retries has the wrong length")
        self.kind, self.failures = struct.unpack(_FORM, data)
