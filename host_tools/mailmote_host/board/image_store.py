"""The images that were fetched, and the lock file that pins each: where it came from, its size, its SHA-256.

MicroPython publishes no checksums, so the first download of an image, over TLS and sound in itself, says what
it is from then on: a later download, or the file in the cache, must be the same to the bit.
"""

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import HostError
from .image_site import ImageName, parse_name

FOLDER_VARIABLE = "MAILMOTE_FIRMWARE_CACHE"
LOCK_NAME = "images.lock.json"

_LOCK_VERSION = 1
_MAX_LOCK_BYTES = 1 << 20


class StoreError(HostError):
    """The cache or its lock file cannot be used, or an image is not the one that was pinned."""


@dataclass(frozen=True)
class Pin:
    url: str
    size_bytes: int
    sha256: str


class Store:
    """A folder of images. None: $MAILMOTE_FIRMWARE_CACHE, or the user's folder for caches."""

    def __init__(self, folder: Path | None = None):
        self.folder = folder or _default_folder()

    @property
    def lock_file(self) -> Path:
        return self.folder / LOCK_NAME

    def path(self, name: ImageName) -> Path:
        """Where the file is, or would be."""
        return self.folder / name.file

    def has(self, name: ImageName) -> bool:
        """Whether it was fetched. A file that was laid there by hand is no fetched image."""
        return self.path(name).is_file() and self.pin(name.file) is not None

    def names(self) -> list[ImageName]:
        """The images that were fetched, newest first."""
        parsed = (parse_name(path.name) for path in self.folder.glob("*.bin"))
        names = [name for name in parsed if name and self.has(name)]
        return sorted(names, key=lambda name: (name.version, name.day), reverse=True)

    def pin(self, file: str) -> Pin | None:
        """What an image was when it first came. Raises StoreError."""
        return self._pins().get(file)

    @contextmanager
    def incoming(self, name: ImageName) -> Iterator[Path]:
        """A file to download into. It is gone afterwards, unless `keep` took it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{name.file}.{secrets.token_hex(4)}.part"
        try:
            yield path
        finally:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def keep(self, name: ImageName, incoming: Path, url: str) -> Path:
        """Pin what has come, or hold it against its pin; then it is the image in the cache.

        Raises StoreError if it is not what was pinned.
        """
        data = incoming.read_bytes()
        self.check(name.file, data, url)
        pins = self._pins()
        if name.file not in pins:
            pins[name.file] = Pin(url, len(data), hashlib.sha256(data).hexdigest())
            self._write(pins)
        os.replace(incoming, self.path(name))
        return self.path(name)

    def check(self, file: str, data: bytes, source: str = "") -> Pin | None:
        """Hold an image against its pin. Returns the pin, None where there is none. Raises StoreError."""
        pin = self.pin(file)
        if pin is None or (pin.size_bytes, pin.sha256) == (len(data), hashlib.sha256(data).hexdigest()):
            return pin
        if source:
            raise StoreError(
                f"What {source} sends now is not the image that it sent at first (by its SHA-256, in "
                f"{self.lock_file}). It was refused. Somebody may have altered it: compare it on another "
                "network. Only if you are sure that it was published anew, take its entry out of that file."
            )
        raise StoreError(
            f"{file} is not the image that was fetched: its SHA-256 is another. It was damaged or altered "
            f"since. Fetch it anew: `mailmote firmware fetch`, with the board and the version."
        )

    def _pins(self) -> dict[str, Pin]:
        try:
            with self.lock_file.open("rb") as file:
                content = json.loads(file.read(_MAX_LOCK_BYTES))
            if content["version"] != _LOCK_VERSION:
                raise ValueError(content["version"])
            return {name: Pin(**entry) for name, entry in content["images"].items()}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            broken = StoreError(
                f"The lock file {self.lock_file} is damaged, so no image can be held against it. Delete "
                "it together with the images in its folder, and fetch them anew."
            )
        raise broken

    def _write(self, pins: dict[str, Pin]) -> None:
        content = {"version": _LOCK_VERSION, "images": {name: asdict(pins[name]) for name in sorted(pins)}}
        path = self.folder / f"{LOCK_NAME}.{secrets.token_hex(4)}.part"
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        os.replace(path, self.lock_file)


def _default_folder() -> Path:
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("mailmote", appauthor=False) / "firmware"
