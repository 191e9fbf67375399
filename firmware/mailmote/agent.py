"""Wires the parts together: sensors to alarms to the outbox, the outbox to the courier.

Each sensor is a task of its own, so that one that fails stops neither the others nor the mail. Files are
named relative to the working directory, which on a board is the root of the flash.
"""

import asyncio

from . import compat, event, log
from .console import Console
from .courier import Courier
from .crashes import text as crash_text
from .errors import StorageError
from .health import Health
from .net import clock
from .policy.alarms import Alarm
from .recipients import recipients_of
from .routes import Routes
from .store import rtc, state
from .store.outbox import Outbox
from .supervisor import Supervisor
from .watcher import Watcher
from .wifi import link_of

_TICK_S = 10  # how late a reminder or a missing reading may be noticed
_STANDING = "mailmote.standing"
_MAX_UNSTORED = 16  # events in memory while the flash refuses them


class Agent:
    """`crashes` says whether it works in safe mode: then it makes no sensor and no alarm."""

    def __init__(self, settings, crashes=None):
        self._settings = settings
        self._crashes = crashes
        self._safe = bool(crashes and crashes.safe)
        self._link = link_of(settings.get("wifi"))
        self._health = Health(self._link)
        self._outbox = Outbox()
        self._routes = Routes(settings)
        self._courier = Courier(settings, self._outbox, self._link, self._health, self._routes)
        self._alive = None
        if settings.get("alive") and not self._safe:
            from .alive import Alive

            self._alive = Alive(settings, self._outbox)
        self._watchers = [] if self._safe else [self._watcher(entry) for entry in settings["sensors"]]
        if self._watchers:
            self._recall()
        self._health.watchers = self._watchers
        self._health.last_crash = crash_text
        if crashes and crashes.after_one:
            self._take_up()
        self._console = Console(
            settings, self._link, self._health, self._outbox, self._courier, self._watchers, crashes
        )
        self._unstored = []
        self._ended = asyncio.Event()

    async def run(self, dog):
        """Watch and mail, and feed the watchdog `dog`. True if the board is to be started again."""
        clock.begin(state.read(clock.FLOOR), self._settings["clock"]["ntp"])
        supervisor = Supervisor(dog, self._crashes)
        supervisor.start("link", self._link.keep)
        supervisor.start("clock", lambda heartbeat: clock.keep(self._link, heartbeat, self._clock_moved))
        supervisor.start("courier", self._courier.run)
        for route in self._routes.all:
            self._keep_sign_in(supervisor, route)
        supervisor.start("alarms", self._tick)
        supervisor.start("console", self._console.run)
        for watcher in self._watchers:
            supervisor.start("sensor " + watcher.name, watcher.run)
        if "led" in self._settings["device"]:
            supervisor.start("led", self._blink)
        compat.collect()
        self._console.greet()
        supervisor.start("end", self._await_safe_end if self._safe else self._await_end)
        if await supervisor.watch(self._ended):
            log.error("agent", "The board crashed again and again. It starts again, in safe mode.")
            return True
        if self._safe:
            log.info("agent", "Safe mode is over. The board starts normally.")
            return True
        log.info("agent", "All recordings are at their end and every alert is mailed.")
        log.info("agent", "Heap in use at most: %d bytes.", self._health.heap_peak_bytes)
        return False

    def _recall(self):
        """What the alarms have told outlives a restart, but no erased flash: it was lost with the outbox."""
        rtc.write(rtc.BATTERY, None)  # of another life, with what was told then
        if self._outbox.is_new:
            rtc.write(rtc.ALARMS, None)
        loan = compat.Loan(_STANDING)
        loan.module.take_up(self._watchers, self._settings)
        loan.end()

    def _take_up(self):
        """After a crash: it is told, and a pause goes on. Whoever restarts the board wants a try at once."""
        self._health.note("The board started again after a crash. %s" % crash_text().split("\n")[0])
        self._courier.unpack(rtc.read(rtc.COURIER) or b"")

    def _keep_sign_in(self, supervisor, route):
        def paused():
            return route.due_s > self._health.uptime_s()

        keep = route.sign_in.keep
        supervisor.start("sign-in", lambda heartbeat: keep(heartbeat, self._link, self._warn, paused))

    def _watcher(self, entry):
        alarms = [Alarm(alarm) for alarm in self._settings["alarms"] if alarm["sensor"] == entry["name"]]
        per_hour = self._settings["limits"]["changes_per_hour"]
        return Watcher(entry, alarms, self._tell, self._health, per_hour, self._courier.settle)

    async def _blink(self, heartbeat):
        device = self._settings["device"]
        led = compat.borrow("mailmote.led")
        await led.Led(device["led"], device["led_inverted"]).keep(
            heartbeat, lambda: led.state_of(self._courier, len(self._outbox), self._safe, self._link)
        )

    async def _tick(self, heartbeat):
        """What time alone brings about: missing readings, reminders, another try to store."""
        while True:
            now_s = clock.now_s()
            for watcher in self._watchers:
                watcher.tick(now_s)
            sign_of_life = self._alive.event() if self._alive else None
            self._tell([sign_of_life] if sign_of_life else [])
            self._store()
            rtc.write(rtc.COURIER, self._courier.pack() if self._courier.trouble else None)
            self._health.uptime_s()  # asked often, so that it outlives the wrap of the ticks
            await heartbeat.sleep(_TICK_S)

    def _clock_moved(self, by_s):
        self._courier.clock_moved(by_s)
        for watcher in self._watchers:
            watcher.clock_moved(by_s)

    async def _await_end(self, heartbeat):
        """A board runs for ever; recordings may ask for an end, for tests and demonstrations."""
        while not all(watcher.stopped for watcher in self._watchers) or self._unstored or len(self._outbox):
            await heartbeat.sleep(1)
        await heartbeat.wait(self._courier.idle)
        self._ended.set()

    async def _await_safe_end(self, heartbeat):
        safe_mode = compat.borrow("mailmote.safe_mode")
        await safe_mode.run(heartbeat, self._crashes, self._outbox, self._tell, lambda: not self._unstored)
        self._ended.set()

    def _warn(self, since_s, error):
        """A mail about the sign-in itself, which says why in its notes."""
        self._health.note("The sign-in was not renewed. %s" % error)
        now_s = clock.now_s()
        self._tell([event.Event(event.ALARM, event.SIGN_IN, "Sign-in", since_s or now_s, now_s)])

    def _tell(self, events):
        if events:
            self._unstored += events
            self._store()

    def _store(self):
        """Move events into the outbox. What the flash refuses stays in memory and is tried again."""
        if not self._unstored:
            return
        if self._watchers:
            rtc.write(rtc.ALARMS, None)
        while self._unstored:
            event = self._unstored[0]
            try:
                self._outbox.enqueue(event, recipients_of(self._settings, event.alarm), clock.is_sure())
            except StorageError as error:
                log.error("agent", "An alert is not stored: %s", error)
                if len(self._unstored) > _MAX_UNSTORED:
                    self._unstored.pop(0)
                    self._health.dropped += 1
                return
            self._unstored.pop(0)
            log.info("agent", 'Alert "%s" is in the outbox.', event.title)
            self._courier.wake()
        if self._watchers and not self._health.dropped:  # what was dropped is told anew after a restart
            self._keep()

    def _keep(self):
        try:
            loan = compat.Loan(_STANDING)
        except MemoryError:
            return
        try:
            loan.module.keep(self._watchers, self._settings)
        except MemoryError:
            pass
        finally:
            loan.end()
