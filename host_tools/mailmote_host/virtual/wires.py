"""What reaches a board from outside, whatever runs on it: octets on its port, its lines, its buttons."""

import os
import select
from collections.abc import Sequence
from typing import Protocol

from .reset_lines import Reset

_CODES = list(Reset)  # the octets in the pipe of the buttons


class Port(Protocol):
    """`name` is what programs open. `timeout_s` tells when to read even if nothing has come."""

    name: str

    @property
    def timeout_s(self) -> float | None: ...
    def plug(self) -> None: ...
    def unplug(self) -> None: ...
    def readers(self) -> list[int]: ...
    def writers(self) -> list[int]: ...
    def read(self) -> bytes | Reset: ...
    def write(self, data: bytes) -> None: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class Wires:
    """To be used by one thread, but for `press`."""

    def __init__(self, port: Port):
        self._port = port
        self._buttons, self._pressed = os.pipe()
        os.set_blocking(self._buttons, False)

    def press(self, *resets: Reset) -> None:
        """Push a button, or pull the plug, from any thread."""
        os.write(self._pressed, bytes(_CODES.index(reset) for reset in resets))

    def wait(
        self, readers: Sequence[int] = (), writers: Sequence[int] = (), timeout_s: float | None = None
    ) -> list[int]:
        """Until something is to be done here or there. Returns which of `writers` can be written."""
        timeouts = [limit for limit in (timeout_s, self._port.timeout_s) if limit is not None]
        readable = [self._buttons, *self._port.readers(), *readers]
        writable = [*self._port.writers(), *writers]
        _, ready, _ = select.select(readable, writable, [], min(timeouts, default=None))
        self._port.flush()
        return ready

    def take(self) -> bytes | Reset:
        """What has come next; no octets if there is nothing."""
        try:
            return _CODES[os.read(self._buttons, 1)[0]]
        except BlockingIOError:
            return self._port.read()

    def close(self) -> None:
        self._port.close()
        os.close(self._buttons)
        os.close(self._pressed)
