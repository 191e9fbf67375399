"""The board's clock, with a time, a real-time clock and NTP servers that the test turns."""

import asyncio
import sys
import time

from expect import equal

from mailmote import civil, compat, log
from mailmote.net import clock

NOT_BEFORE_S = 1767225600
YEAR_2034_S = 2051049600  # 2034-12-30, where the times that can be end
FLOOR_S = NOT_BEFORE_S + 200 * 86400
NOW_S = NOT_BEFORE_S + 300 * 86400
SERVERS = ("one", "two", "three")
_EPOCH_S = 946684800 if time.gmtime(0)[0] == 2000 else 0


class End(Exception):
    """Enough turns."""


class Bench:
    """`ntptime` and `machine` in one, and the link: what a board's clock has around it.

    An answer of NTP is a time in seconds since 1970, or an exception.
    """

    def __init__(self, board_s, answers=(), asking_takes_s=0):
        self.board_s = board_s
        self.host = None
        self.asked = []
        self.set_to = []
        self.waited = 0
        self.answers = list(answers)
        self._asking_takes_s = asking_takes_s

    def time(self):
        self.asked.append(self.host)
        self.board_s += self._asking_takes_s
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer - _EPOCH_S

    def RTC(self):  # noqa: N802 - the name it has on a board
        return self

    def datetime(self, fields):
        year, month, day, _, hour, minute, second, subsecond = fields
        equal(subsecond, 0)
        self.board_s = civil.unix_time(year, month, day, hour, minute, second)
        self.set_to.append(self.board_s)

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


def on(bench, check):
    """Run `check` with the board's time, `machine` and `ntptime` of the bench; the warnings it logged."""
    lines = []
    before = compat.unix_time, log.warning
    modules = [(name, sys.modules.get(name)) for name in ("ntptime", "machine")]
    compat.unix_time = lambda: bench.board_s
    log.warning = lambda part, text, *values: lines.append(text % values)
    sys.modules["ntptime"] = sys.modules["machine"] = bench
    try:
        check()
    finally:
        compat.unix_time, log.warning = before
        for name, module in modules:
            if module:
                sys.modules[name] = module
            else:
                del sys.modules[name]
        clock.begin(None, ("pool.ntp.org",))
    return lines


def keep(bench, steps):
    """Run clock.keep until the answers end; the seconds slept."""
    heartbeat = Heartbeat(len(bench.answers))
    try:
        asyncio.run(clock.keep(bench, heartbeat, steps.append))
    except End:
        return heartbeat.slept


def kept(bench, floor_s=None, servers=SERVERS):
    """What clock.keep does: (seconds slept, steps told, warnings)."""
    slept, steps = [], []

    def check():
        clock.begin(floor_s, servers)
        slept.extend(keep(bench, steps))

    lines = on(bench, check)
    return slept, steps, lines


def one(lines, *words):
    equal(len(lines), 1)
    for word in words:
        equal((word, word in lines[0]), (word, True))


def test_each_server_is_asked_once_until_one_sets_the_clock():
    for answers, moved_s, asked in (
        ([NOW_S + 5], 5, ["one"]),
        ([OSError(110), NOW_S], 0, ["one", "two"]),
        ([OSError(110), 0, NOW_S - 7], -7, ["one", "two", "three"]),
        ([OSError(110), OSError(110), OSError(110)], None, ["one", "two", "three"]),
    ):
        bench = Bench(NOW_S, answers)
        got = []

        def check():
            clock.begin(None, SERVERS)
            got.append(clock.ask())  # noqa: B023 - called at once

        on(bench, check)
        equal((got, bench.asked), ([moved_s], asked))


def test_only_a_time_that_can_be_is_set():
    def check():
        for board_s, is_set in (
            (0, False),  # 1970
            (946684800, False),  # 2000, where an ESP32's clock begins
            (NOT_BEFORE_S - 1, False),
            (NOT_BEFORE_S, True),
            (YEAR_2034_S - 1, True),
            (YEAR_2034_S, False),
            (2085978496, False),  # 2036-02-07: NTP's zero
        ):
            bench.board_s = board_s
            equal((board_s, clock.is_set()), (board_s, is_set))

    bench = Bench(0)
    equal(on(bench, check), [])


def test_a_time_before_the_floor_is_not_set():
    def check():
        clock.begin(FLOOR_S, SERVERS)
        for board_s, is_set in ((FLOOR_S - 1, False), (FLOOR_S, True), (YEAR_2034_S, False)):
            bench.board_s = board_s
            equal((board_s, clock.is_set()), (board_s, is_set))

    bench = Bench(NOW_S)
    equal(on(bench, check), [])


def test_a_board_without_the_time_goes_on_from_the_floor():
    for board_s in (0, 946684800, NOT_BEFORE_S, FLOOR_S - 1, YEAR_2034_S):
        bench = Bench(board_s)
        lines = on(bench, lambda: clock.begin(FLOOR_S, SERVERS))
        equal((bench.board_s, bench.set_to), (FLOOR_S, [FLOOR_S]))
        one(lines, "2026-07-20 00:00 UTC", "until an NTP server answers")


def test_a_clock_is_sure_once_a_server_has_set_it_and_over_sleeps():
    def check():
        for sure, was_sure in ((False, False), (True, True)):
            clock.begin(FLOOR_S, SERVERS, was_sure)
            equal(clock.is_sure(), sure)
        for board_s in (0, FLOOR_S - 1):
            bench.board_s = board_s
            clock.begin(FLOOR_S, SERVERS, True)  # the power went in the sleep
            equal((clock.is_sure(), bench.board_s), (False, FLOOR_S))
        clock.ask()
        equal(clock.is_sure(), True)

    bench = Bench(NOW_S, [NOW_S])
    on(bench, check)


def test_a_clock_that_was_set_at_provisioning_is_left_alone():
    for board_s in (FLOOR_S, NOW_S):
        bench = Bench(board_s)
        equal(on(bench, lambda: clock.begin(None, SERVERS)), [])
        equal(on(bench, lambda: clock.begin(FLOOR_S, SERVERS)), [])
        equal((bench.board_s, bench.set_to), (board_s, []))


def test_without_a_floor_the_clock_stays_unset():
    bench = Bench(946684800)
    equal(on(bench, lambda: clock.begin(None, SERVERS)), [])
    equal(bench.set_to, [])


def test_a_floor_that_cannot_be_is_no_floor():
    def check():
        for floor_s in (0, NOT_BEFORE_S - 1, YEAR_2034_S, 2**40):
            bench.board_s = NOW_S
            clock.begin(FLOOR_S, SERVERS)
            bench.board_s = 946684800
            clock.begin(floor_s, SERVERS)
            equal((bench.board_s, clock.is_set()), (946684800, False))
            bench.board_s = NOT_BEFORE_S
            equal((clock.is_set(), clock.floor_due(NOT_BEFORE_S)), (True, True))

    bench = Bench(NOW_S)
    equal(on(bench, check), [])
    equal(bench.set_to, [])


def test_the_floor_is_due_once_a_day():
    def check():
        clock.begin(None, SERVERS)
        for now_s, due in ((NOT_BEFORE_S - 1, False), (NOT_BEFORE_S, True), (YEAR_2034_S, False)):
            equal((now_s, clock.floor_due(now_s)), (now_s, due))
        clock.begin(FLOOR_S, SERVERS)
        for age_s, due in ((-1, False), (0, False), (86400, False), (86401, True)):
            equal((age_s, clock.floor_due(FLOOR_S + age_s)), (age_s, due))

    on(Bench(NOW_S), check)


def test_a_raised_floor_holds_and_never_sinks():
    def check():
        clock.begin(FLOOR_S, SERVERS)
        clock.raise_floor(NOW_S)
        for board_s, is_set in ((NOW_S - 1, False), (NOW_S, True)):
            bench.board_s = board_s
            equal((board_s, clock.is_set()), (board_s, is_set))
        equal((clock.floor_due(NOW_S + 86400), clock.floor_due(NOW_S + 86401)), (False, True))
        for useless_s in (FLOOR_S, 0, YEAR_2034_S):
            clock.raise_floor(useless_s)
            equal((clock.is_set(), clock.floor_due(NOW_S + 86400)), (True, False))

    bench = Bench(NOW_S)
    on(bench, check)


def test_each_step_is_told_and_the_clock_is_set_again_after_six_hours():
    bench = Bench(946684800, [NOW_S, NOW_S, NOW_S - 3])
    equal(kept(bench), ([21600] * 3, [NOW_S - 946684800, -3], []))
    equal((bench.asked, bench.waited), (["one"] * 3, 3))
    equal(bench.set_to, [NOW_S, NOW_S, NOW_S - 3])


def test_the_time_that_asking_took_is_no_step():
    bench = Bench(NOW_S, [NOW_S + 4], asking_takes_s=4)
    equal(kept(bench), ([21600], [], []))


def test_an_answer_corrects_the_floor():
    bench = Bench(946684800, [NOW_S])
    slept, steps, lines = kept(bench, FLOOR_S)
    equal((slept, steps, bench.board_s), ([21600], [NOW_S - FLOOR_S], NOW_S))
    one(lines, "The clock was not set.")


def test_the_servers_are_asked_in_turn():
    bench = Bench(0, [OSError(110), OSError(110), NOW_S, NOW_S, OSError(110), NOW_S])
    slept, steps, lines = kept(bench)
    equal(bench.asked, ["one", "two", "three", "three", "three", "one"])
    equal((slept, steps), ([60, 60, 21600, 21600, 60, 21600], [NOW_S]))
    equal(len(lines), 3)


def test_whatever_ntp_raises_is_told_with_the_fix():
    for error in (OSError(110), OverflowError("no such year"), ValueError("short"), IndexError("no address")):
        bench = Bench(0, [error])
        slept, steps, lines = kept(bench)
        equal((slept, steps, bench.set_to), ([60], [], []))
        one(lines, "NTP server one", repr(error), "UDP port 123", "[clock] ntp")


def test_while_the_clock_is_not_set_it_is_asked_for_every_minute():
    bench = Bench(0, [OSError(110)] * 8)
    equal(kept(bench)[0], [60] * 8)


def test_a_clock_that_is_set_is_asked_for_seldom_once_every_server_failed():
    """A site without NTP: the log holds eight lines, and they are not all to be about that."""
    bench = Bench(NOW_S, [OSError(110)] * 5 + [NOW_S, OSError(110)])
    equal(kept(bench)[0], [60, 60, 900, 900, 900, 21600, 60])
    equal(kept(Bench(NOW_S, [OSError(110)] * 2), servers=["only"])[0], [900, 900])


def test_ntp_takes_nobody_to_before_the_floor():
    bench = Bench(NOW_S, [FLOOR_S - 1, NOT_BEFORE_S, FLOOR_S])
    slept, steps, lines = kept(bench, FLOOR_S)
    equal((slept, steps), ([60, 60, 21600], [FLOOR_S - NOW_S]))
    equal((bench.set_to, bench.asked), ([FLOOR_S], ["one", "two", "three"]))
    equal(len(lines), 2)
    one(lines[:1], "one was refused", "2026-07-19 23:59 UTC", "before a delivery", "provision it again")


def test_a_time_that_cannot_be_is_refused():
    for answer_s, stamp in (
        (NOT_BEFORE_S - 1, "2025-12-31 23:59"),
        (YEAR_2034_S, "2034-12-30 00:00"),
        (2085978496, "2036-02-07 06:28"),
    ):
        bench = Bench(NOW_S, [answer_s, NOW_S])
        slept, steps, lines = kept(bench)
        equal((slept, steps, bench.set_to), ([60, 21600], [], [NOW_S]))
        one(lines, "one was refused", stamp + " UTC", "cannot be", "Name another one")


def test_ntp_alone_raises_no_floor():
    def check():
        clock.begin(FLOOR_S, SERVERS)
        keep(bench, [])
        equal((bench.board_s, clock.is_set()), (ahead_s, True))
        bench.board_s = NOW_S
        equal((clock.is_set(), clock.floor_due(NOW_S)), (True, True))

    ahead_s = NOW_S + 5 * 365 * 86400
    bench = Bench(NOW_S, [ahead_s])
    equal(on(bench, check), [])
