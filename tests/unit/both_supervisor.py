"""Watched tasks, with a clock that the test turns."""

import asyncio

from expect import equal

from mailmote import compat, log, supervisor


class Clock:
    now_ms = 1000

    def ticks(self):
        return self.now_ms


class Watchdog:
    fed = 0

    def feed(self):
        self.fed += 1


def with_clock(test):
    """Run `test(clock)` while compat's ticks are the clock's, quickly and silently."""
    before = compat.ticks_ms, supervisor._RESTART_S, supervisor._CHECK_S, log.level
    clock = Clock()
    compat.ticks_ms, supervisor._RESTART_S, supervisor._CHECK_S, log.level = clock.ticks, 0, 0, 100
    try:
        asyncio.run(test(clock))
    finally:
        compat.ticks_ms, supervisor._RESTART_S, supervisor._CHECK_S, log.level = before


def test_a_heartbeat_is_overdue_when_its_word_and_the_grace_are_over():
    async def check(clock):
        heartbeat = supervisor.Heartbeat("task")
        heartbeat.beat(30)
        for silent_s, overdue in ((0, False), (119, False), (121, True)):
            clock.now_ms = 1000 + silent_s * 1000
            equal((silent_s, heartbeat.overdue), (silent_s, overdue))
        heartbeat.beat()
        equal(heartbeat.overdue, False)
        clock.now_ms += 91000
        equal(heartbeat.overdue, True)
        heartbeat.retire()
        equal(heartbeat.overdue, False)

    with_clock(check)


def test_waiting_for_an_event_may_take_for_ever():
    async def check(clock):
        heartbeat = supervisor.Heartbeat("task")
        event = asyncio.Event()
        task = asyncio.create_task(heartbeat.wait(event))
        await asyncio.sleep(0)
        clock.now_ms += 10 * 86400 * 1000
        equal(heartbeat.overdue, False)
        event.set()
        await task
        clock.now_ms += 91000
        equal(heartbeat.overdue, True)

    with_clock(check)


def test_the_watchdog_is_fed_only_while_every_task_keeps_its_word():
    async def check(clock):
        dog = Watchdog()
        watched = supervisor.Supervisor(dog)
        release, end = asyncio.Event(), asyncio.Event()

        async def stuck(heartbeat):
            heartbeat.beat()
            await release.wait()

        watched.start("stuck", stuck)
        watching = asyncio.create_task(watched.watch(end))
        while not dog.fed:  # noqa: ASYNC110 - the dog tells nobody
            await asyncio.sleep(0)
        clock.now_ms += 91000
        for _ in range(20):
            await asyncio.sleep(0)
        fed = dog.fed
        for _ in range(20):
            await asyncio.sleep(0)
        equal(dog.fed, fed)
        end.set()
        await watching

    with_clock(check)


def test_a_task_that_fails_is_started_again_and_one_that_ends_is_not():
    async def check(clock):
        watched = supervisor.Supervisor()
        end = asyncio.Event()
        runs = []

        async def fails_twice(heartbeat):
            runs.append(1)
            if len(runs) < 3:
                raise ValueError("planned")
            end.set()

        watched.start("fails twice", fails_twice)
        await watched.watch(end)
        equal(len(runs), 3)

    with_clock(check)


class Crashes:
    """Takes what it is told; wants a restart at the failure of that number."""

    def __init__(self, loop_at=None):
        self.loop_at = loop_at
        self.failures = []
        self.late = []
        self.turns = 0

    def failed(self, what, error):
        self.failures.append((what, repr(error)))
        return len(self.failures) == self.loop_at

    def silent(self, names):
        self.late.append(list(names))

    def going_on(self):
        self.turns += 1


def test_each_failure_is_told_and_a_loop_of_them_ends_the_watch():
    async def check(clock):
        crashes = Crashes(loop_at=3)
        watched = supervisor.Supervisor(Watchdog(), crashes)
        stopped = []

        async def lasts(heartbeat):
            try:
                await heartbeat.wait(asyncio.Event())
            finally:
                stopped.append(1)

        async def fails(heartbeat):
            raise MemoryError("planned")

        watched.start("lasts", lasts)
        watched.start("fails", fails)
        equal(await watched.watch(asyncio.Event()), True)
        equal(crashes.failures[:3], [("The task fails", repr(MemoryError("planned")))] * 3)
        equal((len(stopped), crashes.turns > 0), (1, True))

    with_clock(check)


def test_failures_that_are_no_loop_do_not_end_the_watch():
    async def check(clock):
        end = asyncio.Event()
        crashes = Crashes()
        watched = supervisor.Supervisor(None, crashes)

        async def fails_twice(heartbeat):
            if len(crashes.failures) == 2:
                await turns()
                end.set()
                return
            raise ValueError("planned")

        watched.start("fails twice", fails_twice)
        equal(await watched.watch(end), False)
        equal((len(crashes.failures), end.is_set()), (2, True))

    with_clock(check)


def test_silent_tasks_are_told_once_until_they_change():
    async def check(clock):
        crashes = Crashes()
        watched = supervisor.Supervisor(None, crashes)
        release, end = asyncio.Event(), asyncio.Event()

        async def stuck(heartbeat):
            heartbeat.beat()
            await release.wait()
            heartbeat.beat()
            await heartbeat.wait(end)

        watched.start("one", stuck)
        watched.start("two", stuck)
        watching = asyncio.create_task(watched.watch(end))
        await turns()
        equal(crashes.late, [])
        clock.now_ms += 91000
        await turns()
        equal(crashes.late, [["one", "two"]])
        before = crashes.turns
        await turns()
        equal((crashes.late, crashes.turns), ([["one", "two"]], before))
        release.set()
        await turns()
        equal((len(crashes.late), crashes.turns > before), (1, True))
        end.set()
        await watching

    with_clock(check)


class Naps:
    """A heartbeat that sleeps in no time, and notes how long."""

    def __init__(self, naps):
        self.name = "napping"
        self.naps = naps

    async def sleep(self, seconds):
        self.naps.append(seconds)
        await asyncio.sleep(0)

    def retire(self):
        pass


def test_the_pause_before_a_restart_doubles_up_to_five_minutes_and_begins_anew_after_a_good_run():
    async def check(clock):
        supervisor._RESTART_S = 5
        crashes = Crashes()
        watched = supervisor.Supervisor(None, crashes)
        naps, runs = [], []

        async def fails(heartbeat):
            runs.append(1)
            if len(runs) == 9:
                clock.now_ms += 601000
            if len(runs) == 12:
                return
            raise ValueError("planned")

        await watched._keep(Naps(naps), fails)
        equal(naps, [5, 10, 20, 40, 80, 160, 300, 300, 5, 10, 20])
        equal(len(crashes.failures), 11)

    with_clock(check)


class ShortOfMemory(Crashes):
    def failed(self, what, error):
        raise MemoryError("planned")


def test_a_failure_that_leaves_no_memory_to_tell_it_is_survived():
    async def check(clock):
        runs = []

        async def fails_once(heartbeat):
            runs.append(1)
            if len(runs) == 1:
                raise ValueError("planned")

        await supervisor.Supervisor(None, ShortOfMemory())._keep(Naps([]), fails_once)
        equal(len(runs), 2)

    with_clock(check)


async def turns(count=60):
    """Let the others run; more than one wait of the watch."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_sleep_ends_early_for_its_event():
    async def check(clock):
        heartbeat = supervisor.Heartbeat("task")
        event = asyncio.Event()
        task = asyncio.create_task(heartbeat.sleep(3600, event))
        await asyncio.sleep(0)
        event.set()
        await task
        equal(heartbeat.overdue, False)

    with_clock(check)


class Steps:
    """`asyncio` with a sleep that turns the clock, and looks at the heartbeat `late_s` after its end."""

    def __init__(self, clock, heartbeat, late_s):
        self._clock = clock
        self._heartbeat = heartbeat
        self._late_s = late_s
        self.slept = []
        self.overdue = False

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self._clock.now_ms += (seconds + self._late_s) * 1000
        self.overdue = self.overdue or self._heartbeat.overdue
        self._clock.now_ms -= self._late_s * 1000


def test_a_long_sleep_goes_in_steps_that_are_promised_one_by_one():
    async def check(clock):
        for late_s, overdue in ((89, False), (91, True)):
            heartbeat = supervisor.Heartbeat("task")
            before, supervisor.asyncio = supervisor.asyncio, Steps(clock, heartbeat, late_s)
            try:
                await heartbeat.sleep(150)
                steps = supervisor.asyncio
            finally:
                supervisor.asyncio = before
            equal((steps.slept, steps.overdue), ([60, 60, 30, 0], overdue))
            clock.now_ms += 91000
            equal(heartbeat.overdue, True)  # no word is left over from the sleep

    with_clock(check)


def test_a_task_that_ends_owes_no_sign_of_life_and_is_not_started_again():
    async def check(clock):
        watched = supervisor.Supervisor()
        runs = []

        async def ends(heartbeat):
            runs.append(1)

        heartbeat = watched.start("ends", ends)
        for _ in range(20):
            await asyncio.sleep(0)
        clock.now_ms += 10 * 86400 * 1000
        equal((len(runs), heartbeat.overdue), (1, False))

    with_clock(check)


def test_at_the_end_every_task_is_stopped():
    async def check(clock):
        watched = supervisor.Supervisor()
        stopped = []

        async def lasts(heartbeat):
            try:
                await heartbeat.wait(asyncio.Event())
            finally:
                stopped.append(1)

        for name in ("one", "two"):
            watched.start(name, lasts)
        end = asyncio.Event()
        watching = asyncio.create_task(watched.watch(end))
        for _ in range(5):
            await asyncio.sleep(0)
        end.set()
        await watching
        equal((len(stopped), [task.done() for task in watched._tasks]), (2, [True, True]))

    with_clock(check)


def test_a_sleep_of_no_time_ends_an_earlier_promise():
    async def check(clock):
        heartbeat = supervisor.Heartbeat("task")
        heartbeat.beat(300)
        await heartbeat.sleep(0)
        clock.now_ms += 91000
        equal(heartbeat.overdue, True)

    with_clock(check)


def test_a_task_that_swallows_a_cancellation_is_stopped_all_the_same():
    async def check(clock):
        watched = supervisor.Supervisor()
        swallowed = []

        async def stubborn(heartbeat):
            try:
                await heartbeat.wait(asyncio.Event())
            except asyncio.CancelledError:
                swallowed.append(1)
            await heartbeat.wait(asyncio.Event())

        watched.start("stubborn", stubborn)
        end = asyncio.Event()
        watching = asyncio.create_task(watched.watch(end))
        for _ in range(5):
            await asyncio.sleep(0)
        end.set()
        await watching
        equal((len(swallowed), [task.done() for task in watched._tasks]), (1, [True]))

    with_clock(check)


def test_what_ended_a_task_is_logged_with_its_name():
    async def check(clock):
        log.level = log.ERROR
        log._ring[:] = []
        watched = supervisor.Supervisor()
        end = asyncio.Event()

        async def fails_once(heartbeat):
            if log.recent():
                end.set()
                return
            raise ValueError("planned")

        watched.start("fails once", fails_once)
        await watched.watch(end)
        equal("The task fails once failed" in log.recent()[0], True)
        equal("ValueError: planned" in log.recent()[-1], True)

    with_clock(check)
