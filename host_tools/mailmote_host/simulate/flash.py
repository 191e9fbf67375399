"""A board's flash: what littlefs keeps over a power cut, and what it does not.

As measured on the real one: what was not closed or flushed is gone; until then the old content stays; a new
file is there with no content as soon as it is opened; rename is atomic, onto an existing file too; leaving a
`with` by an exception closes, and so keeps, what was written.

`Files` is what a board's program sees as `open` and `os`. A fuse cuts the power at its nth operation from
now, before that has happened or after.
"""

import errno
import io
import os
import stat
from collections.abc import Callable


class PowerCut(BaseException):
    """The power is gone. No program catches that."""


class Flash:
    """What is kept: contents by path, and the folders."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.folders: set[str] = {""}
        self.operations = 0


class Files:
    """The filesystem as one life of a board has it, from power-on to power cut. `on_cut` hears of its end."""

    def __init__(self, flash: Flash, on_cut: Callable[[], None]) -> None:
        self.flash = flash
        self.dead = False
        self._on_cut = on_cut
        self._fuse: int | None = None
        self._whole = False

    def set_fuse(self, operations: int, whole: bool) -> None:
        """Cut the power at that operation from now on, from 1; `whole`: the operation still happens."""
        self._fuse, self._whole = operations, whole

    def clear_fuse(self) -> None:
        self._fuse = None

    def change(self, effect: Callable[[], None]) -> None:
        """One operation that changes the flash. Raises PowerCut."""
        self.check()
        self.flash.operations += 1
        if self._fuse is None:
            effect()
            return
        self._fuse -= 1
        if self._fuse or self._whole:
            effect()
        if not self._fuse:
            self.dead = True
            self._on_cut()
            raise PowerCut

    def check(self) -> None:
        if self.dead:
            raise PowerCut

    # What a program calls

    def open(self, path: str, mode: str = "r", encoding: str | None = None) -> io.IOBase:
        self.check()
        name = _normal(path)
        if "w" in mode or "a" in mode:
            self._folder_of(name)
            if name not in self.flash.contents:
                self.change(lambda: self.flash.contents.update({name: b""}))
            octets: io.BytesIO = _Written(self, name, self.flash.contents[name] if "a" in mode else b"")
        elif name in self.flash.contents:
            octets = io.BytesIO(self.flash.contents[name])
        else:
            raise _error(errno.EISDIR if name in self.flash.folders else errno.ENOENT, path)
        return octets if "b" in mode else io.TextIOWrapper(octets, encoding or "utf-8", newline="")

    def mkdir(self, path: str, mode: int = 0o777) -> None:
        self.check()
        name = _normal(path)
        self._folder_of(name)
        if name in self.flash.folders or name in self.flash.contents:
            raise _error(errno.EEXIST, path)
        self.change(lambda: self.flash.folders.add(name))

    def remove(self, path: str) -> None:
        name = self._existing(path)
        self.change(lambda: self.flash.contents.__delitem__(name))

    def rename(self, source: str, target: str) -> None:
        old, new = self._existing(source), _normal(target)
        self._folder_of(new)

        def move() -> None:
            self.flash.contents[new] = self.flash.contents.pop(old)

        self.change(move)

    def listdir(self, path: str = "") -> list[str]:
        self.check()
        folder = _normal(path)
        if folder not in self.flash.folders:
            raise _error(errno.ENOENT, path)
        start = len(folder) + 1 if folder else 0
        paths = [*self.flash.contents, *sorted(self.flash.folders - {""})]
        return [path[start:] for path in paths if path.rpartition("/")[0] == folder]

    def stat(self, path: str) -> os.stat_result:
        self.check()
        name = _normal(path)
        if name in self.flash.folders:
            return os.stat_result((stat.S_IFDIR | 0o700, 0, 0, 1, 0, 0, 0, 0, 0, 0))
        size = len(self.flash.contents[self._existing(path)])
        return os.stat_result((stat.S_IFREG | 0o600, 0, 0, 1, 0, 0, size, 0, 0, 0))

    def _existing(self, path: str) -> str:
        self.check()
        name = _normal(path)
        if name not in self.flash.contents:
            raise _error(errno.ENOENT, path)
        return name

    def _folder_of(self, name: str) -> None:
        if name.rpartition("/")[0] not in self.flash.folders:
            raise _error(errno.ENOENT, name)


class _Written(io.BytesIO):
    """An open file: what is in it gets to the flash when it is flushed or closed."""

    def __init__(self, files: Files, name: str, content: bytes) -> None:
        super().__init__(content)
        self.seek(0, io.SEEK_END)
        self._files = files
        self._name = name
        self._changed = True  # opening for writing empties the file, once it is closed

    def write(self, data: object) -> int:
        self._files.check()
        self._changed = True
        return super().write(data)  # pyright: ignore[reportArgumentType] - it checks that itself

    def flush(self) -> None:
        if self._changed and not self.closed and not self._files.dead:
            self._changed = False
            content = self.getvalue()
            self._files.change(lambda: self._files.flash.contents.update({self._name: content}))

    def close(self) -> None:
        try:
            self.flush()
        finally:
            super().close()


def _normal(path: str) -> str:
    name = path.removeprefix("./").strip("/")
    return "" if name == "." else name


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)
