"""Who gets an alert, by the settings."""


def recipients_of(settings, alarm_name):
    """The envelope's recipients of an alarm: its own, or those of the mail table, as for a test mail ("")."""
    mail = settings["mail"]
    own = named(settings["alarms"], alarm_name).get("to")
    return list(own) if own else mail["to"] + mail.get("cc", [])


def named(entries, name):
    """The table with this name, or an empty one."""
    for entry in entries:
        if entry["name"] == name:
            return entry
    return {}
