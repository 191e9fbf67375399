"""New files for a board, so that it runs the old ones or the new ones and never some of both.

    plan = staging.plan(board, contents)
    staging.stage(board, plan, tell)      # into the folder next/, as long as it takes
    staging.switch(board, plan)           # the one switch, and every file to its place

What is staged lies in next/ under its path with `=` for each slash: one folder, without the two blocks of
flash and the code that each folder of a tree would take. Once the board has hashed all of it, and all is as
it should be, next/ready is renamed into being: that is the switch. From there on firmware/boot.py, at the
next start, or that same file's program through the link, moves each file to its place.

So a link that breaks before the switch leaves the old version in place, and the next run sends only what is
not there yet; one that breaks after it leaves a board that finishes by itself.
"""

import errno
import hashlib
import json
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from typing import NamedTuple

from .. import carried
from ..errors import HostError
from . import survey
from .contents import Contents
from .link import CodeError, Link

STAGED = "next"
_READY = "next/ready"
_UNFINISHED = "next/tmp"
_SLASH = "="
_CHUNK_BYTES = 2048
_TIMEOUT_S = 30
_SWITCH_TIMEOUT_S = 180  # a hundred files, on a flash that has to move blocks
_RESERVE_BLOCKS = 6  # what littlefs may need to move files to their places

_OPEN = """\
import os
from binascii import a2b_base64 as _a
def _make(path):
 try:
  os.mkdir(path)
 except OSError as error:
  if error.errno != 17:
   raise
def _put(path, data, mode):
 with open(path, mode) as file:
  file.write(_a(data))
for _path in %r:
 _make(_path)
"""
_PUT = "_put(%r, %r, %r)"
_REMOVE = """\
import os
for _path in %r:
 try:
  os.rmdir(_path[:-1]) if _path.endswith("/") else os.remove(_path)
 except OSError as error:
  if error.errno != 2:
   raise
"""
_FREE = "import os\n_s = os.statvfs('/')\nprint(_s[3])"
_SWITCH = f"os.rename({_UNFINISHED!r}, {_READY!r})"

Tell = Callable[[str, float], None]  # what is done, and the share of it, from 0 to 1


class Plan(NamedTuple):
    """`copy` is path -> content of what differs, `remove` what is obsolete, `staged` what waits in next/.

    `lost` are the files that go, or get another content.
    """

    copy: dict[str, bytes]
    remove: tuple[str, ...]
    staged: dict[str, survey.File]
    lost: tuple[str, ...]

    @property
    def size(self) -> int:
        return sum(map(len, self.copy.values()))

    @property
    def changes(self) -> bool:
        return bool(self.copy or self.remove)


class FullError(HostError):
    """The flash of the board is full. The old version is in its place."""


def finish(link: Link) -> bool:
    """Finish what was switched already, if anything was. Raises HostError where it cannot be finished."""
    if not _is_switched(link):
        return False
    link.run((carried.firmware() / "boot.py").read_text(encoding="utf-8"), _SWITCH_TIMEOUT_S)
    if _is_switched(link):
        raise HostError(
            f"The board on {link.port} could not put the new files in their places: its flash is full or "
            "failing. Run this again; if it lasts, copy its files with `mailmote backup`, then `mailmote "
            "flash`."
        )
    return True


def plan(link: Link, contents: Contents) -> Plan:
    """What has to be done for the board to have `contents`. Nothing of it is done. Raises LinkError."""
    wanted = contents.files
    there = survey.files(link, dict.fromkeys((*contents.owned, *wanted, STAGED)))
    staged = {path: there.pop(path) for path in list(there) if path.startswith(STAGED + "/")}
    kept = {*wanted, *(folder + "/" for folder in _folders(wanted))}
    copy = {path: content for path, content in wanted.items() if not _is(there.get(path), content)}
    remove = tuple(path for path in there if path not in kept)
    lost = tuple(path for path in there if path[-1] != "/" and (path in copy or path in remove))
    return Plan(copy, remove, staged, lost)


def stage(link: Link, plan: Plan, tell: Tell) -> int:
    """Put what differs into next/, and have the board prove it. Returns how many octets were sent.

    What an interrupted run has left there is not sent again. Raises FullError, LinkError.
    """
    wanted = {_staged_path(path): content for path, content in plan.copy.items()}
    folders = _folders(plan.copy)
    try:
        link.run(_OPEN % ((STAGED, *folders),), _TIMEOUT_S)
        stale = tuple(path for path in plan.staged if path not in (*wanted, STAGED + "/"))
        if stale:
            link.run(_REMOVE % (stale,), _TIMEOUT_S)
        missing = {path: data for path, data in wanted.items() if not _is(plan.staged.get(path), data)}
        sent = _send(link, missing, sum(map(len, wanted.values())), tell)
        if survey.number(link, _FREE) < _RESERVE_BLOCKS:
            raise CodeError(link.port, "OSError", errno.ENOSPC)
    except CodeError as error:
        if error.number != errno.ENOSPC:
            raise
    else:
        _prove(link, wanted)
        return sent
    clear(link)
    raise FullError(
        f"The flash of the board on {link.port} is full: {_kib(plan.size)} of new files do not fit beside "
        "what is there. The old version is untouched. Remove files that are not mailmote's from the board, "
        "or save them with `mailmote backup` and erase it with `mailmote flash`."
    )


def switch(link: Link, plan: Plan) -> None:
    """Make what is staged, and proven, what the board runs. Raises HostError."""
    content = json.dumps(list(plan.remove)).encode()
    link.run(_OPEN % ((),), _TIMEOUT_S)
    _send(link, {_UNFINISHED: content}, 0, lambda step, share: None)
    link.run(_SWITCH, _TIMEOUT_S)
    finish(link)


def clear(link: Link) -> None:
    """Remove what is staged. Raises LinkError."""
    link.run(_REMOVE % (tuple(survey.files(link, (STAGED,), hashed=False)),), _TIMEOUT_S)


def _is_switched(link: Link) -> bool:
    return _READY in survey.files(link, (_READY,), hashed=False)


def _send(link: Link, files: Mapping[str, bytes], total: int, tell: Tell) -> int:
    """`total` octets are to be there in the end; those that are there already count as sent."""
    size = sum(map(len, files.values()))
    done = max(total - size, 0)
    for path, content in files.items():
        for start in range(0, max(len(content), 1), _CHUNK_BYTES):
            chunk = content[start : start + _CHUNK_BYTES]
            tell(f"copying {_final_path(path)}", done / total if total else 0)
            link.run(_PUT % (path, b2a_base64(chunk, newline=False), "ab" if start else "wb"), _TIMEOUT_S)
            done += len(chunk)
    return size


def _prove(link: Link, wanted: Mapping[str, bytes]) -> None:
    """Raise HostError unless next/ holds these files, and no other."""
    there = survey.files(link, (STAGED,))
    there.pop(STAGED + "/", None)
    if there.keys() != wanted.keys() or not all(_is(there[path], data) for path, data in wanted.items()):
        raise HostError(
            f"What arrived on the board on {link.port} is not what was sent. The old version is in its "
            "place. Take another cable or USB port, then try again."
        )


def _is(file: survey.File | None, content: bytes) -> bool:
    return file is not None and file.sha256 == hashlib.sha256(content).hexdigest()


def _staged_path(path: str) -> str:
    return f"{STAGED}/{path.replace('/', _SLASH)}"


def _final_path(path: str) -> str:
    return path.removeprefix(STAGED + "/").replace(_SLASH, "/")


def _folders(paths: Mapping[str, bytes]) -> list[str]:
    """The folders of these files, each after the one that it is in."""
    folders = set()
    for path in paths:
        parts = path.split("/")[:-1]
        folders |= {"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
    return sorted(folders)


def _kib(octets: int) -> str:
    return f"{-(-octets // 1024)} KiB"
