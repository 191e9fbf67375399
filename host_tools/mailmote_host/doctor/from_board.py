"""The doctor's visit, made by the board itself: its Wi-Fi, its clock, its secrets, its TLS.

A short program runs in the board's raw REPL on top of the firmware that is there. It tells each step in a
line of JSON; what it tells of an error is the firmware's own text, which holds no secret.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from mailmote.redaction import redacted

from ..board import link
from ..board.ports import choose
from . import lookup
from .board_program import MARK, PROGRAM
from .steps import FAIL, PASS, SKIP, Result

_SILENCE_S = 170.0
_FIRMWARE = "firmware"

_PROVISION = "Put firmware, settings and secrets on the board: mailmote provision mote.toml."
_FIXES = {
    _FIRMWARE: _PROVISION,
    "settings": _PROVISION,
    "secrets": "Put it there: mailmote secrets set, or mailmote provision mote.toml.",
    "wifi": "Check the name and the password of the network, and that it is one of 2.4 GHz.",
    "host": "Check the DNS server that the network gives to the board, and host in [mail].",
}


def results(settings: Mapping[str, Any], port: str | None) -> Iterator[Result]:
    """What the board finds. Raises HostError where it cannot be reached, UsageError without a port."""
    with link.open(choose(port)) as board:
        printed = board.run(PROGRAM, _SILENCE_S).decode("utf-8", "replace")
    lines = [line[1:] for line in printed.split("\n") if line.startswith(MARK)]
    if not lines:
        yield Result(_FIRMWARE, FAIL, "The board told nothing.", "Press its reset button, then try again.")
        return
    for line in lines:
        result = _result(line)
        yield result
        if result.step == "settings" and result.ok == PASS and settings["mail"]["option"] not in result.found:
            yield Result(
                "settings",
                SKIP,
                f"The board's option is another one than that of the file, {settings['mail']['option']}.",
                "Put the file's settings on the board: mailmote provision mote.toml.",
            )


def _result(line: str) -> Result:
    """Of one line that the board printed: it may have been cut, or be of something else."""
    try:
        step, ok, found, key = json.loads(line)
    except (ValueError, TypeError):
        return Result(_FIRMWARE, FAIL, "The board answered something else than was asked.", _PROVISION)
    found, known = redacted(str(found)), lookup.explain_key(str(key))
    fix = _FIXES.get(step, "")
    if known is not None:
        fix = fix or known.fix
        found = found.removesuffix(known.fix).strip() or known.cause
    if step == _FIRMWARE:
        found = "The board has no firmware of mailmote, or one of another version."
    if step == "settings" and ok == FAIL and not key:
        found = "The board has no settings, or they are damaged."
    return Result(str(step), PASS if ok == PASS else FAIL, found, fix if ok != PASS else "", str(key))
