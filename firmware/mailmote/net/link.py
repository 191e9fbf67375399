"""The Wi-Fi link: brought up, watched, brought up again.

What the ESP32's driver needs, as users of mqtt_as found out (github.com/peterhinch/micropython-mqtt, issues
129, 132 and 154; micropython/micropython, network_wlan.c and issue 14382):

- `isconnected` means an address. One that comes may go at once, so a link counts only when it has stayed.
- An error in `status` is no end of an attempt: the driver itself tries again, and it keeps the error of the
  last attempt until one succeeds.
- Between `disconnect` and `connect` it needs a moment, or each attempt fails.
- After failures it may stay in a state in which nothing succeeds until the radio was off.
"""

import random

from .. import compat, log
from ..civil import duration
from ..compat import const

_CONNECT_S = 20  # association and DHCP of a slow access point
_STEADY_S = const(3)
_FIRST_PAUSE_S = const(2)
_LONGEST_PAUSE_S = const(60)
_WATCH_S = const(5)
_SETTLE_S = const(1)
_FAILURES_TO_RESTART = const(3)  # of the radio
_IDLE = const(1000)  # network.STAT_IDLE; reasons of failure are below it
_LOST_AGAIN, _UNKNOWN = 0, -1  # for wifi_words


class Link:
    """`ssid` None: the network is there without us (Ethernet, or a host's own).

    `steady_s` is how long an address has to stay. `lost_count` counts the links that were lost; `trouble` is
    the MailmoteError of the last attempt, None once the link is up.
    """

    def __init__(self, ssid, password, steady_s=_STEADY_S):
        self._ssid = ssid
        self._password = password
        self._steady_s = steady_s
        self._wlan = None
        self._steady = False
        self._doubted = False
        self._failures = 0  # in a row
        self._down = compat.Stopwatch()
        self.lost_count = 0
        self.trouble = None

    @property
    def up(self):
        return self._ssid is None or (self._steady and self._wlan.isconnected())

    def down_s(self):
        """Seconds since the link was lost, or the board started; None while it is up."""
        return None if self.up else self._down.elapsed_ms() // 1000

    def rssi(self):
        """Signal strength in dBm, or None without a Wi-Fi link."""
        if self._ssid is None or not self.up:
            return None
        try:
            return self._wlan.status("rssi")
        except (OSError, RuntimeError):
            return None  # it was lost just now

    def renew(self):
        """Nobody can be reached over it, so it may be there in name only: join anew, as mqtt_as does."""
        self._doubted = self._steady

    async def wait_up(self, heartbeat):
        while not self.up:
            await heartbeat.sleep(1)

    async def keep(self, heartbeat):
        """Bring the link up whenever it is down, with growing, jittered pauses."""
        pause_s = _FIRST_PAUSE_S
        while self._ssid is not None:
            if self.up and not self._doubted:
                pause_s = _FIRST_PAUSE_S
                await heartbeat.sleep(_WATCH_S)
                continue
            if self._steady:
                self._lose()
            if await self._connect(heartbeat):
                log.info("wifi", "Connected to %r, after %s.", self._ssid, duration(self.down_s() or 0))
                self._steady = True
                self._failures = 0
                self.trouble = None
                continue
            log.warning("wifi", "%s Next try in %d s.", self.trouble, pause_s)
            await heartbeat.sleep(pause_s * (0.5 + random.random() / 2))
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def _lose(self):
        self._steady = self._doubted = False
        self._down = compat.Stopwatch()
        self.lost_count += 1
        log.warning("wifi", "The link to %r was lost.", self._ssid)

    async def _connect(self, heartbeat):
        """True once the link is there and stays; else the reason is in `trouble`."""
        reason = _UNKNOWN
        try:
            await self._make_ready(heartbeat)
            reason = await self._join(heartbeat)
            if reason is None:
                return True
            self._wlan.disconnect()  # or the driver would go on trying through the pause
        except (OSError, RuntimeError) as error:  # the ESP32's driver raises either
            log.warning("wifi", "The Wi-Fi driver reported %s.", error)
        self._failures += 1
        self._down.elapsed_ms()  # asked often, so that it outlives the wrap of the ticks
        words = compat.borrow("mailmote.net.wifi_words")
        self.trouble = words.trouble(reason, self._ssid, self._failures >= _FAILURES_TO_RESTART)
        return False

    async def _make_ready(self, heartbeat):
        """The radio on, and rid of what it was at. Raises OSError or RuntimeError."""
        import network

        self._wlan = network.WLAN(network.WLAN.IF_STA)
        if self._failures and self._failures % _FAILURES_TO_RESTART == 0:
            self._wlan.active(False)
            await heartbeat.sleep(_SETTLE_S)
        self._wlan.active(True)
        if self._wlan.status() != _IDLE:
            self._wlan.disconnect()
            await heartbeat.sleep(_SETTLE_S)

    async def _join(self, heartbeat):
        """Wait for an address, and whether it stays: None, or the reason for wifi_words.

        Raises OSError or RuntimeError.
        """
        self._wlan.connect(self._ssid, self._password)
        reason = _UNKNOWN
        for _ in range(_CONNECT_S):
            if self._wlan.isconnected():
                break
            await heartbeat.sleep(1)
            status = self._wlan.status()
            if status < _IDLE:
                reason = status
        else:
            return reason
        for _ in range(self._steady_s):
            await heartbeat.sleep(1)
            if not self._wlan.isconnected():
                return _LOST_AGAIN
        return None
