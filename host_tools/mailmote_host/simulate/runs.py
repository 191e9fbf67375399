"""Runs of many seeds, side by side in processes, and what they come to together."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

from . import plan, run, scenario
from .result import Result


class Wanted(NamedTuple):
    """A run as a user asks for it. `share` None: each board has an equal part of the mailbox."""

    boards: int
    days: float
    seed: int
    faults: tuple[str, ...]
    outage: bool = False
    share: float | None = None


def play(wanted: Wanted, on_progress: Callable[[float], None] = lambda share: None) -> Result:
    """One run."""
    if wanted.outage:
        faults = plan.outage(wanted.seed, wanted.days, wanted.faults)
        return run.run(scenario.after_outage(faults, wanted.boards, wanted.share), faults, on_progress)
    faults = plan.Plan(wanted.seed, wanted.days, wanted.faults)
    return run.run(scenario.usual(faults, wanted.boards, wanted.share), faults, on_progress)


def several(runs: Sequence[Wanted], on_progress: Callable[[float], None]) -> Iterator[Result]:
    """The results, in the order of `runs`."""
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        for number, result in enumerate(pool.map(play, runs), 1):
            on_progress(number / len(runs))
            yield result


_SUMS = ("raised", "delivered", "lost", "duplicates", "interrupted", "unexplained", "mails", "power_cuts")
_WORST = ("worst_delay_s", "peak_per_minute", "over_limit_s", "boards_over_share", "drain_s", "best_drain_s")


def together(results: Iterable[Result]) -> dict[str, Any]:
    """One object for all: sums, the worst of what is no sum, and the seeds that failed."""
    results = list(results)
    causes: dict[str, int] = {}
    for result in results:
        for cause, number in result.duplicates_by_cause.items():
            causes[cause] = causes.get(cause, 0) + number
    return (
        {"seed": results[0].seed, "runs": len(results), "boards": results[0].boards, "days": results[0].days}
        | {"faults": results[0].faults}
        | {name: sum(getattr(result, name) for result in results) for name in _SUMS}
        | {"duplicates_by_cause": dict(sorted(causes.items()))}
        | {name: max(getattr(result, name) for result in results) for name in _WORST}
        | {"crashes": [crash for result in results for crash in result.crashes]}
        | {"failed_seeds": [result.seed for result in results if not result.good]}
    )
