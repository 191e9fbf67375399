"""The storm after an outage: a whole site without Wi-Fi, its alerts piled up, and then the link is back."""

from collections.abc import Sequence

from .plan import Plan, Window, Windows
from .run import Scenario

BOARDS = 500
DAYS = 0.25

_STORM_S = 3600.0


def plan(seed: int, days: float, kinds: Sequence[str]) -> Plan:
    """No Wi-Fi from soon after the start to the end."""
    made = Plan(seed, days, kinds)
    made.wifi = Windows([Window(60.0, made.end_s)])
    return made


def scenario(plan: Plan, boards: int) -> Scenario:
    """Without power the cold store warms up: every board has alerts, the first soon, the last an hour on."""
    half_s = plan.end_s / 2
    storms = ((120.0, half_s), (half_s + _STORM_S / 2, plan.end_s))
    return Scenario(boards, plan.end_s / 86400, plan.seed, tuple(plan.kinds), 0.0, storms)
