"""What people were told of the alarms of a board on mains, kept over its restart in RTC memory.

Without it each restart (an update, a look at the secrets, a crash) would tell anew of every alarm that
stands, and never that one is over. It is written once the outbox has what was told, and is gone before: so
what is there says told only of what people were told last. A loss of power empties it, and so does a change
of who gets an alarm: then it is told anew.
"""

import binascii
import struct

from . import __version__
from .policy import alarm_state  # noqa: F401  the watchers need it, and it is to go with this module
from .recipients import recipients_of
from .store import rtc

_SENSOR = "<IH"
_SENSOR_BYTES = 6


def keep(watchers, settings):
    """Keep what the alarms have told, if there is room; what was kept before is gone already."""
    data = bytearray()
    for watcher in watchers:
        if watcher.live:  # a recording begins anew
            state = watcher.pack(0, True)
            data += struct.pack(_SENSOR, _whose(settings, watcher.name), len(state))
            data += state
    rtc.write(rtc.ALARMS, data or None)


def take_up(watchers, settings):
    """Give new watchers what was kept for them."""
    kept = rtc.read(rtc.ALARMS) or b""
    states = {}
    position = 0
    while position < len(kept):
        whose, length = struct.unpack_from(_SENSOR, kept, position)
        position += _SENSOR_BYTES + length
        states[whose] = kept[position - length : position]
    for watcher in watchers:
        state = states.get(_whose(settings, watcher.name))
        if state:
            watcher.unpack(state)


def _whose(settings, sensor):
    """32 bits of the firmware and of who is told of what: what was kept for others is no use."""
    crc = binascii.crc32(__version__.encode())
    for alarm in settings["alarms"]:
        if alarm["sensor"] == sensor:
            sides = "above" in alarm, "below" in alarm
            told = (sensor, alarm["name"], sides, recipients_of(settings, alarm["name"]))
            crc = binascii.crc32(repr(told).encode(), crc)
    return crc
