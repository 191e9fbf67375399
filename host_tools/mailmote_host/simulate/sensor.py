"""A sensor driver for a simulated freezer: its cycle, doors left open, a probe that fails."""

import math
import random
from typing import Any

from mailmote.errors import SensorError

OPTIONS: dict[str, tuple[type, Any, str]] = {}

CALM = -19.0  # degrees Celsius
_CYCLE_S = 2700
_FALL_S = 900.0  # how long a freezer takes to be cold again, as a time constant


class Freezer:
    """What a probe measures at a board, whether it has power or not.

    `storms` are (begin_s, end_s) of times when the whole room is too warm. After `quiet_from_s` nothing
    happens.
    """

    def __init__(
        self,
        chance: random.Random,
        quiet_from_s: float,
        troubles_a_day: float,
        storms: list[tuple[float, float]],
    ) -> None:
        self._chance = chance
        self._quiet_from_s = quiet_from_s
        self._rate = troubles_a_day / 86400
        self._storms = storms
        self._phase_s = chance.uniform(0, _CYCLE_S)
        self._next_s = chance.expovariate(self._rate) if self._rate else math.inf
        self._until_s = 0.0
        self._trouble = ""
        self._warmth = 0.0
        self._last_s = 0.0

    def read(self, now_s: float) -> float:
        """Degrees Celsius. Raises SensorError."""
        if now_s >= self._quiet_from_s:
            return CALM
        if now_s >= self._next_s:
            self._begin(now_s)
        trouble = self._trouble if now_s < self._until_s else ""
        if trouble == "probe":
            raise SensorError("The probe does not answer.")
        passed_s, self._last_s = now_s - self._last_s, now_s
        warm = trouble == "door" or any(begin_s <= now_s < end_s for begin_s, end_s in self._storms)
        if trouble == "flaps":
            self._warmth = self._chance.choice((0.0, 9.0))
        elif warm:
            self._warmth = min(self._warmth + passed_s / 120, 18.0)
        else:
            self._warmth *= math.exp(-passed_s / _FALL_S)
        swing = 1.5 * math.sin((now_s + self._phase_s) * math.tau / _CYCLE_S)
        return CALM + swing + self._warmth + self._chance.uniform(-0.2, 0.2)

    def _begin(self, now_s: float) -> None:
        self._trouble = self._chance.choice(("door", "door", "flaps", "probe"))
        self._until_s = now_s + self._chance.uniform(600, 7200)
        self._next_s = self._until_s + self._chance.expovariate(self._rate)


class Driver:
    """The driver as the firmware's sensors/__init__.py wants it."""

    paced = True

    def __init__(self, options: dict[str, Any], board: object) -> None:
        from .firmware import current

        self._life = current.get()

    def read(self, now_s: int) -> tuple[int, float]:
        """(now_s, value). Raises SensorError."""
        return now_s, self._life.board.freezer.read(self._life.loop.time())
