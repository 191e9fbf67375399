"""The kinds of values that settings have. Each takes (value, limit, path, findings) and gives the normalised
value, or None after telling `findings` what is wrong and how to put it right."""

from ..addresses import address_fault, domain_fault, is_ip
from ..civil import duration as duration_words
from . import durations
from .problems import listed, nearest, shown, type_word

_LARGEST = 1e30  # the ESP32's floats end at 3.4e38; sums and differences of readings must stay below


def has_type(value, wanted, path, findings, such_as):
    """True where value is of the type; a whole number will do for a float."""
    if type(value) is wanted or (wanted is float and type(value) is int):
        return True
    words = {
        str: "text in quotes",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        list: "a list",
    }
    findings.error(path, "is %s; it must be %s, such as %s" % (type_word(value), words[wanted], such_as))
    return False


def text(value, limit, path, findings):
    """`limit`: (most UTF-8 bytes, the reason)."""
    most, reason = limit
    if not has_type(value, str, path, findings, '"freezer 3"'):
        return None
    if not value.strip():
        findings.error(path, "is empty: write some text, or take the line out")
        return None
    size = len(value.encode())
    if size > most:
        findings.error(path, "%s is %d bytes long; at most %d, %s" % (shown(value), size, most, reason))
        return None
    return value


def choice(value, limit, path, findings):
    """`limit`: the known words."""
    if not has_type(value, str, path, findings, '"%s"' % limit[0]):
        return None
    if value in limit:
        return value
    close = nearest(value, limit)
    hint = 'did you mean "%s"? It is' % close if close else "it must be"
    findings.error(path, "%s is not known; %s one of: %s" % (shown(value), hint, listed(limit)))
    return None


def duration(value, limit, path, findings):
    """`limit`: (least seconds, most seconds, the reason of the least)."""
    least, most, reason = limit
    if not has_type(value, str, path, findings, '"90s", "15min" or "4h"'):
        return None
    try:
        seconds = durations.parse(value)
    except ValueError as error:
        findings.error(path, "%s cannot be read: %s" % (shown(value), error))
        return None
    if seconds < least:
        findings.error(
            path, "%s is too short: at least %s, %s" % (shown(value), duration_words(least), reason)
        )
    elif seconds > most:
        findings.error(path, "%s is too long: at most %s" % (shown(value), duration_words(most)))
    else:
        return seconds
    return None


def utc_offset(value, limit, path, findings):
    """Seconds east of UTC of "+05:30", "-03:30" or "Z"."""
    if not has_type(value, str, path, findings, '"+05:30", "-03:30" or "Z"'):
        return None
    if value == "Z":
        return 0
    digits = value[1:3] + value[4:]
    if len(value) == 6 and value[0] in "+-" and value[3] == ":" and all("0" <= one <= "9" for one in digits):
        minutes = int(digits[:2]) * 60 + int(digits[2:])
        if minutes <= 14 * 60 and int(digits[2:]) < 60:
            return minutes * (-60 if value[0] == "-" else 60)
    findings.error(
        path,
        '%s is no offset from UTC: write "+HH:MM" or "-HH:MM", at most 14 hours, as in "+01:00", or "Z" for '
        "UTC" % shown(value),
    )
    return None


def number(value, limit, path, findings):
    """A finite float."""
    if not has_type(value, float, path, findings, "-18.5"):
        return None
    if not -_LARGEST < value < _LARGEST:
        findings.error(path, "is not a number that a reading can be compared with: write one such as -18.5")
        return None
    return float(value)


def port(value, limit, path, findings):
    if not has_type(value, int, path, findings, "587"):
        return None
    if value == 465:
        findings.error(
            path,
            "port 465 begins with TLS, which Microsoft 365 does not offer: mailmote begins in clear and asks "
            "for STARTTLS. Use 587 with client-submission, 25 with direct-send and smtp-relay",
        )
        return None
    if not 1 <= value <= 65535:
        findings.error(path, "%s is no port: it must be from 1 to 65535, such as 587 or 25" % shown(value))
        return None
    return value


def address(value, limit, path, findings):
    if not has_type(value, str, path, findings, '"alerts@contoso.com"'):
        return None
    fault = address_fault(value)
    if fault:
        findings.error(
            path,
            '%s is no mail address: %s. Write it bare, as in "alerts@contoso.com"' % (shown(value), fault),
        )
        return None
    return value


def domain(value, limit, path, findings):
    if not has_type(value, str, path, findings, '"contoso.com"'):
        return None
    fault = (
        domain_fault(value)
        or ("." not in value and "it has no dot")
        or (is_ip(value) and "it is an IP address")
    )
    if fault:
        findings.error(path, '%s is no domain: %s. Write it as in "contoso.com"' % (shown(value), fault))
        return None
    return value.lower()


def host(value, limit, path, findings):
    """A DNS name or an IP address, bare; `limit` names the key to change where a port is in it."""
    if not has_type(value, str, path, findings, '"smtp.office365.com"'):
        return None
    if is_ip(value) and value.count(":") != 1:
        fault = _ip_fault(value)
    elif "/" in value or ":" in value or "@" in value:
        fault = "it is the bare name only: no scheme and no path, and the port goes into %s" % limit
    else:
        fault = domain_fault(value)
    if fault:
        findings.error(path, '%s is no host: %s. Write it as in "smtp.office365.com"' % (shown(value), fault))
        return None
    return value.lower()


def _ip_fault(value):
    if "[" in value or "]" in value:
        return "an IP address stands without brackets here"
    if ":" in value:
        if not all(one in "0123456789abcdefABCDEF:." for one in value):
            return "an IPv6 address has hexadecimal digits and colons"
        return None
    for part in value.split("."):
        if len(part) > 3 or not all("0" <= one <= "9" for one in part) or int(part) > 255:
            return "each part of an IPv4 address is from 0 to 255"
    return None


def list_of(kind):
    """A kind for a list of at least one. Entries that fail become None, so that the places stay.

    `limit`: (most entries, the reason).
    """

    def check(value, limit, path, findings):
        most, reason = limit
        if not has_type(
            value, list, path, findings, "[%s]" % (shown(value) if type(value) is str else '"..."')
        ):
            return None
        if not value:
            findings.error(path, "is an empty list: name at least one, or take the line out")
            return None
        if len(value) > most:
            findings.error(path, "has %d entries; at most %d, %s" % (len(value), most, reason))
        return [_entry(kind, entry, path + (index,), findings) for index, entry in enumerate(value)]

    return check


def _entry(kind, entry, path, findings):
    return None if findings.is_unusable(path) else kind(entry, None, path, findings)


addresses = list_of(address)
domains = list_of(domain)
