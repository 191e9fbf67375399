"""Alarms: each case is a list of calls with the events that must come of them, on both runtimes."""

import gc
import sys

from expect import equal, raises

from mailmote import event
from mailmote.policy import alarms
from mailmote.policy.alarms import Alarm

KINDS = {event.ALARM: "ALARM", event.REMINDER: "REMINDER", event.RECOVERY: "RECOVERY"}
CAUSES = {
    event.ABOVE: "ABOVE",
    event.BELOW: "BELOW",
    event.NO_READING: "NO_READING",
    event.SENSOR_ERROR: "SENSOR_ERROR",
}
NAN = float("nan")
INFINITE = float("inf")

BELOW = {"name": "cold", "sensor": "s", "below": 45.0, "for_s": 900, "clear": 50.0}
ABOVE = {"name": "hot", "sensor": "s", "above": 8.0, "for_s": 600}
AT_ONCE = {"name": "hot", "sensor": "s", "above": 8.0}
SILENT = {"name": "quiet", "sensor": "s", "no_reading_for_s": 1800}
BOTH = {"name": "both", "sensor": "s", "above": 8.0, "for_s": 600, "no_reading_for_s": 1800}
REPEATED = {"name": "again", "sensor": "s", "above": 8.0, "repeat_every_s": 3600, "no_reading_for_s": 1800}

FAIL = "fail"
TICK = "tick"
SET = "set"

T = 1387208400
Y2000 = 946684800

# name, settings, calls: (time_s, value or FAIL or TICK, or (SET, step)),
# events: (index of the call, kind, cause, since_s, at_s, extreme)
CASES = (
    (
        "the hold is counted from the first bad reading, its end included",
        ABOVE,
        ((T, 7.0), (T + 300, 9.0), (T + 899, 9.0), (T + 900, 9.0)),
        ((3, "ALARM", "ABOVE", T + 300, T + 900, 9.0),),
    ),
    (
        "a good reading ends the hold",
        ABOVE,
        ((T, 9.0), (T + 300, 8.0), (T + 600, 9.0), (T + 1199, 9.0)),
        (),
    ),
    (
        "a reading between threshold and clear ends the hold too",
        BELOW,
        ((T, 44.0), (T + 600, 47.0), (T + 900, 44.0), (T + 1799, 44.0)),
        (),
    ),
    (
        "a reading at the threshold is good",
        AT_ONCE,
        ((T, 8.0),),
        (),
    ),
    (
        "with no hold the first bad reading is the alarm, and it is told once",
        AT_ONCE,
        ((T, 8.5), (T + 60, 9.0), (T + 120, 8.6)),
        ((0, "ALARM", "ABOVE", T, T, 8.5),),
    ),
    (
        "it stands between threshold and clear, and ends at clear",
        BELOW,
        ((T, 40.0), (T + 900, 30.0), (T + 1200, 47.0), (T + 1500, 49.9), (T + 1800, 50.0), (T + 2100, 47.0)),
        (
            (1, "ALARM", "BELOW", T, T + 900, 30.0),
            (4, "RECOVERY", "BELOW", T, T + 1800, 30.0),
        ),
    ),
    (
        "without clear it ends at the threshold",
        AT_ONCE,
        ((T, 9.0), (T + 60, 8.1), (T + 120, 8.0)),
        ((0, "ALARM", "ABOVE", T, T, 9.0), (2, "RECOVERY", "ABOVE", T, T + 120, 9.0)),
    ),
    (
        "the recovery tells the worst of the whole time, and the next alarm begins anew",
        AT_ONCE,
        ((T, 9.0), (T + 60, 30.0), (T + 120, 10.0), (T + 180, 1.0), (T + 240, 8.5)),
        (
            (0, "ALARM", "ABOVE", T, T, 9.0),
            (3, "RECOVERY", "ABOVE", T, T + 180, 30.0),
            (4, "ALARM", "ABOVE", T + 240, T + 240, 8.5),
        ),
    ),
    (
        "the worst is counted from the start of the hold",
        ABOVE,
        ((T, 20.0), (T + 600, 9.0)),
        ((1, "ALARM", "ABOVE", T, T + 600, 20.0),),
    ),
    (
        "time alone confirms nothing: one wild reading of a slow sensor",
        ABOVE,
        ((T, 99.0), (T + 600, TICK), (T + 3600, TICK), (T + 3660, 5.0)),
        (),
    ),
    (
        "a slow sensor's second bad reading is the alarm",
        ABOVE,
        ((T, 9.0), (T + 3600, 9.0)),
        ((1, "ALARM", "ABOVE", T, T + 3600, 9.0),),
    ),
    (
        "failures and numbers that are none do not end the hold",
        ABOVE,
        (
            (T, 9.0),
            (T + 200, FAIL),
            (T + 250, NAN),
            (T + 300, INFINITE),
            (T + 350, -INFINITE),
            (T + 600, 9.0),
        ),
        ((5, "ALARM", "ABOVE", T, T + 600, 9.0),),
    ),
    (
        "no reading: counted from the last good one, told once, ended by the next",
        SILENT,
        ((T, 1.0), (T + 1799, TICK), (T + 1800, TICK), (T + 1860, TICK), (T + 2000, 1.0), (T + 2060, TICK)),
        (
            (2, "ALARM", "NO_READING", T, T + 1800, None),
            (4, "RECOVERY", "NO_READING", T, T + 2000, None),
        ),
    ),
    (
        "no reading ever: counted from the first call",
        SILENT,
        ((T, TICK), (T + 1799, TICK), (T + 1800, TICK)),
        ((2, "ALARM", "NO_READING", T, T + 1800, None),),
    ),
    (
        "no reading because the sensor fails: told as its failure, at the same time, once",
        SILENT,
        (
            (T, 1.0),
            (T + 600, FAIL),
            (T + 1200, NAN),
            (T + 1800, TICK),
            (T + 1801, FAIL),
            (T + 5000, FAIL),
            (T + 5010, 2.0),
        ),
        (
            (3, "ALARM", "SENSOR_ERROR", T + 600, T + 1800, None),
            (6, "RECOVERY", "SENSOR_ERROR", T + 600, T + 5010, None),
        ),
    ),
    (
        "the failure itself may be what is late enough",
        SILENT,
        ((T, 1.0), (T + 1800, FAIL)),
        ((1, "ALARM", "SENSOR_ERROR", T + 1800, T + 1800, None),),
    ),
    (
        "silence already told is not told again as a failure",
        SILENT,
        ((T, 1.0), (T + 1800, TICK), (T + 1900, FAIL), (T + 9000, FAIL), (T + 9060, 1.0)),
        (
            (1, "ALARM", "NO_READING", T, T + 1800, None),
            (4, "RECOVERY", "NO_READING", T, T + 9060, None),
        ),
    ),
    (
        "a sensor that only fails is told after the hold, with no no_reading_for",
        ABOVE,
        ((T, FAIL), (T + 599, FAIL), (T + 600, FAIL), (T + 660, FAIL), (T + 700, 1.0)),
        (
            (2, "ALARM", "SENSOR_ERROR", T, T + 600, None),
            (4, "RECOVERY", "SENSOR_ERROR", T, T + 700, None),
        ),
    ),
    (
        "and not before a minute",
        AT_ONCE,
        ((T, FAIL), (T + 59, FAIL), (T + 60, FAIL)),
        ((2, "ALARM", "SENSOR_ERROR", T, T + 60, None),),
    ),
    (
        "a failure and then silence is not a failure for long",
        AT_ONCE,
        ((T, FAIL), (T + 60, TICK), (T + 3600, TICK)),
        (),
    ),
    (
        "a good reading ends a row of failures",
        AT_ONCE,
        ((T, FAIL), (T + 50, 1.0), (T + 60, FAIL), (T + 119, FAIL)),
        (),
    ),
    (
        "absence and level are told apart, the recovery first",
        BOTH,
        ((T, 9.0), (T + 1800, TICK), (T + 2400, 9.0), (T + 2460, 1.0)),
        (
            (1, "ALARM", "NO_READING", T, T + 1800, None),
            (2, "RECOVERY", "NO_READING", T, T + 2400, None),
            (2, "ALARM", "ABOVE", T, T + 2400, 9.0),
            (3, "RECOVERY", "ABOVE", T, T + 2460, 9.0),
        ),
    ),
    (
        "reminders while it stands, by reading, tick or failure, and one after a long wait",
        REPEATED,
        (
            (T, 9.0),
            (T + 3599, 9.0),
            (T + 3600, 9.5),
            (T + 3700, TICK),
            (T + 5300, FAIL),
            (T + 7200, 8.5),
            (T + 7260, 1.0),
            (T + 7300, 1.0),
        ),
        (
            (0, "ALARM", "ABOVE", T, T, 9.0),
            (2, "REMINDER", "ABOVE", T, T + 3600, 9.5),
            (5, "REMINDER", "ABOVE", T, T + 7200, 9.5),
            (6, "RECOVERY", "ABOVE", T, T + 7260, 9.5),
        ),
    ),
    (
        "reminders of absence and of the level, each on its own",
        REPEATED,
        ((T, 9.0), (T + 1800, TICK), (T + 3600, TICK), (T + 5400, TICK), (T + 20000, TICK)),
        (
            (0, "ALARM", "ABOVE", T, T, 9.0),
            (1, "ALARM", "NO_READING", T, T + 1800, None),
            (2, "REMINDER", "ABOVE", T, T + 3600, 9.0),
            (3, "REMINDER", "NO_READING", T, T + 5400, None),
            (4, "REMINDER", "NO_READING", T, T + 20000, None),
            (4, "REMINDER", "ABOVE", T, T + 20000, 9.0),
        ),
    ),
    (
        "the clock is set from 2000 to now: the hold goes on from what it had",
        ABOVE,
        ((Y2000 + 5, 9.0), (Y2000 + 305, 9.0), (T, 9.0), (T + 299, 9.0), (T + 300, 9.0)),
        ((4, "ALARM", "ABOVE", T - 300, T + 300, 9.0),),
    ),
    (
        "the clock is set from 1970, time 0 included",
        ABOVE,
        ((0, 9.0), (300, 9.0), (T, 9.0), (T + 299, 9.0), (T + 300, 9.0)),
        ((4, "ALARM", "ABOVE", T - 300, T + 300, 9.0),),
    ),
    (
        "the clock is set while it stands: since is told by the new clock",
        REPEATED,
        ((Y2000, 9.0), (Y2000 + 60, 9.0), (T, TICK), (T + 3539, 9.0), (T + 3540, 9.0), (T + 3600, 1.0)),
        (
            (0, "ALARM", "ABOVE", Y2000, Y2000, 9.0),
            (4, "REMINDER", "ABOVE", T - 60, T + 3540, 9.0),
            (5, "RECOVERY", "ABOVE", T - 60, T + 3600, 9.0),
        ),
    ),
    (
        "a clock set ahead is no silence, nor a failure for long",
        SILENT,
        ((Y2000, 1.0), (Y2000 + 60, FAIL), (T, TICK), (T + 1739, TICK), (T + 1740, TICK)),
        ((4, "ALARM", "SENSOR_ERROR", T, T + 1740, None),),
    ),
    (
        "failures before and after the clock is set",
        AT_ONCE,
        ((Y2000, FAIL), (T, FAIL), (T + 59, FAIL), (T + 60, FAIL)),
        ((3, "ALARM", "SENSOR_ERROR", T, T + 60, None),),
    ),
    (
        "the clock is set ahead in an idle time: nothing, and the next alarm is right",
        BOTH,
        ((T, 1.0), (T + 60, 1.0), (T + 10**9, 1.0), (T + 10**9 + 60, 9.0), (T + 10**9 + 660, 9.0)),
        ((4, "ALARM", "ABOVE", T + 10**9 + 60, T + 10**9 + 660, 9.0),),
    ),
    (
        "the clock is set back: the hold goes on, nothing is lost",
        ABOVE,
        ((T, 9.0), (T + 300, 9.0), (T - 86400, 9.0), (T - 86400 + 299, 9.0), (T - 86400 + 300, 9.0)),
        ((4, "ALARM", "ABOVE", T - 86400 - 300, T - 86400 + 300, 9.0),),
    ),
    (
        "the clock is set back while it stands: no second alarm, and the recovery comes",
        AT_ONCE,
        ((T, 9.0), (T - 3600, 9.0), (T - 3540, TICK), (T - 3000, 1.0)),
        ((0, "ALARM", "ABOVE", T, T, 9.0), (3, "RECOVERY", "ABOVE", T - 3600, T - 3000, 9.0)),
    ),
    (
        "the clock is set back in silence: it is still told, no later than it was due",
        SILENT,
        ((T, 1.0), (T + 1000, TICK), (T - 500000, TICK), (T - 500000 + 799, TICK), (T - 500000 + 800, TICK)),
        ((4, "ALARM", "NO_READING", T - 501000, T - 500000 + 800, None),),
    ),
    (
        "late calls, each a little before the tick that overtook it, neither hurry nor delay",
        ABOVE,
        (
            (T, 9.0),
            (T + 301, TICK),
            (T + 300, 9.0),
            (T + 599, TICK),
            (T + 598, 9.0),
            (T + 601, TICK),
            (T + 599, 9.0),
        ),
        ((6, "ALARM", "ABOVE", T, T + 601, 9.0),),
    ),
    (
        "an hour's step that is told is no hour",
        BOTH,
        ((T, 9.0), (SET, 3600), (T + 3600, 9.0), (T + 3600, TICK), (T + 4199, 9.0), (T + 4200, 9.0)),
        ((5, "ALARM", "ABOVE", T + 3600, T + 4200, 9.0),),
    ),
    (
        "and the same back",
        BOTH,
        ((T, 9.0), (SET, -3600), (T - 3600, 9.0), (T - 3001, 9.0), (T - 3000, 9.0)),
        ((4, "ALARM", "ABOVE", T - 3600, T - 3000, 9.0),),
    ),
    (
        "a clock that is set before the first call moves nothing",
        ABOVE,
        ((SET, 10**9), (T, 9.0), (T + 600, 9.0)),
        ((2, "ALARM", "ABOVE", T, T + 600, 9.0),),
    ),
    (
        "the clock is set back, and then right again",
        ABOVE,
        ((T, 9.0), (T + 1, 9.0), (Y2000, 9.0), (T, 9.0), (T + 598, 9.0), (T + 599, 9.0)),
        ((5, "ALARM", "ABOVE", T - 1, T + 599, 9.0),),
    ),
    (
        "the clock is set while a silence stands: since and reminders go by the new clock",
        REPEATED,
        ((T, 1.0), (T + 1800, TICK), (Y2000, TICK), (Y2000 + 3600, TICK), (Y2000 + 3660, 1.0)),
        (
            (1, "ALARM", "NO_READING", T, T + 1800, None),
            (3, "REMINDER", "NO_READING", Y2000 - 1800, Y2000 + 3600, None),
            (4, "RECOVERY", "NO_READING", Y2000 - 1800, Y2000 + 3660, None),
        ),
    ),
    (
        "a call a minute older is late, not a clock that is set",
        ABOVE,
        ((T, 9.0), (T + 300, TICK), (T + 240, 9.0), (T + 599, 9.0), (T + 600, 9.0)),
        ((4, "ALARM", "ABOVE", T, T + 600, 9.0),),
    ),
    (
        "two weeks in one step are the clock being set, however long it has run",
        ABOVE,
        ((T, 1.0), (T + 60, 9.0), (T + 120, 9.0), (T + 14 * 86400, 9.0), (T + 14 * 86400 + 540, 9.0)),
        ((4, "ALARM", "ABOVE", T + 14 * 86400 - 60, T + 14 * 86400 + 540, 9.0),),
    ),
    (
        "a weekly reading is slow, not a clock that is set",
        ABOVE,
        ((T, 9.0), (T + 7 * 86400, 9.0)),
        ((1, "ALARM", "ABOVE", T, T + 7 * 86400, 9.0),),
    ),
)


def told(happening):
    return (
        KINDS[happening.kind],
        CAUSES[happening.cause],
        happening.since_s,
        happening.at_s,
        happening.extreme,
    )


def call(alarm, when, what):
    if when == SET:
        alarm.clock_moved(what)
        return ()
    if what == FAIL:
        return alarm.failed(when, "the wire is off")
    if what == TICK:
        return alarm.tick(when)
    return alarm.reading(when, what)


def test_each_case():
    for name, entry, calls, wanted in CASES:
        alarm = Alarm(entry)
        got = []
        for index, (when, what) in enumerate(calls):
            for happening in call(alarm, when, what):
                equal(happening.alarm, entry["name"])
                got.append((index,) + told(happening))
        if got != list(wanted):
            raise AssertionError("%s:\n got    %r\n wanted %r" % (name, got, list(wanted)))


def test_an_event_has_the_values_that_its_mail_tells():
    alarm = Alarm({"name": "hot", "sensor": "s", "above": 8.0, "for_s": 120, "clear": 5.0})
    for minute in range(8):
        events = alarm.reading(T + 60 * minute, minute * 1.5)
    alarm_event = events[0] if events else None
    equal(alarm_event is None, True)  # 9.0 at minute 6 and 10.5 at minute 7 held for one minute only
    (alarm_event,) = alarm.reading(T + 480, 9.5)
    equal((alarm_event.value, alarm_event.threshold, alarm_event.extreme), (9.5, 8.0, 10.5))
    equal(alarm_event.readings, ((300, 4.5), (240, 6.0), (180, 7.5), (120, 9.0), (60, 10.5), (0, 9.5)))
    (recovery,) = alarm.reading(T + 540, 5.0)
    equal((recovery.value, recovery.threshold, recovery.extreme), (5.0, 8.0, 10.5))
    equal((recovery.since_s, recovery.at_s), (T + 360, T + 540))


def test_absence_has_no_value_until_its_recovery_brings_one():
    alarm = Alarm(BOTH)
    alarm.reading(T, 3.0)
    (silence,) = alarm.tick(T + 1800)
    equal((silence.value, silence.threshold, silence.readings), (None, None, ((1800, 3.0),)))
    (recovery,) = alarm.reading(T + 1900, 4.0)
    equal((recovery.value, recovery.threshold, recovery.readings), (4.0, None, ((1900, 3.0), (0, 4.0))))


def test_the_ages_of_readings_survive_the_clock_being_set():
    alarm = Alarm(AT_ONCE)
    alarm.reading(Y2000, 1.0)
    alarm.reading(Y2000 + 60, 2.0)
    (happening,) = alarm.reading(T, 9.0)
    equal(happening.readings, ((60, 1.0), (0, 2.0), (0, 9.0)))
    alarm = Alarm(AT_ONCE)
    alarm.reading(T, 1.0)
    (happening,) = alarm.reading(T - 86400, 9.0)
    equal(happening.readings, ((0, 1.0), (0, 9.0)))


def test_the_last_failure_is_kept_in_words_until_a_good_reading():
    alarm = Alarm(ABOVE)
    equal(alarm.failure, "")
    alarm.failed(T, "the wire is off")
    equal(alarm.failure, "the wire is off")
    alarm.reading(T + 1, None)
    equal(alarm.failure, "the sensor gave None, which is no reading")
    alarm.reading(T + 2, 1)
    equal(alarm.failure, "")


def test_whatever_the_clock_does_nothing_is_raised_and_a_lasting_alarm_is_told():
    steps = (
        0,
        1,
        -1,
        59,
        -60,
        -61,
        3600,
        -3600,
        86400,
        -86400,
        604800,
        604801,
        -(10**9),
        10**9,
        2**31,
        -(2**31),
    )
    for first in steps:
        for second in steps:
            alarm = Alarm(BOTH)
            now = 2**32
            told_alarms = 0
            for index in range(60):
                now += 30 + (first if index == 3 else second if index == 9 else 0)
                for happening in alarm.reading(now, 9.0) + alarm.tick(now):
                    if happening.kind == event.ALARM and happening.cause == event.ABOVE:
                        told_alarms += 1
                    equal(happening.since_s <= happening.at_s, True)
            equal((first, second, told_alarms), (first, second, 1))


def test_quiet_readings_allocate_nothing():
    if not hasattr(gc, "mem_alloc"):
        return
    small = T  # a small integer on a 64-bit port
    long = 2**62 + 5  # a long one there, as T is on a 32-bit port
    for time_s in (small, long):
        alarm = Alarm(BOTH)
        value = 5.5
        for _ in range(3):
            alarm.reading(time_s, value)
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        for _ in range(1000):
            alarm.reading(time_s, value)
        grown = gc.mem_alloc() - before
        gc.enable()
        equal((time_s, grown), (time_s, 0))


def test_the_allocation_test_can_fail():
    if not hasattr(gc, "mem_alloc"):
        return
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for index in range(1000):
        sys.maxsize + index
    grown = gc.mem_alloc() - before
    gc.enable()
    equal(grown > 1000, True)


class NoMemory:
    """In place of Event while the heap is full."""

    def __init__(self, *values):
        raise MemoryError("planned")


def without_memory(call, *arguments):
    before, alarms.Event = alarms.Event, NoMemory
    try:
        raises(MemoryError, call, *arguments)
    finally:
        alarms.Event = before


def test_an_event_that_finds_no_memory_is_told_by_the_next_call():
    alarm = Alarm({"name": "a", "sensor": "s", "above": 8, "repeat_every_s": 3600})
    for kind, time_s, value in (
        (event.ALARM, T, 9),
        (event.REMINDER, T + 3660, 9),
        (event.RECOVERY, T + 3800, 7),
    ):
        without_memory(alarm.reading, time_s, value)
        (told,) = alarm.reading(time_s + 60, value)
        equal((kind, told.kind), (kind, kind))


def test_of_two_events_of_one_reading_the_first_is_not_lost_where_the_second_finds_no_memory():
    made = []

    class OnlyOne(event.Event):
        def __init__(self, *values):
            made.append(values)
            if len(made) == 2:
                raise MemoryError("planned")
            event.Event.__init__(self, *values)

    alarm = Alarm({"name": "a", "sensor": "s", "above": 8, "no_reading_for_s": 600})
    alarm.reading(T, 4)
    equal([one.cause for one in alarm.tick(T + 600)], [event.NO_READING])
    before, alarms.Event = alarms.Event, OnlyOne
    told = []
    try:
        for time_s in (T + 700, T + 760):
            try:
                told += alarm.reading(time_s, 9)
            except MemoryError:
                made.append("raised")
    finally:
        alarms.Event = before
    kinds = [(one.kind, one.cause) for one in told]
    equal(kinds, [(event.RECOVERY, event.NO_READING), (event.ALARM, event.ABOVE)])
