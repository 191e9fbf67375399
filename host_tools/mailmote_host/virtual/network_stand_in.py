"""What the firmware finds as `network` and `ntptime` where there is no ESP32.

Runs on MicroPython's unix port and on CPython. As much of both as the firmware uses, with the arguments, the
limits and the errors of the ESP32 port (MicroPython's documentation of the modules).
"""

import sys
import time

_WIFI_NOT_STARTED = 0x3002
_WIFI_NOT_CONNECTED = 0x300F


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


class NtpTime:
    """The module `ntptime`: the host's clock is right already."""

    host = "pool.ntp.org"
    timeout = 1

    def time(self):
        return int(time.time())

    def settime(self):
        pass


def install():
    """Put them where `import` finds them."""
    for name, stand_in in (("network", Network()), ("ntptime", NtpTime())):
        sys.modules[name] = stand_in  # pyright: ignore[reportArgumentType] - any object will do
