"""boot.py: power cuts at every flash operation of an update's end, on real littlefs; and what it leaves."""

import json
import subprocess
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
BOOT = TESTS.parent / "firmware" / "boot.py"


@pytest.fixture(scope="module")
def results(micropython):
    """way -> (cuts, the first faults)."""
    done = subprocess.run(
        [
            *micropython,
            "-X",
            "heapsize=16M",
            str(TESTS / "device" / "cut_update.py"),
            str(TESTS / "device"),
            str(BOOT),
        ],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
    assert done.returncode == 0, done.stdout
    return {way: (cuts, faults) for way, cuts, faults in map(json.loads, lines)}


def test_a_power_cut_at_any_moment_leaves_a_board_that_finishes_the_update(
    results, record_testsuite_property
):
    cuts, faults = results["boot.py"]
    record_testsuite_property("power cuts, update", cuts)
    print(f"{cuts} power cuts while an update was put in its place")
    assert faults == []
    assert cuts > 200


def test_the_reserve_is_room_enough(results):
    assert results["full flash"] == (0, [None])


@pytest.mark.parametrize("way", ["mark removed first", "copied in place", "obsolete files left"])
def test_a_wrong_way_is_caught(results, way):
    cuts, faults = results[way]
    assert cuts
    assert faults


def boot(micropython, folder, after=""):
    """Run boot.py, then more code in the same names, as a board does. Returns what it printed."""
    code = f"execfile({str(BOOT)!r})\n{after}"
    done = subprocess.run([*micropython, "-c", code], cwd=folder, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_with_nothing_to_do_it_leaves_no_name_and_says_nothing(micropython, tmp_path):
    names = "print([name for name in globals() if not name.startswith('__')])"
    assert boot(micropython, tmp_path, names) == "[]\n"


def test_what_is_staged_and_not_ready_is_left_alone(micropython, tmp_path):
    (tmp_path / "next").mkdir()
    (tmp_path / "next/main.py").write_text("new")
    (tmp_path / "next/tmp").write_text("[]")
    assert boot(micropython, tmp_path) == ""
    assert sorted(path.name for path in (tmp_path / "next").iterdir()) == ["main.py", "tmp"]


@pytest.mark.parametrize("ready", ["", "[", "{}", '["main.py"', "5"])
def test_trouble_is_told_and_keeps_nobody_out(micropython, tmp_path, ready):
    (tmp_path / "next").mkdir()
    (tmp_path / "next/ready").write_text(ready)
    (tmp_path / "next/lib=none=a.py").write_text("new")  # there is no such folder
    said = boot(micropython, tmp_path, "print('main')")
    assert said.startswith("The update of mailmote is not finished (")
    assert said.endswith("Run `mailmote provision` again.\nmain\n")
    assert (tmp_path / "next/ready").exists()


def test_ctrl_c_stops_it(micropython, tmp_path):
    """The host tools come in so, and finish it themselves."""
    (tmp_path / "next").mkdir()
    (tmp_path / "next/ready").write_text("[]")
    code = f"""
import os
def interrupted(*_): raise KeyboardInterrupt
source = open({str(BOOT)!r}).read().replace('os.rmdir("next")', 'raise KeyboardInterrupt')
try:
    exec(source, {{}})
except KeyboardInterrupt:
    print("out")
"""
    done = subprocess.run(
        [*micropython, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    assert done.stdout == "out\n"
