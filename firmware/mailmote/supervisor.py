"""Tasks that are watched: each says when it will be heard of again, and the watchdog is fed only while all
keep their word.

A coroutine that merely fed the watchdog would prove nothing but that the event loop turns.
"""

import asyncio

from . import compat, log

_CHECK_S = 5
_RESTART_S = 5
# Beyond a task's own word: DNS and one step of a TLS handshake block everything for about 20 s each.
_GRACE_S = 90
_WATCHDOG_MS = 180000
# A task that fails so often in a row is not helped by another start: what is waiting is safe on the flash.
_MOST_FAILURES = 20
_GOOD_RUN_MS = 600000


class Heartbeat:
    """One task's promise. Counts in seconds: ticks wrap, so a long rest is kept in short steps."""

    _STEP_S = 60

    def __init__(self, name):
        self.name = name
        self._last = compat.ticks_ms()
        self._within_s = 0
        self._resting = False
        self._failed = False

    def beat(self, within_s=0):
        """Here I am; the next sign of life comes within `within_s` seconds."""
        self._last = compat.ticks_ms()
        self._within_s = within_s
        self._resting = False

    async def sleep(self, seconds, unless=None):
        """Sleep, or until the asyncio.Event `unless` is set."""
        while seconds > 0 and not (unless and unless.is_set()):
            step_s = min(seconds, self._STEP_S)
            self.beat(step_s)
            if unless:
                await _wait_at_most(unless, step_s)
            else:
                await asyncio.sleep(step_s)
            seconds -= step_s
        self.beat()
        await asyncio.sleep(0)

    async def wait(self, event):
        """Wait for an asyncio.Event, as long as it takes."""
        self._resting = True
        await event.wait()
        self.beat()

    def retire(self):
        """No further sign of life is owed."""
        self._resting = True

    def fail(self):
        """This task is lost: only a restart of the board can help."""
        self._failed = True

    @property
    def overdue(self):
        if self._failed:
            return True
        silent_ms = compat.ticks_diff(compat.ticks_ms(), self._last)
        return not self._resting and silent_ms > (self._within_s + _GRACE_S) * 1000


class Supervisor:
    """Runs tasks, restarts one that fails, and feeds the watchdog."""

    def __init__(self, watchdog=None):
        self._watchdog = watchdog
        self._tasks = []
        self._heartbeats = []

    def start(self, name, run):
        """Start `run(heartbeat)` as a task; it is started again whenever it raises."""
        heartbeat = Heartbeat(name)
        self._heartbeats.append(heartbeat)
        self._tasks.append(asyncio.create_task(self._keep(heartbeat, run)))
        return heartbeat

    async def watch(self, until):
        """Feed the watchdog until the asyncio.Event `until` is set; then stop every task."""
        try:
            while not until.is_set():
                late = [heartbeat.name for heartbeat in self._heartbeats if heartbeat.overdue]
                if late:
                    log.error(
                        "supervisor", "No sign of life from %s: the watchdog will restart.", ", ".join(late)
                    )
                elif self._watchdog:
                    self._watchdog.feed()
                await _wait_at_most(until, _CHECK_S)
        finally:
            for task in self._tasks:
                # More than once: CPython 3.11's wait_for swallows a cancellation that meets a result.
                while not task.done():
                    task.cancel()
                    await asyncio.sleep(0)

    async def _keep(self, heartbeat, run):
        failures = 0
        while True:
            began = compat.ticks_ms()
            try:
                await run(heartbeat)
                heartbeat.retire()
                return
            except Exception as error:
                log.error(
                    "supervisor",
                    "The task %s failed and is started again in %d s.",
                    heartbeat.name,
                    _RESTART_S,
                )
                log.exception("supervisor", error)
            lasted_ms = compat.ticks_diff(compat.ticks_ms(), began)
            failures = 1 if lasted_ms > _GOOD_RUN_MS else failures + 1
            if failures > _MOST_FAILURES:
                log.error(
                    "supervisor", "%s cannot be kept running: the watchdog will restart.", heartbeat.name
                )
                heartbeat.fail()
                return
            await heartbeat.sleep(_RESTART_S)


async def _wait_at_most(event, seconds):
    try:
        await compat.wait_ms(event.wait(), seconds * 1000)
    except compat.Timeout:
        pass


def watchdog():
    """The hardware watchdog. Once started it cannot be stopped."""
    import machine

    return machine.WDT(timeout=_WATCHDOG_MS)
