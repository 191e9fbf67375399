"""The arguments of MAIL and RCPT (RFC 5321 section 4.1.1), and which extension permits which parameter."""

import re
from typing import NamedTuple

_PATH = re.compile(
    r"(?P<keyword>FROM|TO): ?<(?P<address>[^<>\s]*)>(?P<parameters>( \S+)*) *\Z", re.IGNORECASE
)
_ADDRESS = re.compile(r"[^@\x00-\x20\x7f]+@[^@\x00-\x20\x7f]+\Z")

_EXTENSION_OF = {
    "SIZE": "SIZE",
    "BODY=7BIT": "8BITMIME",
    "BODY=8BITMIME": "8BITMIME",
    "BODY=BINARYMIME": "BINARYMIME",
    "SMTPUTF8": "SMTPUTF8",
    "RET": "DSN",
    "ENVID": "DSN",
    "NOTIFY": "DSN",
    "ORCPT": "DSN",
    "AUTH": "AUTH",
}


class Path(NamedTuple):
    """An address, empty for the null reverse-path, and the ESMTP parameters, keywords in upper case."""

    address: str
    parameters: dict[str, str]

    def permitted(self, offered: frozenset[str]) -> bool:
        """Whether each parameter belongs to an extension that was offered."""
        for keyword, value in self.parameters.items():
            name = f"BODY={value.upper()}" if keyword == "BODY" else keyword
            if _EXTENSION_OF.get(name) not in offered:
                return False
        size = self.parameters.get("SIZE", "0")
        return size.isascii() and size.isdigit()


def parse_path(argument: str, keyword: str) -> Path | None:
    """The path after `MAIL` or `RCPT`; `keyword` is FROM or TO. None where it does not parse.

    The null path parses for FROM only; characters above ASCII need the parameter SMTPUTF8 on MAIL.
    """
    match = _PATH.match(argument)
    if match is None or match["keyword"].upper() != keyword:
        return None
    address = match["address"]
    if not (_ADDRESS.match(address) or (keyword == "FROM" and not address)):
        return None
    parameters: list[tuple[str, str, str]] = [text.partition("=") for text in match["parameters"].split()]
    return Path(address, {name.upper(): value for name, _, value in parameters})
