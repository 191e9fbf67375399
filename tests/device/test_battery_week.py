"""What a week costs a board that sleeps: a sensor every five minutes, an alarm, a flap, a loss of power, and
a day without Wi-Fi. On MicroPython the flash is a littlefs whose writes are counted."""

import json
import subprocess
from pathlib import Path

import battery_week
import pytest
from sessions import RUNTIMES

from mailmote.event import ALARM, RECOVERY

TESTS = Path(__file__).parents[1]
PATHS = (TESTS / "device", TESTS / "unit", TESTS, TESTS.parent / "firmware")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_week_wakes_often_and_touches_radio_and_flash_rarely(runtime, micropython, record_property):
    figures = battery_week.run() if runtime == "cpython" else on_micropython(micropython)
    record_property("battery", (runtime, figures))
    assert figures["raised"] == figures["delivered"]
    assert figures["waiting"] == 0
    assert figures["sound"]
    # The hold that the loss of power met began anew, and its alarm was told.
    assert figures["slow"] == [ALARM, RECOVERY] * 3
    assert figures["signs of life"] in (6, 7)
    assert figures["samples"] == pytest.approx(7 * 288, abs=10)
    # Of the flap, three hours of a change every five minutes, six changes an hour were told.
    assert figures["stand for"] - figures["raised"] > 12
    quiet = figures["wakes"] - figures["radio"]
    assert quiet > 0.95 * figures["wakes"]
    assert figures["radio"] - figures["radio in vain"] <= figures["connections"] + 8  # the clock, once a day
    assert figures["flash"] <= figures["raised"] + figures["signs of life"] + 10


def on_micropython(command):
    script = f"import sys; sys.path[:0] = {[str(path) for path in PATHS]!r}; import battery_week; "
    script += "print('\\x1e' + battery_week.json.dumps(battery_week.run()))"
    done = subprocess.run(
        [*command, "-X", "heapsize=2M", "-c", script],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    lines = [line for line in done.stdout.split("\n") if line.startswith("\x1e")]
    assert lines, done.stdout + done.stderr
    return json.loads(lines[0][1:])
