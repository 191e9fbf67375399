"""The settings as the board has them: `settings.json`, checked by the host before it was written.

Apart from the validator, so that the board never loads that: its tables and texts take more heap than a mail.
"""

from ..errors import SettingsError

VERSION = 1

_FIX = "Run `mailmote provision` again"
_SHAPE = (
    ("device", dict, ("name", "utc_offset_s")),
    ("mail", dict, ("option", "from", "to", "host", "port", "tls", "auth")),
    ("clock", dict, ("ntp",)),
    ("sensors", list, ("name", "driver", "every_s", "options")),
    ("alarms", list, ("name", "sensor", "severity")),
)


def load(data):
    """The settings, from the parsed settings.json: `data` itself. SettingsError tells why it is no use."""
    if not isinstance(data, dict) or "v" not in data:
        raise SettingsError("settings.json holds no settings of mailmote. %s." % _FIX)
    if data["v"] != VERSION:
        raise SettingsError(
            "settings.json is of version %s and this firmware reads version %d: host tools and firmware "
            "differ. Update both, then run `mailmote provision` again." % (str(data["v"])[:12], VERSION)
        )
    for name, kind, keys in _SHAPE:
        value = data.get(name)
        if not isinstance(value, kind):
            raise SettingsError("settings.json has no %s. %s." % (name, _FIX))
        for entry in value if kind is list else (value,):
            for key in keys:
                if not isinstance(entry, dict) or key not in entry:
                    raise SettingsError("settings.json has no %s in %s. %s." % (key, name, _FIX))
    return data
