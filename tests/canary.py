"""Looks for secrets where none may be: whole or in pieces, as they are, in base64, and as a URL has them.

A search belongs to a test, which says at its end what it has searched; the run ends with the sum of them.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

PIECE = 24
"""So many characters of a secret in a row are a leak, and all of one that is shorter."""

_BLOCK = 12
_EMPTY_FLASH = re.compile(rb"[\x00\xff]{16,}")
_BLANKS = re.compile(rb"\s+|\\[nrt]")


class Form(NamedTuple):
    """A way in which a secret may be written."""

    secret: str
    how: str
    octets: bytes


class Find(NamedTuple):
    """What was found: `octets` of the secret, `start` being where in it they begin."""

    place: str
    secret: str
    how: str
    start: int
    octets: int

    def __str__(self) -> str:
        return f"{self.place}: {self.octets} octets of {self.secret}, {self.how}, from octet {self.start} on"


def forms(name: str, secret: bytes) -> Iterator[Form]:
    """All of them. In base64 a secret looks another way for each place in a group of three octets."""
    yield Form(name, "plain", _BLANKS.sub(b"", secret))
    quoted = quote(secret, safe="").encode()
    if quoted != secret:
        yield Form(name, "in a URL", quoted)
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret)
        # Without the characters at both ends that hold bits of something else.
        sure = encoded[(before * 8 + 5) // 6 : (before + len(secret)) * 8 // 6]
        yield Form(name, f"base64 after {before}", sure)
        safe = sure.replace(b"+", b"-").replace(b"/", b"_")
        if safe != sure:
            yield Form(name, f"base64url after {before}", safe)


class Search:
    """Searches place after place for the secrets, each of at least 16 octets: less might be chance."""

    def __init__(self, secrets: Mapping[str, bytes] | None = None) -> None:
        self.places = 0
        self.octets = 0
        self.finds: list[Find] = []
        self._secrets: set[bytes] = set()
        self._index: dict[bytes, list[tuple[Form, int]]] = {}
        for name, secret in (secrets or {}).items():
            self.add(name, secret)

    def add(self, name: str, secret: bytes) -> None:
        """One more to look for, from now on."""
        if secret in self._secrets:
            return
        self._secrets.add(secret)
        for form in forms(name, secret):
            assert len(form.octets) >= 16, f"{name} is too short to be told from chance"
            for start in range(0, len(form.octets) - _BLOCK + 1, _BLOCK):
                self._index.setdefault(form.octets[start : start + _BLOCK], []).append((form, start))

    def look(self, place: str, content: bytes | str) -> list[Find]:
        """Search one place, as it is, and without blanks and line ends, as a person would put it together."""
        octets = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        self.places += 1
        self.octets += len(octets)
        parts = _EMPTY_FLASH.split(octets)
        together = [_BLANKS.sub(b"", part) for part in parts]
        found = {find for part in (*parts, *together) for find in self._in(place, part)}
        self.finds += sorted(found)
        return sorted(found)

    def look_in_folder(self, folder: Path, but: Iterable[str] = ()) -> None:
        """Each file below, its name too, but for those of that name and those in a folder of that name."""
        without = set(but)
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.is_file() and not without & set(inside.parts):
                self.look(f"name of {inside}", str(inside))
                self.look(f"file {inside}", path.read_bytes())

    def look_at_repr(self, place: str, thing: Any) -> None:
        """What a traceback, a log line or a debugger would show of an object."""
        self.look(f"repr of {place}", f"{thing!r} {thing} {[thing]}")

    def look_at_exception(self, place: str, error: BaseException) -> None:
        """Its texts and those of all that led to it."""
        seen: set[int] = set()
        waiting: list[BaseException | None] = [error]
        while waiting:
            one = waiting.pop()
            if one is not None and id(one) not in seen:
                seen.add(id(one))
                self.look(f"exception, {place}", f"{one!s} {one!r} {one.args!r}")
                waiting += [one.__cause__, one.__context__]

    def assert_clean(self, at_least: int) -> None:
        """Nothing was found, and so many places were searched at least."""
        shown = "\n".join(dict.fromkeys(map(str, self.finds)))
        assert not self.finds, f"{len(self.finds)} finds:\n{shown}"
        assert self.places >= at_least, f"only {self.places} places were searched"

    def _in(self, place: str, octets: bytes) -> Iterator[Find]:
        index = self._index
        for position in range(len(octets) - _BLOCK + 1):
            block = octets[position : position + _BLOCK]
            if block in index:
                for form, start in index[block]:
                    first, last = _extended(octets, position, form.octets, start)
                    if last - first >= min(PIECE, len(form.octets)):
                        yield Find(place, form.secret, form.how, first, last - first)


def _extended(octets: bytes, position: int, secret: bytes, start: int) -> tuple[int, int]:
    """From where to where in `secret` the octets around `position`, which is at its `start`, are the same."""
    first, last = start, start + _BLOCK
    shift = position - start
    while first > 0 and first + shift > 0 and octets[first + shift - 1] == secret[first - 1]:
        first -= 1
    while last < len(secret) and last + shift < len(octets) and octets[last + shift] == secret[last]:
        last += 1
    return first, last


def write(terminal: Any) -> None:
    """End the test run with what its searches came to; nothing where there was none."""
    # What a fixture tells at its end is in the report of the teardown, which has no outcome of its own.
    reports = [report for report in terminal.stats.get("", ()) if report.when == "teardown"]
    told = [value for report in reports for value in _told(report)]
    if told:
        places, octets, finds = map(sum, zip(*told, strict=True))
        terminal.section("canary")
        terminal.write_line(f"canary: {places} places searched, {octets} bytes, {finds} finds")


def _told(report: Any) -> Iterator[list[int]]:
    return (value for name, value in getattr(report, "user_properties", ()) if name == "canary")
