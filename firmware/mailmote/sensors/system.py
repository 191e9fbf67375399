"""The board itself as a sensor: its free heap, how long it is up, how well it hears the Wi-Fi."""

from .. import compat
from ..errors import SensorError, SettingsError

OPTIONS = {
    "metric": (str, ..., "free_heap (bytes), uptime (seconds) or rssi (dBm)"),
}


class Driver:
    """Uptime counts from when the driver is made. It wants a reading every six days, or the ticks wrap."""

    paced = True

    def __init__(self, options, board):
        metric = options["metric"]
        metrics = {"free_heap": compat.heap_free, "uptime": self._uptime_s, "rssi": _rssi_dbm}
        if metric not in metrics:
            raise SettingsError('metric is "%s"; set it to free_heap, uptime or rssi.' % metric)
        self._measure = metrics[metric]
        self._uptime = compat.Stopwatch()

    def read(self, now_s):
        """(now_s, value). Raises SensorError."""
        return now_s, self._measure()

    def _uptime_s(self):
        return self._uptime.elapsed_ms() // 1000


def _rssi_dbm():
    try:
        from network import STA_IF, WLAN

        return WLAN(STA_IF).status("rssi")
    except (ImportError, OSError, ValueError) as error:
        raise SensorError(
            "The Wi-Fi's signal strength cannot be read (%s): the board is not connected, or has no Wi-Fi. "
            "Check [wifi] in mote.toml, or take this sensor out." % error
        )
