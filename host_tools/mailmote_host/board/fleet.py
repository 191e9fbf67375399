"""Many boards at once: who is served next, what came of each, and where a second run goes on.

What is done with a board is handed in as `work`; nothing here knows a port or a screen. The report is a file
of JSON beside the CSV, written anew whenever a board is finished: a row that is done with the same digest
(of all that its board was to get) is left alone by the next run, if it is still the same board.
"""

import json
import os
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import HostError, in_words

WAITING, WORKING, DONE, FAILED, STOPPED = "waiting", "working", "done", "failed", "stopped"
_VERSION = 1
_REFRESH_S = 0.2


class Stopped(Exception):
    """Raised in `work` by its `tell`, once a person has stopped the run."""


@dataclass
class Board:
    """One row of the fleet. `digest` changes with anything that the board is to get.

    `at` is when it came to its end; `before`: in an earlier run.
    """

    port: str
    name: str
    digest: str
    state: str = WAITING
    step: str = ""
    share: float = 0.0  # of the step, from 0 to 1
    error: str = ""
    at: str = ""
    before: bool = False
    result: dict[str, Any] = field(default_factory=dict)


# Provisions one board: (its place in the list, tell(step, share)) -> what came of it. Raises HostError.
Tell = Callable[[str, float], None]
Work = Callable[[int, Tell], Mapping[str, Any]]
# Whether the board at a place in the list may be the one that an earlier run came to this result with.
Recognise = Callable[[int, Mapping[str, Any], Tell], bool]


def anything(index: int, result: Mapping[str, Any], tell: Tell) -> bool:
    """The Recognise that takes every board for the one of before."""
    return True


class Fleet:
    """The boards of one file, in its order. Those that an earlier run has finished are looked at alone."""

    def __init__(self, boards: Sequence[Board], report: Path, again: bool = False):
        self.boards = list(boards)
        self._report = report
        self._stop = threading.Event()
        self._lock = threading.Lock()
        earlier = _earlier(report)  # or the error: a file that is something else is not written over
        if not again:
            self._take_over(earlier)

    @property
    def failed(self) -> int:
        """How many are not done."""
        return sum(board.state != DONE for board in self.boards)

    def run(self, work: Work, at_once: int, recognise: Recognise = anything) -> Generator[None, None, None]:
        """Do the work for each board that is not done. Yields now and then, for the screen to be renewed.

        Leaving the loop early stops: what waits is not begun, what is at work ends with its next `tell`.
        """
        self._save()  # or the error, before a board is touched
        with ThreadPoolExecutor(max_workers=at_once) as pool:
            futures = [pool.submit(self._serve, work, recognise, index) for index in range(len(self.boards))]
            changed = threading.Event()
            for future in futures:
                future.add_done_callback(lambda _: changed.set())
            try:
                while not all(future.done() for future in futures):
                    changed.wait(_REFRESH_S)
                    changed.clear()
                    yield
            finally:
                self._stop.set()
        for future in futures:
            future.result()

    def _serve(self, work: Work, recognise: Recognise, index: int) -> None:
        board = self.boards[index]

        def tell(step: str, share: float) -> None:
            if self._stop.is_set():
                raise Stopped
            board.step, board.share = step, share

        if self._stop.is_set():
            board.state = DONE if board.before else STOPPED
            return
        try:
            if board.before and _is_still_done(board, lambda: recognise(index, board.result, tell)):
                return
            board.state, board.before, board.result = WORKING, False, {}
            board.result = dict(work(index, tell))
            board.state = DONE
        except Stopped:
            board.state = STOPPED
        except Exception as error:  # one board's trouble is not that of the others
            board.state, board.error = FAILED, in_words(error)
        board.at = datetime.now(UTC).isoformat(timespec="seconds")
        self._save()

    def _take_over(self, earlier: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
        for board in self.boards:
            found = earlier.get((board.port, board.digest))
            if found and found.get("state") == DONE:
                board.before, board.at, board.result = True, str(found.get("at", "")), dict(found["result"])

    def _save(self) -> None:
        temporary = self._report.with_name(self._report.name + ".tmp")
        with self._lock:  # from the look at the boards on: a later one must not be overtaken by an earlier
            content = {"version": _VERSION, "boards": [_kept(board) for board in self.boards]}
            temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False), encoding="utf-8")
            os.replace(temporary, self._report)


def _kept(board: Board) -> dict[str, Any]:
    """For the report: what was done before is so until it is found otherwise."""
    return asdict(board) | ({"state": DONE} if board.before else {})


def _is_still_done(board: Board, recognised: Callable[[], bool]) -> bool:
    """A stop leaves it as the earlier run has left it."""
    board.state = WORKING
    try:
        still = recognised()
    except Stopped:
        still = True
    if still:
        board.state = DONE
    return still


def _earlier(report: Path) -> dict[tuple[str, str], Mapping[str, Any]]:
    """By port and digest, what an earlier run came to. Raises HostError for a file that is something else."""
    try:
        found = json.loads(report.read_text(encoding="utf-8"))
        if found["version"] != _VERSION:
            raise ValueError
        if not all(isinstance(board.get("result"), dict) for board in found["boards"]):
            raise ValueError
        return {(board["port"], board["digest"]): board for board in found["boards"]}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise HostError(
            f"{report} is no report of mailmote. Move it away, or name another one with --report."
        ) from None
