"""The table that ends a test run: what the simulated boards came to, over all seeds."""

from collections.abc import Iterator
from typing import Any

_SUMS = ("raised", "delivered", "lost", "duplicates", "interrupted", "unexplained", "power_cuts")

_OUTAGE = ("raised", "lost", "duplicates", "boards_over_share", "peak_per_minute", "drain_s", "best_drain_s")


def write(terminal: Any) -> None:
    """A line for all runs with faults, and one for each after an outage; nothing where none was."""
    faults = []
    outages = []
    for found in _told(terminal):
        (outages if "outage" in found else faults).append(found)
    if not (faults or outages):
        return
    terminal.section("simulation")
    if faults:
        sums = ", ".join(f"{sum(found[name] for found in faults)} {name}" for name in _SUMS)
        seeds = sorted(found["seed"] for found in faults)
        terminal.write_line(f"{len(faults)} runs, seeds {seeds[0]} to {seeds[-1]}: {sums}")
    for found in outages:
        after = f"{found['boards']} boards after an outage"
        counts = ", ".join(f"{found[name]} {name}" for name in _OUTAGE)
        terminal.write_line(f"{after}: {counts}")


def _told(terminal: Any) -> Iterator[dict[str, Any]]:
    for outcome in ("passed", "failed"):
        for report in terminal.stats.get(outcome, ()):
            for name, value in getattr(report, "user_properties", ()):
                if name == "simulation":
                    yield value
