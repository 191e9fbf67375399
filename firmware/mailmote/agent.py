"""Wires the parts together: sensors to alarms to the outbox, the outbox to the courier.

Each sensor is a task of its own, so that one that fails or hangs in its bus stops neither the others nor the
mail. Files are named relative to the working directory, which on a board is the root of the flash.
"""

import asyncio
import json

from . import __version__, compat, log, sensors
from .courier import Courier, recipients_of
from .errors import EndOfReadings, FixSettings, SensorError, SettingsError, StorageError
from .health import Health
from .net import clock
from .net.link import Link
from .policy.alarms import Alarm
from .store import secrets
from .store.outbox import Outbox
from .supervisor import Supervisor, watchdog

_SETTINGS = "settings.json"
_TICK_S = 10  # how late a reminder or a missing reading may be noticed
_PROGRESS_STEP_PERCENT = 5
_MAX_UNSTORED = 16  # events in memory while the flash refuses them


class Agent:
    def __init__(self, settings):
        self._settings = settings
        self._link = _link(settings.get("wifi"))
        self._health = Health(self._link)
        self._outbox = Outbox()
        self._courier = Courier(settings, self._outbox, self._link, self._health)
        self._alarms = [(entry["sensor"], Alarm(entry)) for entry in settings["alarms"]]
        self._live_alarms = []
        self._unstored = []
        self._running = 0
        self._ended = asyncio.Event()

    async def run(self):
        """Watch and mail until every sensor has ended (recordings do) and the outbox is empty."""
        supervisor = Supervisor(watchdog())
        supervisor.start("link", self._link.keep)
        supervisor.start("clock", lambda heartbeat: clock.keep(self._link, heartbeat, self._clock_moved))
        supervisor.start("courier", self._courier.run)
        supervisor.start("alarms", self._tick)
        for entry in self._settings["sensors"]:
            self._start_sensor(supervisor, entry)
        compat.collect()
        mail = self._settings["mail"]
        log.info(
            "agent",
            "Ready: mailmote %s, %s, %d sensors, %d alarms, mail by %s through %s.",
            __version__,
            self._settings["device"]["name"],
            len(self._settings["sensors"]),
            len(self._alarms),
            mail["option"],
            mail["host"],
        )
        supervisor.start("end", self._await_end)
        await supervisor.watch(self._ended)
        log.info("agent", "All recordings are at their end and every alert is mailed.")
        log.info("agent", "Heap in use at most: %d bytes.", self._health.heap_peak_bytes)

    def _start_sensor(self, supervisor, entry):
        name = entry["name"]
        try:
            driver = sensors.make(entry["driver"], entry["options"])
        except (SensorError, SettingsError) as error:
            log.error("agent", "The sensor %s cannot be used: %s", name, error)
            self._health.note("The sensor %s cannot be used: %s" % (name, error))
            return
        alarms = [alarm for sensor, alarm in self._alarms if sensor == name]
        if driver.paced:
            self._live_alarms += alarms
        self._running += 1
        supervisor.start("sensor " + name, lambda heartbeat: self._watch(entry, driver, alarms, heartbeat))

    async def _watch(self, entry, driver, alarms, heartbeat):
        """Read one sensor for as long as it has readings."""
        time_s = None
        told = 0
        while True:
            now_s = clock.now_s() if driver.paced or time_s is None else time_s
            try:
                time_s, value = driver.read(now_s)
                for alarm in alarms:
                    self._tell(alarm.reading(time_s, value))
            except SensorError as error:
                log.warning("sensor", "%s: %s", entry["name"], error)
                for alarm in alarms:
                    events = alarm.failed(now_s, str(error))
                    if events:
                        self._health.note("%s: %s" % (entry["name"], error))
                    self._tell(events)
            except EndOfReadings:
                break
            if driver.paced:
                await heartbeat.sleep(entry["every_s"])
                continue
            if driver.progress >= told + _PROGRESS_STEP_PERCENT:
                told = driver.progress
                log.info("sensor", "%s: %d %% of the recording.", entry["name"], told)
            heartbeat.beat()
            await asyncio.sleep(0)
        self._running -= 1

    async def _tick(self, heartbeat):
        """What time alone brings about: missing readings, reminders, another try to store."""
        while True:
            now_s = clock.now_s()
            for alarm in self._live_alarms:
                self._tell(alarm.tick(now_s))
            self._store()
            await heartbeat.sleep(_TICK_S)

    def _clock_moved(self, by_s):
        for alarm in self._live_alarms:
            alarm.clock_moved(by_s)

    async def _await_end(self, heartbeat):
        while self._running or self._unstored or len(self._outbox):
            await heartbeat.sleep(1)
        await heartbeat.wait(self._courier.idle)
        self._ended.set()

    def _tell(self, events):
        if events:
            self._unstored += events
            self._store()

    def _store(self):
        """Move events into the outbox. What the flash refuses stays in memory and is tried again."""
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
            log.info("agent", 'Alert "%s" is in the outbox.', event.alarm)
            self._courier.wake()


def _link(wifi):
    if not wifi:
        return Link(None, None)
    try:
        password = secrets.get(wifi["password"])
    except FixSettings as error:
        log.error("wifi", error)
        password = b""
    log.hide(password)
    return Link(wifi["ssid"], password.decode())


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
    """What main.py runs."""
    try:
        asyncio.run(Agent(load_settings()).run())
    except SettingsError as error:
        log.error("agent", error)
    except KeyboardInterrupt:
        log.info(
            "agent", "Stopped by Ctrl-C. Every waiting alert is kept. The watchdog restarts the board soon."
        )
