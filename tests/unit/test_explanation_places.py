"""Each fault that the firmware raises has a row in the table, with as many places as it has values."""

import ast
import re
from pathlib import Path

import pytest

from mailmote import explanations

FIRMWARE = Path(__file__).parents[2] / "firmware"
CAUSES = {row[0]: row[6] for row in explanations.rows()}


def calls():
    """(where, key, how many values) of each `failure(kind, key, *values)`."""
    for path in sorted(FIRMWARE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id == "failure" and isinstance(node.args[1], ast.Constant):
                yield f"{path.name}:{node.lineno}", node.args[1].value, len(node.args) - 2


CALLS = list(calls())


@pytest.mark.parametrize(("where", "key", "values"), CALLS, ids=[f"{one[1]}, {one[0]}" for one in CALLS])
def test_a_fault_has_a_row_with_places_for_its_values(where, key, values):
    assert key in CAUSES
    places = len(re.findall(r"%[sdr]", CAUSES[key]))
    assert places == values, f"{where} gives {values} values for: {CAUSES[key]}"


def test_there_are_many():
    assert len(CALLS) > 50
