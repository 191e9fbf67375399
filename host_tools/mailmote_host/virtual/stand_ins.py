"""What the firmware finds as `machine`, `network`, `esp32` and `ntptime` where there is no ESP32.

Runs on MicroPython's unix port and on CPython. As much of each module as the firmware uses, with the
arguments, the limits and the errors of the ESP32 port (MicroPython's documentation of these modules).
"""

import binascii
import hashlib
import json
import sys
import time

_NVS_NOT_FOUND = -0x1102
_NVS_NOT_ENOUGH_SPACE = -0x1105
_NVS_KEY_TOO_LONG = -0x1109
_NVS_INVALID_LENGTH = -0x110C
# MicroPython gives NVS six pages of 126 entries of 32 bytes; one stays free (ESP-IDF, NVS, "Internals").
_NVS_ENTRIES = 5 * 126
_NVS_ENTRY_BYTES = 32
_NVS_KEY_CHARACTERS = 15  # ESP-IDF, NVS_KEY_NAME_MAX_SIZE less the final zero; namespaces too
_WIFI_NOT_STARTED = 0x3002
_WIFI_NOT_CONNECTED = 0x300F
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


class WLAN:
    """A station that is connected as soon as it is told to: the host's network is there already."""

    IF_STA = 0
    IF_AP = 1

    # Of the class, as each WLAN(IF_STA) of a program is the one radio.
    _active = False
    _ssid = None

    def __init__(self, interface=IF_STA):
        pass

    def active(self, is_active=None):
        if is_active is None:
            return WLAN._active
        WLAN._active = bool(is_active)
        if not WLAN._active:
            WLAN._ssid = None
        return WLAN._active

    def connect(self, ssid=None, key=None):
        if not WLAN._active:
            raise OSError(_WIFI_NOT_STARTED, "Wifi Not Started")
        WLAN._ssid = ssid

    def disconnect(self):
        WLAN._ssid = None

    def isconnected(self):
        return WLAN._ssid is not None

    def status(self, what=None):
        if what == "rssi":
            if not self.isconnected():
                raise OSError(_WIFI_NOT_CONNECTED, "Wifi Not Connected")
            return -58
        if what is not None:
            raise ValueError("unknown status param")
        return Network.STAT_GOT_IP if self.isconnected() else Network.STAT_IDLE

    def config(self, what=None, **settings):
        if what is None:
            return None
        if what == "mac":
            return b"\x02mote\x01"
        if what == "ssid":
            return WLAN._ssid or ""
        raise ValueError("unknown config param")

    def ifconfig(self):
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")


class Network:
    """The module `network`."""

    STA_IF = WLAN.IF_STA
    AP_IF = WLAN.IF_AP
    STAT_IDLE = 1000
    STAT_CONNECTING = 1001
    STAT_GOT_IP = 1010
    STAT_NO_AP_FOUND = 201
    STAT_WRONG_PASSWORD = 202
    WLAN = WLAN

    _hostname = "mpy-esp32"

    def hostname(self, name=None):
        if name is not None:
            self._hostname = name
        return self._hostname


class NvsFile:
    """Namespaces of blobs, in a file of JSON with base64. `open_file` and `rename` reach the host's files.

    A board has its NVS outside of Python's heap: it is loaded for each use.
    """

    def __init__(self, path, open_file, rename):
        self._path = path
        self._open_file = open_file
        self._rename = rename

    def load(self):
        """The namespaces: dictionaries of blobs in base64."""
        with self._open_file(self._path, "r") as file:
            return json.load(file)

    def save(self, namespaces):
        temporary = self._path + ".tmp"
        with self._open_file(temporary, "w") as file:
            json.dump(namespaces, file)
        self._rename(temporary, self._path)


class NVS:
    """Blobs of one namespace. What is set lasts once `commit` returns."""

    files = []  # the one NvsFile, put here by install()

    def __init__(self, namespace):
        check_nvs_name(namespace)
        self._all = NVS.files[0].load()
        self._blobs = self._all.setdefault(namespace, {})

    def get_blob(self, key, buffer):
        """Copy the blob into `buffer` and return its length. Raises OSError with ESP-IDF's numbers."""
        blob = binascii.a2b_base64(self._blobs[self._existing(key)])
        if len(blob) > len(buffer):
            raise OSError(_NVS_INVALID_LENGTH, "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[: len(blob)] = blob
        return len(blob)

    def set_blob(self, key, value):
        """A blob that is there already keeps its room until the new one is written. Raises OSError."""
        check_nvs_name(key)
        if self._entries() + _entries(len(value)) > _NVS_ENTRIES:
            raise OSError(_NVS_NOT_ENOUGH_SPACE, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")
        self._blobs[key] = binascii.b2a_base64(value).decode().strip()

    def erase_key(self, key):
        del self._blobs[self._existing(key)]

    def commit(self):
        NVS.files[0].save(self._all)

    def _entries(self):
        """How many entries of the flash all blobs take."""
        blobs = [blob for blobs in self._all.values() for blob in blobs.values()]
        return sum([_entries(len(binascii.a2b_base64(blob))) for blob in blobs])

    def _existing(self, key):
        check_nvs_name(key)
        if key not in self._blobs:
            raise OSError(_NVS_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        return key


def _entries(octets):
    """Entries that a blob takes: its data, the header of that, and an index."""
    return 2 + (octets + _NVS_ENTRY_BYTES - 1) // _NVS_ENTRY_BYTES


def check_nvs_name(name):
    """Raise OSError, as ESP-IDF does, for a key or namespace that is too long."""
    if len(name) > _NVS_KEY_CHARACTERS:
        raise OSError(_NVS_KEY_TOO_LONG, "ESP_ERR_NVS_KEY_TOO_LONG")


class Esp32:
    """The module `esp32`."""

    HEAP_DATA = 4
    HEAP_EXEC = 1
    NVS = NVS
    # One region, as an ESP32 has it with Wi-Fi up: (total, free, largest free block, least free).
    heap_regions = [(166000, 110000, 65536, 98000)]

    def idf_heap_info(self, capabilities):
        return list(Esp32.heap_regions)


class NtpTime:
    """The module `ntptime`: the host's clock is right already."""

    host = "pool.ntp.org"
    timeout = 1

    def time(self):
        return int(time.time())

    def settime(self):
        pass


def install(nvs_file, rtc_file):
    """Put the stand-ins where `import` finds them; what they keep is in an NvsFile and an RtcFile."""
    NVS.files[:] = [nvs_file]
    RTC.files[:] = [rtc_file]
    modules = (("machine", Machine()), ("network", Network()), ("esp32", Esp32()), ("ntptime", NtpTime()))
    for name, stand_in in modules:
        sys.modules[name] = stand_in  # pyright: ignore[reportArgumentType] - any object will do
