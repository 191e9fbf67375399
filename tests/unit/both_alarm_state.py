"""An alarm that sleeps between any two calls tells what it would have told awake."""

from both_alarms import AT_ONCE, BOTH, CASES, SILENT, T, call, told
from expect import equal, raises

from mailmote import event
from mailmote.policy import alarm_state
from mailmote.policy.alarms import Alarm


def slept(alarm, entry, readings=alarm_state.MAX_READINGS):
    """The same alarm after a sleep."""
    data = bytes(alarm_state.pack(alarm, readings))
    other = Alarm(entry)
    equal(alarm_state.unpack(other, b"??" + data, 2), len(data) + 2)
    return other


def test_each_case_of_the_alarms_with_a_sleep_after_each_call():
    for name, entry, calls, wanted in CASES:
        for readings in (alarm_state.MAX_READINGS, 0):
            alarm = Alarm(entry)
            got = []
            for index, (when, what) in enumerate(calls):
                for happening in call(alarm, when, what):
                    got.append((index,) + told(happening))
                equal((name, alarm.stands), (name, slept(alarm, entry, readings).stands))
                alarm = slept(alarm, entry, readings)
            if got != list(wanted):
                raise AssertionError("%s:\n got    %r\n wanted %r" % (name, got, list(wanted)))


def test_the_last_readings_are_kept_and_no_more_than_asked_for():
    alarm = Alarm(AT_ONCE)
    for index in range(5):
        alarm.reading(T + 300 * index, index)
    (happening,) = slept(alarm, AT_ONCE).reading(T + 1500, 9.0)
    equal(happening.readings, ((900, 2.0), (600, 3.0), (300, 4.0), (0, 9.0)))
    (happening,) = slept(alarm, AT_ONCE, 1).reading(T + 1500, 9.0)
    equal(happening.readings, ((300, 4.0), (0, 9.0)))
    (happening,) = slept(alarm, AT_ONCE, 0).reading(T + 1500, 9.0)
    equal(happening.readings, ((0, 9.0),))


def test_what_is_kept_has_a_bound_and_a_new_alarm_takes_little():
    alarm = Alarm(BOTH)
    equal(len(alarm_state.pack(alarm)), 10)
    equal(slept(alarm, BOTH).tick(T), ())
    for minute in range(20):
        alarm.reading(T + 60 * minute, 9.0)
    equal(alarm.tick(T + 4000)[0].cause, event.NO_READING)
    alarm.failed(T + 4000, "the wire is off")
    equal(len(alarm_state.pack(alarm)), alarm_state.MAX_BYTES)
    equal(alarm_state.MAX_BYTES, 52)


def test_a_silence_counts_on_while_it_sleeps():
    alarm = Alarm(SILENT)
    alarm.reading(T, 1.0)
    alarm = slept(alarm, SILENT)
    equal(alarm.tick(T + 1799), ())
    (happening,) = slept(alarm, SILENT).tick(T + 1800)
    equal((happening.cause, happening.since_s), (event.NO_READING, T))


def test_what_is_cut_short_is_refused():
    alarm = Alarm(BOTH)
    for minute in range(20):
        alarm.reading(T + 60 * minute, 9.0)
    data = bytes(alarm_state.pack(alarm))
    for length in range(len(data)):
        raises(ValueError, alarm_state.unpack, Alarm(BOTH), data[:length])
