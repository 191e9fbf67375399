"""The progress of work on a board, as a bar on standard error where that is a terminal."""

import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from ..provisioning import ASKING


class Steps:
    """`tell` is what the work calls. `pause` takes the bar away, for a question or for what it is about.

    A step in which a person is asked pauses it, too.
    """

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        self._progress = Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal, redirect_stdout=False
        )
        self._task = self._progress.add_task("", total=1)

    def tell(self, step: str, share: float) -> None:
        if step == ASKING:
            self.pause()
            return
        self._progress.start()
        self._progress.update(self._task, description=step, completed=share)

    def pause(self) -> None:
        self._progress.stop()

    def __enter__(self) -> "Steps":
        return self

    def __exit__(self, *exception: object) -> None:
        self.pause()


def has_terminal() -> bool:
    """Whether there is somebody to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def say(text: str) -> None:
    """To whoever watches: standard output is for the result."""
    print(text, file=sys.stderr)
