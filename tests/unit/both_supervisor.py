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


def test_a_task_that_only_fails_leaves_the_rest_to_the_watchdog():
    async def check(clock):
        dog = Watchdog()
        watched = supervisor.Supervisor(dog)
        runs = []

        async def fails(heartbeat):
            runs.append(1)
            raise ValueError("planned")

        heartbeat = watched.start("fails", fails)
        end = asyncio.Event()
        watching = asyncio.create_task(watched.watch(end))
        while not heartbeat.overdue:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0)
        fed = dog.fed
        for _ in range(20):
            await asyncio.sleep(0)
        equal((len(runs), dog.fed - fed <= 1), (21, True))
        end.set()
        await watching

    with_clock(check)


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
