"""The board's clock, with a time and an NTP server that the test turns."""

import asyncio
import sys

from expect import equal

from mailmote import compat, log
from mailmote.net import clock

NOT_BEFORE_S = 1767225600


class End(Exception):
    """Enough turns."""


class Ntp:
    """`ntptime`: each settime takes a while and moves the time by the next of `moves`, or raises it."""

    def __init__(self, moves, takes_ms):
        self.now_s = 1000
        self.ticks_ms = 0
        self._takes_ms = takes_ms
        self._moves = list(moves)

    def settime(self):
        move = self._moves.pop(0)
        if isinstance(move, Exception):
            raise move
        self.now_s += move
        self.ticks_ms += self._takes_ms


class Link:
    waited = 0

    async def wait_up(self, heartbeat):
        self.waited += 1


class Heartbeat:
    def __init__(self, turns):
        self.turns = turns
        self.slept = []

    async def sleep(self, seconds):
        self.slept.append(seconds)
        if len(self.slept) == self.turns:
            raise End


def kept(moves, takes_ms=0):
    """What clock.keep does for those moves: (seconds slept, steps told, times the link was waited for)."""
    ntp, link, heartbeat, steps = Ntp(moves, takes_ms), Link(), Heartbeat(len(moves)), []
    before = compat.unix_time, compat.ticks_ms, sys.modules.get("ntptime"), log.level
    compat.unix_time, compat.ticks_ms = (lambda: ntp.now_s), (lambda: ntp.ticks_ms)
    sys.modules["ntptime"], log.level = ntp, 100
    try:
        asyncio.run(clock.keep(link, heartbeat, steps.append))
    except End:
        pass
    finally:
        compat.unix_time, compat.ticks_ms, old, log.level = before
        sys.modules.pop("ntptime")
        if old:
            sys.modules["ntptime"] = old
    return heartbeat.slept, steps, link.waited


def test_a_clock_from_before_the_firmware_is_not_set():
    before = compat.unix_time
    try:
        for now_s, is_set in (
            (0, False),
            (NOT_BEFORE_S - 1, False),
            (NOT_BEFORE_S, True),
            (2**31 - 1, False),
        ):
            compat.unix_time = lambda now_s=now_s: now_s
            equal((now_s, clock.is_set()), (now_s, is_set))
    finally:
        compat.unix_time = before


def test_each_step_is_told_and_the_clock_is_set_again_after_six_hours():
    equal(kept([1767300000, 0, -3]), ([21600] * 3, [1767300000, -3], 3))


def test_without_an_answer_it_is_asked_again_after_a_minute():
    for error in (OSError(110), OverflowError("no such year"), ValueError("short"), IndexError("no address")):
        equal(kept([error, 1767300000]), ([60, 21600], [1767300000], 2))


def test_a_time_that_cannot_be_is_asked_for_again():
    equal(kept([2085978496, -300000000]), ([60, 21600], [2085978496, -300000000], 2))


def test_the_time_that_asking_took_is_no_step():
    equal(kept([1767300003, 3, 4, 2], 3999), ([21600] * 4, [1767300000, 1, -1], 4))
