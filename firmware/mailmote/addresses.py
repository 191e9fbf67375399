"""Mail addresses and domains: what may stand in an envelope, a header and the settings.

Kept to the dot-atom form of RFC 5321 section 4.1.2 (no quoted local parts, no address literals): it is
what Microsoft 365 gives a mailbox. Characters above ASCII need SMTPUTF8, which Exchange Online advertises
and refuses (`502 5.3.3`), so they are refused here.
"""

_ATEXT = "!#$%&'*+-/=?^_`{|}~"
_MAX_LOCAL_OCTETS = 64  # RFC 5321 section 4.5.3.1.1
_MAX_DOMAIN_OCTETS = 255  # RFC 5321 section 4.5.3.1.2
_MAX_PATH_OCTETS = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets


def has_control(text):
    """True where text holds a control character, line breaks and DEL included."""
    for character in text:
        if character < " " or character == "\x7f":
            return True
    return False


def is_ip(host):
    """True for an IPv4 or IPv6 address, in brackets or bare."""
    if host.startswith("[") or ":" in host:
        return True
    parts = host.split(".")
    return len(parts) == 4 and all(part.isdigit() for part in parts)


def domain_fault(domain):
    """What is wrong with a DNS name, in words, or None."""
    if not domain:
        return "the domain is empty"
    if len(domain) > _MAX_DOMAIN_OCTETS:
        return "the domain is longer than %d characters" % _MAX_DOMAIN_OCTETS
    for label in domain.split("."):
        if not label or len(label) > 63:
            return "each part of a domain has 1 to 63 characters"
        if label[0] == "-" or label[-1] == "-":
            return "a part of a domain cannot begin or end with a hyphen"
        for character in label:
            if not (
                character == "-" or (character < "\x7f" and (character.isalpha() or character.isdigit()))
            ):
                return "a domain has letters, digits, hyphens and dots only"
    return None


def address_fault(address):
    """What is wrong with `local@domain`, in words, or None."""
    local, at, domain = address.rpartition("@")
    if not at or not local:
        return "an address looks like name@example.com"
    if len(local) > _MAX_LOCAL_OCTETS or len(address) > _MAX_PATH_OCTETS:
        return "the address is too long"
    for atom in local.split("."):
        if not atom:
            return "the part before @ cannot begin or end with a dot, or hold two in a row"
        for character in atom:
            if not (
                character < "\x7f" and (character.isalpha() or character.isdigit() or character in _ATEXT)
            ):
                return "the part before @ has a character that Microsoft 365 does not take"
    if "." not in domain:
        return "the domain has no dot"
    return domain_fault(domain)


def domain_of(address):
    """The domain of an address, in lower case."""
    return address.rpartition("@")[2].lower()
