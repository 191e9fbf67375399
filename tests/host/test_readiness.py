"""A board whose port goes away with its reset, as native USB does, is asked whether it is ready."""

import pytest
from mote_file import MOTE

from mailmote_host import check, settings_file
from mailmote_host.board import contents, firmware, link, readiness
from mailmote_host.board.ports import PortError, gone


class VanishingLink:
    """A link whose port is gone once the board was told to start anew."""

    def __init__(self, board):
        self.port = board.port
        self._board = board

    def restart(self):
        self._board.reset()
        raise gone(self.port)

    def release(self):
        pass


@pytest.fixture
def start(make):
    """A board that has these files, and runs."""
    return lambda files: make(files, secrets={"wifi.password": b"canary-wifi"})


def test_a_ready_line_that_nobody_heard_is_asked_for(start, tmp_path):
    (tmp_path / "mote.toml").write_text(MOTE)
    settings = settings_file.load(tmp_path / "mote.toml", check.drivers()).settings
    board = start(firmware.files() | contents.settings_for(settings, tmp_path).files)
    ready = readiness.restart(VanishingLink(board), 30, lambda line: None)
    assert ready == "Ready: mailmote 0.1.0, freezer-3, as it answers."


def test_an_answer_that_lacks_something_is_told_as_it_is(start):
    answering = b"""import sys
typed = ""
while True:
    typed += sys.stdin.read(1)
    if typed.endswith("status\\r"):
        print('\\x1e{"answer": "status", "name": 7}')
"""
    ready = readiness.restart(VanishingLink(start({"main.py": answering})), 30, lambda line: None)
    assert ready == "Ready: mailmote ?, 7, as it answers."


def test_a_board_whose_program_has_ended_is_told(start):
    board = start({"main.py": b"print('done')\n"})
    with pytest.raises(readiness.NotReadyError, match="did not say within 30 s that it is ready"):
        readiness.restart(VanishingLink(board), 30, lambda line: None)


class GivenUp(Exception):
    pass


def gives_up(calls):
    """Something to call that raises at the last of so many calls."""
    left = iter(range(calls - 1))

    def called():
        if next(left, None) is None:
            raise GivenUp

    return called


def test_to_wait_can_be_given_up_at_any_time(start):
    board = start({"main.py": b"while True: pass\n"})
    with pytest.raises(GivenUp):
        readiness.restart(link.open(board.port), 3600, lambda line: None, gives_up(3))


def test_to_ask_a_board_whose_port_went_away_can_be_given_up_at_any_time(start):
    board = start({"main.py": b"while True: pass\n"})
    with pytest.raises(GivenUp):
        readiness.restart(VanishingLink(board), 3600, lambda line: None, gives_up(5))


def test_a_port_that_does_not_come_back_is_waited_for_and_told(start):
    board = start({})
    board.cut_power()
    vanished = VanishingLink(board)
    vanished.port = "/dev/nowhere"
    vanished.restart = lambda: (_ for _ in ()).throw(PortError("gone", "gone"))
    with pytest.raises(readiness.NotReadyError, match="/dev/nowhere has all files"):
        readiness.restart(vanished, 0.5, lambda line: None)
