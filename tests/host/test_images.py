"""Images of MicroPython: those on the site, those in the cache, and what is refused."""

import gzip
import json

import pytest
from firmware_site import LOGIN_PAGE, FirmwareSite

from mailmote_host.board import boards, image_site, images
from mailmote_host.board.image_header import ImageError
from mailmote_host.board.image_site import Site, SiteError, parse_name
from mailmote_host.board.image_store import Store, StoreError
from mailmote_host.errors import HostError, UsageError
from mailmote_host.virtual import micropython_image

C3 = "ESP32_GENERIC_C3"


@pytest.fixture
def site():
    served = FirmwareSite()
    yield served
    served.close()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache")


@pytest.fixture
def fetch(site, store):
    """Fetch the image of a board; returns its path."""

    def fetched(board="esp32-c3", version=None, how=images.fetch):
        return how(boards.named(board), version, Site(site.url), store, lambda step, share: None)

    return fetched


def _kept(store):
    """The files in the cache but its lock file."""
    return sorted(path.name for path in store.folder.glob("*") if path != store.lock_file)


def test_a_name_tells_board_variant_day_and_version():
    name = parse_name("ESP32_GENERIC_S3-SPIRAM_OCT-20241129-v1.24.1.bin")
    assert name is not None
    assert (name.board, name.day, name.version) == ("ESP32_GENERIC_S3-SPIRAM_OCT", "20241129", (1, 24, 1))
    assert parse_name("ESP32_GENERIC-20250809-v1.26.bin").version_text == "1.26.0"
    for other in (
        "ESP32_GENERIC-20250911-v1.27.0-preview.134.g75a6a0b6d2.bin",
        "ESP32_GENERIC-20241129-v1.24.1.app-bin",
        "ESP32_GENERIC-20241129-v1.24.1.bin.part",
        "../ESP32_GENERIC-20241129-v1.24.1.bin",
    ):
        assert parse_name(other) is None


def test_the_page_of_a_board_is_read_for_stable_images_of_all_variants(site):
    for board, version in (
        ("ESP32_GENERIC", "1.9.4"),
        ("ESP32_GENERIC", "1.26.1"),
        ("ESP32_GENERIC", "1.24.0"),
    ):
        site.add(board, version)
    site.add("ESP32_GENERIC-SPIRAM", "1.25.0")
    site.link("ESP32_GENERIC", "/resources/firmware/ESP32_GENERIC-20250911-v1.27.0-preview.1.gabc.bin")
    site.link("ESP32_GENERIC", "https://elsewhere.example/ESP32_GENERIC-20250911-v1.99.0.bin")
    site.link("ESP32_GENERIC", "/resources/firmware/ESP32_GENERIC_C3-20250911-v1.99.0.bin")
    releases = Site(site.url).releases("ESP32_GENERIC")
    assert [(release.name.board, release.name.version_text) for release in releases] == [
        ("ESP32_GENERIC", "1.26.1"),
        ("ESP32_GENERIC-SPIRAM", "1.25.0"),
        ("ESP32_GENERIC", "1.24.0"),
        ("ESP32_GENERIC", "1.9.4"),
    ]
    assert releases[0].url == f"{site.url}/resources/firmware/ESP32_GENERIC-20250415-v1.26.1.bin"


def test_the_latest_stable_image_comes_and_is_pinned(site, store, fetch):
    site.add(C3, "1.24.0", "esp32c3")
    newest = site.add(C3, "1.26.0", "esp32c3")
    shares = []
    path = images.fetch(
        boards.named("esp32-c3"), None, Site(site.url), store, lambda step, share: shares.append(share)
    )
    body = site.files[newest][2]
    assert path.read_bytes() == body
    assert shares == sorted(shares)
    assert shares[-1] == 1
    pin = json.loads(store.lock_file.read_text())["images"][path.name]
    assert (pin["url"], pin["size_bytes"], len(pin["sha256"])) == (site.url + newest, len(body), 64)
    assert _kept(store) == [path.name]

    assert fetch(version="1.24").name == "ESP32_GENERIC_C3-20250415-v1.24.0.bin"
    assert fetch("esp32-c3", "v1.26.0") == path
    assert site.asked.count(newest) == 1, "an image that is there and sound is not downloaded again"


def test_a_variant_gets_its_own_image(site, fetch):
    site.add("ESP32_GENERIC", "1.26.0")
    site.add("ESP32_GENERIC-SPIRAM", "1.25.0")
    assert fetch("esp32-wrover").name == "ESP32_GENERIC-SPIRAM-20250415-v1.25.0.bin"


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("1.23.0", "too old: mailmote needs 1.24"),
        ("newest", "is no version of MicroPython"),
        ("1.25.7", "has no version 1.25.7 for esp32-c3. There are: 1.26.0, 1.20.0."),
    ],
)
def test_a_version_that_cannot_be_had_is_wrong_usage(site, fetch, version, said):
    site.add(C3, "1.26.0", "esp32c3")
    site.add(C3, "1.20.0", "esp32c3")
    with pytest.raises(UsageError, match=said):
        fetch(version=version)


def test_a_site_with_old_images_only_is_told(site, fetch):
    site.add(C3, "1.20.0", "esp32c3")
    with pytest.raises(SiteError, match=r"has no MicroPython 1\.24 or newer for esp32-c3"):
        fetch()


def _truncated(body):
    return 200, {"Content-Length": str(len(body))}, body[:-1000]


GOOD = micropython_image.build("esp32c3", "1.26.0", C3)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (_truncated(GOOD), "broke off.*Nothing of it was kept: try again"),
        ((200, {}, GOOD[:-1000]), "cut off after .* Fetch the image anew"),
        ((200, {}, b""), "ends within its header"),
        ((200, {"Content-Type": "text/html"}, LOGIN_PAGE), "gave a web page.*sign in, and try again"),
        ((200, {}, LOGIN_PAGE), "gave a web page, not an image"),
        (
            (302, {"Location": "http://login.hotel.example/x.bin"}, b""),
            "leads elsewhere, to login.hotel.example",
        ),
        ((301, {"Location": "/resources/other.bin"}, b""), "leads elsewhere"),
        ((404, {}, b""), "There is no http.*firmware list"),
        ((503, {}, b""), "answered with HTTP 503. Try again later"),
        ((200, {}, b"\x00" * 5000), "This is no image for an ESP chip"),
        ((200, {}, GOOD[:70000] + b"\x55" + GOOD[70001:]), "The image is damaged"),
        (
            (200, {}, micropython_image.build("esp32", "1.26.0", C3)),
            "is for an esp32, and the chip is an esp32c3",
        ),
        (
            (200, {}, micropython_image.build("esp32s3", "1.26.0", C3)),
            "is for an esp32s3, and the chip is an",
        ),
        (
            (200, {}, micropython_image.build("esp32c3", "1.25.0", C3)),
            "v1.25.0, which is not what its name tells",
        ),
        (
            (200, {}, b"\xe9" * (image_site.MAX_IMAGE_BYTES + 1)),
            "http.*/ESP32_GENERIC_C3-20250415-v1.26.0.bin is larger than any flash",
        ),
        (
            (200, {"Content-Encoding": "gzip"}, gzip.compress(b"\xe9" * (20 << 20))),
            "http.*/ESP32_GENERIC_C3-20250415-v1.26.0.bin is larger than any flash",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_download_is_refused_and_nothing_of_it_stays(site, store, fetch, answer, said):
    path = site.add(C3, "1.26.0", "esp32c3")
    site.files[path] = answer
    with pytest.raises(HostError, match=said):
        fetch()
    assert _kept(store) == []
    assert not store.lock_file.exists()


def test_a_later_download_must_be_the_pinned_one(site, store, fetch):
    path = site.add(C3, "1.26.0", "esp32c3")
    kept = fetch()
    kept.unlink()
    fetch()
    kept.unlink()
    site.add(C3, "1.26.0", "esp32c3", size_of_padding_bytes=20000)
    with pytest.raises(StoreError, match=r"is not the image that it sent at first .* It was refused"):
        fetch()
    assert site.asked.count(path) == 3
    assert _kept(store) == []


def test_an_image_that_was_altered_in_the_cache_is_refused_and_a_fetch_mends_it(site, fetch):
    site.add(C3, "1.26.0", "esp32c3")
    kept = fetch()
    whole = kept.read_bytes()
    # Sound in itself: only the lock file tells.
    kept.write_bytes(micropython_image.build("esp32c3", "1.26.0", C3, size_of_padding_bytes=20000))
    for version in (None, "1.26.0"):
        with pytest.raises(StoreError, match=r"damaged or altered since. Fetch it anew: `mailmote firmware"):
            fetch(version=version, how=images.fetch_or_cached)
    assert fetch().read_bytes() == whole
    assert fetch(how=images.fetch_or_cached) == kept


def test_a_file_that_was_laid_into_the_cache_is_no_fetched_image(site, store, fetch):
    path = site.add(C3, "1.26.0", "esp32c3")
    store.folder.mkdir()
    laid = store.folder / path.rpartition("/")[2]
    laid.write_bytes(micropython_image.build("esp32c3", "1.26.0", C3, size_of_padding_bytes=20000))
    assert store.names() == []
    assert fetch(how=images.fetch_or_cached).read_bytes() == site.files[path][2]


def test_without_the_site_the_newest_in_the_cache_will_do(site, store, fetch):
    for version in ("1.24.0", "1.26.0"):
        site.add(C3, version, "esp32c3")
        fetch(version=version)
    site.files.clear()
    assert fetch(how=images.fetch_or_cached).name.endswith("v1.26.0.bin")
    assert fetch(version="1.24.0", how=images.fetch_or_cached).name.endswith("v1.24.0.bin")
    with pytest.raises(SiteError, match="There is no http"):
        fetch("esp32-c6", how=images.fetch_or_cached)


def test_a_damaged_lock_file_pins_nothing_and_is_told(site, store, fetch):
    site.add(C3, "1.26.0", "esp32c3")
    fetch()
    for content in ("{", '{"version": 2, "images": {}}', '{"version": 1, "images": {"a": 5}}', "[]"):
        store.lock_file.write_text(content)
        with pytest.raises(StoreError, match=r"is damaged, so no image can be held against it\. Delete it"):
            fetch()


def test_the_site_must_be_https_or_on_this_computer(monkeypatch):
    assert Site().url == "https://micropython.org"
    assert Site("http://localhost:8000/").url == "http://localhost:8000"
    monkeypatch.setenv("MAILMOTE_FIRMWARE_SITE", "https://mirror.example/micropython/")
    assert Site().url == "https://mirror.example/micropython"
    with pytest.raises(UsageError, match="is not safe"):
        Site("http://micropython.org")
    for nonsense in ("micropython.org", "ftp://micropython.org", "https://", "https://[", "https://host:x"):
        with pytest.raises(UsageError, match="is no address. Give one such as"):
            Site(nonsense)


@pytest.mark.parametrize(
    "url",
    [
        "https://you:canary@host",
        "http://canary@host",
        "ftp://you:canary@host",
        "https://host/images?key=canary",
        "https://host/#canary",
    ],
)
def test_a_secret_in_the_address_of_the_site_is_refused_and_not_shown(url):
    with pytest.raises(UsageError, match="neither a user name, a password nor a query") as caught:
        Site(url)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("limit", "what"), [("_MAX_PAGE_S", "/download/ESP32_GENERIC_C3/"), ("_MAX_DOWNLOAD_S", ".bin")]
)
def test_what_comes_an_octet_at_a_time_ends_with_its_limit(site, fetch, monkeypatch, limit, what):
    """Each read is in time, and the whole never would be."""
    site.add(C3, "1.26.0", "esp32c3")
    site.drips = lambda path: path.endswith(what)
    monkeypatch.setattr(image_site, limit, 0.05)
    with pytest.raises(SiteError, match=f"{what} came too slowly. Try again later"):
        fetch()
    assert site.dripped < 2000


def test_a_site_that_is_not_there_is_told():
    gone = FirmwareSite()
    gone.close()
    with pytest.raises(
        SiteError, match="127.0.0.1 cannot be reached. See that this computer is online. An im"
    ):
        Site(gone.url).releases("ESP32_GENERIC")


def test_an_image_must_fit_the_flash(tmp_path, store):
    path = tmp_path / "own.bin"
    path.write_bytes(micropython_image.build("esp32s3", flash_bytes=16 << 20))
    assert images.verified(path, "esp32s3", store, 16 << 20).version == "v1.25.0"
    with pytest.raises(ImageError, match="is made for a flash of 16 MB, and this board's has 8 MB"):
        images.verified(path, "esp32s3", store, 8 << 20)


def test_an_image_on_disk_must_be_one(tmp_path, store):
    with pytest.raises(UsageError, match="There is no file"):
        images.verified(tmp_path / "none.bin", "esp32", store)
    for content, said in ((LOGIN_PAGE, "is a web page, not an image"), (b"", "ends within its header")):
        path = tmp_path / "own.bin"
        path.write_bytes(content)
        with pytest.raises(ImageError, match=said):
            images.verified(path, "esp32", store)
    path.write_bytes(micropython_image.build("esp32", "1.22.0"))
    with pytest.raises(UsageError, match=r"MicroPython v1\.22\.0 is too old"):
        images.verified(path, "esp32", store)
