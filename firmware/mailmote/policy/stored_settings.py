"""The settings as the board has them: `settings.json`, checked by the host before it was written.

Apart from the validator, so that the board never loads that: its tables and texts take more heap than a mail.
"""

from ..errors import SettingsError

VERSION = 1

_FIX = "Run `mailmote provision` again"
# What is filled in where a table, or a key of it, is not there: the host before this one did not write them.
DEVICE = {"power": "mains", "led_inverted": False}
RETRY = {"first_s": 60, "cap_s": 3600, "expire_after_s": 0}  # 0: never
LIMITS = {
    "mailbox_share": 1.0,
    "recipients_per_day": 10000,
    "digest_after_s": 900,
    "changes_per_hour": 6,
}
_DEFAULTS = (("device", DEVICE), ("retry", RETRY), ("limits", LIMITS))
_ROUTE = ("option", "from", "host", "port", "tls", "auth")
_OPTIONAL = ("fallbacks", "retry", "limits", "alive")
_SHAPE = (
    ("device", dict, ("name", "utc_offset_s")),
    ("mail", dict, _ROUTE + ("to",)),
    ("fallbacks", list, _ROUTE + ("fallback_after_s",)),
    ("retry", dict, ()),
    ("limits", dict, ()),
    ("alive", dict, ("at_s",)),
    ("clock", dict, ("ntp",)),
    ("sensors", list, ("name", "driver", "every_s", "options")),
    ("alarms", list, ("name", "sensor", "severity")),
)


def load(data):
    """The settings, from the parsed settings.json: `data` itself, with defaults filled in.

    Of what an earlier host did not write, all but device.led, limits.mailbox_slot and alive are there then.
    SettingsError tells why data is no use.
    """
    if not isinstance(data, dict) or "v" not in data:
        raise SettingsError("settings.json holds no settings of mailmote. %s." % _FIX)
    if data["v"] != VERSION:
        raise SettingsError(
            "settings.json is of version %s and this firmware reads version %d: host tools and firmware "
            "differ. Update both, then run `mailmote provision` again." % (str(data["v"])[:12], VERSION)
        )
    for name, kind, keys in _SHAPE:
        if name in _OPTIONAL and name not in data:
            continue
        value = data.get(name)
        if not isinstance(value, kind):
            raise SettingsError("settings.json has no %s. %s." % (name, _FIX))
        for entry in value if kind is list else (value,):
            for key in keys:
                if not isinstance(entry, dict) or key not in entry:
                    raise SettingsError("settings.json has no %s in %s. %s." % (key, name, _FIX))
    data.setdefault("fallbacks", [])
    for name, defaults in _DEFAULTS:
        table = data.setdefault(name, {})
        for key in defaults:
            table.setdefault(key, defaults[key])
    return data
