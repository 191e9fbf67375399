"""One sensor: its driver, made as soon as it can be, and the alarms that its readings decide.

Whatever a driver raises is a failed reading: it is told as one, and the sensor is asked again at its next
turn. A driver that cannot even be made fails at every turn, so that somebody hears of it.
"""

import asyncio

from . import log, sensors
from .errors import EndOfReadings, MailmoteError
from .net import clock

_PROGRESS_STEP_PERCENT = 5


class Watcher:
    """`tell(events)` takes the events. `stopped`: a recording is at its end and is to stop the agent.

    `failing`: the last turn gave no reading.
    """

    def __init__(self, entry, alarms, tell, health):
        self._entry = entry
        self._alarms = alarms
        self._tell = tell
        self._health = health
        self._driver = None
        self._time_s = None
        self._value = None
        self.failing = False
        self.stopped = False

    @property
    def live(self):
        """False for a recording: its alarms go by recorded times, and not by the clock."""
        return self._driver is None or self._driver.paced

    async def run(self, heartbeat):
        """Read the sensor for as long as it has readings."""
        told = 0
        while True:
            now_s = clock.now_s() if self.live or self._time_s is None else self._time_s
            try:
                self._read(now_s)
            except EndOfReadings:
                break
            except MemoryError:
                raise
            except Exception as error:
                self._failed(now_s, error)
            if self.live:
                await heartbeat.sleep(self._entry["every_s"])
                continue
            if self._driver.progress >= told + _PROGRESS_STEP_PERCENT:
                told = self._driver.progress
                log.info("sensor", "%s: %d %% of the recording.", self._entry["name"], told)
            heartbeat.beat()
            await asyncio.sleep(0)
        log.info("sensor", "%s: the recording is at its end.", self._entry["name"])
        self.stopped = self._entry["options"].get("stop_at_end", False)

    @property
    def name(self):
        return self._entry["name"]

    @property
    def unit(self):
        return self._entry.get("unit", "")

    @property
    def last(self):
        """(time_s, value) of the last reading; None where there is none yet."""
        return None if self._value is None else (self._time_s, self._value)

    def standing(self):
        """The names of the alarms that are told and not over."""
        return [alarm.name for alarm in self._alarms if alarm.stands]

    def tick(self, now_s):
        """Time has passed: for missing readings and reminders."""
        if self.live:
            for alarm in self._alarms:
                self._tell(alarm.tick(now_s))

    def clock_moved(self, by_s):
        if self.live:
            if self._time_s is not None:
                self._time_s += by_s
            for alarm in self._alarms:
                alarm.clock_moved(by_s)

    def _read(self, now_s):
        if self._driver is None:
            self._driver = sensors.make(self._entry["driver"], self._entry["options"])
        self._time_s, self._value = self._driver.read(now_s)
        self.failing = False
        for alarm in self._alarms:
            self._tell(alarm.reading(self._time_s, self._value))

    def _failed(self, now_s, error):
        self.failing = True
        text = "The sensor %s fails: %s" % (
            self._entry["name"],
            error if isinstance(error, MailmoteError) else repr(error),
        )
        log.warning("sensor", text)
        for alarm in self._alarms:
            events = alarm.failed(now_s, text)
            if events:
                self._health.note(text)
            self._tell(events)
