"""What the firmware finds as `machine` where there is no ESP32.

Runs on MicroPython's unix port and on CPython. As much of it as the firmware uses, with the arguments, the
limits and the errors of the ESP32 port (MicroPython's documentation of the module).
"""

import binascii
import hashlib
import json
import sys
import time

_RTC_MEMORY_BYTES = 2048
EXIT_HARD_RESET = 3  # of the process
EXIT_DEEP_SLEEP = 4
PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5

# Milliseconds of a clock that never goes back: `time.ticks_ms` is MicroPython's own.
_ticks_ms = getattr(time, "ticks_ms", None) or (lambda: int(time.monotonic() * 1000))


class Pin:
    """An input reads `Pin.levels` by its number (0 where nothing is set); an output sets it."""

    IN = 1
    OUT = 3
    PULL_DOWN = 1
    PULL_UP = 2
    levels = {}

    def __init__(self, number, mode=-1, pull=-1, value=None):
        self._number = number
        if pull == Pin.PULL_UP:
            Pin.levels.setdefault(number, 1)
        if value is not None:
            self.value(value)

    def value(self, level=None):
        if level is None:
            return Pin.levels.get(self._number, 0)
        Pin.levels[self._number] = 1 if level else 0
        return None

    def __call__(self, level=None):
        return self.value(level)

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


class ADC:
    """Reads `ADC.readings` by the pin's number, from 0 to 65535; half of the range where nothing is set."""

    ATTN_0DB = 0
    ATTN_2_5DB = 1
    ATTN_6DB = 2
    ATTN_11DB = 3
    readings = {}

    def __init__(self, pin, atten=ATTN_0DB):
        self._number = pin._number if isinstance(pin, Pin) else pin

    def atten(self, attenuation):
        pass

    def read_u16(self):
        return ADC.readings.get(self._number, 32768)

    def read_uv(self):
        return self.read_u16() * 3300000 // 65535


class WDT:
    """Ends the program when it is fed too late. `observers`, told its timeout, can see that it is not fed."""

    observers = []

    def __init__(self, id=0, timeout=5000):
        self._timeout_ms = timeout
        self._fed_ms = _ticks_ms()
        self._tell()

    def feed(self):
        waited_ms = _ticks_ms() - self._fed_ms
        if waited_ms > self._timeout_ms:
            RTC.files[0].leave(WDT_RESET)
            raise SystemExit(
                "watchdog: fed after %d ms, its timeout is %d ms" % (waited_ms, self._timeout_ms)
            )
        self._fed_ms += waited_ms
        self._tell()

    def _tell(self):
        for observer in WDT.observers:
            observer(self._timeout_ms)


class RtcFile:
    """What a reset leaves: the memory of the RTC and why the next start comes, in a file of JSON.

    Where there is no file, the power was off. `open_file` and `rename` reach the host's files.
    """

    def __init__(self, path, open_file, rename):
        self.path = path
        self._open_file = open_file
        self._rename = rename
        try:
            with open_file(path, "r") as file:
                kept = json.load(file)
        except OSError:
            kept = {"cause": PWRON_RESET, "memory": ""}
        self.cause = kept["cause"]
        self.memory = binascii.a2b_base64(kept["memory"])
        self._kept = kept
        self.leave(SOFT_RESET)

    def leave(self, cause, sleep_ms=None):
        """Let the next start have this cause, `sleep_ms` from then if it is asleep."""
        self._kept["cause"] = cause
        self._kept["sleep_ms"] = sleep_ms
        self._save()

    def keep(self, memory):
        self.memory = memory
        self._kept["memory"] = binascii.b2a_base64(memory).decode().strip()
        self._save()

    def _save(self):
        temporary = self.path + ".tmp"
        with self._open_file(temporary, "w") as file:
            json.dump(self._kept, file)
        self._rename(temporary, self.path)


class RTC:
    """The host's clock, which is right already: to set it does nothing."""

    files = []  # the one RtcFile, put here by install()

    def datetime(self, fields=None):
        if fields is not None:
            return None
        year, month, day, hour, minute, second, weekday = time.gmtime()[:7]
        return year, month, day, weekday, hour, minute, second, 0

    def memory(self, data=None):
        if data is None:
            return RTC.files[0].memory
        if len(data) > _RTC_MEMORY_BYTES:
            raise ValueError("buffer too long")
        RTC.files[0].keep(bytes(data))
        return None


class Machine:
    """The module `machine`."""

    PWRON_RESET = PWRON_RESET
    HARD_RESET = HARD_RESET
    WDT_RESET = WDT_RESET
    DEEPSLEEP_RESET = DEEPSLEEP_RESET
    SOFT_RESET = SOFT_RESET
    Pin = Pin
    ADC = ADC
    WDT = WDT
    RTC = RTC

    def reset(self):
        RTC.files[0].leave(HARD_RESET)
        raise SystemExit(EXIT_HARD_RESET)

    def deepsleep(self, time_ms=0):
        """Without a time for as long as nobody presses reset."""
        RTC.files[0].leave(DEEPSLEEP_RESET, time_ms)
        raise SystemExit(EXIT_DEEP_SLEEP)

    def soft_reset(self):
        raise SystemExit

    def reset_cause(self):
        return RTC.files[0].cause

    def unique_id(self):
        """As a locally administered MAC address; another for each board that has its own files."""
        return b"\x02" + hashlib.sha256(RTC.files[0].path.encode()).digest()[:5]


def install(rtc_file):
    """Put it where `import` finds it; what the RTC keeps is in an RtcFile."""
    RTC.files[:] = [rtc_file]
    sys.modules["machine"] = Machine()  # pyright: ignore[reportArgumentType] - any object will do
