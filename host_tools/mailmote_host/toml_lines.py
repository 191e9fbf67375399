"""Where each key of a TOML document stands.

`tomllib` tells no positions, so this walks the text a second time. It looks only at what separates keys from
values; that the text is TOML (1.0, https://toml.io/en/v1.0.0) is for tomllib to say first.
"""

import bisect
import re
import tomllib

Path = tuple[str | int, ...]

_BLANK = re.compile(r"[ \t]*")
_BETWEEN = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]+")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)


def locate(text: str) -> dict[Path, int]:
    """The line, counted from 1, of each key, table and list entry, by its path. `text` is valid TOML."""
    return _Walk(text.replace("\r\n", "\n")).run()


class _Walk:
    def __init__(self, text: str):
        self._text = text
        self._at = 0
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._lines: dict[Path, int] = {}
        self._entries: dict[Path, int] = {}  # arrays of tables: the place of the latest entry

    def run(self) -> dict[Path, int]:
        table: Path = ()
        self._skip(_BETWEEN)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BETWEEN)
        return self._lines

    def _header(self) -> Path:
        start = self._at
        double = self._text.startswith("[[", start)
        self._at += 2 if double else 1
        keys = self._keys()
        self._at += 2 if double else 1
        path = self._inside((), keys[:-1], start)
        path = (*path, keys[-1])
        if double:
            self._mark(path, start)
            self._entries[path] = self._entries.get(path, -1) + 1
        if path in self._entries:
            path = (*path, self._entries[path])
        self._mark(path, start)
        return path

    def _inside(self, path: Path, keys: list[str], start: int) -> Path:
        for key in keys:
            path = (*path, key)
            self._mark(path, start)
            if path in self._entries:
                path = (*path, self._entries[path])
        return path

    def _pair(self, table: Path) -> None:
        start = self._at
        keys = self._keys()
        path = (*self._inside(table, keys[:-1], start), keys[-1])
        self._mark(path, start)
        self._at += 1  # the equals sign
        self._skip(_BLANK)
        self._value(path)

    def _keys(self) -> list[str]:
        """A key, dotted or not, and the blanks around its parts."""
        keys = []
        while True:
            self._skip(_BLANK)
            string = _STRING.match(self._text, self._at)
            if string is None:
                keys.append(self._take(_BARE_KEY))
            else:
                keys.append(tomllib.loads("key = " + self._take(_STRING))["key"])
            self._skip(_BLANK)
            if self._text[self._at] != ".":
                return keys
            self._at += 1

    def _value(self, path: Path) -> None:
        first = self._text[self._at]
        if first == "[":
            self._items(path, "]")
        elif first == "{":
            self._items(path, "}")
        elif first in "\"'":
            self._take(_STRING)
        else:
            self._take(_SCALAR)

    def _items(self, path: Path, end: str) -> None:
        """A list or an inline table."""
        self._at += 1
        index = 0
        self._skip(_BETWEEN)
        while self._text[self._at] != end:
            if end == "}":
                self._pair(path)
            else:
                self._mark((*path, index), self._at)
                self._value((*path, index))
                index += 1
            self._skip(_BETWEEN)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(_BETWEEN)
        self._at += 1

    def _mark(self, path: Path, start: int) -> None:
        self._lines.setdefault(path, bisect.bisect_left(self._newlines, start) + 1)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError(f"not TOML at character {self._at}")
        self._at = found.end()
        return found[0]
