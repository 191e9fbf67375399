"""A digital input: 0 or 1, as a door contact, a float switch or a relay gives it."""

from ..errors import SensorError, SettingsError

OPTIONS = {
    "pin": (int, ..., "the number of the pin"),
    "pull": (str, "up", "the resistor inside the chip: up, down or none"),
    "invert": (bool, False, "true: read 1 where the pin is at zero volts, as a contact to ground gives"),
}

_PULLS = ("up", "down", "none")


class Driver:
    paced = True

    def __init__(self, options, board):
        self._number = options["pin"]
        self._invert = options["invert"]
        pull = options["pull"]
        if pull not in _PULLS:
            raise SettingsError('pull is "%s"; set it to up, down or none.' % pull)
        try:
            from machine import Pin

            if pull == "none":
                self._pin = Pin(self._number, Pin.IN)
            else:
                self._pin = Pin(self._number, Pin.IN, Pin.PULL_UP if pull == "up" else Pin.PULL_DOWN)
        except (ImportError, OSError, ValueError) as error:
            raise SettingsError(
                'Pin %d cannot be an input with pull "%s" (%s). Pins 34 to 39 of an ESP32 have no pull: set '
                "it to none there; else take another pin of the board's pin map."
                % (self._number, pull, error)
            )

    def read(self, now_s):
        """(now_s, 0 or 1). Raises SensorError."""
        try:
            value = self._pin.value()
        except (OSError, ValueError) as error:
            raise SensorError(
                "Pin %d cannot be read (%s). Check the pin in mote.toml; if it is right, restart the board."
                % (self._number, error)
            )
        return now_s, 1 - value if self._invert else value
