"""The shape of a long form."""

from typing import NamedTuple


class LongForm(NamedTuple):
    """`meaning` is a paragraph; `steps` are in order; `commands` and `links` may be empty."""

    meaning: str
    steps: tuple[str, ...]
    commands: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


# A step that many have.
HOST_AND_PORT = (
    "Check host and port in mote.toml, and that nothing on the network answers in the server's place."
)
