"""The program `mailmote`, and what a board that it works on says."""

import sys
import time

MAILMOTE = [sys.executable, "-c", "import sys; from mailmote_host.cli import main; sys.exit(main())"]


def until_said(board, words, count=1, timeout_s=30):
    """Wait until the board has said `words`, so many times."""
    deadline_s = time.monotonic() + timeout_s
    while board.said.count(words) < count:
        assert time.monotonic() < deadline_s, board.said
        time.sleep(0.005)
