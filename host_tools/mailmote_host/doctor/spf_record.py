"""One SPF record in its parts (RFC 7208 sections 4.6, 5, 6 and 7), and the record that should be there."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

_VERSION = "v=spf1"
MICROSOFT = "include:spf.protection.outlook.com"
_NAME = re.compile(r"([-+?~]?)([A-Za-z][A-Za-z0-9._-]*)(.*)", re.DOTALL)
_HOST = re.compile(r"(?::(.+?))?(?:/(\d{1,2}))?(?://(\d{1,3}))?")
_PREFIX = re.compile(r"[^/]+(/\d{1,3})?")
_MACRO = re.compile(r"%(?:([%_-])|\{([A-Za-z])(\d*)(r?)([-.+,/_=]*)\})", re.IGNORECASE)
_SPACES = {"%": "%", "_": " ", "-": "%20"}
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class BadRecord(Exception):
    """A term breaks the syntax; the text says which, and how."""


@dataclass(frozen=True)
class Mechanism:
    """`text` is the term as it stands; `domain` is its domain-spec, "" where it has none."""

    text: str
    qualifier: str
    name: str
    domain: str = ""
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None
    prefix4: int = 32
    prefix6: int = 128


@dataclass(frozen=True)
class Record:
    mechanisms: tuple[Mechanism, ...]
    redirect: str | None

    @classmethod
    def parsed(cls, text: str) -> "Record":
        """Raises BadRecord: one bad term spoils all (section 4.6)."""
        mechanisms: list[Mechanism] = []
        modifiers: dict[str, str] = {}
        for term in text.split()[1:]:
            found = _term(term)
            if isinstance(found, Mechanism):
                mechanisms.append(found)
            elif found[0] in ("redirect", "exp"):
                if found[0] in modifiers:
                    raise BadRecord(f"{found[0]}= stands twice")
                modifiers[found[0]] = found[1]
        return cls(tuple(mechanisms), modifiers.get("redirect"))


def is_spf(text: str) -> bool:
    """Whether a TXT record is an SPF record (section 4.5)."""
    return text.lower() == _VERSION or text.lower().startswith(_VERSION + " ")


def _term(term: str) -> Mechanism | tuple[str, str]:
    """A mechanism, or (name, value) of a modifier. Raises BadRecord."""
    match = _NAME.fullmatch(term)
    if not match:
        raise BadRecord(f"{term!r} is no term")
    qualifier, name, rest = match[1] or "+", match[2].lower(), match[3]
    if rest.startswith("=") and not match[1]:
        return name, rest[1:]
    if name == "all" and not rest:
        return Mechanism(term, qualifier, name)
    if name in ("ip4", "ip6") and rest.startswith(":"):
        return Mechanism(term, qualifier, name, network=_network(term, name, rest[1:]))
    if name in ("include", "exists") and len(rest) > 1 and rest[0] == ":":
        return Mechanism(term, qualifier, name, rest[1:])
    if name in ("a", "mx", "ptr"):
        host = _HOST.fullmatch(rest)
        if host and not (name == "ptr" and (host[2] or host[3])):
            prefix4, prefix6 = int(host[2] or 32), int(host[3] or 128)
            if prefix4 <= 32 and prefix6 <= 128:
                return Mechanism(term, qualifier, name, host[1] or "", None, prefix4, prefix6)
    raise BadRecord(f"{term!r} is no term that SPF knows, or it is not complete")


def _network(term: str, name: str, text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        network = None
    if network is None or network.version != int(name[2]) or not _PREFIX.fullmatch(text):
        raise BadRecord(f"{term!r} holds no IPv{name[2]} address or network")
    return network


def expanded(spec: str, domain: str, sender: str, address: _Address) -> str:
    """A domain-spec with its macros replaced (section 7). Raises BadRecord."""
    local, _, of_sender = sender.rpartition("@")
    dotted = str(address) if address.version == 4 else ".".join(address.exploded.replace(":", ""))
    values = {
        "s": sender,
        "l": local,
        "o": of_sender,
        "d": domain,
        "i": dotted,
        "p": "unknown",  # section 7.2: should not be used
        "v": "in-addr" if address.version == 4 else "ip6",
        "h": of_sender,
    }

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return _SPACES[match[1]]
        if match[2].lower() not in values:
            raise BadRecord(f"{match[0]!r} is no macro that SPF knows")
        parts = re.split("[" + re.escape(match[5] or ".") + "]", values[match[2].lower()])
        parts = parts[::-1] if match[4] else parts
        return ".".join(parts[-int(match[3]) :] if match[3] and int(match[3]) else parts)

    name = _MACRO.sub(value, spec)
    if "%" in _MACRO.sub("", spec):
        raise BadRecord(f"{spec!r} has a lone %")
    labels = name.rstrip(".").split(".")
    while len(".".join(labels)) > 253:  # section 7.3
        labels = labels[1:]
    return ".".join(labels)


def to_publish(records: Sequence[str], address: str) -> tuple[str, tuple[str, ...]]:
    """The one record that lets `address` send beside Microsoft 365, made of those that are there; and the
    terms that are left out of it, since no receiver can read them.

    The address goes to the front, so that no other term decides before it and it costs no look-up;
    Microsoft's include goes before the last term; what stands twice is there once.
    """
    own = f"ip{ipaddress.ip_address(address).version}:{address}"
    terms, alls, redirects, broken = [own], [], [], []
    for term in [term for record in records for term in record.split()[1:]]:
        try:
            parsed = _term(term)
        except BadRecord:
            broken.append(term)
            continue
        if isinstance(parsed, Mechanism):
            (alls if parsed.name == "all" else terms).append(term)
        elif parsed[0] == "redirect":
            redirects.append(term)
        else:
            terms.append(term)
    if len(records) == 1 and redirects and not alls:
        end = redirects[0]
    else:
        if (
            len(records) > 1
        ):  # one of them had nothing else; with `all` in the same record it counts for nothing
            terms += ["include:" + term.partition("=")[2] for term in redirects]
        terms.append(MICROSOFT)
        end = alls[0] if len({term.lower() for term in alls}) == 1 or alls and len(records) == 1 else "~all"
    terms = list({term.lower(): term for term in terms}.values())
    return " ".join([_VERSION, *terms, end]), tuple(broken)
