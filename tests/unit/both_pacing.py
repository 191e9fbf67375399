"""When a failed delivery is tried again."""

from expect import equal

from mailmote.policy.pacing import Backoff


def pauses(needs_a_person, chance, count=10):
    backoff = Backoff()
    return [backoff.pause_s(needs_a_person, chance) for _ in range(count)]


def test_later_begins_at_half_a_minute_doubles_and_ends_at_an_hour():
    equal(pauses(False, 1.0), [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600])
    equal(pauses(False, 0.0), [30] * 10)


def test_a_fault_in_the_settings_begins_at_a_quarter_of_an_hour_and_ends_at_four_hours():
    equal(pauses(True, 1.0, 6), [900, 1800, 3600, 7200, 14400, 14400])
    equal(pauses(True, 0.0, 6), [450] * 6)


def test_chance_spreads_over_the_whole_span():
    equal([Backoff().pause_s(False, chance) for chance in (0.0, 0.5, 1.0)], [30, 45, 60])


def test_success_begins_anew():
    backoff = Backoff()
    for _ in range(5):
        backoff.pause_s(False, 1.0)
    backoff.succeeded()
    equal(backoff.pause_s(False, 1.0), 60)


def test_years_of_failure_overflow_nothing():
    equal(pauses(False, 1.0, 5000)[-1], 3600)
