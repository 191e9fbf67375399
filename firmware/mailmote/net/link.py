"""The Wi-Fi link: brought up, watched, brought up again."""

import random

from .. import log

_CONNECT_S = 20  # association and DHCP of a slow access point
_FIRST_PAUSE_S = 2
_LONGEST_PAUSE_S = 300
_WATCH_S = 5


class Link:
    """`ssid` None: the network is there without us (Ethernet, or a host's own)."""

    def __init__(self, ssid, password):
        self._ssid = ssid
        self._password = password
        self._wlan = None

    @property
    def up(self):
        return self._ssid is None or (self._wlan is not None and self._wlan.isconnected())

    def rssi(self):
        """Signal strength in dBm, or None without a Wi-Fi link."""
        if self._ssid is None or not self.up:
            return None
        try:
            return self._wlan.status("rssi")
        except (OSError, RuntimeError):
            return None  # it was lost just now

    async def wait_up(self, heartbeat):
        while not self.up:
            await heartbeat.sleep(1)

    async def keep(self, heartbeat):
        """Bring the link up whenever it is down, with growing, jittered pauses."""
        pause_s = _FIRST_PAUSE_S
        while self._ssid is not None:
            if self.up:
                pause_s = _FIRST_PAUSE_S
                await heartbeat.sleep(_WATCH_S)
            elif not await self._connect(heartbeat):
                log.warning(
                    "wifi",
                    "No link to %r. Check the Wi-Fi name and password, and that it is a 2.4 GHz network. "
                    "Next try in %d s.",
                    self._ssid,
                    pause_s,
                )
                await heartbeat.sleep(pause_s * (0.5 + random.random() / 2))
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    async def _connect(self, heartbeat):
        import network

        try:
            self._wlan = network.WLAN(network.WLAN.IF_STA)
            self._wlan.active(True)
            self._wlan.disconnect()
            self._wlan.connect(self._ssid, self._password)
            for _ in range(_CONNECT_S):
                if self._wlan.isconnected():
                    log.info("wifi", "Connected to %r.", self._ssid)
                    return True
                await heartbeat.sleep(1)
        except (OSError, RuntimeError) as error:  # the ESP32's driver raises either
            log.warning("wifi", "The Wi-Fi driver reported %s.", error)
        return False
