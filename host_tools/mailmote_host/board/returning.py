"""A port that goes away with each reset of its board, and comes back, maybe under another name.

That is native USB. Any other port is a moment in use, too, by whoever looks at what was plugged in.
"""

import time

from . import link, ports

_PATIENCE_S = 15.0
_GOES_WITHIN_S = 1.0  # of a reset, or it has come back in between
_PAUSE_S = 0.2


class Place:
    """Where a board is to be found, by its port, and by the serial number of that where it has one.

    Made while the port is there: before this program resets the board for the first time.
    """

    def __init__(self, port: str):
        self._whereabouts = ports.Whereabouts(port)
        self._was_there = False

    def open(self) -> link.Link:
        """The board, as `link.open` does it; once it was there, it is waited for. Raises HostError."""
        end_s = time.monotonic() + (_PATIENCE_S if self._was_there else 0)
        while True:
            try:
                opened = link.open(self.name())
            except ports.PortError:
                if time.monotonic() >= end_s:
                    raise
                time.sleep(_PAUSE_S)
            else:
                self._was_there = True
                return opened

    def name(self) -> str:
        """Of the port, now."""
        return self._whereabouts.name()

    def after_reset(self) -> str:
        """The name of the port, which a native USB port gets back a moment after the board was reset.

        One that does not come back is told by whoever opens it.
        """
        if self._whereabouts.native_usb:
            self._wait(until_there=False, within_s=_GOES_WITHIN_S)
            self._wait(until_there=True, within_s=_PATIENCE_S)
        return self.name()

    def _wait(self, until_there: bool, within_s: float) -> None:
        end_s = time.monotonic() + within_s
        while self._whereabouts.is_there() != until_there and time.monotonic() < end_s:
            time.sleep(_PAUSE_S)
