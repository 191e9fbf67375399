"""What the USB ids of a serial port tell of the board behind it.

A bridge chip (CP210x and its like) says nothing of the ESP32 behind it; a native USB port, which the ESP32
makes itself, does. Ids: the data sheets of the bridges, and Espressif's list at
github.com/espressif/usb-pids.
"""

from typing import NamedTuple

_ESPRESSIF = 0x303A
_BEHIND_A_BRIDGE = "an ESP32, of any kind"


class UsbId(NamedTuple):
    """`native_usb`: the port is the ESP32's own, and vanishes while the board resets."""

    bridge: str
    chip_guess: str
    native_usb: bool


_NATIVE = UsbId("native USB of Espressif", "ESP32-S2 or S3", native_usb=True)

_KNOWN = {
    (0x10C4, 0xEA60): UsbId("CP210x", _BEHIND_A_BRIDGE, native_usb=False),
    (0x10C4, 0xEA70): UsbId("CP2105", _BEHIND_A_BRIDGE, native_usb=False),
    (0x1A86, 0x7522): UsbId("CH340K", _BEHIND_A_BRIDGE, native_usb=False),
    (0x1A86, 0x7523): UsbId("CH340", _BEHIND_A_BRIDGE, native_usb=False),
    (0x1A86, 0x55D3): UsbId("CH343", _BEHIND_A_BRIDGE, native_usb=False),
    (0x1A86, 0x55D4): UsbId("CH9102", _BEHIND_A_BRIDGE, native_usb=False),
    (0x0403, 0x6001): UsbId("FTDI FT232", _BEHIND_A_BRIDGE, native_usb=False),
    (0x0403, 0x6010): UsbId("FTDI FT2232", _BEHIND_A_BRIDGE, native_usb=False),
    (0x0403, 0x6015): UsbId("FTDI FT231X", _BEHIND_A_BRIDGE, native_usb=False),
    (0x067B, 0x2303): UsbId("PL2303", _BEHIND_A_BRIDGE, native_usb=False),
    (_ESPRESSIF, 0x0002): UsbId("ROM bootloader of the ESP32-S2", "ESP32-S2", native_usb=True),
    (_ESPRESSIF, 0x1001): UsbId("USB serial/JTAG of Espressif", "ESP32-C3, C6, H2 or S3", native_usb=True),
    (_ESPRESSIF, 0x4001): UsbId("native USB of MicroPython", "ESP32-S2 or S3", native_usb=True),
}


def known(vid: int | None, pid: int | None) -> UsbId | None:
    """What is known of a VID:PID; None for one that no board of the ESP32 family is known to have."""
    if vid is None or pid is None:
        return None
    return _KNOWN.get((vid, pid)) or (_NATIVE if vid == _ESPRESSIF else None)
