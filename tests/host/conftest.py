"""What tests of the host tools share."""

import pytest

from mailmote_host.virtual.serial_board import SerialBoard


@pytest.fixture
def make(tmp_path):
    """A board with these files (None: its flash is erased), started; none outlives its test."""
    boards = []

    def made(files=None, **options):
        board = SerialBoard(tmp_path / f"board{len(boards)}", files, **options)
        boards.append(board)
        board.start()
        return board

    yield made
    for board in boards:
        board.__exit__()
