"""`mailmote firmware list|fetch|verify`, against a site on loopback."""

import json

import pytest
from firmware_site import FirmwareSite

from mailmote_host import cli
from mailmote_host.virtual import micropython_image

C3 = "ESP32_GENERIC_C3"


@pytest.fixture
def site(monkeypatch, tmp_path):
    served = FirmwareSite()
    monkeypatch.setenv("MAILMOTE_FIRMWARE_SITE", served.url)
    monkeypatch.setenv("MAILMOTE_FIRMWARE_CACHE", str(tmp_path / "cache"))
    yield served
    served.close()


@pytest.fixture
def run(capsys):
    """Run a command line; returns (exit code, stdout, stderr)."""

    def ran(*words):
        code = cli.main(["firmware", *map(str, words)])
        return code, *capsys.readouterr()

    return ran


def test_fetched_images_are_listed_beside_those_of_the_site(site, run):
    for version in ("1.20.0", "1.24.0", "1.26.0"):
        path = site.add(C3, version, "esp32c3")
    code, out, err = run("fetch", "--board", "esp32-c3")
    assert (code, err) == (0, "")
    assert f"bytes from {site.url}{path}\n  SHA-256 " in out

    code, out, _ = run("list", "--board", "esp32-c3", "--json")
    listed = json.loads(out)
    assert code == 0
    assert [(image["version"], image["cached"]) for image in listed["images"]] == [
        ("1.26.0", True),
        ("1.24.0", False),
    ], "what is too old for mailmote is left out"
    assert listed["images"][0]["url"] == site.url + path

    code, out, _ = run("list", "--board", "esp32-c3")
    assert code == 0
    assert "1.26.0   2025-04-15  site and cache" in out


def test_without_the_site_the_cache_is_listed_and_the_trouble_is_told(site, run):
    site.add(C3, "1.26.0", "esp32c3")
    run("fetch", "--board", "esp32-c3")
    site.files.clear()
    code, out, err = run("list", "--json")
    assert code == 1
    assert err.endswith("Listed is what was fetched before.\n")
    listed = json.loads(out)
    assert [(image["board"], image["url"]) for image in listed["images"]] == [("esp32-c3", None)]
    assert listed["error"] in err


def test_verify_tells_of_each_image_and_fails_where_one_is_altered(site, run, tmp_path):
    code, _, err = run("verify")
    assert (code, "No image was fetched yet" in err) == (2, True)

    for version in ("1.24.0", "1.26.0"):
        site.add(C3, version, "esp32c3")
        code, out, _ = run("fetch", "--board", "esp32-c3", "--version", version, "--json")
        assert code == 0
    kept = json.loads(out)["file"]
    code, out, _ = run("verify")
    assert code == 0
    assert out.count("✓") == 2
    assert "MicroPython v1.26.0, esp32c3, as it was fetched" in out

    with open(kept, "r+b") as file:
        file.seek(70000)
        file.write(b"\x55")
    code, out, _ = run("verify", "--json")
    results = {result["version"]: result for result in json.loads(out)}
    assert code == 1
    assert results["v1.24.0"]["pinned"]
    assert "The image is damaged" in results[None]["error"]

    own = tmp_path / "own.bin"
    own.write_bytes(micropython_image.build("esp32s2"))
    code, out, _ = run("verify", own)
    assert code == 0
    assert "esp32s2, sound, but not pinned" in out
    assert "only stands in for MicroPython, on virtual boards" in out


def test_wrong_usage_is_told(site, run):
    assert run("fetch", "--board", "nodemcu")[0] == 2
    code, _, err = run("fetch", "--board", "esp32-c3", "--site", "http://example.com")
    assert code == 2
    assert "is not safe" in err
    code, _, err = run("fetch", "--board", "esp32-c3", "--version", "1.2")
    assert code == 2
    assert "too old" in err
