"""The client's public address, as a server tells it in its reply to EHLO: a free way to learn it.

Exchange Online says `250-<host> Hello [203.0.113.7]`, Postfix and others say nothing of the kind.
"""

import ipaddress
import re

_IN_BRACKETS = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]+)\]")
# Addresses that no server on the internet sees (RFC 1918, 3927, 4193, 6598): those of documentation are not
# among them, as tests need some.
_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::/127",
        "fc00::/7",
        "fe80::/10",
    )
)


def told_address(line: str) -> str | None:
    """The address in the first line of the reply, or None."""
    match = _IN_BRACKETS.search(line)
    try:
        return str(ipaddress.ip_address(match[1])) if match else None
    except ValueError:
        return None


def is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return not any(parsed in network for network in _PRIVATE)
