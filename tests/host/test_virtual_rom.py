"""The loader of a chip, octet by octet, with no port; and what decides whether something boots."""

import hashlib
import struct
import zlib

import pytest

from mailmote_host.virtual import micropython_image, provision
from mailmote_host.virtual.flash_file import FlashFile
from mailmote_host.virtual.reset_lines import Reset, ResetLines
from mailmote_host.virtual.rom import boot, slip
from mailmote_host.virtual.rom.chips import CHIPS, MAC
from mailmote_host.virtual.rom.loader import Loader

ESP32 = CHIPS["esp32"]
SYNC = b"\x07\x07\x12\x20" + b"\x55" * 32
FLASH_BEGIN, FLASH_DATA, FLASH_END, MEM_BEGIN, MEM_END, MEM_DATA = range(2, 8)
SYNC_COMMAND, WRITE_REG, READ_REG = 8, 9, 10
READ_SLOW, BAUD, DEFLATE_BEGIN, DEFLATE_DATA, MD5, SECURITY = 0x0E, 0x0F, 0x10, 0x11, 0x13, 0x14
ERASE_ALL, ERASE_REGION, READ_FLASH = 0xD0, 0xD1, 0xD2
DONE = b"\x00\x00\x00\x00"
SECTOR = 4096


@pytest.fixture
def flash(tmp_path):
    provision.write_nvs(tmp_path / "nvs.json", {"a": b"1"})
    return FlashFile.create(tmp_path / "flash.bin", tmp_path / "nvs.json", 4 << 20)


def request(command, data=b"", checksum=0):
    return slip.frame(struct.pack("<BBHI", 0, command, len(data), checksum) + data)


def block(command, content, checksum=None):
    found = 0xEF
    for octet in content:
        found ^= octet
    data = struct.pack("<IIII", len(content), 0, 0, 0) + content
    return request(command, data, found if checksum is None else checksum)


def answers(said):
    """(command, value, data with its status) of each."""
    found = []
    for content in slip.Decoder().frames(said):
        direction, command, length, value = struct.unpack_from("<BBHI", content)
        assert (direction, length) == (1, len(content) - 8)
        found.append((command, value, content[8:]))
    return found


def ask(loader, command, data=b""):
    [answer] = answers(loader.receive(request(command, data)))
    assert answer[0] == command
    return answer[1:]


def stub(flash, chip=ESP32):
    loader = Loader(chip, flash)
    said = loader.receive(request(MEM_END, struct.pack("<II", 0, 0x400BE5A0)))
    assert said.endswith(slip.frame(b"OHAI"))
    return loader


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_requests_come_in_any_pieces_amid_noise(flash, piece):
    loader = Loader(ESP32, flash)
    sent = b"\x00noise" + request(READ_REG, b"\x00\x10\x00\x40") + b"\xc0\xc0" + request(SYNC_COMMAND, SYNC)
    said = b"".join(loader.receive(sent[n : n + piece]) for n in range(0, len(sent), piece))
    first, *others = answers(said)
    assert first == (READ_REG, 0x00F01D83, DONE)
    assert [command for command, _, _ in others] == [SYNC_COMMAND] * 8
    assert all(value for _, value, _ in others)  # of the stub it is 0, which esptool looks at


def test_a_request_that_was_cut_off_is_forgotten_with_the_next(flash):
    loader = Loader(ESP32, flash)
    for length in range(1, len(request(SYNC_COMMAND, SYNC))):
        loader.receive(request(SYNC_COMMAND, SYNC)[:length])
        assert answers(loader.receive(request(READ_REG, b"\x00\x10\x00\x40")))[-1] == (
            READ_REG,
            0x00F01D83,
            DONE,
        )


def test_frames_hold_any_octets():
    content = bytes(range(256)) + b"\xdb\xdc\xc0\xdb\xdd\xdb"
    decoder = slip.Decoder()
    framed = slip.frame(content)
    assert [found for octet in framed for found in decoder.frames(bytes((octet,)))] == [content]
    assert decoder.frames(b"\xc0bad\xdb!\xc0good\xc0\xdb\xc0") == [b"good"]
    assert decoder.frames(b"x" * (1 << 18)) == []
    assert decoder.frames(b"\xc0y\xc0") == [b"y"]


def test_the_rom_knows_less_than_the_stub_and_says_so(flash):
    rom = Loader(ESP32, flash)
    for command in (ERASE_ALL, ERASE_REGION, READ_FLASH, 0x77):
        assert ask(rom, command, bytes(16)) == (0, b"\x01\x05\x00\x00")
    loader = stub(flash)
    assert ask(loader, 0x77) == (0, b"\x01\x05")
    assert ask(loader, READ_SLOW, bytes(8)) == (0, b"\x01\x05")
    assert ask(loader, ERASE_ALL) == (0, b"\x00\x00")
    assert answers(loader.receive(request(SYNC_COMMAND, SYNC)))[0] == (SYNC_COMMAND, 0, b"\x00\x00")


def test_the_answer_to_the_security_request_depends_on_the_chip(flash):
    assert ask(Loader(ESP32, flash), SECURITY) == (0, b"\x01\x05\x00\x00")
    assert ask(Loader(CHIPS["esp32s2"], flash), SECURITY) == (0, bytes(12) + DONE)
    for name in ("esp32s3", "esp32c3", "esp32c6"):
        _, data = ask(Loader(CHIPS[name], flash), SECURITY)
        assert struct.unpack_from("<II", data, 12) == (CHIPS[name].image_chip_id, 0)
        assert data[20:] == DONE


@pytest.mark.parametrize(("mb", "number"), [(4, 0x16), (8, 0x17), (16, 0x18)])
@pytest.mark.parametrize("name", CHIPS)
def test_the_flash_chip_answers_behind_the_registers(tmp_path, name, mb, number):
    spi = CHIPS[name].spi
    (tmp_path / "flash.bin").write_bytes(bytes(mb << 20))
    loader = Loader(CHIPS[name], FlashFile(tmp_path / "flash.bin", tmp_path / "nvs.json"))
    for register, value in ((spi.base + spi.opcode, 7 << 28 | 0x9F), (spi.base, 1 << 18)):
        assert ask(loader, WRITE_REG, struct.pack("<IIII", register, value, 0xFFFFFFFF, 0)) == (0, DONE)
    assert ask(loader, READ_REG, struct.pack("<I", spi.base))[0] == 0  # it is done
    assert ask(loader, READ_REG, struct.pack("<I", spi.base + spi.data))[0] == number << 16 | 0x40EF


def test_a_register_is_written_where_the_mask_is(flash):
    loader = Loader(ESP32, flash)
    ask(loader, WRITE_REG, struct.pack("<IIII", 0x1000, 0x1234, 0xFF, 0))
    assert ask(loader, READ_REG, struct.pack("<I", 0x1000))[0] == 0x34
    assert ask(loader, READ_REG, struct.pack("<I", 0x3FF40014))[0] == 347  # 40 MHz at 115200 baud
    ask(loader, BAUD, struct.pack("<II", 460800, 0))
    assert ask(loader, READ_REG, struct.pack("<I", 0x3FF40014))[0] == 86
    assert ask(loader, READ_REG, struct.pack("<I", 0x3FF5A004))[0] == int.from_bytes(MAC[2:], "big")


def test_a_block_with_a_wrong_checksum_writes_nothing_and_can_be_sent_again(flash):
    loader = Loader(ESP32, flash)
    ask(loader, FLASH_BEGIN, struct.pack("<IIII", 8, 2, 4, 0x5000))
    assert answers(loader.receive(block(FLASH_DATA, b"abcd", 0)))[0][2] == b"\x01\x07\x00\x00"
    for content in (b"abcd", b"efgh"):
        assert answers(loader.receive(block(FLASH_DATA, content)))[0][2] == DONE
    assert flash.read(0x4FFF, 10) == b"\xffabcdefgh\xff"
    assert answers(loader.receive(block(MEM_DATA, b"text", 0)))[0][2] == b"\x01\x07\x00\x00"


def test_what_is_deflated_is_written_inflated(flash):
    loader = Loader(ESP32, flash)
    content = bytes(range(256)) * 40
    packed = zlib.compress(content)
    assert answers(loader.receive(block(DEFLATE_DATA, packed)))[0][2] == b"\x01\x06\x00\x00"  # not begun
    ask(loader, DEFLATE_BEGIN, struct.pack("<IIII", len(content), 2, 99, 0))
    for piece in (packed[:99], packed[99:]):
        assert answers(loader.receive(block(DEFLATE_DATA, piece)))[0][2] == DONE
    assert flash.read(0, len(content)) == content
    ask(loader, DEFLATE_BEGIN, struct.pack("<IIII", len(content), 2, 99, 0))
    assert answers(loader.receive(block(DEFLATE_DATA, b"none")))[0][2] == b"\x01\x0b\x00\x00"


def test_what_lies_outside_of_the_flash_is_refused(flash):
    end = flash.size
    loader = stub(flash)
    for command, data in (
        (FLASH_BEGIN, struct.pack("<IIII", 2, 1, 2, end - 1)),
        (ERASE_REGION, struct.pack("<II", end, SECTOR)),
        (MD5, struct.pack("<IIII", 0, end + 1, 0, 0)),
        (READ_FLASH, struct.pack("<IIII", end, 1, SECTOR, 64)),
        (READ_FLASH, struct.pack("<IIII", 0, 1, 0, 64)),
        (MD5, b"short"),
    ):
        assert ask(loader, command, data) == (0, b"\x01\x06")
    assert flash.read(0, end) == b"\xff" * end


def test_an_erase_takes_whole_sectors_and_the_nvs_with_them(flash, tmp_path):
    loader = stub(flash)
    flash.write(0, bytes(0x10000))
    ask(loader, ERASE_REGION, struct.pack("<II", SECTOR + 1, 1))
    assert flash.read(0, 3 * SECTOR) == bytes(SECTOR) + b"\xff" * SECTOR + bytes(SECTOR)
    ask(loader, ERASE_REGION, struct.pack("<II", 0xF000, SECTOR))
    assert provision.read_nvs(tmp_path / "nvs.json") == {"a": b"1"}
    ask(loader, ERASE_REGION, struct.pack("<II", 0xE000, SECTOR))
    assert provision.read_nvs(tmp_path / "nvs.json") == {}


def test_the_digest_is_text_from_the_rom_and_octets_from_the_stub(flash):
    flash.write(16, b"content")
    expected = hashlib.md5(b"content")
    area = struct.pack("<IIII", 16, 7, 0, 0)
    assert ask(Loader(ESP32, flash), MD5, area) == (0, expected.hexdigest().encode() + DONE)
    assert ask(stub(flash), MD5, area) == (0, expected.digest() + b"\x00\x00")


def test_the_rom_reads_64_octets_at_a_time(flash):
    flash.write(0, b"abc")
    rom = Loader(ESP32, flash)
    assert ask(rom, READ_SLOW, struct.pack("<II", 0, 2)) == (0, b"ab" + bytes(62) + DONE)
    assert ask(rom, READ_SLOW, struct.pack("<II", 0, 65)) == (0, b"\x01\x06\x00\x00")


def test_a_reader_that_acknowledges_gets_all_and_the_digest_and_only_a_window_before(flash):
    content = bytes(n % 251 for n in range(5 * SECTOR // 2))
    flash.write(0, content)
    loader = stub(flash)
    said = loader.receive(request(READ_FLASH, struct.pack("<IIII", 0, len(content), 1024, 2)))
    status, *blocks = slip.Decoder().frames(said)
    assert len(blocks) == 2
    loader.receive(slip.frame(b"odd"))
    arrived = b""
    while blocks:
        arrived += blocks.pop(0)
        if len(blocks) == 0 and len(arrived) >= len(content):
            break
        blocks += slip.Decoder().frames(loader.receive(slip.frame(struct.pack("<I", len(arrived)))))
    assert arrived == content
    assert slip.Decoder().frames(loader.receive(slip.frame(struct.pack("<I", len(content))))) == [
        hashlib.md5(content).digest()
    ]
    assert ask(loader, ERASE_ALL) == (0, b"\x00\x00")  # and takes requests again


def test_the_end_of_flashing_leaves_the_rom_and_only_a_reset_the_stub(flash):
    for loader, stays, left in (
        (Loader(ESP32, flash), 0, True),
        (Loader(ESP32, flash), 1, True),
        (stub(flash), 1, False),
        (stub(flash), 0, True),
    ):
        ask(loader, FLASH_END, struct.pack("<I", stays))
        assert loader.left is left
    assert loader.receive(request(SYNC_COMMAND, SYNC)) == b""  # it is in reset


def test_a_watchdog_that_is_let_loose_resets(flash):
    chip = CHIPS["esp32c3"]
    loader = stub(flash, chip)
    ask(loader, WRITE_REG, struct.pack("<IIII", chip.watchdog, 0, 0xFFFFFFFF, 0))
    assert not loader.left
    ask(loader, WRITE_REG, struct.pack("<IIII", chip.watchdog, 0xD0000102, 0xFFFFFFFF, 0))
    assert loader.left


@pytest.mark.parametrize("chip", CHIPS.values(), ids=lambda chip: chip.name)
def test_a_sound_flash_boots_and_tells_the_version(flash, chip):
    flash.write(chip.bootloader_offset, micropython_image.build(chip.name, "1.27.2"))
    start = boot.from_flash(chip, flash)
    assert start.version == "v1.27.2"
    assert start.said.decode().splitlines()[-1].endswith(chip.boot_flash)


@pytest.mark.parametrize(
    ("offset", "data", "words"),
    [
        (0x1000, b"\xff" * 4, "invalid header: 0xffffffff"),
        (0x1000, b"\x12\x34\x56\x78", "invalid header: 0x78563412"),
        (0x1030, b"!", "csum err"),
        (0x8000, b"\xff" * 0x1000, "Failed to verify partition table"),
        (0x8001, b"\x51", "Failed to verify partition table"),
        (0x10000, b"\xff", "image at 0x10000 has invalid magic byte (nothing flashed here?)"),
        (0x11000, bytes(8), "image at 0x10000 is damaged"),
    ],
)
def test_a_damaged_flash_does_not_boot_and_says_where(flash, offset, data, words):
    flash.write(0x1000, micropython_image.build("esp32"))
    flash.write(offset, data)
    start = boot.from_flash(ESP32, flash)
    assert start.version is None
    assert words in start.said.decode()


def test_code_of_another_chip_does_not_boot(flash):
    other = micropython_image.build("esp32s2")
    flash.write(0x1000, other)
    start = boot.from_flash(ESP32, flash)
    assert start.version is None
    assert start.said.endswith(b"(SPI_FAST_FLASH_BOOT)\r\n")  # what it runs says nothing
    flash.write(0x1000, micropython_image.build("esp32")[:0xF000] + other[0xF000:])
    start = boot.from_flash(ESP32, flash)
    assert start.version is None
    assert b"mismatch chip ID, expected 0, found 2" in start.said


LINES = {
    # What a program does to DTR and RTS, and what the chip notices.
    "a port is opened and closed": ([(1, 0), (1, 1), (1, 0), (0, 0)], []),
    "esptool, one by one": ([(0, 1), (1, 1), (1, 0), (0, 0)], [Reset.HELD, Reset.LOADER]),
    "esptool, both at once": (
        [(0, 0), (1, 1), (0, 1), (1, 0), (0, 0)],
        [Reset.HELD, Reset.LOADER],
    ),
    "a hard reset": ([(0, 1), (0, 1), (0, 0)], [Reset.HELD, Reset.FLASH]),
    "two of them": ([(0, 1), (0, 0), (0, 1), (0, 0)], [Reset.HELD, Reset.FLASH] * 2),
    "it is let go amid a reset": ([(0, 1), (0, 0)], [Reset.HELD, Reset.FLASH]),
}


@pytest.mark.parametrize(("changes", "noticed"), LINES.values(), ids=LINES)
def test_the_lines_reset_the_chip(changes, noticed):
    lines = ResetLines()
    found = [lines.set(bool(dtr), bool(rts)) for dtr, rts in changes]
    assert [reset for reset in found if reset] == noticed
    assert lines.timeout_s is None
    assert lines.risen() is None


def test_lines_that_are_left_on_let_the_chip_start_in_the_end(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    lines = ResetLines()
    lines.set(False, True)
    assert lines.set(True, True) is None
    assert lines.risen() is None
    now[0] += lines.timeout_s
    assert lines.risen() is Reset.FLASH
    assert lines.set(True, False) is None
