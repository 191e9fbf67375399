"""Images for the flash of a chip: what they tell, and that no damage goes unseen."""

import hashlib
import struct
import subprocess
import sys

import pytest

from mailmote_host.board import image_header
from mailmote_host.board.image_header import ImageError, Partition
from mailmote_host.virtual import micropython_image
from mailmote_host.virtual.rom.chips import CHIPS

SMALL = 64
APP = 0x10000


@pytest.mark.parametrize("chip", CHIPS)
def test_a_file_of_micropython_tells_what_it_is(chip):
    data = micropython_image.build(chip, "1.26.1", "ESP32_GENERIC_C3-SPIRAM", SMALL, 8 << 20)
    image = image_header.verify_micropython(data, chip)
    assert image[:3] == (chip, "v1.26.1", "ESP32_GENERIC_C3-SPIRAM")
    assert image.partitions[-1] == Partition(1, 0x81, 0x200000, 6 << 20, "vfs")
    assert image.size_bytes == len(data)
    assert image_header.read(data).chip_id == CHIPS[chip].image_chip_id


@pytest.mark.parametrize("chip", ["esp32", "esp32c6"])
def test_esptool_finds_the_same_images_sound(chip, tmp_path):
    data = micropython_image.build(chip)
    begins = image_header.BOOTLOADER_OFFSETS.get(chip, 0)
    app = data[APP - begins :]
    for name, content in (("bootloader", data), ("app", app)):
        (tmp_path / name).write_bytes(content)
        told = subprocess.run(
            [sys.executable, "-m", "esptool", "--chip", chip, "image-info", tmp_path / name],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert told.count("(valid)") == 2  # checksum and digest
        assert f"Chip ID: {CHIPS[chip].image_chip_id} " in told
    header = image_header.read(app)
    assert header.size_bytes == len(app)
    assert hashlib.sha256(app[:-32]).digest() == app[-32:]


def test_an_image_without_a_digest_has_its_checksum():
    app = bytearray(micropython_image.build("esp32", size_of_padding_bytes=SMALL)[APP - 0x1000 :])
    app[23] = 0
    header = image_header.read(bytes(app[:-32]))
    assert (header.digest_present, header.size_bytes) == (False, len(app) - 32)
    app[60] ^= 1
    with pytest.raises(ImageError, match="its checksum is wrong"):
        image_header.read(bytes(app[:-32]))


def test_each_octet_of_an_image_counts_and_each_length_but_the_whole_is_short():
    app = micropython_image.build("esp32c3", size_of_padding_bytes=SMALL)[APP:]
    for position in range(len(app)):
        damaged = bytearray(app)
        damaged[position] ^= 0x40
        with pytest.raises(ImageError):
            image_header.read(bytes(damaged))
    for length in range(len(app)):
        with pytest.raises(ImageError, match="cut off after|ends within its header"):
            image_header.read(app[:length])
    assert image_header.read(app + b"more").size_bytes == len(app)


def test_a_chip_that_is_not_known_has_a_number():
    app = bytearray(micropython_image.build("esp32c3", size_of_padding_bytes=SMALL)[APP:-32])
    app[12:14], app[23] = struct.pack("<H", 999), 0
    assert image_header.read(bytes(app)).chip == "chip 999"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: b"<!DOCTYPE html>" + bytes(100), "no image for an ESP chip: it begins with 0x3c"),
        (lambda data: b"", "ends within its header"),
        (lambda data: data[:0x9000], "The image ends within its header"),
        (lambda data: data[: 0x8000 - 0x1000] + b"\xff" * 0x9000, "no partition table at 0x8000"),
        (lambda data: data.replace(b"factory", b"factorx"), "its MD5 is wrong"),
        (lambda data: data.replace(b"\xaa\x50\x00\x00", b"\xab\x50\x00\x00"), "a row begins with 0x50ab"),
        (lambda data: data[:-1], "cut off after"),
        (lambda data: data[:-1] + bytes((data[-1] ^ 1,)), "its SHA-256 is wrong"),
    ],
)
def test_damage_is_told(damage, words):
    data = micropython_image.build("esp32", size_of_padding_bytes=SMALL)
    with pytest.raises(ImageError, match=words) as raised:
        image_header.verify_micropython(damage(data), "esp32")
    assert str(raised.value).endswith((". Fetch the image anew.", "page for the board."))


def test_an_image_for_another_chip_is_told_with_both():
    data = micropython_image.build("esp32c3", size_of_padding_bytes=SMALL)
    with pytest.raises(ImageError, match=r"for an esp32c3, and the chip is an esp32s3\. Take the image"):
        image_header.verify_micropython(data, "esp32s3")
    other = micropython_image.build("esp32s3", size_of_padding_bytes=SMALL)
    with pytest.raises(ImageError, match="The app in the image is for an esp32s3, not for an esp32c3"):
        image_header.verify_micropython(data[:APP] + other[APP:], "esp32c3")


def test_a_program_that_is_not_micropython_is_told():
    data = micropython_image.build("esp32c3", size_of_padding_bytes=SMALL)
    app = micropython_image._image("esp32c3", b"another program".ljust(300))
    with pytest.raises(ImageError, match="a program that is not MicroPython"):
        image_header.verify_micropython(data[:APP] + app, "esp32c3")


def test_the_version_is_in_the_banner_or_in_the_descriptor_of_the_app():
    assert (
        image_header.micropython_version(b"...MicroPython v1.27.0-preview.12 on 2025") == "v1.27.0-preview.12"
    )
    described = struct.pack("<II8s32s32s", 0xABCD5432, 0, b"", b"v1.24.1-dirty", b"micropython")
    assert image_header.micropython_version(bytes(32) + described) == "v1.24.1-dirty"
    assert image_header.micropython_version(bytes(32) + described.replace(b"micro", b"macro")) is None
    assert image_header.micropython_version(b"") is None


def test_octets_are_xored_whatever_their_number():
    for length in range(70):
        data = bytes((7 * n + length) % 256 for n in range(length))
        expected = 0
        for octet in data:
            expected ^= octet
        assert image_header.octets_xored(data) == expected
