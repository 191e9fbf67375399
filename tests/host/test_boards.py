"""The boards that come with mailmote, the schema of their files, and `mailmote boards`."""

import json
from pathlib import Path

import pytest

from mailmote_host import cli
from mailmote_host.board import board_file, boards, pins, survey
from mailmote_host.board.image_header import BOOTLOADER_OFFSETS
from mailmote_host.errors import UsageError

FOLDER = Path(__file__).parents[2] / "boards"

GOOD = """\
name = "A board"
chip = "esp32"
sources = ["https://example.com/board"]
[image]
board = "ESP32_GENERIC"
offset = 0x1000
[memory]
flash_mb = 4
[usb]
kind = "bridge"
ids = ["10C4:EA60"]
[pins]
use = [4, 32, 34]
adc = [32, 34]
input_only = [34]
i2c = { sda = 4, scl = 32 }
[[pins.avoid]]
pins = [6, 7]
why = "flash"
[led]
pin = 2
kind = "plain"
[battery]
pin = 35
ratio = 2.0
"""


def _load(tmp_path, text, name="a-board.toml"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return board_file.load(path)


def test_every_board_passes_and_none_is_left_out():
    known = boards.known()
    assert {board.name for board in known} == {path.stem for path in FOLDER.glob("*.toml")}
    assert len(known) >= 10
    for board in known:
        assert board.image.offset == BOOTLOADER_OFFSETS.get(board.chip, 0)
        assert board.sources
        avoided = {pin for entry in board.pins.avoid for pin in entry.pins}
        for wired in (board.led, board.battery):
            assert wired is None or wired.pin in avoided, f"{board.name}: {wired} is offered to sensors"


def test_the_boards_that_were_asked_for_are_there():
    images = {board.image.id for board in boards.known()}
    generic = {f"ESP32_GENERIC{end}" for end in ("", "-SPIRAM", "_S2", "_S3", "_S3-SPIRAM_OCT", "_C3", "_C6")}
    assert generic < images
    assert sum(board.battery is not None for board in boards.known()) >= 3


def test_a_file_becomes_a_board(tmp_path):
    board = _load(tmp_path, GOOD)
    assert (board.name, board.image.id, board.image.offset) == ("a-board", "ESP32_GENERIC", 0x1000)
    assert board.pins.use == (4, 32, 34)
    assert board.pins.i2c == (4, 32)
    assert board.pins.avoid[0].words == "wired to the flash"
    assert board.battery is not None
    assert board.battery.ratio == 2.0
    assert _load(
        tmp_path, GOOD.replace('"ESP32_GENERIC"', '"ESP32_GENERIC"\nvariant = "SPIRAM"')
    ).image.id == ("ESP32_GENERIC-SPIRAM")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('chip = "esp32"', 'chip = "esp33"', "chip: 'esp33' is not known. Choose one of esp32, "),
        ('chip = "esp32"', "", "chip: is missing. Give it a text in quotes."),
        ('name = "A board"', 'name = ""', "name: is empty."),
        ('name = "A board"', "name = 5", "name: is no text in quotes."),
        ("offset = 0x1000", "offset = 0", "image.offset: an esp32 begins to read at 0x1000, not at 0x0."),
        ('"ESP32_GENERIC"', '"ESP32/../GENERIC"', "image.board: 'ESP32/../GENERIC' has not the form"),
        ("flash_mb = 4", "flash_mb = 5", "memory.flash_mb: 5 cannot be."),
        ("flash_mb = 4", "flash_mb = true", "memory.flash_mb: is no whole number."),
        ("flash_mb = 4", "flash_mb = 4\npsram_mb = 2", "memory.psram_bus: is missing."),
        ("[usb]", "[ubs]", "usb: is missing. Write it as [usb]."),
        ("[usb]", "[ubs]", "ubs: is not known here."),
        ('"10C4:EA60"', '"10c4:ea60"', "usb.ids: '10c4:ea60' has not the form"),
        ("https://example.com", "http://example.com", "sources: 'http://example.com/board' has not the form"),
        ("use = [4, 32, 34]", "use = []", "pins.use: is missing or empty."),
        ("use = [4, 32, 34]", "use = [4, 32, 34, 24]", "pins.use: 24 is no pin of an esp32."),
        ("use = [4, 32, 34]", "use = [4, 32, 34, 4]", "pins.use: has a pin twice."),
        (
            "use = [4, 32, 34]",
            "use = [4, 32, 34, 6]",
            "pins.avoid[0].pins: 6 is no pin of an esp32, or it is in",
        ),
        ("adc = [32, 34]", "adc = [4]", "pins.adc: 4 is no pin of ADC1"),
        ("input_only = [34]", "input_only = [35]", "pins.input_only: 35 is no pin that is in pins.use."),
        ("sda = 4", "sda = 5", "pins.i2c.sda: 5 cannot be."),
        ('why = "flash"', 'why = "because"', "pins.avoid[0].why: 'because' is not known."),
        ("pin = 2", "pin = 77", "led.pin: 77 cannot be."),
        ("ratio = 2.0", "ratio = 0.5", "battery.ratio: 0.5 is not between 1 and 20."),
        ("[pins]", "pins", "is no TOML: "),
    ],
)
def test_a_broken_file_is_refused_by_the_path_of_its_key(tmp_path, old, new, said):
    assert GOOD.count(old) >= 1
    with pytest.raises(board_file.BoardFileError) as refused:
        _load(tmp_path, GOOD.replace(old, new, 1))
    assert any(line.startswith(f"boards/a-board.toml: {said}") for line in str(refused.value).splitlines())


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    with pytest.raises(board_file.BoardFileError) as refused:
        _load(tmp_path, GOOD.replace("flash_mb = 4", "flash_mb = 5").replace("ratio = 2.0", ""))
    assert len(str(refused.value).splitlines()) == 2


def test_what_is_no_text_is_refused(tmp_path):
    with pytest.raises(board_file.BoardFileError, match="is not in UTF-8"):
        _load(tmp_path, b'name = "\xff"')
    with pytest.raises(board_file.BoardFileError, match="is larger than"):
        _load(tmp_path, GOOD + "#" * board_file.MAX_FILE_BYTES)
    with pytest.raises(board_file.BoardFileError, match="Rename the file"):
        _load(tmp_path, GOOD, "A Board.toml")


def test_a_board_is_found_by_its_name_or_its_image():
    assert boards.named("ESP32-C3").name == "esp32-c3"
    assert boards.named("ESP32_GENERIC_S3-SPIRAM_OCT").name == "esp32-s3-octal"
    with pytest.raises(UsageError, match="Several boards run ESP32_GENERIC-SPIRAM: esp32-wrover, adafruit-"):
        boards.named("ESP32_GENERIC-SPIRAM")
    with pytest.raises(UsageError, match="There is no board nodemcu. There are: esp32-c3, "):
        boards.named("nodemcu")


def test_boards_are_listed_and_shown(capsys):
    assert cli.main(["boards"]) == 0
    listed = capsys.readouterr().out
    assert all(board.name in listed for board in boards.known())

    assert cli.main(["boards", "um-feathers3"]) == 0
    shown = capsys.readouterr().out
    assert "GPIO2 × 3.7625" in shown
    assert "26–32: wired to the flash" in shown

    assert cli.main(["boards", "um-feathers3", "--json"]) == 0
    as_json = json.loads(capsys.readouterr().out)
    assert (as_json["image"]["id"], as_json["battery"]["pin"]) == ("UM_FEATHERS3", 2)
    assert cli.main(["boards", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(boards.known())


def test_an_unknown_board_is_wrong_usage(capsys):
    assert cli.main(["boards", "nodemcu"]) == 2
    assert "`mailmote boards` tells of each" in capsys.readouterr().err


def doubts(machine, pin, led=None):
    settings = {"device": {} if led is None else {"led": led}}
    settings["sensors"] = [{"name": "freezer", "driver": "adc", "options": {"pin": pin, "scale": 1.0}}]
    return pins.doubts(settings, survey.Facts((1, 26, 0), 6, machine))


def test_pins_that_no_board_with_the_chip_has_are_doubted():
    esp32 = "Generic ESP32 module with ESP32"
    assert doubts(esp32, 34, led=2) == ""
    assert "pin of the sensor freezer is 99, which no board brings out. If that is not" in doubts(esp32, 99)
    assert "pin of the sensor freezer is 6, which its flash is wired to" in doubts(esp32, 6)
    assert "led in [device] is 40, which no board brings out" in doubts(esp32, 34, led=40)
    assert doubts("Generic ESP32C3 module with ESP32C3", 34).startswith("The board has an esp32c3, and")
    assert doubts("linux [GCC 12.2.0] version", 99) == ""
