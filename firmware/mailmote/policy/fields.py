"""Every key of mote.toml, as a table: what it is called, what it holds, what it is when left out.

A row is (key, name on the board, kind, limit, default, example). A default of REQUIRED means that the key
must be there; None, that it is left out on the board too. The example is for the message about a missing key.
"""

from . import kinds, options, quantities
from .problems import shown, suggestion
from .stored_settings import DEVICE as _DEVICE
from .stored_settings import LIMITS as _LIMITS
from .stored_settings import RETRY as _RETRY

REQUIRED = ...

MAX_SENSORS = 16
MAX_ALARMS = 32
MAX_ROUTES = 3
MAX_RECIPIENTS = 32
MAX_DOMAINS = 16
MAX_NTP_SERVERS = 4

# Of three operators, so that one that is down or blocked does not leave the board without the time.
NTP_SERVERS = ("pool.ntp.org", "time.windows.com", "time.cloudflare.com")
LOGIN_HOST = "login.microsoftonline.com"

RECIPIENTS_RULE = "since the record of an alert has one bit for each and 32 of them"

_DAY_S = 86400
_NAME = (
    40,
    "so that the record of an alarm fits 128 bytes, which the flash stores without a block of its own",
)
_SITE = (60, "so that it fits a line on a phone")
_UNIT = (16, "so that it fits a subject line")
_SSID = (32, "as IEEE 802.11 has it")
_PREFIX = (40, "so that it leaves room in the subject line")
_USERNAME = (254, "as long as the longest address")
_RECIPIENTS = (MAX_RECIPIENTS, RECIPIENTS_RULE)
_DOMAINS = (MAX_DOMAINS, "since the board keeps them in memory")
_NTP = (MAX_NTP_SERVERS, "so that all of them are asked within minutes")
_SCOPE = (250, "since the board keeps it in memory")
_FILE = (60, "as file names are")
_MAIL_HOST = ("smtp.office365.com", "the port goes into mail.port")
_MAIL_PORT = (
    "587 or 25",
    "port 465 begins with TLS, which Microsoft 365 does not offer: mailmote begins in clear and asks for "
    "STARTTLS. Use 587 with client-submission, 25 with direct-send and smtp-relay",
)
_OAUTH_HOST = (LOGIN_HOST, "the port goes into oauth.port")
_OAUTH_PORT = ("443", None)
_CLIENT_ID = "the application (client) ID that Entra ID shows with the registration"
_EVERY = (1, _DAY_S, "as fast as a board reads and still has time to send")
_HOLD = (0, 30 * _DAY_S, "")
_SILENCE = (10, 30 * _DAY_S, "or a single slow reading would be an alarm")
_REPEAT = (300, 365 * _DAY_S, "since a mailbox may send 30 messages a minute and people stop reading sooner")
_FALLBACK = (60, 7 * _DAY_S, "so that a server has the time for a second try")
_PIN = (0, 48, "as the pins of ESP32 chips are numbered", "13")
_FIRST = (10, 600, "so that a server with a trouble of its own is left in peace")
_CAP = (10, _DAY_S, "as the first pause")
_EXPIRY = (4 * _DAY_S, 365 * _DAY_S, "since RFC 5321 asks for four to five days of trying")
_SLOT = (0, 999, "as boards are that share a mailbox", "0")
_PER_DAY = (1, 10000, "since a mailbox may send to 10000 recipients a day", "1000")
_DIGEST = (60, _DAY_S, "so that a few alarms at once still are mails of their own")
_CHANGES = (1, 60, "since people stop reading sooner", "6")

POWER = ("mains", "battery")
SEVERITIES = ("info", "warning", "critical")

DEVICE = (
    ("name", "name", kinds.text, _NAME, REQUIRED, '"freezer-3"'),
    ("site", "site", kinds.text, _SITE, None, '"Building 7, cold room"'),
    ("utc_offset", "utc_offset_s", quantities.utc_offset, None, 0, '"+01:00"'),
    ("power", "power", kinds.choice, POWER, _DEVICE["power"], '"battery"'),
    ("led", "led", quantities.whole, _PIN, None, "13"),
    ("led_inverted", "led_inverted", kinds.boolean, None, _DEVICE["led_inverted"], "true"),
)
WIFI = (("ssid", "ssid", kinds.text, _SSID, REQUIRED, '"Plant"'),)
MAIL = (
    ("option", "option", kinds.choice, options.NAMES, REQUIRED, '"client-submission"'),
    ("from", "from", kinds.address, None, REQUIRED, '"alerts@contoso.com"'),
    ("to", "to", kinds.addresses, _RECIPIENTS, REQUIRED, '["facilities@contoso.com"]'),
    ("cc", "cc", kinds.addresses, _RECIPIENTS, None, '["manager@contoso.com"]'),
    ("reply_to", "reply_to", kinds.address, None, None, '"helpdesk@contoso.com"'),
    ("host", "host", kinds.host, _MAIL_HOST, None, '"smtp.office365.com"'),
    ("port", "port", kinds.port, _MAIL_PORT, None, "587"),
    ("tls", "tls", kinds.choice, options.TLS, None, '"required"'),
    ("auth", "auth", kinds.choice, options.AUTH, None, '"oauth-device"'),
    ("username", "username", kinds.text, _USERNAME, None, '"alerts@contoso.com"'),
    ("connect_to", "connect_to", kinds.host, _MAIL_HOST, None, '"192.0.2.10"'),
    ("ca", "ca", kinds.pem_file, _FILE, None, '"site-ca.pem"'),
    ("accepted_domains", "accepted_domains", kinds.domains, _DOMAINS, None, '["contoso.com"]'),
    ("subject_prefix", "subject_prefix", kinds.text, _PREFIX, None, '"[Plant 7]"'),
    ("fallback_after", "fallback_after_s", quantities.duration, _FALLBACK, None, '"30min"'),
)
OAUTH = (
    ("tenant", "tenant", kinds.tenant, None, REQUIRED, '"contoso.onmicrosoft.com"'),
    ("client_id", "client_id", kinds.guid, _CLIENT_ID, REQUIRED, '"00001111-aaaa-2222-bbbb-3333cccc4444"'),
    ("scope", "scope", kinds.scope, _SCOPE, None, '"https://outlook.office365.com/.default"'),
    ("host", "host", kinds.host, _OAUTH_HOST, LOGIN_HOST, '"%s"' % LOGIN_HOST),
    ("port", "port", kinds.port, _OAUTH_PORT, 443, "443"),
    ("connect_to", "connect_to", kinds.host, _OAUTH_HOST, None, '"192.0.2.10"'),
)
CLOCK = (("ntp", "ntp", kinds.ntp_servers, _NTP, NTP_SERVERS, '["ntp.contoso.com"]'),)
RETRY = (
    ("first", "first_s", quantities.duration, _FIRST, _RETRY["first_s"], '"1min"'),
    ("cap", "cap_s", quantities.duration, _CAP, _RETRY["cap_s"], '"1h"'),
    ("expire_after", "expire_after_s", quantities.duration, _EXPIRY, _RETRY["expire_after_s"], '"5d"'),
)
LIMITS = (
    ("mailbox_share", "mailbox_share", quantities.share, None, _LIMITS["mailbox_share"], "0.25"),
    ("mailbox_slot", "mailbox_slot", quantities.whole, _SLOT, None, "0"),
    (
        "recipients_per_day",
        "recipients_per_day",
        quantities.whole,
        _PER_DAY,
        _LIMITS["recipients_per_day"],
        "1000",
    ),
    ("digest_after", "digest_after_s", quantities.duration, _DIGEST, _LIMITS["digest_after_s"], '"15min"'),
    ("changes_per_hour", "changes_per_hour", quantities.whole, _CHANGES, _LIMITS["changes_per_hour"], "6"),
)
ALIVE = (("at", "at_s", quantities.time_of_day, None, REQUIRED, '"07:00"'),)
SENSOR = (
    ("name", "name", kinds.text, _NAME, REQUIRED, '"freezer"'),
    ("driver", "driver", kinds.text, _NAME, REQUIRED, '"adc"'),
    ("unit", "unit", kinds.text, _UNIT, None, '"C"'),
    ("every", "every_s", quantities.duration, _EVERY, 60, '"1min"'),
)
ALARM = (
    ("name", "name", kinds.text, _NAME, REQUIRED, '"too warm"'),
    ("sensor", "sensor", kinds.text, _NAME, REQUIRED, '"freezer"'),
    ("above", "above", quantities.number, None, None, "-15.0"),
    ("below", "below", quantities.number, None, None, "-30.0"),
    ("for", "for_s", quantities.duration, _HOLD, None, '"15min"'),
    ("clear", "clear", quantities.number, None, None, "-18.0"),
    ("no_reading_for", "no_reading_for_s", quantities.duration, _SILENCE, None, '"30min"'),
    ("to", "to", kinds.addresses, _RECIPIENTS, None, '["oncall@contoso.com"]'),
    ("severity", "severity", kinds.choice, SEVERITIES, "warning", '"critical"'),
    ("repeat_every", "repeat_every_s", quantities.duration, _REPEAT, None, '"4h"'),
)

ALSO_SINGLE = "mail"  # in single brackets where there is one of it

# key, rows, the most tables of that name (None: one, in single brackets), whether it must be there.
TABLES = (
    ("device", DEVICE, None, True),
    ("wifi", WIFI, None, False),
    ("mail", MAIL, MAX_ROUTES, True),
    ("oauth", OAUTH, None, False),
    ("clock", CLOCK, None, False),
    ("retry", RETRY, None, False),
    ("limits", LIMITS, None, False),
    ("alive", ALIVE, None, False),
    ("sensor", SENSOR, MAX_SENSORS, True),
    ("alarm", ALARM, MAX_ALARMS, True),
)


def read(table, rows, path, findings, hint=""):
    """The values of one table by their names on the board, defaults filled in, in the order of the rows.

    A value that is there and unusable is None. Keys without a row are left to `refuse_unknown`. `hint` ends
    the message about a missing key.
    """
    values = {}
    for key, name, kind, limit, default, example in rows:
        here = path + (key,)
        if key in table:
            values[name] = None if findings.is_unusable(here) else kind(table[key], limit, here, findings)
        elif default is REQUIRED:
            findings.error(here, "is missing: write it as in %s = %s%s" % (key, example, hint))
            values[name] = None
        elif default is not None:
            values[name] = default
    return values


def read_options(table, driver_options, path, findings):
    """The values of a driver's own options: a mapping of name to (type, default, words)."""
    values = {}
    for key in sorted(driver_options):
        wanted, default, words = driver_options[key]
        here = path + (key,)
        if key in table:
            value = table[key]
            such_as = {str: '"text"', int: "4", float: "0.5", bool: "true"}[wanted]
            if findings.is_unusable(here) or not kinds.has_type(value, wanted, here, findings, such_as):
                continue
            values[key] = _option(value, wanted, here, findings)
        elif default is REQUIRED:
            findings.error(here, "is missing, and the driver needs it: %s" % words)
        elif default is not None:
            values[key] = default
    return values


def _option(value, wanted, path, findings):
    if wanted is str:
        return kinds.text(value, (200, "since the board keeps it in memory"), path, findings)
    if wanted is float:
        return quantities.number(value, None, path, findings)
    if not -(2**31) <= value < 2**31:
        findings.error(path, "%s is out of range: a whole number on the board has 32 bits" % shown(value))
        return None
    return value


def refuse_unknown(table, known, path, findings):
    """An error for each key that is not known, save those that have one already, such as a password."""
    for key in table:
        if key not in known and not findings.is_unusable(path + (key,)):
            findings.error(path + (key,), "is not a key of mailmote: %s" % suggestion(key, known))


def keys(rows):
    return tuple(row[0] for row in rows)
