"""MicroPython's download site: which images there are, and getting one.

Every board has a page, https://micropython.org/download/BOARD/, with links to the images of all its
variants; their names tell board, variant, day and version. Nothing but these links is read, no redirect is
followed, and each answer has a limit.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

import requests

from .. import http_body
from ..errors import HostError, UsageError

DEFAULT_SITE = "https://micropython.org"
SITE_VARIABLE = "MAILMOTE_FIRMWARE_SITE"
MAX_IMAGE_BYTES = 16 << 20  # the largest flash of a board that mailmote knows

_MAX_PAGE_BYTES = 2 << 20  # the page of a board with years of releases takes a tenth of it
_TIMEOUT_S = (10, 30)  # to connect; for each read
_MAX_PAGE_S = 120
_MAX_DOWNLOAD_S = 900  # 2 MB at the speed of a telephone line
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
# <BOARD>[-<VARIANT>]-<YYYYMMDD>-v<X.Y.Z>.bin; a preview has more after the version, and is left out.
_NAME = re.compile(r"([A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)?)-(\d{8})-v(\d+)\.(\d+)(?:\.(\d+))?\.bin")
_LINK = re.compile(r"""href\s*=\s*["']?([^"'>\s]+\.bin)\b""", re.IGNORECASE)

Tell = Callable[[str, float], None]
"""Takes what is being done, and how much of it is done, from 0 to 1."""

_ON_DISK = "An image that is on this computer already will do: `mailmote flash --image FILE`."


class SiteError(HostError):
    """The site cannot be reached, or what it sent is no good."""


class ImageName(NamedTuple):
    """What the name of a file tells. `board` is with the variant, as in ESP32_GENERIC-SPIRAM."""

    file: str
    board: str
    day: str
    version: tuple[int, int, int]

    @property
    def version_text(self) -> str:
        return "{}.{}.{}".format(*self.version)


class Release(NamedTuple):
    """An image on the site."""

    name: ImageName
    url: str


def parse_name(file: str) -> ImageName | None:
    """None for a preview, and for whatever is no image of MicroPython by its name."""
    found = _NAME.fullmatch(file)
    if not found:
        return None
    board, day, major, minor, patch = found.groups()
    return ImageName(file, board, day, (int(major), int(minor), int(patch or 0)))


class Site:
    """`url` is of its root: https, or http to this computer. None: the variable's, or MicroPython's."""

    def __init__(self, url: str | None = None):
        url = (url or os.environ.get(SITE_VARIABLE) or DEFAULT_SITE).rstrip("/")
        parts = _parts(url)
        is_local = parts.hostname in _LOOPBACK
        if parts.scheme == "http" and not is_local:
            raise UsageError(
                f"{url} is not safe: what comes over http can be altered on its way. Give an address that "
                "begins with https."
            )
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = not is_local  # no proxy leads to this computer

    def releases(self, board: str) -> list[Release]:
        """The stable images of a board and its variants, newest first. Raises SiteError."""
        url = f"{self.url}/download/{board}/"
        with self._get(url) as answer:
            page = _body(answer, url, _MAX_PAGE_BYTES).decode("utf-8", "replace")
        found: dict[str, Release] = {}
        for link in _LINK.findall(page):
            release = self._release(urljoin(url, link))
            if release and release.name.board.partition("-")[0] == board:
                found[release.name.file] = release
        return sorted(
            found.values(), key=lambda release: (release.name.version, release.name.day), reverse=True
        )

    def download(self, release: Release, path: Path, tell: Tell) -> None:
        """Write an image to a file, which is whole if this returns. Raises SiteError."""
        with self._get(release.url) as answer, path.open("wb") as file:
            kind = answer.headers.get("Content-Type", "")
            if "html" in kind.lower():
                raise SiteError(_no_image(release.url))
            size = _length(answer)
            done = 0
            for chunk in _chunks(answer, release.url, _MAX_DOWNLOAD_S):
                if not done and chunk.lstrip()[:1] == b"<":
                    raise SiteError(_no_image(release.url))
                done += len(chunk)
                if done > MAX_IMAGE_BYTES:
                    raise SiteError(f"{release.url} is larger than any flash. It is no image for a board.")
                file.write(chunk)
                tell(f"fetching {release.name.file}", done / size if size else 0)

    def _release(self, url: str) -> Release | None:
        """None for a link that leads elsewhere."""
        if not url.startswith(self.url + "/"):
            return None
        name = parse_name(urlsplit(url).path.rpartition("/")[2])
        return Release(name, url) if name else None

    def _get(self, url: str) -> requests.Response:
        try:
            answer = self._session.get(url, stream=True, timeout=_TIMEOUT_S, allow_redirects=False)
        except requests.RequestException as error:
            converted = SiteError(_unreachable(url, error))
        else:
            if answer.status_code == requests.codes.ok:
                return answer
            answer.close()
            converted = SiteError(_refused(url, answer))
        raise converted


def _parts(url: str) -> SplitResult:
    """Of the address of a site. Raises UsageError, which shows nothing that may be a secret."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        parts.port  # noqa: B018  raises ValueError
    except ValueError:
        host = None
    else:
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise UsageError(
                "The address of a site for images has neither a user name, a password nor a query in it. "
                f"Give one such as {DEFAULT_SITE}."
            )
        if host and parts.scheme in ("https", "http"):
            return parts
    raise UsageError(f"What was given for a site is no address. Give one such as {DEFAULT_SITE}.")


def _body(answer: requests.Response, url: str, most: int) -> bytes:
    body = b""
    for chunk in _chunks(answer, url, _MAX_PAGE_S):
        body += chunk
        if len(body) > most:
            raise SiteError(f"The page {url} is larger than {most >> 20} MB, which no page of a board is.")
    return body


def _chunks(answer: requests.Response, url: str, within_s: float) -> Iterator[bytes]:
    try:
        yield from http_body.chunks(answer, within_s)
    except http_body.TooSlowError:
        raise SiteError(f"{url} came too slowly. Try again later. {_ON_DISK}") from None
    except requests.exceptions.ChunkedEncodingError:
        raise SiteError(f"The download of {url} broke off. Nothing of it was kept: try again.") from None
    except requests.RequestException as error:
        raise SiteError(_unreachable(url, error)) from None


def _length(answer: requests.Response) -> int | None:
    text = answer.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() and "Content-Encoding" not in answer.headers else None


def _no_image(url: str) -> str:
    return (
        f"{url} gave a web page, not an image. This network may want a sign-in first: open any page in a "
        f"browser, sign in, and try again. {_ON_DISK}"
    )


def _refused(url: str, answer: requests.Response) -> str:
    if answer.is_redirect:
        host = urlsplit(urljoin(url, answer.headers["location"])).hostname
        return (
            f"{url} leads elsewhere, to {host}, and that is not followed. This network may want a sign-in "
            f"first: open any page in a browser, sign in, and try again. {_ON_DISK}"
        )
    if answer.status_code == requests.codes.not_found:
        return f"There is no {url}. See that board and version are right: `mailmote firmware list`."
    return f"{url} answered with HTTP {answer.status_code}. Try again later. {_ON_DISK}"


def _unreachable(url: str, error: requests.RequestException) -> str:
    host = urlsplit(url).hostname
    if isinstance(error, requests.exceptions.SSLError):
        return (
            f"The certificate of {host} cannot be trusted, so nothing was taken from it. See that this "
            f"computer's clock is right and that no proxy breaks into TLS. {_ON_DISK}"
        )
    if isinstance(error, requests.Timeout):
        return f"{host} does not answer in time. Try again later. {_ON_DISK}"
    return f"{host} cannot be reached. See that this computer is online. {_ON_DISK}"
