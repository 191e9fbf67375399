"""What the settings make of an alert: who gets it, from whom, and the mail that tells it."""

from . import addresses
from .mail.alert import About, compose


def recipients_of(settings, alarm_name):
    """The envelope's recipients of an alarm: its own, or those of the mail table, as for a test mail ("")."""
    mail = settings["mail"]
    own = _named(settings["alarms"], alarm_name).get("to")
    return list(own) if own else mail["to"] + mail.get("cc", [])


def client_name(settings):
    """The name for EHLO: the device as a host of the sender's domain, since Exchange refuses bare words."""
    label = "".join(
        character if "a" <= character <= "z" or "0" <= character <= "9" else "-"
        for character in settings["device"]["name"].lower()
    )
    return "%s.%s" % (label[:63].strip("-") or "mote", addresses.domain_of(settings["mail"]["from"]))


def letter(settings, record, notes, health_lines):
    """The Message for an outbox record: always with the same Date and Message-ID. Raises SettingsError."""
    event = record.event
    message_id = "%08x.%08x@%s" % (event.at_s, record.identity, addresses.domain_of(settings["mail"]["from"]))
    return compose(event, _about(settings, event, notes), message_id, health_lines)


def _about(settings, event, notes):
    """What the settings say of an event; an alarm that they no longer have is told all the same."""
    device, mail = settings["device"], settings["mail"]
    alarm = _named(settings["alarms"], event.alarm)
    sensor = _named(settings["sensors"], alarm.get("sensor"))
    return About(
        device["name"],
        sensor.get("name", "?"),
        mail["from"],
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


def _named(entries, name):
    for entry in entries:
        if entry["name"] == name:
            return entry
    return {}
