"""Power cuts at every flash operation of an agent's work with outbox, token and numbers, on real littlefs.

The work is random, from a seed that the end of the run tells; MAILMOTE_SEED=N runs that work again.
"""

import os
import random

import pytest
from on_littlefs import found

SEED = int(os.environ.get("MAILMOTE_SEED") or random.randrange(1 << 30))
SAMPLE = 2000
SOAK_PARTS, SOAK_CUTS = 10, 3500
KINDS = ("lost", "corrupt", "came back", "stuck")

pytestmark = pytest.mark.timeout(400)


@pytest.fixture
def cut(micropython, record_property):
    """Cuts the power so often and returns what came of it; the summary hears of the firmware's own way."""

    def run(seed, cuts, way="own"):
        (result,) = found(micropython, "cut_outbox.py", seed, cuts, way, timeout_s=380)
        if way == "own":
            counts = [result["faults"].get(kind, 0) for kind in KINDS]
            record_property("power cuts", [seed, result["cuts"], *counts, result["repeats"]])
        return result

    return run


def test_no_power_cut_loses_damages_or_repeats_an_alert(cut):
    """But for the mail that was on its way, which may come once more, and as the same mail."""
    result = cut(SEED, SAMPLE)
    assert result["first"] == [], f"MAILMOTE_SEED={SEED}"
    assert result["faults"] == {}
    assert result["cuts"] >= SAMPLE
    assert all(result["seen"][what] for what in ("mail", "digest", "partial", "refusal", "merge")), result


@pytest.mark.soak
@pytest.mark.parametrize("part", range(SOAK_PARTS))
def test_no_power_cut_of_tens_of_thousands_does(cut, part):
    result = cut(SEED + part, SOAK_CUTS)
    assert result["first"] == [], f"MAILMOTE_SEED={SEED + part}"
    assert result["cuts"] >= SOAK_CUTS


@pytest.mark.parametrize(
    ("way", "shows_as"),
    [
        ("remove, then rename", "lost"),
        ("create without rename", "corrupt"),
        ("flush midway", "corrupt"),
        ("delete before the reply", "lost"),
    ],
)
def test_a_wrong_way_of_keeping_alerts_is_caught(cut, way, shows_as):
    result = cut(3, 4000, way)
    assert result["faults"].get(shows_as), result
