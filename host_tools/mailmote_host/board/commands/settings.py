"""The mote.toml of a command that goes to a board with it."""

from pathlib import Path
from typing import Any

from ... import check, settings_file
from ...errors import HostError, UsageError
from .steps import say


def load(path: Path) -> dict[str, Any]:
    """The settings; warnings are told. Raises HostError with every mistake, UsageError for no file."""
    loaded = settings_file.load(path, check.drivers())
    problems = [str(problem) for problem in loaded.problems]
    if loaded.settings is None:
        raise (HostError if loaded.found else UsageError)("\n".join(["nothing was changed.", *problems]))
    for problem in problems:
        say(problem)
    return loaded.settings
