"""Wires the parts together: sensors to alarms to the outbox, the outbox to the courier.

Each sensor is a task of its own, so that one that fails stops neither the others nor the mail. Files are
named relative to the working directory, which on a board is the root of the flash.
"""

import asyncio
import json

from . import __version__, compat, event, log
from .alive import Alive
from .console import Console
from .crashes import Crashes
from .crashes import text as crash_text
from .errors import FixSettings, SettingsError, StorageError
from .health import Health
from .net import clock
from .net.link import Link
from .policy.alarms import Alarm
from .redaction import hide
from .store import secrets, state
from .store.outbox import Outbox
from .supervisor import WATCHDOG_S, Supervisor, watchdog
from .watcher import Watcher

_SETTINGS = "settings.json"
_TICK_S = 10  # how late a reminder or a missing reading may be noticed
_MAX_UNSTORED = 16  # events in memory while the flash refuses them


class Agent:
    """`crashes` says whether it works in safe mode: then it makes no sensor and no alarm."""

    def __init__(self, settings, crashes=None):
        # Here, since a wake of a board that sleeps has neither time nor memory for them.
        from .courier import Courier
        from .routes import Routes

        self._settings = settings
        self._crashes = crashes
        self._safe = bool(crashes and crashes.safe)
        self._link = _link(settings.get("wifi"))
        self._health = Health(self._link)
        self._outbox = Outbox()
        self._routes = Routes(settings)
        self._courier = Courier(settings, self._outbox, self._link, self._health, self._routes)
        self._alive = Alive(settings)
        self._watchers = [] if self._safe else [self._watcher(entry) for entry in settings["sensors"]]
        self._health.watchers = self._watchers
        self._health.last_crash = crash_text
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
            self._keep_sign_in(supervisor, route.sign_in)
        supervisor.start("alarms", self._tick)
        supervisor.start("console", self._console.run)
        for watcher in self._watchers:
            supervisor.start("sensor " + watcher.name, watcher.run)
        compat.collect()
        mail = self._settings["mail"]
        log.info(
            "agent",
            "Ready: mailmote %s, %s, %d sensors, %d alarms, mail by %s through %s.",
            __version__,
            self._settings["device"]["name"],
            len(self._watchers),
            0 if self._safe else len(self._settings["alarms"]),
            mail["option"],
            mail["host"],
        )
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

    def _keep_sign_in(self, supervisor, sign_in):
        supervisor.start("sign-in", lambda heartbeat: sign_in.keep(heartbeat, self._link, self._warn))

    def _watcher(self, entry):
        alarms = [Alarm(alarm) for alarm in self._settings["alarms"] if alarm["sensor"] == entry["name"]]
        return Watcher(entry, alarms, self._tell, self._health, self._settings["limits"]["changes_per_hour"])

    async def _tick(self, heartbeat):
        """What time alone brings about: missing readings, reminders, another try to store."""
        while True:
            now_s = clock.now_s()
            for watcher in self._watchers:
                watcher.tick(now_s)
            sign_of_life = None if self._safe else self._alive.event()
            self._tell([sign_of_life] if sign_of_life else [])
            self._store()
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
        from .letters import recipients_of

        while self._unstored:
            event = self._unstored[0]
            try:
                self._outbox.enqueue(event, recipients_of(self._settings, event.alarm))
            except StorageError as error:
                log.error("agent", "An alert is not stored: %s", error)
                if len(self._unstored) > _MAX_UNSTORED:
                    self._unstored.pop(0)
                    self._health.dropped += 1
                return
            self._unstored.pop(0)
            log.info("agent", 'Alert "%s" is in the outbox.', event.title)
            self._courier.wake()


def _link(wifi):
    if not wifi:
        return Link(None, None)
    password = ""
    try:
        secret = secrets.get(wifi["password"])
        hide(secret)
        password = secret.decode()
    except FixSettings as error:
        log.error("wifi", error)
    except ValueError:
        log.error("wifi", "The Wi-Fi password on the board is not UTF-8 text. Provision it again.")
    return Link(wifi["ssid"], password)


def load_settings():
    """The settings of the board. Raises SettingsError."""
    stored_settings = compat.borrow("mailmote.policy.stored_settings")
    try:
        with open(_SETTINGS) as file:
            return stored_settings.load(json.load(file))
    except OSError:
        raise SettingsError("The board has no settings. Run `mailmote provision` with its mote.toml.")
    except ValueError:
        raise SettingsError("settings.json is damaged. Run `mailmote provision` again.")


def main():
    """What main.py runs. From the settings on, whatever ends it, the watchdog starts the board again."""
    try:
        settings = load_settings()
    except SettingsError as error:
        log.error("agent", error)
        return
    crashes = Crashes()
    crashes.begin(WATCHDOG_S)
    dog = watchdog()
    again = False
    try:
        if settings["device"]["power"] == "battery" and not crashes.safe:
            from . import battery

            battery.run(settings, _SETTINGS, dog, crashes)
        again = asyncio.run(Agent(settings, crashes).run(dog))
    except KeyboardInterrupt:
        crashes.forgive()
        log.info(
            "agent", "Stopped by Ctrl-C. Every waiting alert is kept. The watchdog restarts the board soon."
        )
    except Exception as error:
        compat.collect()
        again = crashes.failed("The agent", error)
        log.error("agent", "The agent cannot run. The watchdog restarts the board soon.")
        log.exception("agent", error)
    crashes.ended()
    if again:
        import machine

        machine.reset()
