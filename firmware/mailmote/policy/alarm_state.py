"""An Alarm as the octets that keep it while the board sleeps, and back.

Little endian: a word of flags; the time of the last call, and of the last good reading; what the flags name
of the first failure, the level's since, told and extreme, the absence's since and told; the last readings as
(age in 4 s, float32), oldest first. Times are 32 bits of seconds since 1970. RTC memory gives what is whole
and sound, or nothing (store/rtc.py), so nothing is checked here but the length.
"""

import struct

from ..compat import const
from ..event import NO_READING, SENSOR_ERROR

MAX_READINGS = 3  # of those an alarm keeps: memory is scarce, and three show a trend

_CALLED = const(1)
_FAILING = const(2)
_LEVEL = const(4)
_LEVEL_TOLD = const(8)
_EXTREME = const(16)
_ABSENT = const(32)
_ABSENT_TOLD = const(64)
_SENSOR_ERROR = const(128)
_READINGS_SHIFT = const(8)

_HEAD = "<HII"
_HEAD_BYTES = 10
_WORD_BYTES = const(4)
_READING = "<Hf"
_READING_BYTES = const(6)
_AGE_UNIT_S = const(4)  # 16 bits then reach over three days
_LAST_S = const(0xFFFFFFFF)

# Of everything that can be kept.
MAX_BYTES = _HEAD_BYTES + 6 * _WORD_BYTES + MAX_READINGS * _READING_BYTES


def pack(alarm, readings=MAX_READINGS):
    """The state of `alarm` with its last `readings`, at most MAX_READINGS: bytes."""
    level, absence = alarm._level, alarm._absence
    readings = min(readings, alarm._count)
    flags = readings << _READINGS_SHIFT
    data = bytearray(_HEAD_BYTES)
    for flag, value, form in (
        (_CALLED, alarm._now_s, None),
        (_SENSOR_ERROR, True if absence.cause == SENSOR_ERROR else None, None),
        (_FAILING, alarm._failing_s, "<I"),
        (_LEVEL, level.since_s, "<I"),
        (_LEVEL_TOLD, level.told_s, "<I"),
        (_EXTREME, level.extreme, "<f"),
        (_ABSENT, absence.since_s, "<I"),
        (_ABSENT_TOLD, absence.told_s, "<I"),
    ):
        if value is not None:
            flags |= flag
            if form:
                data += struct.pack(form, value if form == "<f" else _word(value))
    for age_s, value in alarm._readings(alarm._now_s)[-readings:] if readings else ():
        data += struct.pack(_READING, min(age_s // _AGE_UNIT_S, 0xFFFF), value)
    struct.pack_into(_HEAD, data, 0, flags, _word(alarm._now_s or 0), _word(alarm._good_s))
    return data


def unpack(alarm, data, position=0):
    """Give a new Alarm of the same settings the state at `position` of `data`; where that ends.

    Raises ValueError where `data` is too short.
    """
    flags, now_s, good_s = _take(_HEAD, data, position)
    position += _HEAD_BYTES
    values = []
    for flag in (_FAILING, _LEVEL, _LEVEL_TOLD, _EXTREME, _ABSENT, _ABSENT_TOLD):
        value = None
        if flags & flag:
            (value,) = _take("<f" if flag == _EXTREME else "<I", data, position)
            position += _WORD_BYTES
        values.append(value)
    level, absence = alarm._level, alarm._absence
    alarm._failing_s, level.since_s, level.told_s, level.extreme, absence.since_s, absence.told_s = values
    absence.cause = SENSOR_ERROR if flags & _SENSOR_ERROR else NO_READING
    for _ in range(flags >> _READINGS_SHIFT):
        age, value = _take(_READING, data, position)
        position += _READING_BYTES
        alarm._keep(now_s - age * _AGE_UNIT_S, value)
    if flags & _CALLED:
        alarm._now_s = alarm._far_s = now_s
    alarm._good_s = good_s
    return position


def _take(form, data, position):
    if position + struct.calcsize(form) > len(data):
        raise ValueError("the kept state of an alarm is cut short")
    return struct.unpack_from(form, data, position)


def _word(time_s):
    return min(max(time_s, 0), _LAST_S)
