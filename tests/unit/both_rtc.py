"""Sections in the memory of the real-time clock."""

import binascii
import struct
import sys

from expect import equal

from mailmote.store import rtc


class Clock:
    """`machine` and its RTC, with the memory of an ESP32."""

    def __init__(self, held=b""):
        self.held = held

    def RTC(self):  # noqa: N802 - the name it has on a board
        return self

    def memory(self, data=None):
        if data is None:
            return self.held
        if len(data) > 2048:
            raise ValueError("buffer too long")
        self.held = bytes(data)
        return None


class NoMemory:
    """`machine` of a MicroPython that was built without it."""

    def RTC(self):  # noqa: N802 - the name it has on a board
        return object()


def on(machine, test):
    """Run `test()` on a board with that `machine`; without one there is no such module."""
    before = sys.modules.get("machine")
    sys.modules.pop("machine", None)
    if machine is not None:
        sys.modules["machine"] = machine
    try:
        return test()
    finally:
        sys.modules.pop("machine", None)
        if before is not None:
            sys.modules["machine"] = before


def filled(sections):
    """The clock of a board that wrote these (number, octets)."""
    clock = Clock()
    on(clock, lambda: [rtc.write(number, data) for number, data in sections])
    return clock


def read(clock, *numbers):
    return on(clock, lambda: [rtc.read(number) for number in numbers])


def test_what_was_last_written_to_a_section_comes_back_and_the_others_stay():
    clock = filled([(1, b"one"), (2, b"\x00" * 300), (7, b"")])
    equal(read(clock, 1, 2, 7, 3), [b"one", b"\x00" * 300, b"", None])
    on(clock, lambda: rtc.write(2, b"two"))
    equal(read(clock, 1, 2, 7), [b"one", b"two", b""])
    on(clock, lambda: rtc.write(1, None))
    equal(read(clock, 1, 2, 7), [None, b"two", b""])


def test_any_octet_that_is_torn_or_missing_makes_nothing_of_it():
    sound = filled([(1, b"first"), (2, b"second")]).held
    for place in range(len(sound)):
        torn = bytearray(sound)
        torn[place] ^= 0x10
        equal((place, read(Clock(bytes(torn)), 1, 2)), (place, [None, None]))
        equal((place, read(Clock(sound[:place]), 1, 2)), (place, [None, None]))


def test_what_another_program_left_is_overwritten():
    other_version = b"mote\x02\x01\x01\x00x"
    other_version += struct.pack("<I", binascii.crc32(other_version))
    for foreign in (b"", b"x", b"mote", b"\xff" * 2048, bytes(range(256)) * 8, other_version):
        clock = Clock(foreign)
        equal(read(clock, 1), [None])
        equal(on(clock, lambda: rtc.write(1, b"ours")), True)
        equal(read(clock, 1), [b"ours"])


def test_what_has_no_room_is_refused_and_the_rest_stays():
    clock = filled([(1, b"kept"), (2, b"old")])
    equal(on(clock, lambda: rtc.write(2, bytes(2048))), False)
    equal(read(clock, 1, 2), [b"kept", b"old"])
    room = 2048 - 5 - 4 - 3 - 4 - 3  # head, CRC, the section that is kept, the head of this one
    equal(on(clock, lambda: rtc.write(2, bytes(room + 1))), False)
    equal(on(clock, lambda: rtc.write(2, bytes(room))), True)
    equal((read(clock, 1, 2), len(clock.held)), ([b"kept", bytes(room)], 2048))


def test_a_board_without_this_memory_has_nothing_in_it_and_keeps_nothing():
    for machine in (NoMemory(), None):
        equal(on(machine, lambda: (rtc.read(1), rtc.write(1, b"x"), rtc.read(1))), (None, False, None))
