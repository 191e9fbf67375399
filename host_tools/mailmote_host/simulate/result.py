"""The count at the end of a run."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from .oracle import Oracle
from .plan import DAY_S, Plan
from .rates import Rates, too_fast
from .scenario import Scenario
from .tenant import PER_MINUTE


class Arrival(NamedTuple):
    """A whole message at the tenant, before anything holds it back; `life` is the sending board's."""

    at_s: float
    life: Any


@dataclass(frozen=True)
class Result:
    """Times are in seconds of virtual time.

    `duplicates` are mails that told something again, `interrupted` those after which their board could not
    know, `unexplained` the duplicates that no interruption explains. `over_limit_s` is for how long the
    mailbox got more than its 30 a minute, `boards_over_share` how many boards sent more than their part.
    """

    seed: int
    boards: int
    days: float
    faults: list[str]
    raised: int
    delivered: int
    lost: int
    duplicates: int
    duplicates_by_cause: dict[str, int]
    interrupted: int
    unexplained: int
    mails: int
    worst_delay_s: int
    median_delay_s: int
    peak_per_minute: int
    over_limit_s: int
    boards_over_share: int
    drain_s: int
    best_drain_s: int
    power_cuts: int
    crashes: list[str]

    @property
    def good(self) -> bool:
        return not (self.lost or self.unexplained or self.crashes) and self.duplicates <= self.interrupted

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"failed_seeds": [] if self.good else [self.seed]}


def count(
    scenario: Scenario,
    plan: Plan,
    oracle: Oracle,
    arrivals: Sequence[Arrival],
    power_cuts: int,
    crashes: list[str],
) -> Result:
    """What the oracle and the tenant saw."""
    delivered = {event: at_s for event in oracle.events if (at_s := event.delivered_s) is not None}
    delays = sorted(at_s - event.raised_s for event, at_s in delivered.items()) or [0.0]
    before = [at_s for event, at_s in delivered.items() if event.raised_s <= plan.end_s]
    drained_s = max([plan.end_s, *before])
    drained = sum(plan.end_s < mail.at_s <= drained_s for mail in oracle.acceptances)
    rates = Rates([arrival.at_s for arrival in arrivals])
    return Result(
        seed=plan.seed,
        boards=scenario.boards,
        days=plan.end_s / DAY_S,
        faults=list(plan.kinds),
        raised=len(oracle.events),
        delivered=len(delivered),
        lost=len(oracle.events) - len(delivered),
        duplicates=sum(oracle.duplicates.values()),
        duplicates_by_cause=dict(sorted(oracle.duplicates.items())),
        interrupted=oracle.interrupted,
        unexplained=oracle.unexplained,
        mails=len(oracle.acceptances),
        worst_delay_s=round(delays[-1]),
        median_delay_s=round(delays[len(delays) // 2]),
        peak_per_minute=rates.peak,
        over_limit_s=round(rates.longest_above(PER_MINUTE)),
        boards_over_share=_over_share(arrivals, 60 / PER_MINUTE / scenario.share),
        drain_s=round(drained_s - plan.end_s),
        best_drain_s=round(drained * 60 / PER_MINUTE),
        power_cuts=power_cuts,
        crashes=crashes,
    )


def _over_share(arrivals: Sequence[Arrival], interval_s: float) -> int:
    """How many boards sent faster than one mail an interval. A board that lost its power begins anew."""
    lives: dict[Any, list[float]] = {}
    for arrival in arrivals:
        lives.setdefault(arrival.life, []).append(arrival.at_s)
    return len({life.board.number for life, at_s in lives.items() if too_fast(at_s, interval_s)})
