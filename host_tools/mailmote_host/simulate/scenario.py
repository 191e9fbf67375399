"""What a run plays: how many boards, what they watch, how they share the mailbox."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from mailmote.policy import stored_settings

from .. import settings_file
from ..errors import HostError
from . import sensor
from .plan import DAY_S, Plan
from .tenant import MAILBOX

TO = ("ops@contoso.test", "oncall@fabrikam.test")

_MOTE_TOML = f"""\
[device]
name = "freezer-0"
site = "Cold store"

[wifi]
ssid = "Cold store"

[mail]
option = "client-submission"
auth = "password"
from = "{MAILBOX}"
to = ["{TO[0]}"]
cc = ["{TO[1]}"]

[[sensor]]
name = "freezer"
driver = "simulated"
every = "1min"

[[alarm]]
name = "too warm"
sensor = "freezer"
above = -12
clear = -15
for = "10min"
repeat_every = "2h"
severity = "critical"

[[alarm]]
name = "door"
sensor = "freezer"
above = -13
clear = -14

[[alarm]]
name = "probe"
sensor = "freezer"
no_reading_for = "15min"
to = ["{TO[1]}"]
"""


@dataclass(frozen=True)
class Scenario:
    """`troubles_a_day` are those of each freezer; `storms` (begin_s, end_s) warm the whole room.

    `share` is the part of the mailbox's 30 mails a minute that each board's settings give it.
    """

    boards: int
    share: float
    troubles_a_day: float
    storms: tuple[tuple[float, float], ...]

    def settings_of(self, number: int) -> dict[str, Any]:
        """The settings of one of the boards."""
        settings = json.loads(_settings())
        settings["device"]["name"] = f"freezer-{number}"
        settings["limits"] |= {"mailbox_share": self.share, "mailbox_slot": number % round(1 / self.share)}
        return settings


def usual(plan: Plan, boards: int, share: float | None = None) -> Scenario:
    """Each freezer has its troubles, and every other day the whole room gets warm."""
    chance = plan.chance("storms")
    storms: list[tuple[float, float]] = []
    begin_s = chance.expovariate(0.5 / DAY_S)
    while begin_s < plan.end_s:
        storms.append((begin_s, begin_s + chance.uniform(1800, 3 * 3600)))
        begin_s = storms[-1][1] + chance.expovariate(0.5 / DAY_S)
    return Scenario(boards, share or 1 / boards, 3.0, tuple(storms))


def after_outage(plan: Plan, boards: int, share: float | None = None) -> Scenario:
    """Without power the cold store warms up, twice: every board has alerts that pile up."""
    half_s = plan.end_s / 2
    return Scenario(boards, share or 1 / boards, 0.0, ((120.0, half_s), (half_s + 1800.0, plan.end_s)))


@cache
def _settings() -> str:
    """settings.json as it would be on a board."""
    loaded = settings_file.check("mote.toml", _MOTE_TOML, {"simulated": sensor.OPTIONS})
    if loaded.settings is None:
        raise HostError("\n".join(map(str, loaded.problems)))
    return json.dumps(stored_settings.load(json.loads(json.dumps(loaded.settings))))
