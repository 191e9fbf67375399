"""The kinds of values that settings have. Each takes (value, limit, path, findings) and gives the normalised
value, or None after telling `findings` what is wrong and how to put it right."""

from ..addresses import address_fault, domain_fault, is_ip
from .problems import listed, nearest, shown, type_word

SHARED_TENANTS = ("common", "organizations", "consumers")

_GUID = "00001111-aaaa-2222-bbbb-3333cccc4444"


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


def boolean(value, limit, path, findings):
    return value if has_type(value, bool, path, findings, "true") else None


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


def port(value, limit, path, findings):
    """`limit`: (examples, why it cannot be 465 or None)."""
    such_as, not_465 = limit
    if not has_type(value, int, path, findings, such_as):
        return None
    if value == 465 and not_465:
        findings.error(path, not_465)
        return None
    if not 1 <= value <= 65535:
        findings.error(
            path, "%s is no port: it must be from 1 to 65535, such as %s" % (shown(value), such_as)
        )
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
    fault = _domain_fault(value)
    if fault:
        findings.error(path, '%s is no domain: %s. Write it as in "contoso.com"' % (shown(value), fault))
        return None
    return value.lower()


def _domain_fault(value):
    return (
        domain_fault(value)
        or ("." not in value and "it has no dot")
        or (is_ip(value) and "it is an IP address")
        or None
    )


def host(value, limit, path, findings):
    """A DNS name or an IP address, bare. `limit`: (an example, what to do about a port in it)."""
    such_as, no_port = limit
    if not has_type(value, str, path, findings, '"%s"' % such_as):
        return None
    if is_ip(value) and value.count(":") != 1:
        fault = _ip_fault(value)
    elif "/" in value or ":" in value or "@" in value:
        fault = "it is the bare name only: no scheme and no path, and " + no_port
    else:
        fault = domain_fault(value)
    if fault:
        findings.error(path, '%s is no host: %s. Write it as in "%s"' % (shown(value), fault, such_as))
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


def guid(value, limit, path, findings):
    """`limit`: what it is the ID of. A wrong one is not shown: people mistake the client secret for it."""
    if not has_type(value, str, path, findings, '"%s"' % _GUID):
        return None
    if not _is_guid(value):
        findings.error(path, 'is no ID: write %s, which looks like "%s"' % (limit, _GUID))
        return None
    return value.lower()


def tenant(value, limit, path, findings):
    """A tenant of Entra ID: a domain of it, its directory ID, or a word for any of several."""
    if not has_type(value, str, path, findings, '"contoso.onmicrosoft.com"'):
        return None
    fault = None if value.lower() in SHARED_TENANTS or _is_guid(value) else _domain_fault(value)
    if fault:
        findings.error(
            path,
            '%s is no tenant: %s. Write a domain of it, as in "contoso.onmicrosoft.com", or its directory ID'
            % (shown(value), fault),
        )
        return None
    return value.lower()


def _is_guid(value):
    parts = value.split("-")
    return [len(part) for part in parts] == [8, 4, 4, 4, 12] and all(
        one in "0123456789abcdefABCDEF" for part in parts for one in part
    )


def scope(value, limit, path, findings):
    """What a token is for: words of RFC 6749 section 3.3, single spaces between. `limit`: as of `text`."""
    value = text(value, limit, path, findings)
    if value is None:
        return None
    if not all(" " <= one <= "~" and one not in '"\\' for one in value) or "" in value.split(" "):
        findings.error(
            path,
            "%s is no scope: write words of ASCII with one space between, as in "
            '"https://outlook.office.com/SMTP.Send offline_access"' % shown(value),
        )
        return None
    return value


def pem_file(value, limit, path, findings):
    """The name of a PEM file beside the settings file, or below. `limit`: as of `text`."""
    value = text(value, limit, path, findings)
    if value is None:
        return None
    if value.startswith("/") or ":" in value or "\\" in value or ".." in value.split("/"):
        fault = "it must lie beside mote.toml, or in a folder there, with / before the name"
    elif value[-4:].lower() not in (".pem", ".crt"):
        fault = "its name ends in .pem or .crt"
    else:
        return value
    findings.error(
        path, '%s is no file of certificates: %s. Write it as in "site-ca.pem"' % (shown(value), fault)
    )
    return None


def list_of(kind, entry_limit=None):
    """A kind for a list of at least one. Entries that fail become None, so that the places stay.

    `entry_limit` is the limit of an entry. `limit`: (most entries, the reason).
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
        entries = []
        for index, entry in enumerate(value):
            here = path + (index,)
            entries.append(None if findings.is_unusable(here) else kind(entry, entry_limit, here, findings))
        return entries

    return check


addresses = list_of(address)
domains = list_of(domain)
ntp_servers = list_of(host, ("pool.ntp.org", "NTP has no port but 123"))
