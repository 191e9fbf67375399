"""When a failed delivery is tried again."""

import gc

from expect import equal, raises

from mailmote.policy.backoff import FIX, LATER, LOCKED, Backoff

HOUR_S = 3600


def pauses(kind, chance, count=10, backoff=None):
    backoff = backoff or Backoff()
    return [backoff.pause_s(kind, chance) for _ in range(count)]


def test_later_begins_between_half_a_minute_and_one_doubles_and_ends_at_an_hour():
    equal(pauses(LATER, 1.0), [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600])
    equal(pauses(LATER, 0.0), [30] * 10)
    equal([Backoff().pause_s(LATER, chance) for chance in (0.0, 0.5, 1.0)], [30, 45, 60])


def test_first_and_cap_can_be_set():
    equal(pauses(LATER, 1.0, 4, Backoff(100, 300)), [100, 200, 300, 300])
    equal(pauses(LATER, 0.0, 4, Backoff(100, 300)), [50] * 4)
    equal(pauses(LATER, 1.0, 3, Backoff(600, 10)), [10] * 3)
    equal(pauses(LATER, 0.0, 3, Backoff(600, 10)), [10] * 3)
    equal(pauses(LATER, 1.0, 20, Backoff(10, 86400))[-1], 86400)


def test_a_fault_in_the_settings_begins_at_a_quarter_of_an_hour_and_ends_at_four_hours():
    equal(pauses(FIX, 0.5, 6), [900, 1800, 3600, 7200, 12000, 12000])
    equal(pauses(FIX, 0.0, 6), [720, 1440, 2880, 5760, 9600, 9600])
    equal(pauses(FIX, 1.0, 6), [1080, 2160, 4320, 8640, 14400, 14400])


def test_a_locked_account_is_left_alone_for_an_hour_at_least():
    equal(pauses(LOCKED, 0.0, 4), [3600, 7200, 12000, 12000])
    equal(pauses(LOCKED, 1.0, 4), [4320, 8640, 14400, 14400])


def test_success_begins_anew():
    backoff = Backoff()
    pauses(LATER, 1.0, 5, backoff)
    backoff.succeeded()
    equal(backoff.failures, 0)
    equal(backoff.pause_s(LATER, 1.0), 60)


def test_another_kind_of_failure_begins_anew():
    backoff = Backoff()
    pauses(LATER, 1.0, 20, backoff)
    equal(backoff.pause_s(FIX, 0.5), 900)
    equal(backoff.pause_s(FIX, 0.5), 1800)
    equal(backoff.pause_s(LOCKED, 0.0), 3600)
    equal(backoff.pause_s(LATER, 1.0), 60)


def test_years_of_failure_overflow_nothing():
    backoff = Backoff(600, 86400)
    pause_s = 0
    for _ in range(70000):
        pause_s = backoff.pause_s(LATER, 1.0)
    equal(pause_s, 86400)
    equal(len(backoff.pack()), 3)
    backoff.failures = 10**9
    equal(backoff.pause_s(LATER, 1.0), 86400)
    equal(pauses(FIX, 1.0, 5000)[-1], 14400)


def test_a_count_of_years_takes_no_memory():
    if not hasattr(gc, "mem_alloc"):
        return
    backoff = Backoff()
    backoff.failures = 65000
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    backoff.pause_s(LATER, 0.5)
    grown = gc.mem_alloc() - before
    gc.enable()
    equal(grown < 1000, True)


def test_every_chance_keeps_the_bounds():
    for step in range(101):
        for kind, least_s, most_s in (
            (LATER, 30, HOUR_S),
            (FIX, 720, 4 * HOUR_S),
            (LOCKED, HOUR_S, 4 * HOUR_S),
        ):
            for pause_s in pauses(kind, step / 100):
                equal((kind, least_s <= pause_s <= most_s, isinstance(pause_s, int)), (kind, True, True))


def test_it_outlives_deep_sleep():
    backoff = Backoff()
    pauses(FIX, 0.5, 3, backoff)
    woken = Backoff()
    woken.unpack(backoff.pack())
    equal((woken.failures, woken.kind), (3, FIX))
    equal(woken.pause_s(FIX, 0.5), 7200)


def test_what_is_no_state_is_refused():
    raises(ValueError, Backoff().unpack, b"\0\0")
