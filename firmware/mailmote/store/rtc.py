"""What outlives a reset and deep sleep, and costs no flash: sections in the memory of the real-time clock.

2048 bytes, which a loss of power makes nothing or anything: so magic, version, sections (number, length,
octets) and the CRC-32 of all before it. What is not whole is nothing, and the next write puts it right. A
MicroPython that was built without this memory has nothing in it and keeps nothing
(https://docs.micropython.org/en/latest/library/machine.RTC.html#machine.RTC.memory).
"""

import binascii
import struct

from ..compat import const

CRASHES = 1
BATTERY = 2
COURIER = 3
ALARMS = 4

_HEAD = b"mote\x01"  # the magic, and the version of what follows
_CRC_BYTES = const(4)
_SECTION = "<BH"
_SECTION_BYTES = const(3)
_MAX_BYTES = const(2048)


def read(section):
    """The octets that were last written to the section of that number, or None."""
    held = _held()
    for number, begin, end in _sections(held):
        if number == section:
            return bytes(memoryview(held)[begin:end])
    return None


def write(section, data):
    """Keep `data` in a section; None removes it. False where the memory has no room, or there is none."""
    rtc = _clock()
    if rtc is None:
        return False
    held = _held()
    kept = bytearray(_HEAD)
    for number, begin, end in _sections(held):
        if number != section:
            kept += memoryview(held)[begin - _SECTION_BYTES : end]
    if data is not None:
        kept += struct.pack(_SECTION, section, len(data))
        kept += data
    if len(kept) + _CRC_BYTES > _MAX_BYTES:
        return False
    kept += struct.pack("<I", binascii.crc32(kept))
    rtc.memory(kept)
    return True


def _clock():
    """The real-time clock, or None where it has no memory."""
    try:
        import machine

        rtc = machine.RTC()
    except (ImportError, AttributeError):
        return None  # no ESP32
    return rtc if hasattr(rtc, "memory") else None


def _held():
    """What the memory holds if it is sound, else nothing."""
    rtc = _clock()
    held = rtc.memory() if rtc else b""
    end = len(held) - _CRC_BYTES
    if end < len(_HEAD) or held[: len(_HEAD)] != _HEAD:
        return b""
    if struct.unpack_from("<I", held, end)[0] != binascii.crc32(memoryview(held)[:end]):
        return b""
    return held


def _sections(held):
    """(number, begin, end) of each section, as far as they are whole."""
    position = len(_HEAD)
    last = len(held) - _CRC_BYTES
    while position + _SECTION_BYTES <= last:
        number, length = struct.unpack_from(_SECTION, held, position)
        begin = position + _SECTION_BYTES
        position = begin + length
        if position <= last:
            yield number, begin, position
