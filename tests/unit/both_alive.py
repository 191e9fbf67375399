"""The daily sign of life: once a local day, over restarts, and not before the clock is set."""

from courier_parts import Box
from expect import equal
from flash_folder import on_flash

from mailmote import alive, errors, event, log
from mailmote.store import state

DAY_S = 86400
MIDNIGHT_S = 1800000000 // DAY_S * DAY_S


class Clock:
    """Stands for net.clock."""

    time_s = MIDNIGHT_S
    good = True

    @staticmethod
    def now_s():
        return Clock.time_s

    @staticmethod
    def is_set():
        return Clock.good


def settings(at_s=None, utc_offset_s=0):
    made = {"device": {"utc_offset_s": utc_offset_s}}
    if at_s is not None:
        made["alive"] = {"at_s": at_s}
    return made


def with_clock(test):
    before, alive.clock = alive.clock, Clock
    Clock.good = True
    try:
        on_flash(test)
    finally:
        alive.clock = before


def events(one, hours):
    """At which of the next `hours` it is due."""
    due = []
    for hour in range(hours):
        told = one.event()
        if told:
            equal((told.kind, told.at_s, told.title), (event.ALIVE, Clock.time_s, "Daily sign of life"))
            due.append(hour)
        Clock.time_s += 3600
    return due


def test_it_comes_once_a_day_at_its_local_time():
    for at_hour, offset_hours, first in ((7, 0, 7), (7, 2, 5), (7, -3, 10), (0, 1, 23), (23, 1, 22)):

        def check(at_hour=at_hour, offset_hours=offset_hours, first=first):
            Clock.time_s = MIDNIGHT_S
            one = alive.Alive(settings(at_hour * 3600, offset_hours * 3600), Box())
            equal(one.due_in_s(), first * 3600)
            equal(events(one, 72), [first, first + 24, first + 48])

        with_clock(check)


def test_a_restart_neither_repeats_nor_forgets_it():
    def check():
        Clock.time_s = MIDNIGHT_S
        alive.Alive(settings(7 * 3600), Box()).event()
        Clock.time_s = MIDNIGHT_S + 9 * 3600  # it was off at seven
        equal(events(alive.Alive(settings(7 * 3600), Box()), 2), [0])
        equal(events(alive.Alive(settings(7 * 3600), Box()), 20), [])

    with_clock(check)


def test_the_first_start_of_a_board_tells_nothing():
    def check():
        Clock.time_s = MIDNIGHT_S + 9 * 3600
        equal(events(alive.Alive(settings(7 * 3600), Box()), 24), [22])

    with_clock(check)


def test_without_a_wish_or_a_clock_it_never_comes_and_nothing_is_written():
    def check():
        equal(
            (alive.Alive(settings(), Box()).due_in_s(), alive.Alive(settings(), Box()).event()), (None, None)
        )
        Clock.good = False
        equal(
            (alive.Alive(settings(0), Box()).due_in_s(), alive.Alive(settings(0), Box()).event()),
            (None, None),
        )
        equal(state.read("alive"), None)

    with_clock(check)


def test_a_clock_that_was_far_ahead_does_not_silence_it():
    def check():
        Clock.time_s = MIDNIGHT_S + 1000 * DAY_S
        alive.Alive(settings(7 * 3600), Box()).event()
        Clock.time_s = MIDNIGHT_S
        equal(events(alive.Alive(settings(7 * 3600), Box()), 48), [7, 31])

    with_clock(check)


def test_while_one_waits_there_is_no_other():
    def check():
        Clock.time_s = MIDNIGHT_S
        box = Box()
        one = alive.Alive(settings(7 * 3600), box)
        equal(events(one, 24), [7])
        box.put(event.Event(event.ALIVE, 0, "", 60, 60))
        equal(events(one, 24), [])
        del box.records[1]
        equal(events(one, 24), [7])

    with_clock(check)


def test_a_flash_that_fails_does_not_make_it_come_again_and_again():
    def check():
        Clock.time_s = MIDNIGHT_S
        one = alive.Alive(settings(7 * 3600), Box())
        one.event()

        def fail(name, number):
            raise errors.StorageError("planned")

        write, alive.state.write, level, log.level = alive.state.write, fail, log.level, 100
        try:
            equal(events(one, 30), [7])
        finally:
            alive.state.write, log.level = write, level

    with_clock(check)
