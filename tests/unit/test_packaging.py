"""The lists by which the firmware reaches a board have all of it."""

import json
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).parents[2] / "firmware"
# The validator and its tables stay with the host: the board gets settings that passed it.
HOST_ONLY = {
    *("durations", "fields", "kinds", "options", "problems", "quantities"),
    *("routes", "rules", "settings", "sign_in"),
}


def modules():
    for path in sorted((FIRMWARE / "mailmote").rglob("*.py")):
        name = path.relative_to(FIRMWARE).as_posix()
        if not (path.parent.name == "policy" and path.stem in HOST_ONLY):
            yield name


def test_mip_installs_every_module_of_the_board():
    """https://docs.micropython.org/en/latest/reference/packages.html"""
    package = json.loads((FIRMWARE / "package.json").read_text(encoding="utf-8"))
    assert package["urls"] == [[name, name] for name in (*modules(), "umail.py")]


@pytest.mark.parametrize("name", ["package.json", "umail.json"])
def test_its_version_is_that_of_the_firmware(name):
    package = json.loads((FIRMWARE / name).read_text(encoding="utf-8"))
    assert f'"{package["version"]}"' in (FIRMWARE / "mailmote" / "__init__.py").read_text(encoding="utf-8")
