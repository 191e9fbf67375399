"""The image of MicroPython for a board: found on the site or in the cache, fetched, and checked.

An image goes on a board only after `verified`: magic, checksums and digests of bootloader, partition table
and app, the chip that all of them are for, the version, the size of the flash, and the pin in the lock file.
"""

import re
from pathlib import Path
from typing import NamedTuple

from ..errors import HostError, UsageError
from . import image_header
from .boards import Board
from .image_header import ImageError, MicroPythonImage
from .image_site import MAX_IMAGE_BYTES, ImageName, Release, Site, SiteError, Tell, parse_name
from .image_store import Store, StoreError

OLDEST = (1, 24, 0)  # what the firmware of mailmote needs

_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")
_OLDEST_TEXT = "1.24"


class Listed(NamedTuple):
    """An image that can be had. `url` is None where the site does not have it, or was not asked."""

    name: ImageName
    url: str | None
    cached: bool


def parse_version(text: str) -> tuple[int, int, int]:
    """Of `1.25.0`, `v1.25.0` or `1.25`. Raises UsageError, also for one that is too old for mailmote."""
    found = _VERSION.fullmatch(text.strip())
    if not found:
        raise UsageError(f"{text!r} is no version of MicroPython. Give one such as 1.25.0.")
    version = (int(found[1]), int(found[2]), int(found[3] or 0))
    if version < OLDEST:
        raise UsageError(f"MicroPython {text} is too old: mailmote needs {_OLDEST_TEXT} or newer.")
    return version


def listed(board: Board, releases: list[Release], store: Store) -> list[Listed]:
    """What there is for a board, newest first, without what is too old."""
    urls = {release.name: release.url for release in releases}
    cached = set(store.names())
    names = [name for name in {*urls, *cached} if name.board == board.image.id and name.version >= OLDEST]
    names.sort(key=lambda name: (name.version, name.day), reverse=True)
    return [Listed(name, urls.get(name), name in cached) for name in names]


def fetch(board: Board, version: str | None, site: Site, store: Store, tell: Tell) -> Path:
    """The image of a board in the cache: the one with that version, or the latest stable one.

    One that is there and sound is not downloaded again. Raises HostError.
    """
    wanted = parse_version(version) if version else None
    if wanted and (name := _cached(board, wanted, store)) and _is_sound(board, name, store):
        return store.path(name)
    release = _released(board, wanted, site)
    if _is_sound(board, release.name, store):
        return store.path(release.name)
    with store.incoming(release.name) as incoming:
        site.download(release, incoming, tell)
        checked(incoming, board.chip, release.name)
        return store.keep(release.name, incoming, release.url)


def fetch_or_cached(board: Board, version: str | None, site: Site, store: Store, tell: Tell) -> Path:
    """As `fetch`; where the site cannot be reached, the newest in the cache will do. Raises HostError.

    One in the cache that was altered is refused, not replaced.
    """
    wanted = parse_version(version) if version else None
    try:
        if name := _cached(board, wanted, store) if wanted else None:
            path = store.path(name)
        else:
            release = _released(board, wanted, site)
            path = store.path(release.name)
            if not store.has(release.name):
                return fetch(board, version, site, store, tell)
    except SiteError:
        name = _cached(board, wanted, store)
        if name is None:
            raise
        path = store.path(name)
    verified(path, board.chip, store)
    return path


def verified(path: Path, chip: str | None, store: Store, flash_bytes: int | None = None) -> MicroPythonImage:
    """An image on disk, held against all that is known. Raises HostError.

    `chip` None: whichever chip its header tells. `flash_bytes` None: the flash is not known.
    """
    name = parse_name(path.name)
    image, data = _checked(path, chip, name)
    store.check(path.name, data)
    if flash_bytes is not None:
        _check_size(path, image, flash_bytes)
    return image


def checked(path: Path, chip: str | None, name: ImageName | None = None) -> MicroPythonImage:
    """An image on disk, held against itself and what its name tells. Raises HostError."""
    return _checked(path, chip, name)[0]


def _checked(path: Path, chip: str | None, name: ImageName | None) -> tuple[MicroPythonImage, bytes]:
    data = _read(path)
    try:
        image = image_header.verify_micropython(data, chip or image_header.read(data).chip)
    except ImageError as error:
        raise ImageError(f"{path.name}: {error}") from None
    version = parse_version(image.version.partition("-")[0])
    if name and name.version != version:
        raise ImageError(
            f"{path.name} holds MicroPython {image.version}, which is not what its name tells. Fetch it anew."
        )
    return image, data


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_IMAGE_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}. Give the path of an image.") from None
    except OSError as error:
        raise HostError(f"{path} cannot be read: {error.strerror}. Check its name and permissions.") from None
    if len(data) > MAX_IMAGE_BYTES:
        raise ImageError(f"{path.name} is larger than any flash. It is no image for a board.")
    if data.lstrip()[:1] == b"<":
        raise ImageError(
            f"{path.name} is a web page, not an image: perhaps that of a network which wanted a sign-in. "
            "Fetch the image anew."
        )
    return data


def _check_size(path: Path, image: MicroPythonImage, flash_bytes: int) -> None:
    begins = image_header.BOOTLOADER_OFFSETS.get(image.chip, 0)
    ends = max([begins + image.size_bytes, *(part.offset + part.size_bytes for part in image.partitions)])
    if ends > flash_bytes:
        raise ImageError(
            f"{path.name} is made for a flash of {_mb(ends)} MB, and this board's has {_mb(flash_bytes)} MB. "
            "Take the image of a board with that flash: see `mailmote boards`."
        )


def _mb(size: int) -> str:
    return f"{size / (1 << 20):.3g}"


def _cached(board: Board, version: tuple[int, int, int] | None, store: Store) -> ImageName | None:
    names = [name for name in store.names() if name.board == board.image.id and name.version >= OLDEST]
    return next((name for name in names if version in (None, name.version)), None)


def _is_sound(board: Board, name: ImageName, store: Store) -> bool:
    if not store.has(name):
        return False
    try:
        verified(store.path(name), board.chip, store)
    except (ImageError, StoreError):
        return False
    return True


def _released(board: Board, version: tuple[int, int, int] | None, site: Site) -> Release:
    releases = [
        release for release in site.releases(board.image.board) if release.name.board == board.image.id
    ]
    for release in releases:
        if version in (None, release.name.version) and release.name.version >= OLDEST:
            return release
    known = ", ".join(release.name.version_text for release in releases[:8])
    there = f"There are: {known}." if known else "Its page names no stable image."
    if version:
        raise UsageError(f"{site.url} has no version {'.'.join(map(str, version))} for {board.name}. {there}")
    raise SiteError(
        f"{site.url} has no MicroPython {_OLDEST_TEXT} or newer for {board.name} ({board.image.id}). {there} "
        "Give an image yourself: --image FILE."
    )
