"""What a board makes of its settings, and of how the agent ends."""

import sys

from both_agent import SETTINGS, Told, quietly
from expect import equal, raises

from mailmote import agent, battery, compat, errors, start


def write(text):
    with open("settings.json", "w") as file:
        file.write(text)


def test_settings_that_cannot_be_used_say_what_to_run():
    def check():
        for prepare in (lambda: None, lambda: write("[1, 2"), lambda: write("[1, 2]"), lambda: write("")):
            prepare()
            error = raises(errors.SettingsError, start.load_settings)
            equal("mailmote provision" in str(error), True)

    quietly(check)


def test_the_names_of_what_is_lent_later_are_learnt_first():
    learnt = []
    before = compat.learn_names
    compat.learn_names = learnt.append
    try:
        started(settings=SETTINGS)
    finally:
        compat.learn_names = before
    equal(learnt, ["mailmote.dispatch"])


class Broken:
    """Stands for Agent: it raises `end`, or returns it."""

    def __init__(self, end):
        self.end = end

    def __call__(self, settings, crashes):
        return self

    async def run(self, dog):
        if isinstance(self.end, BaseException):
            raise self.end
        return self.end


def started(*, settings, end=None, crashes=None):
    """(whether the watchdog was started, what was logged) when the agent of main() ends so."""
    dogs = []
    before = start.load_settings, agent.Agent, start.watchdog, start.Crashes, sys.modules.get("machine")

    def load():
        if isinstance(settings, Exception):
            raise settings
        return settings

    start.load_settings, agent.Agent, start.watchdog = load, Broken(end), lambda: dogs.append(1)
    start.Crashes = sys.modules["machine"] = crashes or Told()
    try:
        said = quietly(start.main)
    finally:
        start.load_settings, agent.Agent, start.watchdog, start.Crashes = before[:4]
        sys.modules.pop("machine")
        if before[4] is not None:
            sys.modules["machine"] = before[4]
    return len(dogs), said


def test_a_board_without_settings_starts_no_watchdog():
    dogs, said = started(settings=errors.SettingsError("Run `mailmote provision`."))
    equal((dogs, "E agent: Run `mailmote provision`." in said), (0, True))


def test_whatever_ends_the_agent_is_told_and_left_to_the_watchdog():
    for error, words in (
        (ValueError("planned"), "E agent: ValueError: planned"),
        (MemoryError("planned"), "E agent: MemoryError: planned"),
        (KeyboardInterrupt(), "Stopped by Ctrl-C."),
    ):
        dogs, said = started(settings=SETTINGS, end=error)
        equal((dogs, words in said), (1, True))


def test_an_end_by_an_exception_is_a_crash_and_one_by_a_person_is_forgiven():
    for end, looping, told in (
        (ValueError("planned"), False, ["The agent: %r" % ValueError("planned"), "ended"]),
        (ValueError("planned"), True, ["The agent: %r" % ValueError("planned"), "ended", "reset"]),
        (KeyboardInterrupt(), True, ["forgive", "ended"]),
        (True, False, ["ended", "reset"]),
        (False, False, ["ended"]),
    ):
        crashes = Told(looping)
        started(settings=SETTINGS, end=end, crashes=crashes)
        equal(crashes.told, ["begin 180"] + told)


def test_a_battery_is_for_boards_that_sleep_and_safe_mode_does_not():
    for power, safe, slept in (("mains", False, 0), ("battery", False, 1), ("battery", True, 0)):
        crashes = Told()
        crashes.safe = safe
        asked = []
        before, battery.run = battery.run, lambda *arguments: asked.append(arguments)  # noqa: B023
        try:
            settings = dict(SETTINGS, device=dict(SETTINGS["device"], power=power))
            dogs, _ = started(settings=settings, end=False, crashes=crashes)
        finally:
            battery.run = before
        equal((power, safe, len(asked), dogs), (power, safe, slept, 1))
        equal([(path, told is crashes) for _, path, _, told in asked], [("settings.json", True)] * slept)


def test_what_ends_a_wake_is_counted_as_a_crash():
    def broken(settings, path, dog, crashes):
        raise ValueError("planned")

    crashes = Told()
    before, battery.run = battery.run, broken
    try:
        settings = dict(SETTINGS, device=dict(SETTINGS["device"], power="battery"))
        started(settings=settings, end=False, crashes=crashes)
    finally:
        battery.run = before
    equal(crashes.told, ["begin 180", "The agent: %r" % ValueError("planned"), "ended"])
