"""The alert mail of a settings file as a mailbox shows it, with readings that are made up.

The firmware's own code raises the alarm and writes the mail; what comes out is read back from the octets that
a server would get.
"""

import email.policy
import itertools
import math
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from typing import Any, NamedTuple

from mailmote.event import READINGS_KEPT, Event
from mailmote.letters import letter
from mailmote.policy.alarms import Alarm
from mailmote.recipients import recipients_of

_IDENTITY = 0x5EED  # random on a board
_DAY_S = 86400
# As the board's health.py tells it.
_HEALTH = ("Running for: 3 d 5 h", "Free memory: 96 kB")
_SIGNAL = "Wi-Fi signal: -61 dBm"
_COUNTS = "Mails sent: 12, tried again: 1, recipients refused: 0"
_CALM_READINGS = 3
_NO_THRESHOLD = 20.0  # a reading, where no alarm of the sensor tells what is plausible


class ExampleMail(NamedTuple):
    """`recipients` are those of the envelope, cc included."""

    alarm: str
    sender: str
    to: str
    cc: str
    subject: str
    text: str
    recipients: list[str]
    octets: int

    def to_json(self) -> dict[str, Any]:
        return {
            "alarm": self.alarm,
            "from": self.sender,
            "to": self.to,
            "cc": self.cc or None,
            "subject": self.subject,
            "text": self.text,
            "recipients": self.recipients,
            "octets": self.octets,
        }


def of_alarm(settings: Mapping[str, Any], entry: Mapping[str, Any], now_s: int) -> ExampleMail:
    """The mail of the alarm `entry` of the settings, raised at `now_s` (seconds since 1970)."""
    record = _Record(_event(settings, entry, now_s), _IDENTITY)
    health = _Health((*_HEALTH, _SIGNAL, _COUNTS) if "wifi" in settings else (*_HEALTH, _COUNTS))
    message = letter(settings, settings["mail"], record, health, ())
    octets = b"".join(message.chunks())
    shown = message_from_bytes(octets, policy=email.policy.default)
    return ExampleMail(
        entry["name"],
        str(shown["From"]),
        str(shown["To"]),
        str(shown["Cc"] or ""),
        str(shown["Subject"]),
        shown.get_content().replace("\r\n", "\n"),
        recipients_of(settings, entry["name"]),
        len(octets),
    )


class _Record(NamedTuple):
    """What a mail is made of, of a record in the outbox."""

    event: Event
    identity: int


class _Health(NamedTuple):
    """What a mail tells of the board."""

    told: tuple[str, ...]

    def lines(self) -> tuple[str, ...]:
        return self.told


def _event(settings: Mapping[str, Any], entry: Mapping[str, Any], now_s: int) -> Event:
    """What the board's own alarm raises for readings that lead up to it at `now_s`."""
    alarm = Alarm(entry)
    sensor = next(one for one in settings["sensors"] if one["name"] == entry["sensor"])
    at_s = now_s // 60 * 60
    threshold = entry.get("above", entry.get("below"))
    if threshold is None:
        steps = _silence(settings, entry, sensor, at_s)
    else:
        steps = _rise(entry, sensor, threshold, at_s)
    for time_s, value in steps:
        for event in alarm.tick(time_s) if value is None else alarm.reading(time_s, value):
            return event
    raise AssertionError("the readings do not lead up to the alarm")


def _rise(
    entry: Mapping[str, Any], sensor: Mapping[str, Any], threshold: float, at_s: int
) -> Iterator[tuple[int, float]]:
    """Calm readings, then some beyond the threshold, until it was held; those between are left out.

    No two are more than a day apart: a longer step would be the clock being set.
    """
    every_s = sensor["every_s"]
    held = math.ceil(entry["for_s"] / every_s)
    side = 1 if "above" in entry else -1
    margin = _margin(entry, threshold)
    began_s = at_s - held * every_s
    calm = _calm(entry, sensor, threshold)
    for back in range(_CALM_READINGS, 0, -1):
        yield began_s - back * every_s, calm
    daily = range(0, held, max(1, _DAY_S // every_s))
    for count in sorted({*daily, *range(max(0, held - READINGS_KEPT + 1), held + 1)}):
        if _is_contact(sensor, threshold):
            value = float(side > 0)
        else:
            value = threshold + side * margin * (0.4 + 0.6 * (count + 1) / (held + 1))
        yield began_s + count * every_s, value


def _silence(
    settings: Mapping[str, Any], entry: Mapping[str, Any], sensor: Mapping[str, Any], at_s: int
) -> Iterator[tuple[int, float | None]]:
    last_s = at_s - entry["no_reading_for_s"]
    others = (one for one in settings["alarms"] if one["sensor"] == sensor["name"])
    calm = next(
        (_calm(one, sensor, one.get("above", one.get("below"))) for one in others if "clear" in one),
        0.0 if sensor["driver"] == "digital" else _NO_THRESHOLD,
    )
    for back in range(_CALM_READINGS, -1, -1):
        yield last_s - back * sensor["every_s"], calm
    for time_s in itertools.takewhile(lambda one: one < at_s, itertools.count(last_s + _DAY_S, _DAY_S)):
        yield time_s, None
    yield at_s, None


def _calm(entry: Mapping[str, Any], sensor: Mapping[str, Any], threshold: float) -> float:
    """A reading that is no cause for alarm."""
    above = "above" in entry
    if _is_contact(sensor, threshold):
        return float(not above)
    return entry["clear"] - (1 if above else -1) * _margin(entry, threshold) * 0.2


def _is_contact(sensor: Mapping[str, Any], threshold: float) -> bool:
    """True where the readings are 0 and 1, and one of them is beyond the threshold."""
    return sensor["driver"] == "digital" and 0 < threshold < 1


def _margin(entry: Mapping[str, Any], threshold: float) -> float:
    """How far a plausible reading goes beyond the threshold."""
    return abs(threshold - entry["clear"]) or abs(threshold) * 0.05 or 1.0
