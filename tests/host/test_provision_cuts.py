"""A cable that breaks at any moment of provisioning: the board runs all of the old version or all of the new.

Real MicroPython, littlefs and mpremote; a small set of files, so that it can be done hundreds of times. The
program on the board reads the version of every file, and says them.
"""

import contextlib
import random
import re
import time

import cut_link
import pytest

from mailmote_host import carried
from mailmote_host.board import provisioning, staging
from mailmote_host.board.contents import Contents
from mailmote_host.errors import HostError
from mailmote_host.virtual.serial_board import SerialBoard

CUTS = {cut_link.TO_BOARD: 120, cut_link.FROM_BOARD: 90}
TIMEOUT_S = 30
SAYS = re.compile(rb"Ready: mailmote ([\d ]+)\r\n")
MAIN = """\
{docstring}
import os
from mailmote import first, deep, long
from mailmote.deep import inner
with open("settings.json") as file:
    settings = file.read()
versions = [{version}, first.VERSION, deep.VERSION, inner.VERSION, long.VERSION, int(settings)]
versions += [int(name[4:-3]) for name in os.listdir("lib/mailmote") if name.startswith("only")]
print("   0.001 I agent: Ready: mailmote", *versions)
"""


def files_of(version):
    """A version of a small firmware: a file of several chunks, one in a folder, one that the other lacks."""
    module = b"VERSION = %d\n" % version
    boot = (carried.firmware() / "boot.py").read_bytes()
    return {
        "boot.py": boot + b"# version %d\n" % version,
        "main.py": MAIN.format(docstring='"""mailmote: a test."""', version=version).encode(),
        "settings.json": b"%d" % version,
        "lib/mailmote/__init__.py": b"",
        "lib/mailmote/first.py": module,
        "lib/mailmote/long.py": module + b"# " + bytes(range(65, 91)) * 100 + b"\n",
        "lib/mailmote/deep/__init__.py": module,
        "lib/mailmote/deep/inner.py": module,
        "lib/mailmote/only%d.py" % version: module,
    }


def whole(version):
    return [version] * 7


def put(port, version):
    """Provision a board with a version. Returns the result. Raises HostError."""
    wanted = Contents(files_of(version), ("lib/mailmote",))
    return provisioning.run(port, provisioning.Job(wanted=lambda facts: wanted, wait_ready_s=TIMEOUT_S))


def runs(board):
    """The versions of all files that the board finds when the power comes back."""
    board.cut_power()
    board.start()
    deadline_s = time.monotonic() + TIMEOUT_S
    while not (said := SAYS.search(board.said)):
        assert b"Traceback" not in board.said, board.said
        assert time.monotonic() < deadline_s, board.said
        time.sleep(0.002)
    return [int(number) for number in said[1].split()]


@pytest.fixture
def board(tmp_path):
    with SerialBoard(tmp_path / "board", files_of(1)) as board:
        board.start()
        yield board


def measured(board):
    """Octets of each way in a whole run, from version 1 to 2."""
    with cut_link.Cable(board.port) as cable:
        assert len(put(cable.port, 2).copied) == 8
    assert runs(board) == whole(2)
    return cable.carried


@pytest.mark.timeout(300)
@pytest.mark.parametrize("way", [cut_link.TO_BOARD, cut_link.FROM_BOARD])
def test_the_board_runs_the_old_or_the_new_version_and_a_second_run_mends(
    board, way, record_testsuite_property
):
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    total, count = measured(board)[way], CUTS[way]
    old, found = 2, {"old": 0, "new": 0}
    for number in range(count):
        new = 3 - old
        after = int(total * (number + chance.random()) / count)
        where = f"seed {seed}, cut {number} after {after} of {total} octets {way}"
        with cut_link.Cable(board.port, way, after) as cable, contextlib.suppress(HostError):
            put(cable.port, new)
        running = runs(board)
        assert running in (whole(old), whole(new)), where
        found["new" if running == whole(new) else "old"] += 1
        result = put(board.port, new)
        assert result.ready == "Ready: mailmote " + " ".join(map(str, whole(new))), where
        if running == whole(new):
            assert result.copied == result.removed == (), where
        old = new
    record_testsuite_property(f"cables cut {way}", count)
    print(f"seed {seed}: {count} cuts {way}, {found}")
    assert min(found.values()) > count // 20


def test_files_that_are_written_in_place_are_caught(board, monkeypatch):
    """The oracle sees a mix where there is one."""
    monkeypatch.setattr(staging, "_staged_path", lambda path: path)
    monkeypatch.setattr(staging, "_prove", lambda link, wanted: None)
    total, mixes = 12000, 0
    for number in range(12):
        after = total * number // 12
        with (
            cut_link.Cable(board.port, cut_link.TO_BOARD, after) as cable,
            contextlib.suppress(HostError),
        ):
            put(cable.port, 2)
        try:
            mixes += runs(board) not in (whole(1), whole(2))
        except AssertionError:
            mixes += 1
        board.cut_power()
        for path, content in files_of(1).items():
            board.image.write(path, content)
        board.start()
    assert mixes
