"""A board that sleeps, in virtual time: the firmware's own wakes, with stand-ins for chip, radio and server.
On CPython its flash is a folder, on MicroPython a littlefs in memory.

    board = Board(settings)
    board.on_flash(lambda: board.live(86400))
"""

import asyncio
import json
import os
import sys

import flash_folder

from mailmote import battery, civil, compat, dispatch, errors, log, redaction, supervisor
from mailmote.policy import stored_settings
from mailmote.store import outbox

START_S = 1800000000  # 2027-01-15 08:00
Y2000_S = 946684800
PATH = "settings.json"
PWRON, HARD, WDT, DEEPSLEEP = 1, 2, 3, 4

SETTINGS = {
    "v": 1,
    "device": {"name": "freezer-3", "utc_offset_s": 0, "power": "battery"},
    "wifi": {"ssid": "Plant IoT", "password": "wifi.password"},
    "mail": {
        "option": "direct-send",
        "from": "mote@contoso.test",
        "to": ["facilities@contoso.test"],
        "host": "mail.contoso.test",
        "port": 25,
        "tls": "none",
        "auth": "none",
    },
    "clock": {"ntp": ["ntp.contoso.test"]},
    "sensors": [{"name": "Cold room", "driver": "planned", "every_s": 300, "options": {}}],
    "alarms": [
        {
            "name": "Too warm",
            "sensor": "Cold room",
            "severity": "warning",
            "above": 8,
            "clear": 6,
            "for_s": 900,
            "no_reading_for_s": 3600,
        }
    ],
}


class PowerCut(KeyboardInterrupt):
    """No part of the firmware holds it up, nor does asyncio of either runtime."""


class Asleep(KeyboardInterrupt):
    """machine.deepsleep()"""


class Heartbeat:
    """Its sleep takes no time: that of the board goes on, for the wake's own; others wait for it."""

    board = None
    overdue = False

    def __init__(self, name):
        self._leads = name == "wake"

    async def sleep(self, seconds, unless=None):
        end_s = Heartbeat.board.true_s + seconds
        while Heartbeat.board.true_s < end_s and not (unless and unless.is_set()):
            if self._leads:
                Heartbeat.board.true_s += min(1, end_s - Heartbeat.board.true_s)
            for _ in range(5):
                await asyncio.sleep(0)

    async def wait(self, event):
        await event.wait()

    def beat(self, within_s=0):
        pass

    def retire(self):
        pass


class Rtc:
    def __init__(self, board):
        self._board = board

    def memory(self, data=None):
        if data is None:
            return self._board.memory
        if len(data) > 2048:
            raise ValueError("buffer too long")
        self._board.step("rtc")
        self._board.memory = bytes(data)
        self._board.rtc_writes += 1
        return None

    def datetime(self, fields):
        year, month, day, _, hour, minute, second, _ = fields
        self._board.clock_error_s = civil.unix_time(year, month, day, hour, minute, second) - int(
            self._board.true_s
        )


class Machine:
    PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET = PWRON, HARD, WDT, DEEPSLEEP

    def __init__(self, board):
        self._board = board

    def RTC(self):  # noqa: N802
        return Rtc(self._board)

    def reset_cause(self):
        return self._board.cause

    def deepsleep(self, time_ms):
        if time_ms <= 0:
            raise AssertionError("it would sleep for ever")
        raise Asleep(time_ms)


class Wlan:
    IF_STA = 0
    board = None

    def __init__(self, interface):
        self.board.radio = True
        self._asked = False

    def active(self, on):
        pass

    def disconnect(self):
        pass

    def config(self, *names, **values):
        return None

    def connect(self, ssid, password):
        self._asked = True

    def isconnected(self):
        return self._asked and self.board.wifi

    def status(self, what=None):
        return -60


class Network:
    WLAN = Wlan
    STA_IF = 0


class Ntp:
    host = None

    def __init__(self, board):
        self._board = board

    def time(self):
        self._board.ntp_asked += 1
        if not self._board.ntp:
            raise OSError(110)
        return int(self._board.true_s)


class Nvs:
    def __init__(self, namespace):
        pass

    def get_blob(self, key, buffer):
        buffer[:6] = b"canary"
        return 6


class Esp32:
    NVS = Nvs
    HEAP_DATA = 4

    def idf_heap_info(self, capabilities):
        return [(166000, 110000, 65536, 98000)]


class Session:
    """What the courier sees. `board.server`: an error to raise, RetryNow once; `board.refuses`: a result."""

    secure = False
    board = None

    def __init__(self, *arguments):
        pass

    async def open(self):
        self.board.connections += 1
        if self.board.hangs:
            await asyncio.Event().wait()
        error = self.board.server
        if isinstance(error, errors.RetryNow):
            self.board.server = None
        if error:
            raise error

    async def send(self, sender, to, message):
        self.board.step("send")
        if self.board.refuses:
            return [self.board.refuses for _ in to]
        self.board.mails.append(int(self.board.true_s))
        return [None for _ in to]

    async def close(self):
        pass


class Driver:
    """`board.sensor(true_s)` gives the reading, or raises."""

    paced = True
    board = None

    def __init__(self, options, board):
        pass

    def read(self, now_s):
        self.board.samples += 1
        return now_s, self.board.sensor(self.board.true_s)


class Planned:
    OPTIONS = {}
    Driver = Driver


class CountedBlocks(flash_folder.RamBlocks):
    changes = 0

    def writeblocks(self, block, buffer, offset=None):
        self.changes += 1
        flash_folder.RamBlocks.writeblocks(self, block, buffer, offset)

    def ioctl(self, operation, argument):
        if operation == 6:
            self.changes += 1
        return flash_folder.RamBlocks.ioctl(self, operation, argument)


class Board:
    """Virtual time is `true_s`; its own clock differs from it by `clock_error_s`."""

    def __init__(self, settings=SETTINGS):
        self.settings = settings
        self.sensor = lambda true_s: 4.0
        self.true_s = START_S
        self.clock_error_s = 0
        self.cause = PWRON
        self.memory = b""
        self.wifi = self.ntp = True
        self.server = self.refuses = None
        self.hangs = False
        self.wakes = self.radio_wakes = self.flash_wakes = 0
        self.samples = self.connections = self.ntp_asked = self.rtc_writes = 0
        self.radio = False
        self.raised = []
        self.delivered = 0
        self.mails = []
        self.cuts = {}
        self.slept_s = None
        self._blocks = None
        self.power_off()

    def power_off(self):
        """The power went: RTC memory and clock with it."""
        self.memory = b""
        self.cause = PWRON
        self.clock_error_s = Y2000_S - int(self.true_s)

    def reset(self, cause):
        self.cause = cause

    def now_s(self):
        return int(self.true_s) + self.clock_error_s

    def step(self, what):
        """A point at which the power can go, where `cuts` says how many of them are left until then."""
        if what in self.cuts:
            self.cuts[what] -= 1
            if self.cuts[what] < 0:
                del self.cuts[what]
                raise PowerCut

    def live(self, seconds):
        """Wake and sleep for so long."""
        end_s = self.true_s + seconds
        while self.true_s < end_s:
            self.wake()

    def wake(self):
        """One wake and the sleep after it; the seconds of sleep."""
        before = self._flash_state()
        self.radio = False
        try:
            self._run()
            raise AssertionError("the board did not go to sleep")
        except Asleep as asleep:
            self.slept_s = asleep.args[0] / 1000
        finally:
            self.wakes += 1
            self.radio_wakes += self.radio
            self.flash_wakes += before != self._flash_state()
        self.true_s += self.slept_s
        self.cause = DEEPSLEEP
        return self.slept_s

    def crash(self, what, count, cause):
        """A wake that ends at step `what`, after `count` of them, with that cause for the next one.

        False where it took fewer of them, and went to sleep.
        """
        self.cuts[what] = count
        try:
            self._run()
        except PowerCut:
            self.cause = cause
            if cause == PWRON:
                self.power_off()
            return True
        except Asleep as asleep:
            self.true_s += asleep.args[0] / 1000
            self.cause = DEEPSLEEP
        self.cuts.clear()
        return False

    def on_flash(self, test):
        """Call `test` with this board's modules in place and its flash as the working directory."""
        redaction_before = list(redaction._secrets)
        swapped = (
            (compat, "unix_time", self.now_s),
            (compat, "ticks_ms", lambda: int(self.true_s * 1000)),
            (compat, "ticks_diff", lambda later, earlier: later - earlier),
            (compat, "ticks_add", lambda ticks, delta: ticks + delta),
            (supervisor, "Heartbeat", Heartbeat),
            (dispatch, "Session", Session),
            (log, "level", 100),
        )
        before = [getattr(module, name) for module, name, _ in swapped]
        names = ("machine", "network", "ntptime", "esp32", "mailmote.sensors.planned")
        modules = {name: sys.modules.get(name) for name in names}
        for stand_in in (Heartbeat, Wlan, Session, Driver):
            stand_in.board = self
        enqueue, close = outbox.Outbox.enqueue, outbox.Outbox.close
        self._blocks = CountedBlocks(64) if sys.implementation.name == "micropython" else None

        def with_settings():
            self.write_settings()
            return test()

        def counted(box, one, recipients, dated=False):
            number = enqueue(box, one, recipients, dated)
            self.raised.append(one)
            return number

        def closed(box, number, last):
            close(box, number, last)
            self.delivered += not last.refused

        outbox.Outbox.enqueue, outbox.Outbox.close = counted, closed
        for module, name, value in swapped:
            setattr(module, name, value)
        stand_ins = (Machine(self), Network(), Ntp(self), Esp32(), Planned())
        for index, name in enumerate(names):
            sys.modules[name] = stand_ins[index]
        try:
            return flash_folder.on_flash(with_settings, device=self._blocks)
        finally:
            outbox.Outbox.enqueue, outbox.Outbox.close = enqueue, close
            redaction._secrets[:] = redaction_before
            for index, (module, name, _) in enumerate(swapped):
                setattr(module, name, before[index])
            for name, module in modules.items():
                sys.modules.pop(name, None)
                if module:
                    sys.modules[name] = module

    def _run(self):
        if hasattr(asyncio, "core"):
            asyncio.new_event_loop()
        settings = stored_settings.load(json.loads(json.dumps(self.settings)))
        battery.run(settings, PATH, None)

    def write_settings(self):
        with open(PATH, "w") as file:
            json.dump(self.settings, file)

    def _flash_state(self):
        """What is another after each write."""
        if self._blocks:
            return self._blocks.changes
        return [
            (
                entry[0],
                os.stat(entry[0]).st_mtime_ns,
                sorted(os.listdir(entry[0])),
                entry[2] and stamps(entry),
            )
            for entry in os.walk(".")
        ]


def stamps(entry):
    return [os.stat(entry[0] + "/" + name).st_mtime_ns for name in sorted(entry[2])]
