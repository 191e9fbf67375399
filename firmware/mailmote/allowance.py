"""How much may be mailed now: what a mailbox of Microsoft 365 takes, and this board's share of it.

30 messages a minute and 10,000 recipients in a rolling day for a mailbox: "Exchange Online limits",
learn.microsoft.com. A server that answers that it is busy, or slowly, halves the rate.
"""

import binascii
import struct

from . import log
from .compat import const
from .errors import StorageError
from .net import clock
from .policy.budget import Budget
from .policy.rate import Rate
from .store import state

_BUSY = ("concurrent-connections", "server-busy", "rate-limited")
_SLOW_S = const(20)  # a throttled mailbox is answered late; a good one within seconds
_LONGEST_S = const(3600)  # the rolling day is looked at anew
_RECIPIENTS = "recipients"  # its name in the store
_BUDGET_AT = const(10)
PACKED_BYTES = 34


class Allowance:
    """For the board of these `settings`. Boards that were given no slot are spread by their names.

    `uptime_s()` gives the seconds since the start, also where the ticks have wrapped since it was last asked.
    """

    def __init__(self, settings, uptime_s):
        limits = settings["limits"]
        slot = limits.get("mailbox_slot")
        if slot is None:
            slot = binascii.crc32(settings["device"]["name"].encode()) & 0xFFFFFF
        self._most_recipients = limits["recipients_per_day"]
        self._rate = Rate(limits["mailbox_share"], slot)
        self._budget = Budget(self._most_recipients)
        self._now_s = uptime_s
        stored = state.read(_RECIPIENTS)
        if stored is not None:
            self._budget.load(stored, clock.now_s())

    def wait_s(self, recipients=1):
        """Seconds until a mail to so many may begin; 0 for now."""
        if self.used_up(recipients):
            return _LONGEST_S
        return self._rate.wait_s(self._now_s(), clock.now_s())

    def used_up(self, recipients=1):
        """True where the recipients of this day are used up."""
        return self._budget.left(clock.now_s()) < min(recipients, self._most_recipients)

    def began(self, recipients):
        """A mail to so many leaves now."""
        self._rate.began(self._now_s())
        number = self._budget.use(recipients, clock.now_s())
        if number is None:
            return
        try:
            state.write(_RECIPIENTS, number)
        except StorageError as error:
            log.error("courier", "The count of recipients is not stored. %s", error)

    def judge(self, errors, took_s):
        """What the answers to a mail tell of the server; `errors` are its results, None for delivered."""
        if took_s >= _SLOW_S or any(error and error.key in _BUSY for error in errors):
            self._rate.throttled()
        elif None in errors:
            self._rate.succeeded()

    def outage(self):
        """Others may have waited for the same thing, and come back at the same moment."""
        self._rate.outage()

    def hurry(self):
        """A person waits for a mail: after an outage, others will not come back at this moment."""
        self._rate.hurry()

    def clock_moved(self, by_s):
        """The clock was set: what was t is t + by_s now."""
        self._budget.clock_moved(by_s)

    def pack(self):
        """The state as 34 octets, for a memory that outlives deep sleep."""
        return struct.pack("<I", clock.now_s()) + self._rate.pack(self._now_s()) + self._budget.pack()

    def unpack(self, data):
        """Take up what `pack` gave; anything else is left."""
        if len(data) != PACKED_BYTES:
            return
        slept_s = clock.now_s() - struct.unpack_from("<I", data)[0]
        self._rate.unpack(data[4:_BUDGET_AT], self._now_s(), slept_s)
        self._budget.unpack(data[_BUDGET_AT:])
