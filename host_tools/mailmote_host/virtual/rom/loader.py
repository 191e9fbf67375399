"""The loader of a chip as a state machine: esptool's octets in, answers out, and a flash that changes.

    loader = Loader(CHIPS["esp32"], flash)
    answer = loader.receive(octets)

A request is a frame of direction 0, command, length, checksum and data; its answer has direction 1, the same
command, a value, data and a status. First the ROM answers. esptool then uploads a program of its own, the
stub, and starts it: nothing of it is run here, but from then on the answers are the stub's, which knows more
commands and makes its status shorter. `left` says where that ends: "reset" is asked for by a command or the
watchdog. Source: esptool's documentation, "Serial Protocol".
"""

import hashlib
import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple, Protocol

from ...board.image_header import octets_xored
from . import slip
from .chips import Chip
from .flash_reader import FlashReader
from .registers import Registers

_HEAD = struct.Struct("<BBHI")
_SYNC_WORDS = 8  # it is answered eight times
_ROM_SYNC_VALUE = 0x20120707  # any but 0, which the stub answers
_STUB_GREETING = b"OHAI"
_CHECKSUM_START = 0xEF
_SLOW_READ_BYTES = 64
# The second octet of a failed status
_INVALID_COMMAND, _FAILED, _WRONG_CHECKSUM, _INFLATE_FAILED = 0x05, 0x06, 0x07, 0x0B


class Flash(Protocol):
    size: int

    def read(self, offset: int, size: int) -> bytes: ...
    def write(self, offset: int, data: bytes) -> None: ...
    def erase(self, offset: int, size: int) -> None: ...


class Answer(NamedTuple):
    value: int = 0
    data: bytes = b""


class _CommandError(Exception):
    """The number of the status that tells it."""


class Loader:
    """In download mode. `flash` raises ValueError for what lies outside of it."""

    def __init__(self, chip: Chip, flash: Flash):
        self._chip = chip
        self._flash = flash
        self._registers = Registers(chip, flash.size)
        self._frames = slip.Decoder()
        self._is_stub = self._starts_stub = False
        self._position = 0
        self._inflate: zlib._Decompress | None = None
        self._reading: FlashReader | None = None
        self.left = False

    @property
    def baud_rate(self) -> int:
        return self._registers.baud_rate

    def receive(self, data: bytes) -> bytes:
        """Take octets in any pieces; what the chip says to them."""
        said = b""
        for content in self._frames.frames(data):
            if self._reading is not None:
                said += self._reading.acknowledged(content)
                if self._reading.done:
                    self._reading = None
            elif not self.left:
                said += self._requested(content)
        return said

    def _requested(self, content: bytes) -> bytes:
        if len(content) < _HEAD.size:
            return b""
        direction, number, _, checksum = _HEAD.unpack_from(content)
        if direction != 0:
            return b""
        command = _COMMANDS.get(number)
        if command is None or not (command.by_stub if self._is_stub else command.by_rom):
            return self._answered(number, Answer(), _INVALID_COMMAND)
        try:
            answer, status = command.act(self, content[_HEAD.size :], checksum & 0xFF), 0
        except (ValueError, struct.error):
            answer, status = Answer(), _FAILED
        except _CommandError as error:
            answer, status = Answer(), error.args[0]
        said = self._answered(number, answer, status)
        if number == _SYNC:
            return said * _SYNC_WORDS
        return said + self._afterwards(number)

    def _answered(self, number: int, answer: Answer, status: int) -> bytes:
        ends = bytes((1 if status else 0, status)) + (b"" if self._is_stub else b"\x00\x00")
        data = answer.data + ends
        return slip.frame(_HEAD.pack(1, number, len(data), answer.value) + data)

    def _afterwards(self, number: int) -> bytes:
        """What a command does once it is answered."""
        if self._registers.watchdog_bites:
            self.left = True
        if number == _MEM_END and self._starts_stub:
            self._is_stub = True
            return slip.frame(_STUB_GREETING)
        if self._reading is not None:
            return self._reading.begin()
        return b""

    def _sync(self, data: bytes, checksum: int) -> Answer:
        return Answer(0 if self._is_stub else _ROM_SYNC_VALUE)

    def _read_register(self, data: bytes, checksum: int) -> Answer:
        return Answer(self._registers.read(struct.unpack_from("<I", data)[0]))

    def _write_register(self, data: bytes, checksum: int) -> Answer:
        for position in range(0, len(data) // 16 * 16, 16):
            address, value, mask, _ = struct.unpack_from("<IIII", data, position)
            self._registers.write(address, value, mask)
        return Answer()

    def _security_info(self, data: bytes, checksum: int) -> Answer:
        size = self._chip.security_info_bytes
        if not size:
            raise _CommandError(_INVALID_COMMAND)
        return Answer(data=struct.pack("<I8sII", 0, b"", self._chip.image_chip_id, 0)[:size])

    def _nothing(self, data: bytes, checksum: int) -> Answer:
        return Answer()

    def _memory_data(self, data: bytes, checksum: int) -> Answer:
        _block(data, checksum)
        return Answer()

    def _memory_end(self, data: bytes, checksum: int) -> Answer:
        stays, entry = struct.unpack_from("<II", data)
        self._starts_stub = not stays and entry != 0
        return Answer()

    def _flash_begin(self, data: bytes, checksum: int) -> Answer:
        size, _, _, offset = struct.unpack_from("<IIII", data)
        self._flash.erase(offset, size)
        self._position, self._inflate = offset, None
        return Answer()

    def _flash_data(self, data: bytes, checksum: int) -> Answer:
        self._write(_block(data, checksum))
        return Answer()

    def _deflated_begin(self, data: bytes, checksum: int) -> Answer:
        answer = self._flash_begin(data, checksum)
        self._inflate = zlib.decompressobj()
        return answer

    def _deflated_data(self, data: bytes, checksum: int) -> Answer:
        block = _block(data, checksum)
        if self._inflate is None:
            raise _CommandError(_FAILED)
        try:
            self._write(self._inflate.decompress(block))
        except zlib.error:
            raise _CommandError(_INFLATE_FAILED) from None
        return Answer()

    def _flash_end(self, data: bytes, checksum: int) -> Answer:
        """The ROM leaves, by a reset or into the program; the stub goes on unless it is told to reset."""
        stays = struct.unpack_from("<I", data)[0]
        self.left = not (self._is_stub and stays)
        return Answer()

    def _write(self, data: bytes) -> None:
        self._flash.write(self._position, data)
        self._position += len(data)

    def _read_slow(self, data: bytes, checksum: int) -> Answer:
        offset, size = struct.unpack_from("<II", data)
        if size > _SLOW_READ_BYTES:
            raise _CommandError(_FAILED)
        return Answer(data=self._flash.read(offset, size).ljust(_SLOW_READ_BYTES, b"\x00"))

    def _change_baud_rate(self, data: bytes, checksum: int) -> Answer:
        self._registers.baud_rate = max(1, struct.unpack_from("<I", data)[0])
        return Answer()

    def _digest(self, data: bytes, checksum: int) -> Answer:
        offset, size = struct.unpack_from("<II", data)
        digest = hashlib.md5(self._flash.read(offset, size), usedforsecurity=False)
        return Answer(data=digest.digest() if self._is_stub else digest.hexdigest().encode())

    def _erase_all(self, data: bytes, checksum: int) -> Answer:
        self._flash.erase(0, self._flash.size)
        return Answer()

    def _erase_region(self, data: bytes, checksum: int) -> Answer:
        self._flash.erase(*struct.unpack_from("<II", data))
        return Answer()

    def _read_flash(self, data: bytes, checksum: int) -> Answer:
        offset, size, block_bytes, in_flight = struct.unpack_from("<IIII", data)
        self._reading = FlashReader(self._flash.read(offset, size), block_bytes, in_flight)
        return Answer()


def _block(data: bytes, checksum: int) -> bytes:
    """The data of a block. Raises _CommandError where the checksum is another."""
    size = struct.unpack_from("<I", data)[0]
    block = data[16 : 16 + size]
    if len(block) != size or octets_xored(block) ^ _CHECKSUM_START != checksum:
        raise _CommandError(_WRONG_CHECKSUM)
    return block


class _Command(NamedTuple):
    act: Callable[[Loader, bytes, int], Answer]
    by_rom: bool = True
    by_stub: bool = True


_SYNC, _MEM_END = 0x08, 0x06
_COMMANDS = {
    0x02: _Command(Loader._flash_begin),
    0x03: _Command(Loader._flash_data),
    0x04: _Command(Loader._flash_end),
    0x05: _Command(Loader._nothing),
    _MEM_END: _Command(Loader._memory_end),
    0x07: _Command(Loader._memory_data),
    _SYNC: _Command(Loader._sync),
    0x09: _Command(Loader._write_register),
    0x0A: _Command(Loader._read_register),
    0x0B: _Command(Loader._nothing),  # parameters of the flash
    0x0D: _Command(Loader._nothing),  # attach the flash
    0x0E: _Command(Loader._read_slow, by_stub=False),
    0x0F: _Command(Loader._change_baud_rate),
    0x10: _Command(Loader._deflated_begin),
    0x11: _Command(Loader._deflated_data),
    0x12: _Command(Loader._flash_end),
    0x13: _Command(Loader._digest),
    0x14: _Command(Loader._security_info),
    0xD0: _Command(Loader._erase_all, by_rom=False),
    0xD1: _Command(Loader._erase_region, by_rom=False),
    0xD2: _Command(Loader._read_flash, by_rom=False),
}
