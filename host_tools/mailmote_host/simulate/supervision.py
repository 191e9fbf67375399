"""The supervisor as a simulated board has it: no watchdog, and fewer looks at what has not changed."""

import asyncio
from typing import Any

from mailmote import supervisor

from .firmware import current
from .hardware import Wlan

# What only looks is let look less often, for that takes most of a run's time.
_LOOK_S = 60  # at time that passes
_WATCH_S = 300  # at a link that is up
_RESTING_S = 5  # a shorter sleep of the link is part of an attempt
_ATTEMPT_S = 20  # at an access point that is away,
_NEAR_S = 200  # until shortly before it is back


class Heartbeat(supervisor.Heartbeat):
    """Looks less often: at what has not changed, or where the link is down anyway."""

    async def sleep(self, seconds: float, unless: asyncio.Event | None = None) -> None:
        life = current.get()
        life.check()
        seconds = max(seconds, self._least_s(seconds, life.wlan))
        if unless is None:
            await asyncio.sleep(seconds)
        elif not unless.is_set():
            await supervisor._wait_at_most(unless, seconds)

    def _least_s(self, seconds: float, wlan: Wlan) -> float:
        """How long nothing would come of looking."""
        if self.name == "alarms":
            return _LOOK_S
        back_s = wlan.back_s()
        if self.name != "link":
            return back_s if seconds <= 1 else 0
        if back_s:
            return min(_ATTEMPT_S, back_s - _NEAR_S)
        return _WATCH_S if seconds >= _RESTING_S and wlan.isconnected() else 0


class Supervisor(supervisor.Supervisor):
    """Starts and restarts tasks as the firmware's own does; there is no watchdog to feed."""

    def start(self, name: str, run: Any) -> Any:
        return None if name == "end" else super().start(name, run)

    async def watch(self, until: asyncio.Event) -> Any:
        await until.wait()
