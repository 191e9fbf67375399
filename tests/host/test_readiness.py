"""A board whose port goes away with its reset, as native USB does, is asked whether it is ready."""

import pytest
from mote_file import MOTE

from mailmote_host import check, settings_file
from mailmote_host.board import contents, firmware, readiness
from mailmote_host.board.ports import PortError, gone
from mailmote_host.virtual.serial_board import SerialBoard


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
def start(tmp_path):
    """A board that has these files, and runs."""
    boards = []

    def started(files):
        board = SerialBoard(tmp_path / "board", files, {"wifi.password": b"canary-wifi"})
        boards.append(board)
        board.start()
        return board

    yield started
    for board in boards:
        board.__exit__()


def test_a_ready_line_that_nobody_heard_is_asked_for(start, tmp_path):
    (tmp_path / "mote.toml").write_text(MOTE)
    settings = settings_file.load(tmp_path / "mote.toml", check.drivers()).settings
    board = start(firmware.files() | contents.settings_for(settings, tmp_path).files)
    ready = readiness.restart(VanishingLink(board), 30, lambda line: None)
    assert ready == "Ready: mailmote 0.1.0, freezer-3, as it answers."


def test_a_board_whose_program_has_ended_is_told(start):
    board = start({"main.py": b"print('done')\n"})
    with pytest.raises(readiness.NotReadyError, match="did not say within 30 s that it is ready"):
        readiness.restart(VanishingLink(board), 30, lambda line: None)


def test_a_port_that_does_not_come_back_is_waited_for_and_told(start):
    board = start({})
    board.cut_power()
    link = VanishingLink(board)
    link.port = "/dev/nowhere"
    link.restart = lambda: (_ for _ in ()).throw(PortError("gone", "gone"))
    with pytest.raises(readiness.NotReadyError, match="/dev/nowhere has all files"):
        readiness.restart(link, 0.5, lambda line: None)
