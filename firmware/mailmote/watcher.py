"""One sensor: its driver, made as soon as it can be, and the alarms that its readings decide. An alarm that
flaps is held back.

Whatever a driver raises is a failed reading: it is told as one, and the sensor is asked again at its next
turn. A driver that cannot even be made fails at every turn, so that somebody hears of it.
"""

import asyncio

from . import log, sensors
from .errors import EndOfReadings, MailmoteError
from .net import clock
from .policy.flapping import Flapping

_PROGRESS_STEP_PERCENT = 5


class Watcher:
    """`tell(events)` takes the events, of each alarm at most `changes_per_hour` in an hour but for reminders.

    `settle(heartbeat)` is waited for between two readings of a recording, whose hours pass in no time.
    `stopped`: a recording is at its end and is to stop the agent. `failing`: the last turn gave no reading.
    """

    def __init__(self, entry, alarms, tell, health, changes_per_hour, settle=None):
        self._entry = entry
        self._alarms = tuple([(alarm, Flapping(changes_per_hour)) for alarm in alarms])
        self._tell = tell
        self._health = health
        self._settle = settle
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
        while self.sample(clock.now_s() if self.live or self._time_s is None else self._time_s):
            if self.live:
                await heartbeat.sleep(self._entry["every_s"])
                continue
            if self._driver.progress >= told + _PROGRESS_STEP_PERCENT:
                told = self._driver.progress
                log.info("sensor", "%s: %d %% of the recording.", self._entry["name"], told)
            heartbeat.beat()
            if self._settle:
                await self._settle(heartbeat)
            await asyncio.sleep(0)
        self.release()
        log.info("sensor", "%s: the recording is at its end.", self._entry["name"])
        self.stopped = self._entry["options"].get("stop_at_end", False)

    def sample(self, now_s):
        """Read the sensor once, and let its alarms decide. False at the end of a recording."""
        try:
            self._read(now_s)
        except EndOfReadings:
            return False
        except MemoryError:
            raise
        except Exception as error:
            self._failed(now_s, error)
        return True

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
        return [alarm.name for alarm, _ in self._alarms if alarm.stands]

    def tick(self, now_s):
        """Time has passed: for missing readings and reminders."""
        if self.live:
            for alarm, flapping in self._alarms:
                self._tell(flapping.told(alarm.tick(now_s), now_s))

    def release(self):
        """Tell what is held back: nobody will ask again."""
        now_s = clock.now_s() if self.live or self._time_s is None else self._time_s
        for _, flapping in self._alarms:
            self._tell(flapping.all_held(now_s))

    def clock_moved(self, by_s):
        if self.live:
            if self._time_s is not None:
                self._time_s += by_s
            for alarm, flapping in self._alarms:
                alarm.clock_moved(by_s)
                flapping.clock_moved(by_s)

    def pack(self, readings, flapping):
        """The state of the alarms as octets, for memory that outlives sleep: each with so many `readings`,
        and, with `flapping`, what is held back and how often the alarm was told."""
        from .policy import alarm_state

        data = bytearray((flapping,))
        for alarm, held in self._alarms:
            data += alarm_state.pack(alarm, readings)
            if flapping:
                data += held.pack()
        return data

    def unpack(self, data):
        """Take up, new, what `pack` gave. Raises ValueError where it is cut short."""
        from .policy import alarm_state

        position = 1
        for alarm, held in self._alarms:
            position = alarm_state.unpack(alarm, data, position)
            if data[0]:
                position = held.unpack(data, alarm.name, position)

    def _read(self, now_s):
        if self._driver is None:
            self._driver = sensors.make(self._entry["driver"], self._entry["options"])
        self._time_s, self._value = self._driver.read(now_s)
        self.failing = False
        for alarm, flapping in self._alarms:
            self._tell(flapping.told(alarm.reading(self._time_s, self._value), self._time_s))

    def _failed(self, now_s, error):
        self.failing = True
        text = "The sensor %s fails: %s" % (
            self._entry["name"],
            error if isinstance(error, MailmoteError) else repr(error),
        )
        log.warning("sensor", text)
        for alarm, flapping in self._alarms:
            events = alarm.failed(now_s, text)
            if events:
                self._health.note(text)
            self._tell(flapping.told(events, now_s))
