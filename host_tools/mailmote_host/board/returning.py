"""A port that goes away with each reset of its board, and comes back, maybe under another name.

That is native USB. Any other port is a moment in use, too, by whoever looks at what was plugged in.
"""

import time

from . import link, ports

_PATIENCE_S = 15.0
_PAUSE_S = 0.2


class Place:
    """Where a board is to be found, by its port, and by the serial number of that where it has one."""

    def __init__(self, port: str):
        self._whereabouts = ports.Whereabouts(port)
        self._was_there = False

    def open(self) -> link.Link:
        """The board, as `link.open` does it; once it was there, it is waited for. Raises HostError."""
        end_s = time.monotonic() + (_PATIENCE_S if self._was_there else 0)
        while True:
            try:
                opened = link.open(self._whereabouts.name())
            except ports.PortError:
                if time.monotonic() >= end_s:
                    raise
                time.sleep(_PAUSE_S)
            else:
                self._was_there = True
                return opened
