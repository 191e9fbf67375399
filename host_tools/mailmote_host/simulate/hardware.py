"""What a program finds as `machine`, `network` and `ntptime`, in virtual time: one of each for a life."""

import errno
from collections.abc import Callable
from typing import Any

from mailmote import civil

from ..virtual import machine_stand_in
from .plan import Plan, Windows

EPOCH_S = 1782864000
"""2026-07-01, when every run begins, in seconds since 1970."""

_RSSI_DBM = -58
_POWER_ON_S = 946684800  # an ESP32's clock begins with 2000-01-01


class Clock:
    """A board's clock since power-on: wrong until it is set, and a little too fast or too slow."""

    def __init__(self, now: Callable[[], float], drift: float) -> None:
        self._now = now
        self._rate = 1 + drift
        self._began_s = now()
        self._set_to_s: float = _POWER_ON_S
        self._set_at_s = self._began_s

    def unix_time(self) -> int:
        return int(self._set_to_s + (self._now() - self._set_at_s) * self._rate)

    def ticks_ms(self) -> int:
        return int((self._now() - self._began_s) * self._rate * 1000)

    def set(self, unix_s: int) -> None:
        self._set_to_s, self._set_at_s = unix_s, self._now()


class _Rtc:
    """RTC memory is lost with the power, and there is nothing but power cuts here."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._memory = b""

    def datetime(self, fields: tuple[int, ...] | None = None) -> tuple[int, ...]:
        if fields is not None:
            year, month, day, _, hour, minute, second, _ = fields
            self._clock.set(civil.unix_time(year, month, day, hour, minute, second))
        year, month, day, hour, minute, second = civil.civil_time(self._clock.unix_time())
        return year, month, day, 0, hour, minute, second, 0

    def memory(self, data: bytes | None = None) -> bytes | None:
        if data is None:
            return self._memory
        self._memory = bytes(data)
        return None


class Machine(machine_stand_in.Machine):
    """The module `machine`."""

    def __init__(self, clock: Clock) -> None:
        rtc = _Rtc(clock)
        self.RTC: Any = lambda: rtc


class NtpTime:
    """The module `ntptime`: a server that tells the time, or another one, or nothing."""

    _WRONG_S = {"ahead": 90, "behind": -90, "nonsense": 30 * 365 * 86400}

    def __init__(self, now: Callable[[], float], plan: Plan, reachable: Callable[[], bool]) -> None:
        self.host = ""
        self.timeout = 1
        self._now = now
        self._plan = plan
        self._reachable = reachable

    def time(self) -> int:
        now_s = self._now()
        window = self._plan.ntp.at(now_s)
        if not self._reachable() or (window and window.what == "silent"):
            raise OSError(errno.ETIMEDOUT, "no answer")
        return int(EPOCH_S + now_s) + (self._WRONG_S[window.what] if window else 0)


class Wlan:
    """The station, which loses its access point for a while now and then."""

    IF_STA = 0

    def __init__(self, now: Callable[[], float], gone: Windows) -> None:
        self._now = now
        self._gone = gone
        self._joined = False

    def __call__(self, interface: int = IF_STA) -> "Wlan":
        return self

    def active(self, is_active: bool | None = None) -> bool:
        if is_active is False:
            self._joined = False
        return True

    def connect(self, ssid: str | None = None, key: str | None = None) -> None:
        self._joined = True

    def disconnect(self) -> None:
        self._joined = False

    def isconnected(self) -> bool:
        return self._joined and self._gone.at(self._now()) is None

    def back_s(self) -> float:
        """Seconds until the access point can be heard: 0 if it can."""
        now_s = self._now()
        return self._gone.open_at(now_s) - now_s

    def status(self, what: str | None = None) -> int:
        if what == "rssi":
            return _RSSI_DBM
        if not self._joined:
            return Network.STAT_IDLE
        return Network.STAT_GOT_IP if self.isconnected() else Network.STAT_NO_AP_FOUND

    def config(self, what: str | None = None, **settings: object) -> bytes | None:
        return b"\x02mote\x01" if what == "mac" else None


class Network:
    """The module `network`."""

    STA_IF = Wlan.IF_STA
    STAT_IDLE = 1000
    STAT_GOT_IP = 1010
    STAT_NO_AP_FOUND = 201

    def __init__(self, wlan: Wlan) -> None:
        self.WLAN = wlan

    def hostname(self, name: str | None = None) -> str:
        return name or "mote"
