"""What the settings make of an alert: from whom it is, and the mail that tells it.

The words of the rarer mails are loaded for one and let go again: heap is short.
"""

from . import addresses, compat
from .event import CRASH, TEST
from .mail.alert import About, compose
from .recipients import named


def client_name(settings, route):
    """The name for EHLO: the device as a host of the sender's domain, since Exchange refuses bare words."""
    label = "".join(
        character if "a" <= character <= "z" or "0" <= character <= "9" else "-"
        for character in settings["device"]["name"].lower()
    )
    return "%s.%s" % (label[:63].strip("-") or "mote", addresses.domain_of(route["from"]))


def letter(settings, route, record, health, notes):
    """The Message for one record through `route`, a mail table; always with the same Date and Message-ID.

    Raises SettingsError.
    """
    event = record.event
    about = _about(settings, route, event, notes)
    if event.kind < TEST:
        return compose(event, about, _message_id(settings, record), health.lines())
    words = compat.borrow("mailmote.mail.report")
    log_lines = health.last_crash().split("\n") if event.kind == CRASH else ()
    readings = health.readings(settings["device"]["utc_offset_s"])
    return words.compose(event, about, _message_id(settings, record), health.lines(), readings, log_lines)


def digest(settings, route, records, last, health, notes):
    """The Message for several records. `records()` yields them anew, oldest first; `last` is the last one.

    Its Date and Message-ID are those of the last one. Raises SettingsError.
    """

    def rows():
        for record in records():
            yield record.event, _about(settings, route, record.event, ())

    words = compat.borrow("mailmote.mail.digest")
    about = _about(settings, route, last.event, notes)
    return words.compose(rows, about, _message_id(settings, last), last.event.at_s, health.lines())


def _message_id(settings, record):
    """The same by whichever route it goes."""
    domain = addresses.domain_of(settings["mail"]["from"])
    return "%08x.%08x@%s" % (record.event.at_s, record.identity, domain)


def _about(settings, route, event, notes):
    """What the settings say of an event; an alarm that they no longer have is told all the same."""
    device, mail = settings["device"], settings["mail"]
    alarm = named(settings["alarms"], event.alarm)
    sensor = named(settings["sensors"], alarm.get("sensor"))
    return About(
        device["name"],
        sensor.get("name", "?"),
        route["from"],
        alarm.get("to") or mail["to"],
        () if alarm.get("to") else mail.get("cc", ()),
        mail.get("reply_to"),
        mail.get("subject_prefix", ""),
        device.get("site", ""),
        sensor.get("unit", ""),
        device["utc_offset_s"],
        alarm.get("severity", ""),
        sensor.get("every_s", 0),
        alarm.get("for_s", 0),
        alarm.get("clear"),
        alarm.get("repeat_every_s", 0),
        notes,
    )
