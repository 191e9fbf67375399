"""An event as the flash keeps it: at most 128 bytes, so that littlefs holds it inline and erases nothing.

Layout, little endian: magic, length, kind and cause, number of readings; at_s, since_s, identity; value,
threshold, extreme as float32 (NaN for none); pending and refused recipients as masks; CRC-16 of the
recipients; count, first_s; how a mail with it was begun, and whether its time is known to be right; length of
the name; the alarm's name; the readings as (age in 4 s, float32); CRC-32 of all before it. A record of an
older firmware has no count, first_s, begun.

The masks count the recipients in the order of the settings. If the settings name others now, everyone is
pending again: a second mail is better than none.
"""

import binascii
import struct

from ..compat import const
from ..errors import StorageError
from ..event import READINGS_KEPT, Event

MAX_BYTES = 128  # littlefs with MicroPython's parameters: one byte more costs an erase of 4096
MAX_NAME_BYTES = 40

_MAGIC = const(0xA2)
_HEAD = "<BBBBIIIfffIIHHIBB"
_HEAD_BYTES = struct.calcsize(_HEAD)
_OLD_MAGIC = const(0xA1)
_OLD_HEAD = "<BBBBIIIfffIIHB"
_OLD_HEAD_BYTES = struct.calcsize(_OLD_HEAD)
_READING = "<Hf"
_READING_BYTES = struct.calcsize(_READING)
_AGE_UNIT_S = const(4)  # 16 bits then reach over three days
EVERYONE = 0xFFFFFFFF
_NONE = float("nan")
_MOST_COUNTED = const(0xFFFF)

# How a mail with this record was begun, which is how the next try has to send it.
NOT_BEGUN = 0
ALONE = 1
ENDS_DIGEST = 2  # it is the last of those that one mail told
_DATED = const(0x80)  # beside it


class Record:
    """An event, its identity (32 random bits), and which of its recipients are pending or refused.

    `begun` is NOT_BEGUN, ALONE or ENDS_DIGEST. `dated`: the time of the event is by a clock that was known
    to be right.
    """

    __slots__ = ("begun", "dated", "event", "identity", "pending", "recipients_crc", "refused")

    def __init__(
        self, event, identity, recipients_crc, pending=EVERYONE, refused=0, begun=NOT_BEGUN, dated=False
    ):
        self.event = event
        self.identity = identity
        self.recipients_crc = recipients_crc
        self.pending = pending
        self.refused = refused
        self.begun = begun
        self.dated = dated


def recipients_crc(recipients):
    """What a record remembers of the list of recipients its masks count."""
    return binascii.crc32("\n".join(recipients).encode()) & 0xFFFF


def encode(record):
    event = record.event
    name = event.alarm.encode()
    while len(name) > MAX_NAME_BYTES:
        name = str(name, "utf-8")[:-1].encode()
    readings = event.readings[-READINGS_KEPT:]
    data = bytearray(_HEAD_BYTES + len(name) + len(readings) * _READING_BYTES + 4)
    struct.pack_into(
        _HEAD,
        data,
        0,
        _MAGIC,
        len(data),
        event.kind | event.cause << 4,
        len(readings),
        _time(event.at_s),
        _time(event.since_s),
        record.identity,
        _NONE if event.value is None else event.value,
        _NONE if event.threshold is None else event.threshold,
        _NONE if event.extreme is None else event.extreme,
        record.pending,
        record.refused,
        record.recipients_crc,
        min(event.count, _MOST_COUNTED),
        _time(event.first_s),
        record.begun | (_DATED if record.dated else 0),
        len(name),
    )
    position = _HEAD_BYTES
    data[position : position + len(name)] = name
    position += len(name)
    for age_s, value in readings:
        struct.pack_into(_READING, data, position, min(age_s // _AGE_UNIT_S, 0xFFFF), value)
        position += _READING_BYTES
    struct.pack_into("<I", data, position, binascii.crc32(memoryview(data)[:position]))
    return data


def decode(data):
    """The Record in `data`. Raises StorageError if it is not whole and sound."""
    if len(data) < _OLD_HEAD_BYTES + 4 or data[0] not in (_MAGIC, _OLD_MAGIC) or data[1] != len(data):
        raise StorageError("a record has the wrong length or mark", "bad-record")
    if struct.unpack_from("<I", data, len(data) - 4)[0] != binascii.crc32(memoryview(data)[:-4]):
        raise StorageError("a record fails its checksum", "bad-record")
    old = data[0] == _OLD_MAGIC
    start = _OLD_HEAD_BYTES if old else _HEAD_BYTES
    if len(data) < start + 4:
        raise StorageError("a record is too short", "bad-record")
    head = struct.unpack_from(_OLD_HEAD if old else _HEAD, data)
    _, _, what, readings, at_s, since_s, identity, value, threshold, extreme, pending, refused, crc = head[
        :13
    ]
    count, first_s, begun = (1, at_s, NOT_BEGUN) if old else head[13:16]
    position = start + head[-1]
    if position + readings * _READING_BYTES + 4 != len(data):
        raise StorageError("a record contradicts its own length", "bad-record")
    try:
        name = str(bytes(data[start:position]), "utf-8")
    except ValueError:
        raise StorageError("a record's name is not UTF-8", "bad-record")
    event = Event(
        what & 15,
        what >> 4,
        name,
        since_s,
        at_s,
        _number(value),
        _number(threshold),
        _number(extreme),
        _readings(data, position, readings),
        count,
        first_s,
    )
    return Record(event, identity, crc, pending, refused, begun & ~_DATED, bool(begun & _DATED))


def _readings(data, position, count):
    readings = []
    for _ in range(count):
        age, reading = struct.unpack_from(_READING, data, position)
        readings.append((age * _AGE_UNIT_S, reading))
        position += _READING_BYTES
    return tuple(readings)


def _time(unix_s):
    return min(max(unix_s, 0), EVERYONE)


def _number(value):
    return None if value != value else value
