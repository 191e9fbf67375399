"""What tells the chips apart for whoever reads their registers, and what each prints when it starts.

Registers and eFuse words: the technical reference manuals. Boot modes and their numbers: esptool's
documentation, "Boot Mode Selection".
"""

from typing import NamedTuple

MAC = bytes((0x02, 0x6D, 0x6F, 0x74, 0x65, 0x01))  # locally administered: b"\x02mote\x01"

_MAC_LOW, _MAC_HIGH = int.from_bytes(MAC[2:], "big"), int.from_bytes(MAC[:2], "big")
_MAGIC_ADDRESS = 0x40001000


class Spi(NamedTuple):
    """The controller of the flash: its base, and where in it the opcode and the first data register are."""

    base: int
    opcode: int
    data: int


class Chip(NamedTuple):
    """`registers` are those that are not 0 at reset. `security_info_bytes` is 0 where there is none."""

    name: str
    image_chip_id: int
    security_info_bytes: int
    spi: Spi
    registers: dict[int, int]
    clock_divider: int | None  # the register that tells the crystal, by the baud rate
    watchdog: int | None  # its configuration: bit 31 lets it end everything
    banner: str
    boot_flash: str
    boot_loader: str
    bootloader_offset: int


def _efuses(base: int, **words: int) -> dict[int, int]:
    """The MAC, and some words of block 1, of the chips from the ESP32-S2 on."""
    block = base + 0x44
    return {
        block: _MAC_LOW,
        block + 4: _MAC_HIGH,
        **{block + 4 * int(name.removeprefix("word")): value for name, value in words.items()},
    }


_ESP32_EFUSES = 0x3FF5A000

CHIPS = {
    chip.name: chip
    for chip in (
        Chip(
            "esp32",
            0,
            0,
            Spi(0x3FF42000, 0x24, 0x80),
            {
                _MAGIC_ADDRESS: 0x00F01D83,
                _ESP32_EFUSES + 4: _MAC_LOW,
                _ESP32_EFUSES + 8: _MAC_HIGH,
                _ESP32_EFUSES + 12: 1 << 15 | 1 << 9,  # with the next two: D0WD, revision 3.1
                _ESP32_EFUSES + 20: 1 << 24 | 1 << 20,
                0x3FF6607C: 1 << 31,
                _ESP32_EFUSES + 16: 128,  # with the next: a crystal of 40 MHz
                0x3FF5F06C: 800 << 7,
            },
            0x3FF40014,
            None,
            "ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET)",
            "boot:0x13 (SPI_FAST_FLASH_BOOT)",
            "boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))",
            0x1000,
        ),
        Chip(
            "esp32s2",
            2,
            12,
            Spi(0x3F402000, 0x20, 0x58),
            {_MAGIC_ADDRESS: 0x000007C6, **_efuses(0x3F41A000, word3=1 << 18)},
            0x3F400014,
            0x3F408094,
            "ESP-ROM:esp32s2-rc4-20191025\r\nBuild:Oct 25 2019\r\nrst:0x1 (POWERON)",
            "boot:0x8 (SPI_FAST_FLASH_BOOT)",
            "boot:0x0 (DOWNLOAD(USB/UART0))",
            0x1000,
        ),
        Chip(
            "esp32s3",
            9,
            20,
            Spi(0x60002000, 0x20, 0x58),
            _efuses(0x60007000, word3=2 << 18),
            0x60000014,
            0x60008098,
            "ESP-ROM:esp32s3-20210327\r\nBuild:Mar 27 2021\r\nrst:0x1 (POWERON)",
            "boot:0x8 (SPI_FAST_FLASH_BOOT)",
            "boot:0x0 (DOWNLOAD(USB/UART0))",
            0,
        ),
        Chip(
            "esp32c3",
            5,
            20,
            Spi(0x60002000, 0x20, 0x58),
            _efuses(0x60008800, word3=4 << 18),
            0x60000014,
            0x60008090,
            "ESP-ROM:esp32c3-api1-20210207\r\nBuild:Feb  7 2021\r\nrst:0x1 (POWERON)",
            "boot:0xc (SPI_FAST_FLASH_BOOT)",
            "boot:0x4 (DOWNLOAD(USB/UART0/1))",
            0,
        ),
        Chip(
            "esp32c6",
            13,
            20,
            Spi(0x60003000, 0x20, 0x58),
            _efuses(0x600B0800, word4=1),
            None,
            None,
            "ESP-ROM:esp32c6-20220919\r\nBuild:Sep 19 2022\r\nrst:0x1 (POWERON)",
            "boot:0xc (SPI_FAST_FLASH_BOOT)",
            "boot:0x4 (DOWNLOAD(USB/UART0/SDIO_REI_FEO))",
            0,
        ),
    )
}
