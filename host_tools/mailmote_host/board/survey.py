"""What is on a board: its MicroPython, and the SHA-256 of the files that mailmote has to do with.

Nothing here changes anything on the board.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from ..errors import HostError
from .link import CodeError, Link

OLDEST = (1, 24)
_TIMEOUT_S = 30  # of silence: each file that is hashed prints a line
_READ_BYTES = 3072  # in one go: a board makes a line of base64 of it
_NOT_FOUND = 2

_Told = TypeVar("_Told")

_FACTS = """\
import sys, json, binascii
_i = sys.implementation
_own = ""
try:
 import machine
 _own = binascii.hexlify(machine.unique_id()).decode()
except Exception:
 pass
print(json.dumps([_i[0], list(_i[1][:3]), getattr(_i, "_mpy", 0), getattr(_i, "_machine", ""), _own]))
"""

# One line of JSON a file: path, size, SHA-256. What is not there is left out. A folder comes after what is in
# it.
_LIST = """\
import os, json, hashlib, binascii
def _list(path, hashed):
 try:
  kind = os.stat(path or "/")[0]
 except OSError:
  return
 if kind & 0x4000:
  for entry in os.ilistdir(path or "/"):
   _list((path + "/" if path else "") + entry[0], hashed)
  if path:
   print(json.dumps([path + "/", 0, ""]))
  return
 size, digest = 0, hashlib.sha256() if hashed else None
 with open(path, "rb") as file:
  buffer = memoryview(bytearray(512))
  while True:
   count = file.readinto(buffer) if hashed else 0
   if not count:
    break
   size += count
   digest.update(buffer[:count])
 digest = binascii.hexlify(digest.digest()).decode() if hashed else ""
 print(json.dumps([path, size or os.stat(path)[6], digest]))
for _path in %s:
 _list(_path, %r)
"""

_READ = """\
import binascii
with open(%r, "rb") as _f:
 _f.seek(%d)
 print(binascii.b2a_base64(_f.read(%d)))
"""


class Facts(NamedTuple):
    """`version` is that of MicroPython. `mpy` is what it says of the .mpy files that it reads, 0 for none.

    `board_id` is the chip's own number, in hexadecimal; "" where it tells none.
    """

    version: tuple[int, ...]
    mpy: int
    machine: str
    board_id: str = ""

    @property
    def version_text(self) -> str:
        return ".".join(map(str, self.version))


class File(NamedTuple):
    """`sha256` is hexadecimal, or "" where none was asked for. The path of a folder ends with a slash."""

    path: str
    size: int
    sha256: str


class TooOldError(HostError):
    """The board runs no MicroPython that mailmote can use. `runs` says what. The fix is to flash it."""

    def __init__(self, port: str, runs: str):
        oldest = ".".join(map(str, OLDEST))
        super().__init__(
            f"The board on {port} runs {runs}, and mailmote needs MicroPython {oldest} or newer. Put that on "
            "it: `mailmote flash`."
        )
        self.runs = runs


def facts(link: Link) -> Facts:
    """What MicroPython the board runs. Raises TooOldError, LinkError."""
    name, found = _made(_told_facts, link, link.run(_FACTS, _TIMEOUT_S).split(b"\n")[0])
    if name != "micropython":
        raise TooOldError(link.port, name)
    if found.version < OLDEST:
        raise TooOldError(link.port, f"MicroPython {found.version_text}")
    return found


def files(link: Link, paths: Iterable[str], hashed: bool = True) -> dict[str, File]:
    """Path -> file, of those paths that are there, and of all that is within those that are folders.

    A folder comes after its files. The path "" is the root. Raises LinkError.
    """
    printed = link.run(_LIST % (repr(tuple(paths)), hashed), _TIMEOUT_S)
    listed = (_made(_told_file, link, line) for line in printed.split(b"\n") if line.strip())
    return {file.path: file for file in listed}


def read(link: Link, path: str) -> bytes | None:
    """The content of a file, or None if there is none. Raises LinkError."""
    content = b""
    while True:
        try:
            part = b"".join(_chunks(link, path, len(content)))
        except CodeError as error:
            if error.number == _NOT_FOUND:
                return None
            raise
        content += part
        if len(part) < _READ_BYTES:
            return content


def number(link: Link, code: str) -> int:
    """What `code` prints. Raises LinkError, or HostError where that is no number."""
    try:
        return int(link.run(code, _TIMEOUT_S))
    except ValueError:
        raise _garbled(link) from None


def _chunks(link: Link, path: str, offset: int) -> Iterator[bytes]:
    import ast
    import binascii

    printed = link.run(_READ % (path, offset, _READ_BYTES), _TIMEOUT_S)
    try:
        yield binascii.a2b_base64(ast.literal_eval(printed.decode().strip()))
    except (ValueError, SyntaxError):
        raise _garbled(link) from None


def _told_facts(name: str, version: list[int], mpy: int, machine: str, board_id: str) -> tuple[str, Facts]:
    return str(name), Facts(tuple(map(int, version)), int(mpy), str(machine), str(board_id))


def _told_file(path: str, size: int, sha256: str) -> File:
    return File(str(path), int(size), str(sha256))


def _made(make: Callable[..., _Told], link: Link, line: bytes) -> _Told:
    """What a line of the board tells: a list in JSON."""
    try:
        return make(*json.loads(line))
    except (ValueError, TypeError):
        raise _garbled(link) from None


def _garbled(link: Link) -> HostError:
    return HostError(
        f"The board on {link.port} sent something that cannot be read. Take another cable or USB port, then "
        "try again."
    )
