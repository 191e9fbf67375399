"""The status LED: what it shows, and what it makes of a pin."""

import asyncio
import sys

from expect import equal

from mailmote import led, log
from mailmote.errors import FixSettings, GiveUp, RetryLater, SettingsError


class End(Exception):
    """Enough turns."""


class Board:
    """The module `machine`, and a heartbeat: what each pin was, for how long."""

    def __init__(self, turns, error=None):
        self.made = []
        self.shown = []
        self._turns = turns
        self._level = None
        board = self

        class Pin:
            OUT = 3

            def __init__(self, number, mode, value):
                if error:
                    raise error
                board.made.append((number, mode, value))

            def value(self, level):
                board._level = level

        self.Pin = Pin

    async def sleep(self, seconds):
        if len(self.shown) == self._turns:
            raise End
        self.shown.append((self._level, seconds))


def kept(board, states, inverted=False):
    """Let the LED show each of `states` in turn, the last for ever."""
    states = list(states)
    before = sys.modules.get("machine"), log.level
    sys.modules["machine"], log.level = board, 100
    try:
        asyncio.run(led.Led(8, inverted).keep(board, lambda: states.pop(0) if len(states) > 1 else states[0]))
    except End:
        pass
    finally:
        old, log.level = before
        sys.modules.pop("machine")
        if old:
            sys.modules["machine"] = old
    return board.shown


class Part:
    """A courier or a link."""

    def __init__(self, trouble=None):
        self.trouble = trouble


def test_each_state_is_told_from_the_others_at_a_glance():
    shown = {}
    for state in (led.FINE, led.WAITING, led.FIX, led.SAFE):
        shown[state] = kept(Board(2 * len(state)), [state])
        equal([level for level, _ in shown[state]], [1, 0] * len(state))
    lengths = {state: sum([seconds for _, seconds in shown[state]]) for state in shown}
    equal((round(lengths[led.FINE], 3), round(lengths[led.WAITING], 3)), (5.0, 1.0))
    equal([len(shown[state]) // 2 for state in (led.FINE, led.WAITING, led.FIX, led.SAFE)], [1, 1, 3, 1])
    pauses = [seconds for level, seconds in shown[led.FIX] if not level]
    equal(pauses[2] > 3 * pauses[0] and pauses[0] == pauses[1], True)
    on_s, off_s = [seconds for _, seconds in shown[led.SAFE]]
    equal(on_s > 5 * off_s, True)


def test_a_state_that_changes_shows_after_the_round_it_came_in():
    shown = kept(Board(6), [led.FIX, led.FINE])
    equal(shown, kept(Board(6), [led.FIX]))
    shown = kept(Board(8), [led.FIX, led.FINE])
    equal(shown[6:], kept(Board(2), [led.FINE]))


def test_the_pin_begins_and_ends_dark():
    for inverted, dark in ((False, 0), (True, 1)):
        board = Board(2)
        shown = kept(board, [led.WAITING], inverted)
        equal(board.made, [(8, 3, dark)])
        equal([level for level, _ in shown], [1 - dark, dark])


def test_a_pin_that_cannot_be_made_is_told_and_ends_the_task():
    for error in (ValueError("invalid pin"), OSError(-258)):
        board = Board(2, error)
        equal(kept(board, [led.FINE]), [])
        equal("led: Pin 8 cannot drive the LED" in logged(board), True)


def logged(board):
    """The last line of the log of a board that is asked to blink."""
    before = sys.modules.get("machine"), log.level
    sys.modules["machine"], log.level = board, log.INFO
    try:
        asyncio.run(led.Led(8, False).keep(board, lambda: led.FINE))
    finally:
        sys.modules.pop("machine")
        log.level = before[1]
        if before[0]:
            sys.modules["machine"] = before[0]
    return log.recent()[-1]


def test_without_trouble_and_without_mail_all_is_fine():
    equal(led.state_of(Part(), 0, False), led.FINE)
    equal(led.state_of(Part(), 0, False, Part()), led.FINE)


def test_mail_that_waits_and_what_passes_show_as_waiting():
    later = RetryLater("planned")
    for state in (
        led.state_of(Part(), 1, False),
        led.state_of(Part(later), 1, False),
        led.state_of(Part(later), 0, False),
        led.state_of(Part(GiveUp("planned")), 1, False),
        led.state_of(Part(), 0, False, Part(later)),
    ):
        equal(state, led.WAITING)


def test_what_a_person_has_to_mend_comes_before_what_waits():
    for fix in (FixSettings("planned"), SettingsError("planned")):
        equal(led.state_of(Part(fix), 3, False), led.FIX)
        equal(led.state_of(Part(), 0, False, Part(fix)), led.FIX)
        equal(led.state_of(Part(RetryLater("planned")), 1, False, Part(fix)), led.FIX)


def test_safe_mode_comes_before_all():
    equal(led.state_of(Part(FixSettings("planned")), 3, True, Part()), led.SAFE)
