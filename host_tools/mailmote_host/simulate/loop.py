"""An event loop whose time is virtual: it jumps to the next timer when nothing is ready.

There is no input and output, and no thread: what runs when depends on the program alone, so that a run with
the same seed is the same run.
"""

import asyncio
import ssl
from typing import Any, Protocol, cast


class Idle(RuntimeError):
    """Nothing is ready, and nothing ever will be."""


class Securable(Protocol):
    """A transport in memory that plays the server's part of a TLS handshake."""

    async def shake_hands(self) -> asyncio.Transport: ...


class _NoFiles:
    """Where another event loop waits for the network, this one lets time pass."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> tuple[()]:
        if timeout is None:
            raise Idle("nothing is left to wait for")
        self._loop.pass_time(timeout)
        return ()

    def close(self) -> None:
        pass


class VirtualLoop(asyncio.BaseEventLoop):
    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._clock_resolution = 1e-6  # a sum of floats may fall short of the timer
        self._selector = _NoFiles(self)

    def time(self) -> float:
        """Seconds since the run began."""
        return self._now_s

    def pass_time(self, seconds: float) -> None:
        self._now_s += seconds

    async def start_tls(
        self,
        transport: asyncio.BaseTransport,
        protocol: asyncio.BaseProtocol,
        sslcontext: ssl.SSLContext,
        **options: Any,
    ) -> asyncio.Transport | None:
        """TLS is not simulated: a handshake in memory, of the right number of flights."""
        return await cast(Securable, transport).shake_hands()

    def _process_events(self, event_list: object) -> None:
        pass  # there are none

    def _write_to_self(self) -> None:
        pass  # there is no other thread to wake it from
