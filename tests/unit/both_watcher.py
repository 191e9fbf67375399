"""One sensor and its alarms, with a driver that does as the test says."""

import asyncio

from expect import equal, raises

from mailmote import errors, event, log, watcher
from mailmote.health import Health
from mailmote.net import clock
from mailmote.policy.alarms import Alarm

T = 1800000000
ENTRY = {"name": "Probe", "driver": "planned", "every_s": 30, "options": {}}
ALARM = {"name": "Too warm", "sensor": "Probe", "above": 8, "no_reading_for_s": 120}


class Link:
    def rssi(self):
        return None


class Enough(Exception):
    """The heartbeat ends the test."""


class Heartbeat:
    """Time goes on while the sensor sleeps; after `turns` sleeps the test is over."""

    def __init__(self, turns):
        self.turns = turns
        self.now_s = T

    async def sleep(self, seconds):
        equal(seconds, 30)
        self.now_s += seconds
        self.turns -= 1
        if not self.turns:
            raise Enough

    def beat(self, within_s=0):
        pass


class Driver:
    """Its readings are numbers, or exceptions to raise."""

    progress = 0

    def __init__(self, readings, paced=True, first_s=None):
        self.readings = list(readings)
        self.paced = paced
        self.time_s = first_s
        self.asked = []

    def read(self, now_s):
        self.asked.append(now_s)
        if not self.readings:
            raise errors.EndOfReadings("the end")
        reading = self.readings.pop(0)
        if isinstance(reading, Exception):
            raise reading
        if self.paced:
            return now_s, reading
        self.time_s += 300
        return self.time_s, reading


class Drivers:
    """Stands for the registry: gives the driver, or raises what comes before it in `made`."""

    def __init__(self, *made):
        self.made = list(made)

    def make(self, name, options):
        made = self.made.pop(0)
        if isinstance(made, Exception):
            raise made
        return made


def watched(drivers, turns=100, options=None, ends=Enough):
    """(watcher, kinds and causes of the events, the health) after so many turns."""
    told = []
    health, heartbeat = Health(Link()), Heartbeat(turns)
    entry = dict(ENTRY)
    entry["options"] = options or {}
    one = watcher.Watcher(entry, [Alarm(ALARM)], told.extend, health, 6)
    before, level = (watcher.sensors, clock.now_s), log.level
    watcher.sensors, clock.now_s, log.level = drivers, (lambda: heartbeat.now_s), 100
    try:
        if ends:
            raises(ends, asyncio.run, one.run(heartbeat))
        else:
            asyncio.run(one.run(heartbeat))
    finally:
        (watcher.sensors, clock.now_s), log.level = before, level
    return one, [(one.kind, one.cause) for one in told], health


def test_readings_become_events():
    _, told, _ = watched(Drivers(Driver([7, 9, 7])), 3)
    equal(told, [(event.ALARM, event.ABOVE), (event.RECOVERY, event.ABOVE)])


def test_whatever_a_driver_raises_is_a_failed_reading_that_somebody_hears_of():
    for error in (
        errors.SensorError("loose cable"),
        IndexError("planned"),
        RuntimeError("planned"),
        OSError(5),
    ):
        _, told, health = watched(Drivers(Driver([error] * 6)), 6)
        equal((error, told), (error, [(event.ALARM, event.SENSOR_ERROR)]))
        equal(health.notes[0].startswith("The sensor Probe fails: "), True)


def test_a_driver_that_cannot_be_made_is_told_and_tried_again():
    fault = errors.SettingsError("no such pin")
    drivers = Drivers(fault, ValueError("bad .mpy"), fault, fault, fault, fault, Driver([7]))
    _, told, health = watched(drivers, 7)
    equal(told, [(event.ALARM, event.SENSOR_ERROR), (event.RECOVERY, event.SENSOR_ERROR)])
    equal("no such pin" in health.notes[0], True)


def test_too_little_memory_is_no_failed_reading():
    _, told, _ = watched(Drivers(Driver([MemoryError("planned")])), ends=MemoryError)
    equal(told, [])


def test_a_recording_goes_by_its_own_times_and_a_bad_line_too():
    driver = Driver([7, errors.SensorError("bad line"), 9], False, T - 10**8)
    one, told, _ = watched(Drivers(driver), ends=None)
    equal(driver.asked, [T, T - 10**8 + 300, T - 10**8 + 300, T - 10**8 + 600])
    equal((told, one.live), ([(event.ALARM, event.ABOVE)], False))
    one.tick(T + 10**6)
    equal(told, [(event.ALARM, event.ABOVE)])


def test_only_a_recording_that_is_to_stop_the_agent_does():
    for options, stopped in (({}, False), ({"stop_at_end": False}, False), ({"stop_at_end": True}, True)):
        one, _, _ = watched(Drivers(Driver([7], False, T)), options=options, ends=None)
        equal((options, one.stopped), (options, stopped))


def test_time_alone_tells_a_missing_reading_of_a_live_sensor():
    told = []
    one = watcher.Watcher(ENTRY, [Alarm(ALARM)], told.extend, Health(Link()), 6)
    for time_s in (T, T + 119, T + 120):
        one.tick(time_s)
    equal([(one.cause, one.at_s) for one in told], [(event.NO_READING, T + 120)])


def test_a_clock_that_is_set_moves_the_alarms_of_a_live_sensor():
    told = []
    one = watcher.Watcher(ENTRY, [Alarm(ALARM)], told.extend, Health(Link()), 6)
    one.tick(T)
    one.clock_moved(3600)
    one.tick(T + 3600 + 119)
    equal(told, [])
    one.tick(T + 3600 + 120)
    equal(len(told), 1)


def test_the_last_reading_and_what_stands_can_be_asked():
    fresh = watcher.Watcher(ENTRY, [Alarm(ALARM)], None, Health(Link()), 6)
    equal((fresh.last, fresh.failing, fresh.standing()), (None, False, []))
    for readings, last, failing, standing in (
        ([7], (T, 7), False, []),
        ([7, 9], (T + 30, 9), False, ["Too warm"]),
        ([7, 9, 7], (T + 60, 7), False, []),
        ([9, errors.SensorError("loose cable")], (T, 9), True, ["Too warm"]),
        ([errors.SensorError("loose cable"), 7], (T + 30, 7), False, []),
    ):
        one, _, _ = watched(Drivers(Driver(readings)), len(readings))
        equal((readings, one.last, one.failing, one.standing()), (readings, last, failing, standing))
    one.clock_moved(3600)
    equal(one.last, (T + 3630, 7))


LEVEL = {"name": "Too warm", "sensor": "Probe", "above": 8}


def flaps(hours, per_hour):
    """A watcher whose sensor was beyond the threshold in every other minute, and what it told."""
    told = []
    driver = Driver([9, 7] * (30 * hours))
    one = watcher.Watcher(ENTRY, [Alarm(LEVEL)], told.extend, Health(Link()), per_hour)
    before, watcher.sensors = watcher.sensors, Drivers(driver)
    try:
        for minute in range(60 * hours):
            one.sample(T + 60 * minute)
    finally:
        watcher.sensors = before
    return one, told


def test_an_alarm_that_flaps_is_told_so_often_an_hour_and_counted():
    one, told = flaps(3, 4)
    equal(len(told), 12)
    equal([(one.kind, one.count) for one in told[:4]], [(event.ALARM, 1), (event.RECOVERY, 1)] * 2)
    one.tick(T + 5 * 3600)
    equal(sum([one.count for one in told]), 180)


def test_the_end_of_a_recording_tells_what_was_held_back():
    readings = [9, 7] * 10
    driver = Driver(readings, False, T - 10**6)
    one, told, _ = watched(Drivers(driver), ends=None)
    equal((len(told), one.standing()), (13, []))
    equal(told[-1], (event.RECOVERY, event.ABOVE))


def test_a_clock_that_is_set_moves_what_was_told_of_a_flapping_alarm():
    one, told = flaps(1, 4)
    equal(len(told), 4)
    one.clock_moved(-7200)
    one.tick(T + 3600 - 7200 - 1)
    equal(len(told), 4)
    one.tick(T + 3600 - 7200)
    equal(len(told), 5)
    equal(told[4].at_s, T + 59 * 60 - 7200)


def slept(one, told, detail):
    """The same watcher after a sleep."""
    other = watcher.Watcher(ENTRY, [Alarm(LEVEL)], told.extend, Health(Link()), 4)
    other.unpack(bytes(one.pack(*detail)))
    return other


def test_what_stands_and_what_is_held_back_outlive_a_sleep():
    one, told = flaps(1, 4)
    del told[:]
    other = slept(one, told, (3, True))
    other.tick(T + 3599)
    equal(told, [])
    other.tick(T + 3600)
    equal([(one.kind, one.count) for one in told], [(event.RECOVERY, 56)])


def test_with_less_detail_a_flapping_alarm_is_not_held_back_after_a_sleep():
    one, told = flaps(1, 4)
    del told[:]
    one.release()
    equal([one.count for one in told], [56])
    other = slept(one, told, (0, False))
    other.tick(T + 3600)
    equal(len(told), 1)
    equal(len(one.pack(0, False)) < len(one.pack(0, True)) < len(one.pack(3, True)), True)
