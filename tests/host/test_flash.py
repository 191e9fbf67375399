"""`mailmote flash` on virtual boards, with the real esptool: over RFC 2217, and on a pseudo-terminal."""

import json
import threading
from pathlib import Path

import pytest
from faulty_line import FaultyLine
from firmware_site import FirmwareSite
from mailmote_program import until_said
from terminal import Terminal

from mailmote_host import cli
from mailmote_host.board import boards, filesystem, flash, survey
from mailmote_host.board.image_header import ImageError
from mailmote_host.board.image_store import Store
from mailmote_host.board.ports import PortError
from mailmote_host.errors import UsageError
from mailmote_host.virtual import micropython_image

ESP32 = flash.Chip("esp32", "ESP32-D0WD-V3", "02:6d:6f:74:65:01", 4 << 20, has_lines=True)

# esptool waits for each answer of the port itself there, a minute in all.
ON_RFC_2217 = pytest.mark.timeout(300)


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("MAILMOTE_FIRMWARE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def image(tmp_path):
    """Writes an image; returns its path."""

    def written(chip="esp32", name="own.bin", **options):
        path = tmp_path / name
        path.write_bytes(micropython_image.build(chip, **options))
        return path

    return written


def _is_erased(board):
    return not (board.folder / "flash.bin").read_bytes().strip(b"\xff")


def _esptools(port):
    """The processes of esptool that have to do with a port."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"esptool" in words and port.encode() in words:
            found.append(process.name)
    return found


@ON_RFC_2217
def test_a_bare_board_is_flashed_from_the_site_and_boots(make, monkeypatch, tmp_path, capsys):
    site = FirmwareSite()
    monkeypatch.setenv("MAILMOTE_FIRMWARE_SITE", site.url)
    site.add("ESP32_GENERIC_C3", "1.26.0", "esp32c3")
    board = make(chip="esp32c3", transport="rfc2217")
    try:
        code = cli.main(["flash", "--port", board.port, "--backup", str(tmp_path / "b"), "--yes", "--json"])
    finally:
        site.close()
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "there are no files to copy" in err
    told = json.loads(out)
    assert (told["chip"], told["board"], told["version"]) == ("esp32c3", "esp32-c3", "1.26.0")
    assert (told["mac"], told["backup"]) == ("02:6d:6f:74:65:01", None)
    assert not (tmp_path / "b").exists()
    until_said(board, b"MicroPython v1.26.0 on ")


@ON_RFC_2217
def test_a_look_at_the_chip_that_is_cut_short_leaves_the_board_running(make):
    board = make(files={}, transport="rfc2217")
    starts = board.said.count(b"MicroPython v1.25.0 on ")

    def press_ctrl_c(step, share):
        if b"waiting for download" in board.said:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flash.detect(board.port, press_ctrl_c)
    assert _esptools(board.port) == []
    until_said(board, b"MicroPython v1.25.0 on ", starts + 1)


@ON_RFC_2217
def test_a_write_that_is_stopped_says_what_state_the_flash_is_in(make, image):
    board, said = make(transport="rfc2217"), []

    def press_ctrl_c(step, share):
        if share > 0.1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        flash.put(
            board.port,
            boards.named("esp32-devkitc"),
            image(size_of_padding_bytes=120_000),
            press_ctrl_c,
            said.append,
            chip=ESP32,
        )
    assert said == ["The flash may be half written: run `mailmote flash` again before the board is used."]
    assert _esptools(board.port) == []


@ON_RFC_2217
def test_an_unplugged_cable_is_told_and_a_second_run_mends_it_at_a_lower_speed(make, image):
    board = make(transport="rfc2217")
    line = FaultyLine(board.port)
    path = image(size_of_padding_bytes=120_000)

    def unplug(step, share):
        if share > 0.1:
            line.unplug()

    with pytest.raises(PortError, match="went away. See that the board is plugged in firmly"):
        flash.put(line.port, boards.named("esp32-devkitc"), path, unplug, chip=ESP32)
    assert _esptools(line.port) == []
    board.reset()
    line.close()

    line = FaultyLine(board.port, fastest=115200)
    said, shares = [], []
    flash.put(
        line.port,
        boards.named("esp32-devkitc"),
        path,
        lambda step, share: shares.append(share) if step.startswith("writing") else None,
        said.append,
        chip=ESP32,
    )
    line.close()
    assert said == ["That did not work. It is tried again, more slowly."]
    assert 460800 in line.rates
    assert shares == sorted(shares)
    assert shares[-1] == 1
    until_said(board, b"MicroPython v1.25.0 on ")


@ON_RFC_2217
def test_without_a_stub_that_runs_the_chips_own_loader_does_it(make, image):
    board = make({"main.py": b"print('an old program')\n"}, transport="rfc2217")
    until_said(board, b"an old program")
    line = FaultyLine(board.port, deaf_after=b"OHAI")
    said = []
    flash.put(line.port, boards.named("esp32-devkitc"), image(version="1.26.0"), say=said.append, chip=ESP32)
    line.close()
    assert said[-1] == "It is tried once more, slowly, with the chip's own loader."
    until_said(board, b"MicroPython v1.26.0 on ")
    last_start = board.said.rpartition(b"rst:0x")[2]
    assert b"v1.26.0" in last_start
    assert b"an old program" not in last_start  # the banner comes after main.py


def test_the_board_makes_no_filesystem_for_an_empty_one_comes_with_the_image(make, image):
    """A power cut at the first start has nothing to cut: see tests/device/test_first_boot.py."""
    board = make()
    board.hold_boot_and_reset()
    chip = flash.detect(board.port)
    flash.put(board.port, boards.named("esp32-devkitc"), image(), chip=chip)
    board.reset()
    until_said(board, b"MicroPython v1.25.0 on ")
    assert b"Performing initial setup" not in board.said
    size_bytes = chip.flash_bytes - micropython_image.VFS_OFFSET
    content = (board.folder / "flash.bin").read_bytes()[micropython_image.VFS_OFFSET :]
    assert content.startswith(filesystem.empty(size_bytes))
    assert not content[8192:].strip(b"\xff")


def test_an_image_without_a_place_for_files_is_written_alone(image, tmp_path):
    held = flash.checked(ESP32, image(), Store())
    without = held._replace(partitions=tuple(one for one in held.partitions if one.label != "vfs"))
    assert flash._empty_filesystem(without, tmp_path / "none") == []
    assert not (tmp_path / "none").exists()


def test_without_modem_lines_a_person_presses_the_buttons(make, image, tmp_path, capsys):
    """The files are copied before the board is in its loader, and the loader stays until the end."""
    board = make({"main.py": b"print('an old program')\n"}, chip="esp32s2")
    pressing = threading.Event()

    def press(step, share):
        if not pressing.is_set():
            pressing.set()
            board.hold_boot_and_reset()

    until_said(board, b"an old program")
    chip = flash.detect(board.port, press)
    assert (chip.name, chip.flash_bytes, chip.has_lines) == ("esp32s2", 4 << 20, False)
    said = []
    flash.put(
        board.port, boards.named("esp32-s2"), image("esp32s2", version="1.26.0"), say=said.append, chip=chip
    )
    assert said == ["MicroPython is on the board. Press its reset button (EN, RST): this port cannot."]
    board.reset()
    until_said(board, b"MicroPython v1.26.0 on ")
    assert board.said.count(b"an old program") == 1


@pytest.fixture
def loads_by_hand(monkeypatch):
    """Press the buttons of a board without modem lines, when esptool is to find it in its loader."""
    real = flash.detect

    def on(board):
        def detect(port, tell, say):
            board.hold_boot_and_reset()
            return real(port, tell, say)

        monkeypatch.setattr(flash, "detect", detect)

    return on


def test_its_files_are_copied_first(make, image, tmp_path, capsys, loads_by_hand):
    board = make({"main.py": b"print('an old program')\n", "mote/notes.txt": b"hello"})
    folder = tmp_path / "kept"
    path = image()
    loads_by_hand(board)
    words = ["flash", "--port", board.port, "--board", "esp32-devkitc", "--image", str(path), "--yes"]
    assert cli.main([*words, "--backup", str(folder)]) == 0, capsys.readouterr()
    assert (folder / "mote" / "notes.txt").read_bytes() == b"hello"
    assert (folder / "main.py").exists()
    err = capsys.readouterr().err
    assert "Its secrets are not: they never leave a board." in err
    assert "hold BOOT" in err


def test_an_old_micropython_is_backed_up_and_replaced(make, image, tmp_path, loads_by_hand, monkeypatch):
    """It is the reason why a board is flashed: not one why it cannot be."""
    monkeypatch.setattr(survey, "OLDEST", (99, 0))
    board = make({"main.py": b"print('an old program')\n"})
    loads_by_hand(board)
    words = ["flash", "--port", board.port, "--board", "esp32-devkitc", "--image", str(image()), "--yes"]
    assert cli.main([*words, "--backup", str(tmp_path / "kept")]) == 0
    assert (tmp_path / "kept" / "main.py").read_bytes() == b"print('an old program')\n"


def test_files_that_cannot_be_copied_are_not_erased_unasked(
    make, image, tmp_path, capsys, loads_by_hand, monkeypatch
):
    """As those of CircuitPython, which lists folders in another way."""
    monkeypatch.setattr(survey, "_LIST", "raise AttributeError  # %s %r")
    board = make({"main.py": b"print('theirs')\n"})
    loads_by_hand(board)
    words = ["flash", "--port", board.port, "--board", "esp32-devkitc", "--image", str(image()), "--yes"]
    assert cli.main([*words, "--backup", str(tmp_path / "kept")]) == 1
    err = capsys.readouterr().err
    assert "could not be copied, and nothing was erased. To flash it without a copy" in err
    assert not (tmp_path / "kept").exists()
    board.cut_power()
    assert board.image.read("main.py") == b"print('theirs')\n"
    board.start()
    assert cli.main([*words, "--no-backup"]) == 0


def test_no_module_of_the_folder_one_is_in_is_taken_for_esptool(make, image, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "esptool.py").write_text("raise SystemExit('somebody else')")
    monkeypatch.chdir(tmp_path / "here")
    board = make()
    board.hold_boot_and_reset()
    assert flash.detect(board.port).name == "esp32"


@pytest.mark.parametrize(
    ("chip", "options", "said"),
    [
        ("esp32c3", {}, "own.bin: The image is for an esp32c3, and the chip is an esp32. Take the image of"),
        ("esp32", {"flash_bytes": 16 << 20}, "is made for a flash of 16 MB, and this board's has 4 MB."),
        ("esp32", {"version": "1.20.0"}, "is too old: mailmote needs 1.24"),
    ],
)
def test_a_wrong_image_is_refused_before_anything_is_written(make, image, capsys, chip, options, said):
    board = make()
    board.hold_boot_and_reset()
    words = ["--board", "esp32-devkitc", "--image", str(image(chip, **options)), "--no-backup", "--yes"]
    code = cli.main(["flash", "--port", board.port, *words])
    err = capsys.readouterr().err
    assert (code in (1, 2), said in err) == (True, True), err
    assert "Traceback" not in err
    assert _is_erased(board)


def test_a_stand_in_is_for_virtual_boards_alone(image):
    """A real chip would run into nothing, and reset without end."""
    real = ESP32._replace(mac="24:6f:28:00:11:22")
    with pytest.raises(ImageError, match="only stands in for MicroPython, on virtual boards"):
        flash.put("/dev/nowhere", boards.named("esp32-devkitc"), image(), chip=real)
    assert flash.checked(ESP32, image(), Store()).stands_in


def test_a_tampered_image_never_reaches_esptool(image, cache):
    store = Store()
    site = FirmwareSite()
    from mailmote_host.board import images
    from mailmote_host.board.image_site import Site

    site.add("ESP32_GENERIC", "1.26.0")
    kept = images.fetch(boards.named("esp32-devkitc"), None, Site(site.url), store, flash.nothing)
    site.close()
    sound_but_other = micropython_image.build("esp32", "1.26.0", size_of_padding_bytes=20000)
    kept.write_bytes(sound_but_other)
    with pytest.raises(Exception, match="damaged or altered since"):
        flash.put("/dev/null", boards.named("esp32-devkitc"), kept, chip=ESP32)
    kept.write_bytes(sound_but_other[:-100])
    with pytest.raises(ImageError, match="cut off"):
        flash.put("/dev/null", boards.named("esp32-devkitc"), kept, chip=ESP32)


def test_ctrl_c_leaves_no_esptool_and_a_free_port(make, image):
    board = make()
    board.hold_boot_and_reset()
    chip = flash.detect(board.port)
    seen = []

    def interrupt(step, share):
        if step.startswith("writing"):
            seen.extend(_esptools(board.port))
            raise KeyboardInterrupt

    path = image(size_of_padding_bytes=200_000)
    with pytest.raises(KeyboardInterrupt):
        flash.put(board.port, boards.named("esp32-devkitc"), path, interrupt, chip=chip)
    assert len(seen) == 1
    assert _esptools(board.port) == []
    flash.has_lines(board.port)


def test_the_board_follows_from_the_chip_where_only_one_has_it():
    assert flash.the_board(ESP32._replace(name="esp32c3"), None).name == "esp32-c3"
    assert flash.the_board(ESP32, "esp32-wrover").name == "esp32-wrover"
    with pytest.raises(
        UsageError, match=r"Several boards have this chip .*esp32-devkitc, esp32-wrover, um-tinypico\."
    ):
        flash.the_board(ESP32, None)  # the Feather has 8 MB
    with pytest.raises(
        UsageError, match=r"esp32-c3 has an esp32c3, and the chip that is connected is an esp32\."
    ):
        flash.the_board(ESP32, "esp32-c3")
    with pytest.raises(UsageError, match="knows no board with this chip"):
        flash.the_board(ESP32._replace(name="esp32h2"), None)


def test_nobody_is_asked_without_a_terminal(capsys):
    with Terminal() as terminal:
        assert cli.main(["flash", "--port", terminal.name]) == 2
    assert "Agree with --yes; --backup FOLDER keeps a copy" in capsys.readouterr().err
    for words in (["--image", "x.bin", "--version", "1.25.0"], ["--backup", "b", "--no-backup"]):
        assert cli.main(["flash", "--yes", *words]) == 2
        assert "exclude each other" in capsys.readouterr().err


def test_a_port_that_is_not_there_is_told_before_consent_is_asked_for(capsys, tmp_path):
    assert cli.main(["flash", "--port", str(tmp_path / "none")]) == 1
    assert "There is no port" in capsys.readouterr().err


def test_a_port_that_is_not_there_is_told(capsys, tmp_path):
    assert cli.main(["flash", "--yes", "--port", str(tmp_path / "ttyUSB9")]) == 1
    assert "There is no port" in capsys.readouterr().err


def test_a_silent_port_is_told_how_to_bring_the_chip_into_its_loader(monkeypatch):
    monkeypatch.setattr(flash, "_PATIENCE_ATTEMPTS", 1)
    with (
        Terminal() as terminal,
        pytest.raises(flash.EsptoolError, match="hold BOOT .* press and let go of EN") as refused,
    ):
        flash.detect(terminal.name)
    assert refused.value.reason == "not in loader"
