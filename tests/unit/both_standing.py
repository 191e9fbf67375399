"""What alarms have told, over a restart: who is told of what again, and who never twice."""

import sys

from both_rtc import Clock, on
from expect import equal

from mailmote import agent, errors, event, standing
from mailmote.policy.alarms import Alarm
from mailmote.store import rtc
from mailmote.watcher import Watcher

T = 1800000000
TO = ["a@contoso.test"]


def settings(alarms, to=TO):
    return {"mail": {"to": to}, "alarms": alarms}


def alarm(name="Warm", sensor="Room", **changes):
    made = {"name": name, "sensor": sensor, "above": 20, "clear": 20}
    made.update(changes)
    return made


class Driver:
    progress = 0
    paced = True

    def __init__(self, values):
        self.values = values

    def read(self, now_s):
        return now_s, self.values.pop(0)


def watcher(wanted, told, *values, sensor="Room", per_hour=6):
    """Of a sensor that gives `values`; what it tells is put into `told`."""
    alarms = [Alarm(one) for one in wanted["alarms"] if one["sensor"] == sensor]
    entry = {"name": sensor, "driver": "planned", "every_s": 60, "options": {}}
    made = Watcher(entry, alarms, lambda events: told.extend(events), None, per_hour)
    made._driver = Driver(list(values))
    return made


def kinds(told):
    return [(one.kind, one.alarm) for one in told]


def restarted(wanted, before, after, then=None, clock=None):
    """What is told by new watchers that read `after`, where those of `before` have kept what they told."""
    told, clock = [], clock or Clock()

    def play():
        first = watcher(wanted, [], *before)
        for turn in range(len(before)):
            first.sample(T + 60 * turn)
        standing.keep([first], wanted)
        again = watcher(then or wanted, told, *after)
        standing.take_up([again], then or wanted)
        for turn in range(len(after)):
            again.sample(T + 3600 + 60 * turn)

    on(clock, play)
    return kinds(told)


def test_an_alarm_that_stands_is_not_told_again_and_its_end_is():
    one = settings([alarm()])
    equal(restarted(one, [21], [21, 22]), [])
    equal(restarted(one, [21], [19]), [(event.RECOVERY, "Warm")])
    equal(restarted(one, [21, 19], [21]), [(event.ALARM, "Warm")])
    equal(restarted(one, [19], [21]), [(event.ALARM, "Warm")])


def test_a_limit_that_was_raised_ends_an_alarm():
    after = settings([alarm(above=30, clear=30)])
    equal(restarted(settings([alarm()]), [21], [21], after), [(event.RECOVERY, "Warm")])


def test_whoever_was_not_told_is_told():
    one = settings([alarm()])
    equal(restarted(one, [21], [21], settings([alarm()], TO + ["b@contoso.test"])), [(event.ALARM, "Warm")])
    equal(restarted(one, [21], [21], settings([alarm(to=["c@contoso.test"])])), [(event.ALARM, "Warm")])
    equal(restarted(one, [21], [21], settings([alarm("Hot")])), [(event.ALARM, "Hot")])
    below = alarm(below=25, clear=25)
    del below["above"]
    equal(restarted(one, [21], [21], settings([below])), [(event.ALARM, "Warm")])


def test_an_alarm_that_lost_its_limit_stands_no_more():
    """Its level would have no end, and would be reminded of for ever."""
    below = alarm(below=25, clear=25, repeat_every_s=60)
    silent = alarm(no_reading_for_s=600, repeat_every_s=60)
    for key in ("above", "clear"):
        del silent[key]
    del below["above"]
    told = []

    def play():
        first = watcher(settings([below]), [], 21)
        first.sample(T)
        standing.keep([first], settings([below]))
        again = watcher(settings([silent]), told, 21)
        standing.take_up([again], settings([silent]))
        again.sample(T + 60)
        again.tick(T + 300)
        equal((told, again.standing()), ([], []))

    on(Clock(), play)


def test_a_change_that_is_held_back_is_told_by_the_next_start():
    """The state that people know is right again within the hour, whatever happens in between."""
    one, told, clock = settings([alarm()]), [], Clock()

    def play():
        first = watcher(one, told, 21, 19, per_hour=1)
        first.sample(T)
        first.sample(T + 60)
        standing.keep([first], one)
        again = watcher(one, told, 19, per_hour=1)
        standing.take_up([again], one)
        again.sample(T + 3660)

    on(clock, play)
    equal(kinds(told), [(event.ALARM, "Warm"), (event.RECOVERY, "Warm")])


def test_each_sensor_has_its_own_and_a_recording_none():
    wanted = settings([alarm(), alarm("Moist", "Cellar")])
    told = []

    def play():
        first = [watcher(wanted, [], 21), watcher(wanted, [], 21, sensor="Cellar")]
        for one in first:
            one.sample(T)
        first[1]._driver.paced = False
        standing.keep(first, wanted)
        again = [watcher(wanted, told, 21, sensor="Cellar"), watcher(wanted, told, 21)]
        standing.take_up(again, wanted)
        for one in again:
            one.sample(T + 60)

    on(Clock(), play)
    equal(kinds(told), [(event.ALARM, "Moist")])


def test_where_there_is_no_room_nothing_is_kept_and_all_is_told_anew():
    clock = Clock()
    one = settings([alarm()])
    equal(restarted(one, [21], [21], clock=clock), [])
    on(clock, lambda: (rtc.write(rtc.ALARMS, None), rtc.write(rtc.CRASHES, bytes(2020))))
    equal(restarted(one, [21], [21], clock=clock), [(event.ALARM, "Warm")])
    equal(on(clock, lambda: rtc.read(rtc.ALARMS)), None)


def test_what_was_kept_by_another_version_is_no_use():
    before = standing.__version__
    told = []
    one = settings([alarm()])

    def play():
        first = watcher(one, [], 21)
        first.sample(T)
        standing.keep([first], one)
        standing.__version__ = "9.9.9"
        again = watcher(one, told, 21)
        standing.take_up([again], one)
        again.sample(T + 60)

    try:
        on(Clock(), play)
    finally:
        standing.__version__ = before
    equal(kinds(told), [(event.ALARM, "Warm")])


# The agent


class Outbox:
    """Tells what RTC memory has while an event is stored; refuses while it is `full`."""

    is_new = False

    def __init__(self):
        self.full = False
        self.seen = []

    def __len__(self):
        return 0

    def enqueue(self, one, recipients, dated=False):
        self.seen.append(rtc.read(rtc.ALARMS))
        if self.full:
            raise errors.StorageError("planned")


class Agent(agent.Agent):
    """As much of it as tells and stores."""

    def __init__(self, wanted, outbox, values=()):
        self.told = []
        self._settings = wanted
        self._outbox = outbox
        self._unstored = []
        self._health = self._courier = self
        self.dropped = 0
        self._watchers = [watcher(wanted, self.told, *values)]
        self._watchers[0]._tell = self._tell

    def wake(self):
        pass


def tells(one):
    one._watchers[0].sample(T)
    return rtc.read(rtc.ALARMS) is not None


def test_it_is_kept_once_the_outbox_has_it_and_gone_before():
    """A crash in between tells an alarm twice, and never not at all."""
    wanted = settings([alarm()])

    def play():
        outbox = Outbox()
        rtc.write(rtc.ALARMS, b"of before")
        equal(tells(Agent(wanted, outbox, [21])), True)
        equal(outbox.seen, [None])
        outbox.full = True
        again = Agent(wanted, outbox, [21])
        equal(tells(again), False)
        outbox.full = False
        again._store()
        equal(rtc.read(rtc.ALARMS) is not None, True)
        equal(tells(Agent(wanted, outbox, [19])), True)

    on(Clock(), play)


def test_nothing_is_kept_where_an_event_was_dropped():
    def play():
        one = Agent(settings([alarm()]), Outbox(), [21])
        one.dropped = 1
        equal(tells(one), False)

    on(Clock(), play)


def test_a_new_outbox_has_told_nobody():
    def play(is_new):
        outbox, wanted = Outbox(), settings([alarm()])
        tells(Agent(wanted, outbox, [21]))
        again = Agent(wanted, outbox, [21])
        outbox.seen, outbox.is_new = [], is_new
        again._recall()
        again._watchers[0].sample(T + 60)
        return len(outbox.seen)

    equal(on(Clock(), lambda: play(False)), 0)
    equal(on(Clock(), lambda: play(True)), 1)


def test_the_memory_of_the_module_is_free_afterwards():
    before = {
        name: sys.modules.pop(name, None) for name in ("mailmote.standing", "mailmote.policy.alarm_state")
    }
    try:
        on(Clock(), lambda: tells(Agent(settings([alarm()]), Outbox(), [21])))
        equal([name for name in before if name in sys.modules], [])
    finally:
        sys.modules.update({name: module for name, module in before.items() if module})


def test_a_life_on_battery_is_forgotten():
    def play():
        rtc.write(rtc.BATTERY, b"of another life")
        Agent(settings([alarm()]), Outbox())._recall()
        equal(rtc.read(rtc.BATTERY), None)

    on(Clock(), play)
