"""The ways that mail may take, in order of preference, and when each is tried.

Each has pauses of its own after failures. One that stands in for those before it is tried when they all have
failed for as long as the settings say, and only while they are not due themselves.
"""

import random
import struct

from . import compat, sign_in
from .errors import FixSettings, RetryNow
from .policy.backoff import FIX, LATER, LOCKED, Backoff

# The sign-in is locked: each attempt prolongs it.
_LOCKED = ("account-locked", "aadsts-50053")
_PACKED = "<III"
_NEVER = 0xFFFFFFFF
_OPENED = 0x80000000  # beside the pause, which is of hours


class Route:
    """`mail` is its mail table, `failure` what keeps mail from leaving by it, or None.
    `opened`: the last attempt came to a server that takes mail.

    Times are seconds of uptime.
    """

    def __init__(self, mail, retry):
        self.mail = mail
        self.sign_in = sign_in.of(mail)
        self.after_s = mail.get("fallback_after_s", 0)
        self.failure = None
        self.failing_since_s = None
        self.due_s = 0
        self.opened = False
        self._backoff = Backoff(retry["first_s"], retry["cap_s"])
        self._retried_at_once = False

    def succeeded(self):
        self._backoff.succeeded()
        self._retried_at_once = False
        self.failure = self.failing_since_s = None
        self.due_s = 0

    def failed(self, error, now_s, delivered):
        """An attempt failed, though it may have `delivered` something. It is due again after a pause."""
        self.failure = error
        if delivered:
            self._backoff.succeeded()
            self._retried_at_once = False
        if delivered or self.failing_since_s is None:
            self.failing_since_s = now_s
        if isinstance(error, RetryNow) and not self._retried_at_once:
            self._retried_at_once = True
            self.due_s = now_s
            return
        kind = LATER
        if isinstance(error, FixSettings):
            kind = LOCKED if error.key in _LOCKED else FIX
        self.due_s = now_s + self._backoff.pause_s(kind, random.random())

    def hurry(self, now_s, asked):
        """Be tried at once: for a person who `asked`, or a new alert. A locked account is left in peace."""
        locked = self._backoff.kind == LOCKED and self._backoff.failures
        if (asked or self.opened) and not locked:
            self.due_s = min(self.due_s, now_s)

    def pack(self, now_s):
        since_s = _NEVER if self.failing_since_s is None else now_s - self.failing_since_s
        due_in_s = max(self.due_s - now_s, 0) | (_OPENED if self.opened else 0)
        times = struct.pack(_PACKED, due_in_s, since_s, compat.unix_time())
        return times + self._backoff.pack()

    def unpack(self, data, now_s):
        due_in_s, since_s, packed_s = struct.unpack_from(_PACKED, data)
        slept_s = max(compat.unix_time() - packed_s, 0)
        self.opened = bool(due_in_s & _OPENED)
        self.due_s = now_s + max((due_in_s & ~_OPENED) - slept_s, 0)
        self.failing_since_s = None if since_s == _NEVER else now_s - since_s - slept_s
        self._backoff.unpack(data[struct.calcsize(_PACKED) :])


class Routes:
    def __init__(self, settings):
        tables = [settings["mail"]] + settings["fallbacks"]
        self.all = [Route(mail, settings["retry"]) for mail in tables]

    def due(self, now_s):
        """Those to try now, one after the other until one delivers."""
        return [route for route in self._usable(now_s) if route.due_s <= now_s]

    def pause_s(self, now_s):
        """Seconds until one is due; 0 for now."""
        usable = self._usable(now_s)
        next_s = min([route.due_s for route in usable])
        if len(usable) < len(self.all):
            stand_in = self.all[len(usable)]
            if all(route.failing_since_s is not None for route in usable):
                next_s = min(next_s, max([route.failing_since_s for route in usable]) + stand_in.after_s)
        return max(next_s - now_s, 0)

    def hurry(self, now_s, asked):
        """What is tried next is tried at once. For a new alert, and not for a person who `asked`, only where
        the server was reached: hammering a sign-in prolongs a lockout."""
        for route in self._usable(now_s):
            route.hurry(now_s, asked)

    @property
    def failure(self):
        """What keeps mail from leaving by the preferred way, or None."""
        return self.all[0].failure

    def pack(self, now_s):
        """As bytes, for a memory that outlives deep sleep."""
        return b"".join([route.pack(now_s) for route in self.all])

    def unpack(self, data, now_s):
        """Take up what `pack` gave; anything else is left."""
        size = len(self.all[0].pack(now_s))
        if len(data) != size * len(self.all):
            return
        for index, route in enumerate(self.all):
            route.unpack(data[index * size : (index + 1) * size], now_s)

    def _usable(self, now_s):
        usable = []
        for route in self.all:
            if usable and not all(_fails_for(before, now_s, route.after_s) for before in usable):
                break
            usable.append(route)
        return usable


def _fails_for(route, now_s, seconds):
    return route.failing_since_s is not None and now_s - route.failing_since_s >= seconds
