"""Deep sleep: a board that runs on a battery is awake for a moment, and knows afterwards what it knew before.

A wake is wake.Wake. What the board knows between two of them is in RTC memory (store/rtc.py), which survives
deep sleep and resets, and no loss of power.
"""

import asyncio
import binascii

from . import __version__, log, sensors
from .policy.asleep import unpack
from .store import rtc
from .wake import Wake


def run(settings, path, dog, crashes=None):
    """Wake, and sleep again: returns only on a board that has to stay awake, once it has said why.

    `path`: the file of the settings. `dog`: the watchdog. `crashes` counts them.
    """
    import machine

    cause = machine.reset_cause()
    powered = cause != machine.DEEPSLEEP_RESET
    if powered and not _can_sleep(settings):
        return
    if powered:
        rtc.write(rtc.ALARMS, None)  # of a life on mains, with what was told then
    fingerprint = _fingerprint(path)
    asleep = unpack(rtc.read(rtc.BATTERY), fingerprint, len(settings["sensors"]))
    if asleep and powered and cause != machine.WDT_RESET:
        asleep.try_s, asleep.courier = 0, b""  # a person waits to see it try
    sleep_s = asyncio.run(Wake(settings, asleep, fingerprint, powered).run(dog, crashes))
    if sleep_s:
        log.info("battery", "Asleep for %d s.", sleep_s)
        if crashes:
            crashes.ended(sleep_s)
        machine.deepsleep(sleep_s * 1000)


def _can_sleep(settings):
    """Whether this board can; its log tells why it cannot."""
    if not rtc.write(rtc.BATTERY, rtc.read(rtc.BATTERY)):
        log.warning("battery", "This MicroPython keeps nothing in deep sleep: the board stays awake.")
        return False
    for entry in settings["sensors"]:
        if not sensors.is_live(entry["driver"]):
            log.warning("battery", "%s is a recording: the board stays awake to read it.", entry["name"])
            return False
    return True


def _fingerprint(path):
    """32 bits of the settings and the firmware: what was kept for others is no use."""
    crc = binascii.crc32(__version__.encode())
    with open(path, "rb") as file:
        while True:
            piece = file.read(256)
            if not piece:
                return crc
            crc = binascii.crc32(piece, crc)
