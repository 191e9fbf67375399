"""The files of a board, copied to this computer: all but the secrets, which never leave a board."""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ..errors import HostError, UsageError
from . import link, survey
from .returning import Place

NOT_COPIED = "secrets/"
_ODD = re.compile(r'[<>:"\\|?*\x00-\x1f]|[. ]$')  # what Windows takes in no name


def save(port: str, folder: Path, tell: Callable[[str, float], None] = lambda step, share: None) -> int:
    """Copy every file of the board but its secrets into `folder`, which is made. Returns how many there are.

    The board starts anew afterwards. Raises HostError.
    """
    _make(folder)
    with Place(port).open() as board:
        there = survey.files(board, ("",))
        files = [file for path, file in there.items() if not path.startswith(NOT_COPIED) and path[-1] != "/"]
        total, done = sum(file.size for file in files), 0
        for file in files:
            tell(f"reading {file.path}", done / total if total else 1)
            write(folder, file.path, _read(board, file))
            done += file.size
    return len(files)


def write(folder: Path, path: str, content: bytes) -> Path:
    """Write what a board has under `path` into its place in `folder`, and in no other. Returns that.

    What is there already stays: the place has a longer name then, unless it has this content.
    """
    parts = [_ODD.sub("_", part) for part in path.split("/")]
    place = folder.joinpath(*parts)
    place.parent.mkdir(parents=True, exist_ok=True)
    while place.exists():
        if place.is_file() and place.read_bytes() == content:
            return place
        place = place.with_name(place.name + "_")
    place.write_bytes(content)
    return place


def new_folder() -> Path:
    """A name for a backup of now, in the user's data, not made yet."""
    import platformdirs

    now = datetime.now()
    return platformdirs.user_data_path("mailmote") / "backups" / f"{now:%Y-%m-%d-%H%M%S-%f}"


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty. Name a new folder for the backup.")


def _read(board: link.Link, file: survey.File) -> bytes:
    content = survey.read(board, file.path)
    if content is None or hashlib.sha256(content).hexdigest() != file.sha256:
        raise HostError(
            f"{file.path} did not arrive as it is on the board. Take another cable or USB port, then try "
            "again."
        )
    return content
