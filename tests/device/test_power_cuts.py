"""Power cuts at every flash operation of storing a secret or a number, on real littlefs."""

import pytest
from on_littlefs import found


@pytest.fixture(scope="module")
def results(micropython):
    """(what, way) -> (cuts, the first faults)."""
    lines = found(micropython, "cut_secrets.py", timeout_s=110)
    return {(what, way): (cuts, faults) for what, way, cuts, faults in lines}


@pytest.mark.parametrize(("what", "at_least"), [("token", 2000), ("number", 300)])
def test_no_power_cut_leaves_anything_but_the_old_or_the_new(
    results, what, at_least, record_testsuite_property
):
    cuts, faults = results[what, "own"]
    record_testsuite_property(f"power cuts, {what}", cuts)
    print(f"{cuts} power cuts while a {what} was written")
    assert faults == []
    assert cuts >= at_least


@pytest.mark.parametrize("what", ["token", "number"])
@pytest.mark.parametrize("way", ["in place", "in two goes", "removed first"])
def test_a_wrong_way_of_writing_is_caught(results, what, way):
    cuts, faults = results[what, way]
    assert cuts
    if (what, way) == ("number", "in place"):
        # Right, here: littlefs keeps the old content until the close, and an empty file is no number.
        assert faults == []
    else:
        assert faults
