"""The registers of a chip, as far as a flasher uses them; behind some of them is the flash chip."""

from .chips import Chip

_CRYSTAL_HZ = 40_000_000
_SPI_USER_COMMAND = 1 << 18
_WATCHDOG_ENABLED = 1 << 31
# Commands of SPI flash chips (JEDEC), of which the answers matter.
_READ_ID = 0x9F
_READ_SFDP = 0x5A
_WINBOND = 0x40EF  # manufacturer and kind of memory, as they lie in the register


class Registers:
    """A register that is not known keeps what is written to it, and was 0 before."""

    def __init__(self, chip: Chip, flash_bytes: int):
        self._chip = chip
        self._values = dict(chip.registers)
        self._flash_id = (flash_bytes.bit_length() - 1) << 16 | _WINBOND
        self.baud_rate = 115200
        self.watchdog_bites = False

    def read(self, address: int) -> int:
        if address == self._chip.clock_divider:
            return _CRYSTAL_HZ // self.baud_rate
        return self._values.get(address, 0)

    def write(self, address: int, value: int, mask: int) -> None:
        value = self.read(address) & ~mask | value & mask
        spi = self._chip.spi
        if address == spi.base and value & _SPI_USER_COMMAND:
            self._values[spi.base + spi.data] = self._answer(
                self._values.get(spi.base + spi.opcode, 0) & 0xFF
            )
            value &= ~_SPI_USER_COMMAND  # it is done
        if address == self._chip.watchdog and value & _WATCHDOG_ENABLED:
            self.watchdog_bites = True
        self._values[address] = value

    def _answer(self, opcode: int) -> int:
        """What the flash chip says to a command."""
        return {_READ_ID: self._flash_id, _READ_SFDP: 0xFFFFFFFF}.get(opcode, 0)
