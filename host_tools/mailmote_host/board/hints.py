"""What a line of a board's log tells to those who know: a version, and what `mailmote explain` says of it."""

import re

from .log_lines import Line

_READY = re.compile(r"^Ready: mailmote ([^\s,]{1,40}), ")


def version(line: Line) -> str | None:
    """The version of mailmote that a board says it runs."""
    if line.answer is not None:
        told = line.answer.get("version")
        return told if isinstance(told, str) else None
    found = _READY.match(line.text) if line.kind == "log" and line.part == "agent" else None
    return found[1] if found else None


def hint(line: Line) -> str | None:
    """The call of `mailmote explain` for an error or a warning; None where it knows nothing of it."""
    if line.level not in ("warning", "error"):
        return None
    from ..doctor import log_reading  # it brings every explanation

    known = [found.explanation for found in log_reading.findings(line.text) if found.explanation.known]
    return f"What it means: mailmote explain {known[0].key}" if known else None
