"""`mailmote firmware`: the images of MicroPython, on the site and in the cache."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ...errors import HostError, UsageError
from .. import boards, images
from ..image_site import DEFAULT_SITE, SITE_VARIABLE, Release, Site, SiteError
from ..image_store import Store
from . import options
from .steps import Steps, say

EXAMPLE = """\b
Example:
  mailmote firmware list --board esp32-c3
  mailmote firmware fetch --board esp32-c3
  mailmote firmware verify"""

_DONE, _FAILED = 0, 1

_site = click.option(
    "--site",
    metavar="URL",
    help=f"take images from there, not from {DEFAULT_SITE} (also: {SITE_VARIABLE})",
)


@click.group(epilog=EXAMPLE)
def command() -> None:
    """List, fetch and verify images of MicroPython.

    They are kept in a cache, with a lock file that pins where each came from, its size and its SHA-256.
    """


@command.command("list", epilog="\b\nExample:\n  mailmote firmware list --board esp32-c3")
@click.option("--board", metavar="BOARD", help="a board of `mailmote boards` (default: each of them)")
@_site
@options.as_json
def list_images(board: str | None, site: str | None, as_json: bool) -> int:
    """List the versions on the site and in the cache. Exit code 1 if the site cannot be reached."""
    chosen = (boards.named(board),) if board else boards.known()
    there, store = Site(site), Store()
    released, trouble = _released(there, sorted({one.image.board for one in chosen}))
    rows = [(one, images.listed(one, released.get(one.image.board, []), store)) for one in chosen]
    if trouble:
        say(f"{trouble} Listed is what was fetched before.")
    if as_json:
        content = {
            "site": there.url,
            "error": str(trouble) if trouble else None,
            "cache": str(store.folder),
            "images": [_to_json(one, image) for one, found in rows for image in found],
        }
        click.echo(json.dumps(content, indent=2))
    else:
        _print(rows)
    return _FAILED if trouble else _DONE


def _released(site: Site, pages: Sequence[str]) -> tuple[dict[str, list[Release]], SiteError | None]:
    """What each page has; where the site cannot be asked, nothing more, and why."""
    released: dict[str, list[Release]] = {}
    with Steps() as steps:
        for done, page in enumerate(pages):
            steps.tell(f"reading the page of {page}", done / len(pages))
            try:
                released[page] = site.releases(page)
            except SiteError as error:
                return released, error
    return released, None


def _to_json(board: boards.Board, image: images.Listed) -> dict[str, Any]:
    return {
        "board": board.name,
        "image": image.name.board,
        "version": image.name.version_text,
        "day": image.name.day,
        "file": image.name.file,
        "url": image.url,
        "cached": image.cached,
    }


def _print(rows: Sequence[tuple[boards.Board, Sequence[images.Listed]]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("Board", "Version", "Day", "Where", box=None, pad_edge=False)
    for board, found in rows:
        for image in found:
            where = " and ".join(
                place for place, is_there in (("site", image.url), ("cache", image.cached)) if is_there
            )
            day = f"{image.name.day[:4]}-{image.name.day[4:6]}-{image.name.day[6:]}"
            table.add_row(board.name, image.name.version_text, day, where)
    Console().print(table)


@command.command(epilog="\b\nExample:\n  mailmote firmware fetch --board esp32-c3 --version 1.25.0")
@click.option("--board", required=True, metavar="BOARD", help="a board of `mailmote boards`")
@click.option("--version", metavar="VERSION", help="such as 1.25.0 (default: the latest stable one)")
@_site
@options.as_json
def fetch(board: str, version: str | None, site: str | None, as_json: bool) -> None:
    """Download an image into the cache, check it, and pin it in the lock file."""
    store = Store()
    chosen = boards.named(board)
    with Steps() as steps:
        path = images.fetch(chosen, version, Site(site), store, steps.tell)
    pin = store.pin(path.name)
    if pin is None:
        raise HostError(f"{path.name} vanished from the lock file meanwhile. Fetch it anew.")
    if as_json:
        content = {"file": str(path), "url": pin.url, "size_bytes": pin.size_bytes, "sha256": pin.sha256}
        click.echo(json.dumps(content, indent=2))
    else:
        click.echo(f"{path}\n  {pin.size_bytes} bytes from {pin.url}\n  SHA-256 {pin.sha256}")


@command.command(epilog="\b\nExample:\n  mailmote firmware verify\n  mailmote firmware verify image.bin")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@options.as_json
def verify(files: tuple[Path, ...], as_json: bool) -> int:
    """Hold images against themselves and the lock file: those in the cache, or files.

    Exit code 1 if one is not what it should be.
    """
    store = Store()
    paths = list(files) or [store.path(name) for name in store.names()]
    if not paths:
        raise UsageError("No image was fetched yet. Fetch one: `mailmote firmware fetch --board BOARD`.")
    results = [_verified(path, store) for path in paths]
    if as_json:
        click.echo(json.dumps(results, indent=2))
    for result in () if as_json else results:
        if result["error"]:
            click.echo(f"✗ {result['file']}: {result['error']}")
        else:
            pinned = "as it was fetched" if result["pinned"] else "sound, but not pinned: it was not fetched"
            if result["stands_in"]:
                pinned += "; it only stands in for MicroPython, on virtual boards"
            click.echo(f"✓ {result['file']}: MicroPython {result['version']}, {result['chip']}, {pinned}")
    sys.stdout.flush()
    return _FAILED if any(result["error"] for result in results) else _DONE


def _verified(path: Path, store: Store) -> dict[str, Any]:
    result = {"file": str(path), "error": None, "version": None, "chip": None, "pinned": False}
    result["stands_in"] = False
    try:
        image = images.verified(path, None, store)
        return {
            **result,
            "version": image.version,
            "chip": image.chip,
            "stands_in": image.stands_in,
            "pinned": store.pin(path.name) is not None,
        }
    except HostError as error:
        return {**result, "error": str(error)}
