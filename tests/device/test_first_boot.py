"""The first start of a board that was just flashed: power cuts at every flash operation, on real littlefs."""

import subprocess
from pathlib import Path

import pytest
from on_littlefs import found

from mailmote_host.board import filesystem

DEVICE = Path(__file__).parent
BLOCKS = 64


@pytest.fixture(scope="module")
def results(micropython, tmp_path_factory):
    """flash -> (operations of the first start, cuts, faults)."""
    beginning = tmp_path_factory.mktemp("flash") / "filesystem.bin"
    beginning.write_bytes(filesystem.empty(BLOCKS * 4096))
    return {flash: rest for flash, *rest in found(micropython, "cut_first_boot.py", beginning, timeout_s=110)}


def test_no_power_cut_after_mailmote_flash_leaves_a_board_that_cannot_start(results):
    """The filesystem came with the image, so the first start writes nothing; then the first files are cut."""
    operations, cuts, faults = results["as flashed"]
    print(f"{cuts} power cuts from the first start on")
    assert operations == 0
    assert faults == []
    assert cuts > 250


def test_micropython_alone_has_a_moment_in_which_a_cut_keeps_it_from_starting(results):
    """Why the filesystem comes with the image; and the proof that such a board would be noticed."""
    operations, _, faults = results["erased"]
    assert operations == 9
    assert faults
    assert {fault.partition(": ")[2] for fault in faults} == {"Corrupted()"}


def test_the_beginning_is_all_that_an_empty_filesystem_has(micropython):
    """What the host makes is byte for byte what MicroPython's mkfs does."""
    code = (
        f"import sys; sys.path.insert(0, {str(DEVICE)!r}); from cut_flash import blank; "
        f"sys.stdout.buffer.write(blank({BLOCKS}))"
    )
    made = subprocess.run([*micropython, "-c", code], capture_output=True, timeout=30, check=True).stdout
    beginning = filesystem.empty(BLOCKS * 4096)
    assert made == beginning + b"\xff" * (len(made) - len(beginning))
