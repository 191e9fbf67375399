"""Tasks that are watched: each says when it will be heard of again, and the watchdog is fed only while all
keep their word.

A coroutine that merely fed the watchdog would prove nothing but that the event loop turns.
"""

import asyncio

from . import compat, log
from .compat import const

_CHECK_S = 5
_RESTART_S = 5  # doubled with each failure in a row
_MAX_RESTART_S = const(300)
# Beyond a task's own word: DNS and one step of a TLS handshake block everything for about 20 s each.
_GRACE_S = const(90)
WATCHDOG_S = 180
_GOOD_RUN_MS = const(600000)


class Heartbeat:
    """One task's promise. Counts in seconds: ticks wrap, so a long rest is kept in short steps."""

    _STEP_S = 60

    def __init__(self, name):
        self.name = name
        self._last = compat.ticks_ms()
        self._within_s = 0
        self._resting = False

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

    @property
    def overdue(self):
        silent_ms = compat.ticks_diff(compat.ticks_ms(), self._last)
        return not self._resting and silent_ms > (self._within_s + _GRACE_S) * 1000


class Supervisor:
    """Runs tasks, restarts one that fails, and feeds the watchdog.

    `crashes` is told of each failure (see crashes.Crashes), and may want the board to be started again.
    """

    def __init__(self, watchdog=None, crashes=None):
        self._watchdog = watchdog
        self._crashes = crashes
        self._looping = False
        self._tasks = []
        self._heartbeats = []

    def start(self, name, run):
        """Start `run(heartbeat)` as a task; it is started again whenever it raises."""
        heartbeat = Heartbeat(name)
        self._heartbeats.append(heartbeat)
        self._tasks.append(asyncio.create_task(self._keep(heartbeat, run)))
        return heartbeat

    async def watch(self, until):
        """Feed the watchdog until the asyncio.Event `until` is set; then stop every task.

        True where it ends before, as tasks crash and a restart of the board comes up in safe mode.
        """
        were_late = []
        try:
            while not until.is_set() and not self._looping:
                late = [heartbeat.name for heartbeat in self._heartbeats if heartbeat.overdue]
                if late != were_late:
                    self._tell_late(late)
                were_late = late
                if not late:
                    self._go_on()
                await _wait_at_most(until, _CHECK_S)
            return self._looping
        finally:
            for task in self._tasks:
                # More than once: CPython 3.11's wait_for swallows a cancellation that meets a result.
                while not task.done():
                    task.cancel()
                    await asyncio.sleep(0)

    def _go_on(self):
        """Every task keeps its word."""
        if self._watchdog:
            self._watchdog.feed()
        if self._crashes:
            self._crashes.going_on()

    def _tell_late(self, names):
        if not names:
            log.info("supervisor", "Every task is heard of again.")
            return
        log.error("supervisor", "No sign of life from %s: the watchdog will restart.", ", ".join(names))
        if self._crashes:
            self._crashes.silent(names)

    async def _keep(self, heartbeat, run):
        pause_s = _RESTART_S
        while True:
            began = compat.ticks_ms()
            try:
                await run(heartbeat)
                heartbeat.retire()
                return
            except Exception as error:
                if compat.ticks_diff(compat.ticks_ms(), began) > _GOOD_RUN_MS:
                    pause_s = _RESTART_S
                try:
                    self._failed(heartbeat.name, error, pause_s)
                except MemoryError:
                    pass  # it is counted, and the task starts again all the same
            await heartbeat.sleep(pause_s)
            pause_s = min(2 * pause_s, _MAX_RESTART_S)

    def _failed(self, name, error, pause_s):
        compat.collect()  # it may have been for want of memory
        if self._crashes and self._crashes.failed("The task " + name, error):
            self._looping = True
        log.error("supervisor", "The task %s failed and is started again in %d s.", name, pause_s)
        log.exception("supervisor", error)


async def _wait_at_most(event, seconds):
    try:
        await compat.wait_ms(event.wait(), seconds * 1000)
    except compat.Timeout:
        pass


def watchdog():
    """The hardware watchdog. Once started it cannot be stopped."""
    import machine

    return machine.WDT(timeout=WATCHDOG_S * 1000)
