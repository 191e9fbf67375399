"""How a board is reset: by its buttons, its power, or the modem lines of its serial port.

On most boards two transistors join the lines to the chip: EN is low while RTS is on and DTR off, IO0 while
DTR is on and RTS off (Espressif, "Boot Mode Selection", automatic bootloader). IO0 decides what follows the
reset. Lines that change one by one pass through both on, which keeps both pins high; a capacitor at EN keeps
the chip in reset meanwhile.
"""

import time
from enum import Enum

# Longer than on a board, as the lines come over a network: a client of RFC 2217 waits between two of them.
_EN_RISES_S = 1.0


class Reset(Enum):
    HELD = "held"  # until FLASH or LOADER comes
    FLASH = "flash"
    LOADER = "loader"
    OFF = "off"
    WATCHDOG = "watchdog"  # the chip's own, which bit


class ResetLines:
    """DTR and RTS, as they are asserted."""

    def __init__(self) -> None:
        self._dtr = self._rts = self._is_held = False
        self._rising_s: float | None = None  # since EN is

    def set(self, dtr: bool, rts: bool) -> Reset | None:
        """What the chip notices of a change."""
        self._dtr, self._rts = dtr, rts
        self._rising_s = None
        if rts and not dtr:
            was_held, self._is_held = self._is_held, True
            return None if was_held else Reset.HELD
        if not self._is_held:
            return None
        if dtr and rts:
            self._rising_s = time.monotonic()
            return None
        self._is_held = False
        return Reset.LOADER if dtr else Reset.FLASH

    @property
    def timeout_s(self) -> float | None:
        """After which `risen` is to be asked."""
        if self._rising_s is None:
            return None
        return max(0.0, self._rising_s + _EN_RISES_S - time.monotonic())

    def risen(self) -> Reset | None:
        """Whether the lines have both been on so long that EN is high."""
        if self.timeout_s != 0:
            return None
        self._is_held, self._rising_s = False, None
        return Reset.FLASH
