"""The Wi-Fi link, with a radio and a chance that the test turns."""

import asyncio
import sys

from expect import equal

from mailmote import log
from mailmote.net import link as links


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
    """The class WLAN and its one object. `connected`: answers of isconnected in turn, the last for ever."""

    IF_STA = 7

    def __init__(self, connected=(False,), error=None):
        self._connected = list(connected)
        self._error = error
        self.calls = []

    def __call__(self, interface):
        self.calls.append(("WLAN", interface))
        return self

    def active(self, on):
        self.calls.append(("active", on))
        if self._error:
            raise self._error

    def disconnect(self):
        self.calls.append(("disconnect",))

    def connect(self, ssid, password):
        self.calls.append(("connect", ssid, password))

    def isconnected(self):
        return self._connected.pop(0) if len(self._connected) > 1 else self._connected[0]

    def status(self, what):
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


def kept(radio, heartbeat, chance=1.0):
    """Run Link.keep to the end of the heartbeat's turns; the link."""
    link = links.Link("Plant IoT", "canary-wifi")
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
    return link


def pauses(slept):
    """What was slept between two attempts of 20 seconds each."""
    return slept[20::21]


def test_without_wifi_settings_the_link_is_up_and_has_no_signal():
    link = links.Link(None, None)
    equal((link.up, link.rssi()), (True, None))
    asyncio.run(link.keep(Heartbeat(1)))
    asyncio.run(link.wait_up(Heartbeat(1)))


def test_before_the_first_attempt_the_link_is_down():
    link = links.Link("Plant IoT", "canary-wifi")
    equal((link.up, link.rssi()), (False, None))


def test_the_radio_is_made_ready_and_leaves_what_it_had_before_it_connects():
    radio = Radio((True,))
    link = kept(radio, Heartbeat(1))
    equal(
        radio.calls,
        [("WLAN", 7), ("active", True), ("disconnect",), ("connect", "Plant IoT", "canary-wifi")],
    )
    equal((link.up, link.rssi()), (True, -61))


def test_an_attempt_ends_after_twenty_seconds_and_the_pauses_double_to_five_minutes():
    heartbeat = Heartbeat(21 * 9)
    link = kept(Radio(), heartbeat)
    equal(heartbeat.slept[:20], [1] * 20)
    equal(pauses(heartbeat.slept), [2, 4, 8, 16, 32, 64, 128, 256, 300])
    equal((link.up, link.rssi()), (False, None))


def test_chance_halves_a_pause_at_most():
    for chance, wanted in ((0.0, [1, 2]), (0.5, [1.5, 3.0]), (1.0, [2, 4])):
        heartbeat = Heartbeat(42)
        kept(Radio(), heartbeat, chance)
        equal(pauses(heartbeat.slept), wanted)


def test_an_error_of_the_driver_is_a_failed_attempt():
    for error in (OSError("Wifi Internal Error"), RuntimeError("Wifi Unknown Error 0x0001")):
        heartbeat = Heartbeat(3)
        radio = Radio(error=error)
        kept(radio, heartbeat)
        equal(heartbeat.slept, [2, 4, 8])
        equal(radio.calls, [("WLAN", 7), ("active", True)] * 3)


def test_a_signal_that_is_lost_while_it_is_asked_for_is_none():
    for error in (OSError("Wifi Not Connected"), RuntimeError("Wifi Unknown Error 0x0001")):
        link = links.Link("Plant IoT", "canary-wifi")
        link._wlan = Radio((True,), error)
        equal((link.up, link.rssi()), (True, None))


def test_a_link_that_is_up_is_watched_and_one_that_went_down_starts_with_a_short_pause():
    # Two attempts fail, the third finds it up, and so does the watch; then it is down for good.
    radio = Radio([False] * (21 + 1 + 20) + [True, True] + [False])
    heartbeat = Heartbeat(20 + 1 + 20 + 1 + 1 + 20 + 1)
    kept(radio, heartbeat)
    down = [1] * 20
    equal(heartbeat.slept[:21], down + [2])
    equal(heartbeat.slept[-22:], [5] + down + [2])


def test_waiting_for_the_link_ends_when_it_is_up():
    radio = Radio((False, False, True))
    link = links.Link("Plant IoT", "canary-wifi")
    link._wlan = radio
    heartbeat = Heartbeat(9)
    asyncio.run(link.wait_up(heartbeat))
    equal(heartbeat.slept, [1, 1])
