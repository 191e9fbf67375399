"""An alarm that flaps: what is told when, and that nothing goes uncounted."""

import gc

from expect import equal, raises

from mailmote import event
from mailmote.event import ABOVE, ALARM, BELOW, NO_READING, RECOVERY, REMINDER, SENSOR_ERROR, TEST, Event
from mailmote.policy import flapping
from mailmote.policy.alarms import Alarm
from mailmote.policy.flapping import Flapping

T = 1387208400
HOUR_S = 3600


def change(kind, at_s, cause=ABOVE, extreme=9.0):
    return Event(kind, cause, "hot", at_s, at_s, 9.0, 8.0, extreme, ((60, 7.0), (0, 9.0)))


def brief(events):
    return [(told.kind, told.at_s - T, told.count, told.first_s - T) for told in events]


def flap(gate, count, every_s, start_s=T):
    """Alarm, recovery, alarm ... : what is told, as (when, kind, at, count, first)."""
    told = []
    for index in range(count):
        now_s = start_s + index * every_s
        for one in gate.told((change(RECOVERY if index % 2 else ALARM, now_s),), now_s):
            told.append((now_s - T,) + brief((one,))[0])
    return told


def test_a_few_changes_are_told_at_once_as_they_are():
    gate = Flapping(6)
    raised = change(ALARM, T)
    equal(gate.told((raised,), T), (raised,))
    equal(
        flap(gate, 4, 60, T + 60),
        [(60, 0, 60, 1, 60), (120, 2, 120, 1, 120), (180, 0, 180, 1, 180), (240, 2, 240, 1, 240)],
    )
    equal(gate.holds, False)


def test_what_is_beyond_the_count_is_told_as_one_when_there_is_room():
    gate = Flapping(2)
    equal(flap(gate, 6, 60), [(0, ALARM, 0, 1, 0), (60, RECOVERY, 60, 1, 60)])
    equal(gate.tick(T + HOUR_S - 1), ())
    equal(brief(gate.tick(T + HOUR_S)), [(RECOVERY, 300, 4, 120)])
    equal((gate.tick(T + 9 * HOUR_S), gate.holds), ((), False))


def test_a_single_change_that_is_held_is_told_as_it_is():
    gate = Flapping(1)
    gate.told((change(ALARM, T),), T)
    held = change(RECOVERY, T + 10)
    equal(gate.told((held,), T + 10), ())
    equal(gate.tick(T + HOUR_S), (held,))
    equal((held.count, held.first_s), (1, T + 10))


def test_a_held_alarm_that_ends_is_a_recovery_that_says_so():
    gate = Flapping(2)
    flap(gate, 2, 60)
    gate.told((change(ALARM, T + 200),), T + 200)
    gate.told((change(RECOVERY, T + 400),), T + 400)
    equal(brief(gate.tick(T + HOUR_S)), [(RECOVERY, 400, 2, 200)])


def test_a_change_that_comes_when_there_is_room_again_tells_what_was_held():
    gate = Flapping(1)
    flap(gate, 3, 60)
    equal(brief(gate.told((change(RECOVERY, T + HOUR_S),), T + HOUR_S)), [(RECOVERY, HOUR_S, 3, 60)])


def test_the_worst_of_what_was_held_is_told():
    for cause, extremes, worst in ((ABOVE, (9.0, 30.0, 10.0), 30.0), (BELOW, (-9.0, -30.0, -10.0), -30.0)):
        gate = Flapping(1)
        gate.told((change(ALARM, T, cause, 0.0),), T)
        for index, extreme in enumerate(extremes):
            gate.told((change(ALARM, T + index, cause, extreme),), T + index)
        equal(gate.tick(T + HOUR_S)[0].extreme, worst)


def test_no_hour_has_more_than_the_count_and_every_change_is_counted():
    for per_hour in (1, 2, 6, 60):
        gate = Flapping(per_hour)
        raised = counted = 0
        times = []
        last = change(ALARM, T)
        known = None
        for minute in range(24 * 60):
            now_s = T + minute * 60
            events = ()
            if minute < 20 * 60 and minute % 7 in (0, 2, 3):
                last = change(ALARM if raised % 2 == 0 else RECOVERY, now_s)
                raised += 1
                events = (last,)
            for told in gate.told(events, now_s) if events else gate.tick(now_s):
                counted += told.count
                times.append(now_s)
                known = (told.kind, told.at_s)
        equal((per_hour, counted), (per_hour, raised))
        equal(known, (last.kind, last.at_s))
        for index in range(len(times) - per_hour):
            equal(times[index + per_hour] - times[index] >= HOUR_S, True)


def test_the_level_and_the_absence_of_readings_are_not_each_other_s_end():
    gate = Flapping(1)
    gate.told((change(ALARM, T),), T)
    gate.told((change(ALARM, T + 100, NO_READING, None), change(RECOVERY, T + 100)), T + 100)
    gate.told((change(RECOVERY, T + 200, SENSOR_ERROR, None),), T + 200)
    gate.told((change(ALARM, T + 300),), T + 300)
    first = gate.tick(T + HOUR_S)
    second = gate.tick(T + 2 * HOUR_S)
    equal(brief(first + second), [(ALARM, 300, 2, 100), (RECOVERY, 200, 2, 100)])
    equal(gate.holds, False)


def test_with_room_for_both_the_one_that_waits_longer_is_first():
    gate = Flapping(2)
    flap(gate, 2, 0)
    gate.told((change(ALARM, T + 100, NO_READING, None),), T + 100)
    gate.told((change(ALARM, T + 200),), T + 200)
    equal(brief(gate.tick(T + HOUR_S)), [(ALARM, 100, 1, 100), (ALARM, 200, 1, 200)])


def test_a_reminder_goes_at_once_and_takes_no_room():
    gate = Flapping(1)
    for minute in range(10):
        reminder = change(REMINDER, T + minute * 60)
        equal(gate.told((reminder,), T + minute * 60), (reminder,))
    equal(len(gate.told((change(RECOVERY, T + 600),), T + 600)), 1)


def test_a_reminder_yields_to_a_change_that_is_held():
    gate = Flapping(1)
    flap(gate, 3, 60)
    equal(gate.told((change(REMINDER, T + 600),), T + 600), ())
    of_absence = change(REMINDER, T + 700, NO_READING)
    equal(gate.told((of_absence,), T + 700), (of_absence,))
    equal(brief(gate.told((change(REMINDER, T + HOUR_S),), T + HOUR_S)), [(ALARM, 120, 2, 60)])


def test_what_is_no_change_of_the_alarm_goes_through():
    gate = Flapping(1)
    flap(gate, 3, 60)
    for other in (Event(TEST, 0, "", T, T), Event(ALARM, event.SIGN_IN, "", T, T)):
        equal(gate.told((other,), T + 200), (other,))


def test_at_the_end_of_a_recording_what_is_held_is_told():
    gate = Flapping(1)
    flap(gate, 4, 60)
    gate.told((change(ALARM, T + 400, NO_READING, None),), T + 400)
    equal(brief(gate.all_held(T + 400)), [(RECOVERY, 180, 3, 60), (ALARM, 400, 1, 400)])
    equal(gate.all_held(T + 400), ())


def test_a_clock_that_is_set_changes_no_time_to_wait():
    for by_s in (10**9, -(10**9), 1800, -1800):
        gate = Flapping(1)
        flap(gate, 3, 60)
        gate.clock_moved(by_s)
        equal(gate.tick(T + by_s + HOUR_S - 1), ())
        (told,) = gate.tick(T + by_s + HOUR_S)
        equal((told.at_s, told.since_s, told.first_s), (T + 120 + by_s, T + 120 + by_s, T + 60 + by_s))


def test_a_step_back_that_nobody_told_holds_nothing_for_longer_than_an_hour():
    gate = Flapping(1)
    flap(gate, 3, 60)
    back_s = T - 10**8
    equal(gate.tick(back_s), ())
    equal(gate.tick(back_s + HOUR_S - 121), ())  # 120 s had passed before the step
    equal(len(gate.tick(back_s + HOUR_S - 120)), 1)


def test_a_late_call_takes_no_room_away():
    gate = Flapping(2)
    gate.told((change(ALARM, T),), T)
    gate.told((change(RECOVERY, T - 50),), T - 50)
    gate.told((change(ALARM, T + 10),), T + 10)
    equal(gate.tick(T + HOUR_S - 50), ())
    equal(len(gate.tick(T + HOUR_S)), 1)


def test_a_real_alarm_that_flaps():
    gate = Flapping(6)
    alarm = Alarm({"name": "hot", "sensor": "s", "above": 8.0})
    told = []
    for minute in range(120):
        now_s = T + minute * 60
        told.extend(gate.told(alarm.reading(now_s, 9.0 + minute if minute % 2 else 7.0), now_s))
    told.extend(gate.all_held(T + 120 * 60))
    equal(sum(one.count for one in told), 119)
    equal(len(told) <= 13, True)
    equal((told[-1].kind, max(one.extreme for one in told)), (ALARM, 128.0))


def test_it_outlives_deep_sleep():
    gate = Flapping(3)
    equal(len(gate.pack()), 6)
    flap(gate, 6, 60)
    gate.told((change(ALARM, T + 400, NO_READING, None),), T + 400)
    data = b"??" + bytes(gate.pack()) + b"!"
    equal(len(data), 2 + 6 + 3 * 4 + 2 * 28 + 1)
    woken = Flapping(3)
    equal(woken.unpack(data, "hot", 2), len(data) - 1)
    equal(woken.tick(T + HOUR_S - 1), ())
    first = woken.tick(T + HOUR_S)
    equal(brief(first), [(RECOVERY, 300, 3, 180)])
    held = first[0]
    equal((held.alarm, held.cause, held.value, held.threshold, held.extreme), ("hot", ABOVE, 9.0, 8.0, 9.0))
    (second,) = woken.tick(T + HOUR_S + 60)
    equal((second.cause, second.extreme, second.since_s), (NO_READING, None, T + 400))


def test_a_step_back_after_deep_sleep_holds_nothing_for_longer_than_an_hour():
    gate = Flapping(1)
    flap(gate, 3, 60)
    woken = Flapping(1)
    woken.unpack(gate.pack(), "hot")
    woken.tick(T - 10**8)
    equal(len(woken.tick(T - 10**8 + HOUR_S)), 1)


def test_the_order_of_what_was_told_outlives_deep_sleep():
    gate = Flapping(2)
    flap(gate, 3, 1800)
    woken = Flapping(2)
    woken.unpack(gate.pack(), "hot")
    equal(len(woken.told((change(RECOVERY, T + 5400),), T + 5400)), 1)
    equal(woken.told((change(ALARM, T + 5401),), T + 5401), ())


def test_old_times_are_not_kept_over_deep_sleep():
    gate = Flapping(6)
    flap(gate, 12, 1200)
    equal(len(gate.pack()), 6 + 3 * 4)


def test_fewer_changes_an_hour_after_deep_sleep():
    gate = Flapping(6)
    flap(gate, 6, 60)
    woken = Flapping(2)
    woken.unpack(gate.pack(), "hot")
    equal(len(woken.told((change(ALARM, T + 900),), T + 900)), 0)
    equal(len(woken.tick(T + 240 + HOUR_S)), 1)


def test_what_is_cut_short_is_refused():
    gate = Flapping(1)
    flap(gate, 2, 60)
    data = gate.pack()
    for length in range(len(data)):
        raises(ValueError, Flapping(1).unpack, data[:length], "hot")


class NoMemory:
    """Puts something that fails in the place of `merged`."""

    def __enter__(self):
        self._kept = flapping.merged
        flapping.merged = self._fail

    def __exit__(self, *_):
        flapping.merged = self._kept

    def _fail(self, earlier, later):
        raise MemoryError


def test_a_change_that_finds_no_memory_is_told_and_counted():
    gate = Flapping(1)
    flap(gate, 2, 60)
    with NoMemory():
        equal(gate.told((change(ALARM, T + 120),), T + 120), ())
    equal(brief(gate.tick(T + HOUR_S)), [(ALARM, 120, 2, 60)])


def test_the_quiet_path_allocates_nothing():
    if not hasattr(gc, "mem_alloc"):
        return
    gate = Flapping(6)
    flap(gate, 2, 60)
    nothing = ()
    now_s = 2**62 + 5  # a long integer, as times are on a 32-bit port
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(1000):
        gate.told(nothing, now_s)
        gate.tick(now_s)
    grown = gc.mem_alloc() - before
    gc.enable()
    equal(grown, 0)
