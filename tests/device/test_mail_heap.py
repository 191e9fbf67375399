"""A mail of 1.4 MB passes through a heap of 56 kB, its modules compiled there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "mail_with_attachment.py"
FIRMWARE = Path(__file__).parents[2] / "firmware"


def run(command, source):
    done = subprocess.run(
        [*command, str(PROGRAM), str(FIRMWARE), source],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("source", ["file", "blocks"])
def test_a_megabyte_is_sent_from_a_small_heap(micropython, source):
    told = run([*micropython, "-X", "heapsize=56K"], source)
    wanted = run([sys.executable], source)
    assert told["size"] == told["octets"] > 1_400_000
    assert (told["size"], told["crc"]) == (wanted["size"], wanted["crc"])
    assert 0 < told["kept_bytes"] < 4096, "the 64-bit port's objects are twice those of an ESP32"
    assert 0 < told["made_bytes"] < 8192
