"""The Wi-Fi link, with a radio and a chance that the test turns."""

import asyncio
import sys

from expect import equal

from mailmote import compat, log
from mailmote.errors import FixSettings, RetryLater
from mailmote.net import link as links

IDLE, CONNECTING = 1000, 1001
ON, OFF, LEAVE = ("active", True), ("active", False), ("disconnect",)
RADIO, JOIN = ("WLAN", 7), ("connect", "Plant IoT", "canary-wifi")


class End(Exception):
    """Enough turns."""


class Heartbeat:
    """Sleeps no time; ends the test at the `turns`-th sleep. `on_sleep(count)` is what happens meanwhile."""

    def __init__(self, turns, on_sleep=None):
        self._turns = turns
        self._on_sleep = on_sleep
        self.slept = []

    async def sleep(self, seconds):
        self.slept.append(seconds)
        if self._on_sleep:
            self._on_sleep(len(self.slept))
        if len(self.slept) == self._turns:
            raise End


class Radio:
    """The class WLAN and its one object. `connected`: answers of isconnected in turn, the last for ever.

    `statuses`: what status() tells in turn, the last for ever. `error` is raised by the methods in `fails`.
    """

    IF_STA = 7

    def __init__(self, connected=(False,), statuses=(IDLE,), error=None, fails=("active", "rssi")):
        self._connected = list(connected)
        self._statuses = list(statuses)
        self._error = error
        self._fails = fails
        self.calls = []

    def __call__(self, interface):
        self.calls.append(("WLAN", interface))
        return self

    def _call(self, *call):
        self.calls.append(call)
        if self._error and call[0] in self._fails:
            raise self._error

    def active(self, on):
        self._call("active", on)

    def disconnect(self):
        self._call("disconnect")

    def connect(self, ssid, password):
        self._call("connect", ssid, password)

    def isconnected(self):
        return self._connected.pop(0) if len(self._connected) > 1 else self._connected[0]

    def status(self, what=None):
        if what is None:
            return self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        if self._error:
            raise self._error
        return {"rssi": -61}[what]


class Network:
    def __init__(self, radio):
        self.WLAN = radio


class Chance:
    """`random` with one number."""

    def __init__(self, number):
        self._number = number

    def random(self):
        return self._number


def kept(radio, heartbeat, chance=1.0, steady_s=3):
    """Run Link.keep to the end of the heartbeat's turns; the link."""
    link = links.Link("Plant IoT", "canary-wifi", steady_s)
    keep(link, radio, heartbeat, chance)
    return link


def keep(link, radio, heartbeat, chance=1.0):
    before = sys.modules.get("network"), links.random, log.level
    sys.modules["network"], links.random, log.level = Network(radio), Chance(chance), 100
    try:
        asyncio.run(link.keep(heartbeat))
    except End:
        pass
    finally:
        old, links.random, log.level = before
        sys.modules.pop("network")
        if old:
            sys.modules["network"] = old


def attempts(calls):
    """The calls of each attempt, without the making of the object that each begins with."""
    parts = []
    for call in calls:
        if call == RADIO:
            parts.append([])
        else:
            parts[-1].append(call)
    return parts


def test_without_wifi_settings_the_link_is_up_and_has_no_signal():
    link = links.Link(None, None)
    equal((link.up, link.rssi()), (True, None))
    asyncio.run(link.keep(Heartbeat(1)))
    asyncio.run(link.wait_up(Heartbeat(1)))


def test_before_the_first_attempt_the_link_is_down():
    link = links.Link("Plant IoT", "canary-wifi")
    equal((link.up, link.rssi(), link.lost_count, link.trouble), (False, None, 0, None))
    equal(link.down_s() in (0, 1), True)
    equal(links.Link(None, None).down_s(), None)


def test_a_radio_that_was_at_nothing_is_made_ready_and_connects():
    radio = Radio((True,))
    link = kept(radio, Heartbeat(4))
    equal(radio.calls, [RADIO, ON, JOIN])
    equal((link.up, link.rssi(), link.trouble, link.down_s()), (True, -61, None, None))


def test_a_radio_leaves_what_it_was_at_and_rests_before_it_connects():
    for status in (CONNECTING, 1010, 202, 8):
        radio = Radio((False,), (status,))
        calls = []
        heartbeat = Heartbeat(2, lambda count, radio=radio, calls=calls: calls.append(list(radio.calls)))
        kept(radio, heartbeat)
        equal((heartbeat.slept, calls[0]), ([1, 1], [RADIO, ON, LEAVE]))
        equal(calls[1], [RADIO, ON, LEAVE, JOIN])


def test_a_link_is_up_once_its_address_has_stayed():
    seen = []
    radio = Radio((False, False, True))
    heartbeat = Heartbeat(6, lambda count: seen.append(link.up))
    link = links.Link("Plant IoT", "canary-wifi")
    keep(link, radio, heartbeat)
    equal((heartbeat.slept, seen), ([1, 1, 1, 1, 1, 5], [False] * 5 + [True]))


def test_how_long_it_has_to_stay_is_the_callers_to_say():
    heartbeat = Heartbeat(1)
    equal((kept(Radio((True,)), heartbeat, steady_s=0).up, heartbeat.slept), (True, [5]))


def test_an_address_that_goes_at_once_makes_no_link():
    radio = Radio((True, True, False))
    heartbeat = Heartbeat(3)
    link = kept(radio, heartbeat)
    equal((link.up, heartbeat.slept), (False, [1, 1, 2]))
    equal((link.trouble.key, "lost again" in str(link.trouble)), ("wifi-no-link", True))
    equal(radio.calls, [RADIO, ON, JOIN, LEAVE])


def test_an_attempt_ends_after_twenty_seconds_and_the_pauses_double_to_a_minute():
    heartbeat = Heartbeat(21 * 9 + 2)
    link = kept(Radio(), heartbeat)
    pauses = [seconds for seconds in heartbeat.slept if seconds != 1]
    equal(heartbeat.slept[:21], [1] * 20 + [2])
    equal(pauses, [2, 4, 8, 16, 32, 60, 60, 60, 60])
    equal((link.up, link.rssi(), link.lost_count), (False, None, 0))


def test_chance_halves_a_pause_at_most():
    for chance, wanted in ((0.0, [1, 2]), (0.5, [1.5, 3.0]), (1.0, [2, 4])):
        heartbeat = Heartbeat(42)
        kept(Radio(), heartbeat, chance)
        equal(heartbeat.slept[20::21], wanted)


def test_an_error_in_the_status_does_not_end_an_attempt():
    heartbeat = Heartbeat(13)
    link = kept(Radio([False] * 9 + [True], (IDLE, 202)), heartbeat)
    equal((link.up, link.trouble, heartbeat.slept), (True, None, [1] * 12 + [5]))


def test_no_attempt_goes_on_through_the_pause():
    radio = Radio()
    kept(radio, Heartbeat(21))
    equal(radio.calls, [RADIO, ON, JOIN, LEAVE])


def test_after_three_failures_in_a_row_the_radio_is_turned_off_for_a_moment():
    radio = Radio()
    heartbeat = Heartbeat(21 * 7 + 2)
    kept(radio, heartbeat)
    plain, restarted = [ON, JOIN, LEAVE], [OFF, ON, JOIN, LEAVE]
    equal(attempts(radio.calls), [plain] * 3 + [restarted] + [plain] * 2 + [restarted])
    equal(heartbeat.slept[63:65], [1, 1])


def test_an_error_of_the_driver_is_a_failed_attempt():
    for error in (OSError("Wifi Internal Error"), RuntimeError("Wifi Unknown Error 0x0001")):
        for fails, calls in (
            ("active", [ON]),
            ("connect", [ON, JOIN]),
            ("disconnect", [ON] + [JOIN, LEAVE]),
        ):
            heartbeat = Heartbeat(3)
            radio = Radio(error=error, fails=(fails,))
            before, links._CONNECT_S = links._CONNECT_S, 0
            try:
                link = kept(radio, heartbeat)
            finally:
                links._CONNECT_S = before
            equal(heartbeat.slept, [2, 4, 8])
            equal(attempts(radio.calls), [calls] * 3)
            equal((type(link.trouble), link.trouble.key), (RetryLater, "wifi-no-link"))


def troubles(statuses, failures=1):
    """The trouble after so many attempts in which the radio told these statuses, over and over."""
    before, links._CONNECT_S = links._CONNECT_S, len(statuses)
    try:
        radio = Radio(statuses=([IDLE] + list(statuses)) * failures)
        return kept(radio, Heartbeat((len(statuses) + 1) * failures)).trouble
    finally:
        links._CONNECT_S = before


def test_the_reason_is_told_in_words_and_with_the_number_that_explain_knows():
    for status, cause, fix in (
        (201, "no network of that name", "ssid"),
        (202, "wrong password", "mailmote secrets set wifi.password"),
        (210, "security", "WPA2"),
        (211, "weaker", "WPA2"),
        (212, "too weak", "nearer"),
    ):
        for statuses in ((CONNECTING, status), (status, CONNECTING)):
            error = troubles(statuses)
            text = str(error)
            equal((error.key, cause in text, fix in text), ("wifi-%d" % status, True, True))
            equal("'Plant IoT' (Wi-Fi status %d)" % status in text, True)


def test_a_reason_without_words_is_no_link():
    for statuses in ((CONNECTING,), (IDLE,), (15,), (999,)):
        error = troubles(statuses)
        equal((type(error), error.key, "Wi-Fi status" in str(error)), (RetryLater, "wifi-no-link", False))
        equal(str(error).startswith("No link to 'Plant IoT'. Check the Wi-Fi name and password"), True)


def test_a_person_is_asked_for_after_three_failures_that_a_person_can_mend():
    for status in (201, 202, 210, 211):
        equal(
            [type(troubles((status,), count)) for count in (1, 2, 3)], [RetryLater, RetryLater, FixSettings]
        )
    for status in (212, CONNECTING):
        equal(type(troubles((status,), 3)), RetryLater)


def test_a_link_that_is_lost_is_counted_and_the_pauses_begin_anew():
    # Two attempts fail, the third finds it up and steady, and so does the watch; then it is down for good.
    radio = Radio([False] * 40 + [True] * 5 + [False])
    heartbeat = Heartbeat(20 + 1 + 20 + 1 + 3 + 1 + 20 + 1)
    link = kept(radio, heartbeat)
    down = [1] * 20
    equal(heartbeat.slept, down + [2] + down + [4] + [1] * 3 + [5] + down + [2])
    equal((link.up, link.lost_count, link.down_s() in (0, 1)), (False, 1, True))


def test_a_link_that_is_there_in_name_only_is_joined_anew():
    def on_sleep(count):
        if count == 4:  # three to be steady, and the first watch
            link.renew()

    radio = Radio([True], (IDLE, 1010))
    link = links.Link("Plant IoT", "canary-wifi")
    link.renew()  # which means nothing where there is none
    keep(link, radio, Heartbeat(11, on_sleep))
    equal(attempts(radio.calls), [[ON, JOIN], [ON, LEAVE, JOIN]])
    equal((link.lost_count, link.up), (1, True))


def test_how_long_there_was_no_link_is_told_on_the_clock_of_the_ticks():
    now_ms = [0]
    told = []

    def pass_time(count):
        now_ms[0] += round(heartbeat.slept[-1] * 1000)
        told.append((link.down_s(), link.trouble is None))

    before = compat.ticks_ms, compat.ticks_diff
    compat.ticks_ms, compat.ticks_diff = (lambda: now_ms[0]), (lambda late, early: late - early)
    try:
        link = links.Link("Plant IoT", "canary-wifi")
        heartbeat = Heartbeat(20 + 1 + 5 + 1 + 20 + 1, pass_time)
        keep(link, Radio([False] * 22 + [True] * 6 + [False]), heartbeat)
    finally:
        compat.ticks_ms, compat.ticks_diff = before
    equal(told[19:22], [(20, True), (22, False), (23, False)])
    equal(told[25:28], [(27, False), (None, True), (1, True)])
    equal(told[-1], (22, False))


def test_the_failures_before_a_link_do_not_count_after_it():
    radio = Radio([False] * 40 + [True] * 5 + [False])
    kept(radio, Heartbeat(20 + 1 + 20 + 1 + 3 + 1 + 21 + 21 + 21))
    equal([OFF in calls for calls in attempts(radio.calls)], [False] * 6)


def test_a_signal_that_is_lost_while_it_is_asked_for_is_none():
    for error in (OSError("Wifi Not Connected"), RuntimeError("Wifi Unknown Error 0x0001")):
        link = links.Link("Plant IoT", "canary-wifi")
        link._wlan, link._steady = Radio((True,), error=error), True
        equal((link.up, link.rssi()), (True, None))


def test_waiting_for_the_link_ends_when_it_is_up():
    link = links.Link("Plant IoT", "canary-wifi")
    link._wlan, link._steady = Radio((False, False, True)), True
    heartbeat = Heartbeat(9)
    asyncio.run(link.wait_up(heartbeat))
    equal(heartbeat.slept, [1, 1])
