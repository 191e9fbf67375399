"""The shape of an explanation of what MicroPython or the chip prints."""

from typing import NamedTuple

from ..explanations.form import LongForm


class Fault(NamedTuple):
    """`title` is what people search for: number and name. `harmless`: a normal event that explains itself."""

    key: str
    title: str
    cause: str
    fix: str
    long_form: LongForm
    harmless: bool = False


class Found(NamedTuple):
    """A fault, and where in the text it stands."""

    start: int
    fault: Fault
