"""`mailmote explain`: what a reply, an error number or a log means, and what to do about it.

Takes a reply as it stands in a log or a mail (one line or several, with whatever a log puts before it), an
answer of Microsoft's sign-in service (its JSON, its words, an AADSTS number or the name of an error), the key
of an explanation as the board's log names it, or an error that MicroPython or the chip prints bare. Of what
it is given it says nothing again: there may be a secret in it.
"""

import codecs
import json
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from mailmote.smtp import replies

from ..errors import UsageError
from .log_reading import Finding, findings
from .lookup import (
    Explanation,
    Reply,
    explain_answer,
    explain_board_errors,
    explain_key,
    explain_reply,
    parse,
)

__all__ = ["Explanation", "Reply", "command", "explain_answer", "explain_key", "explain_reply", "parse"]

_WIDTH = 88
_MAX_INPUT = 65536  # of a reply: a transcript pasted by mistake need not be read to its end
_MAX_LOG_BYTES = 8 << 20

_ACTIONS = {
    "retry-now": "tries again at once, on a new connection",
    "retry-later": "keeps the alert and tries again later, ever more slowly",
    "give-up": "gives up on this recipient or message, and tells it in the next mail",
    "fix-settings": "keeps every alert and waits for a person to put it right",
}
_NEGATIVE = re.compile(r"-(?:\d|0x)")
_REPLY_FIRST = re.compile(r"\s*(?:<-|[SC]:)?\s*[245]\d\d[ -]\S")

EXAMPLE = """\b
Example:
  mailmote explain "550 5.7.68 TenantInboundAttribution; Direct Send not allowed"
  mailmote explain account-locked
  mailmote explain "OSError: -29184"
  mailmote explain --log console.log
  mailmote explain - < console.log"""


class _Words(click.Command):
    """A number below zero is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [f" {word}" if _NEGATIVE.match(word) else word for word in args])


@click.command(cls=_Words, epilog=EXAMPLE)
@click.argument("reply", nargs=-1)
@click.option("--log", metavar="FILE", help="a log, - for stdin: explain each thing in it, once")
@click.option(
    "--stage",
    type=click.Choice(replies.STAGES),
    help="what the reply answers, as the board's log says",
)
@click.option("--json", "as_json", is_flag=True, help="print the explanation as JSON")
def command(reply: tuple[str, ...], log: str | None, stage: str | None, as_json: bool) -> int:
    """Say what a REPLY means, and what to do about it.

    REPLY is a reply as the server gave it, an answer of the sign-in service, a key from the board's log, or
    an error of MicroPython or the chip; - reads it, or a whole log, from stdin. Exit code 1: there is nothing
    to explain.
    """
    if bool(reply) == bool(log):
        raise UsageError("give a reply, an error or a key, or a log with --log FILE")
    if log:
        return _explain_log(_read_log(log), as_json)
    words = " ".join(reply).strip()
    if words != "-":
        return _explain_one(words[:_MAX_INPUT], stage or "", as_json)
    text = _read_log("-")
    if len(findings(text)) > 1:
        return _explain_log(text, as_json)
    return _explain_one(text[:_MAX_INPUT], stage or "", as_json)


def _read_log(name: str) -> str:
    if name == "-":
        return _decoded(sys.stdin.buffer.read(_MAX_LOG_BYTES))
    try:
        with Path(name).open("rb") as file:
            return _decoded(file.read(_MAX_LOG_BYTES))
    except OSError as error:
        raise UsageError(
            f"{name} cannot be read: {error.strerror}. Check its path and permissions"
        ) from error


def _decoded(log: bytes) -> str:
    """PowerShell writes what a program prints as UTF-16, and says so in the first two octets."""
    is_utf_16 = log.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return log.decode("utf-16" if is_utf_16 else "utf-8-sig", "replace")


def _explain_one(text: str, stage: str, as_json: bool) -> int:
    found, parsed = _meaning(text, stage)
    if found is None:
        print(_not_explained(parsed), file=sys.stderr)
        if as_json:
            print(json.dumps({"error": _not_explained(parsed)}))
        return 1
    print(json.dumps(_as_json(found), indent=2) if as_json else _as_text(found))
    return 0


def _meaning(text: str, stage: str) -> tuple[Explanation | None, Reply | None]:
    """The explanation, and the reply in the text where it has no other."""
    found = explain_key(text.strip()) or explain_answer(text)
    if found is None and not _REPLY_FIRST.match(text):
        found = next(iter(explain_board_errors(text)), None)
    if found:
        return found, None
    reply = parse(text)
    if reply and reply.code >= 400:
        return explain_reply(reply, stage), reply
    if reply is None:
        found = next((finding.explanation for finding in findings(text)), None)
    return found, reply


def _explain_log(text: str, as_json: bool) -> int:
    found = findings(text)
    lines = text.count("\n") + (not text.endswith("\n"))
    if as_json:
        told = [{"line": finding.line, **_as_json(finding.explanation)} for finding in found]
        print(json.dumps({"lines": lines, "found": told}, indent=2))
    elif found:
        print("\n\n".join(_of_line(finding) for finding in found))
    if not found:
        print(f"There is nothing to explain in these {lines} lines.", file=sys.stderr)
    return 0 if found else 1


def _of_line(finding: Finding) -> str:
    times = f", and on {finding.again} more" if finding.again else ""
    return f"Line {finding.line}{times}\n{_as_text(finding.explanation)}"


def _not_explained(reply: Reply | None) -> str:
    if reply:
        return f"{reply.code} is no refusal: the server agrees, and there is nothing to explain."
    return (
        "This is no reply of a mail server, no answer of a sign-in service and no key that mailmote knows, "
        "nor an error of MicroPython or the chip. Paste the whole reply, such as '550 5.7.64 "
        "TenantAttribution; Relay Access Denied' or 'AADSTS7000215: Invalid client secret provided.'"
    )


def _as_json(found: Explanation) -> dict[str, Any]:
    return {
        "key": found.key,
        "known": found.known,
        "action": found.action,
        "cause": found.cause,
        "fix": found.fix,
        **found.long_form._asdict(),
    }


def _as_text(found: Explanation) -> str:
    return "\n".join(_lines_of(found))


def _lines_of(found: Explanation) -> Iterator[str]:
    long_form = found.long_form
    if found.action:
        yield f"{found.key}: the board {_ACTIONS[found.action]}."
    else:
        yield f"{found.key}: {found.title}."
    if not found.known:
        yield "mailmote has no row for this reply. Its class says:"
    yield _wrapped(found.cause, "  Cause  ", "         ")
    yield _wrapped(found.fix, "  Fix    ", "         ")
    yield ""
    yield _wrapped(long_form.meaning)
    if long_form.steps:
        yield ""
    for number, step in enumerate(long_form.steps, 1):
        yield _wrapped(step, f"{number:>3}. ", "     ")
    yield from _listed(f"Commands ({_module(long_form.commands)} PowerShell):", long_form.commands)
    yield from _listed("More:", long_form.links)


def _module(commands: Sequence[str]) -> str:
    return "Microsoft Entra" if commands and commands[0].startswith("Connect-Entra") else "Exchange Online"


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    """Lines that are to be copied are not wrapped."""
    return ["", title, *("  " + line for line in lines)] if lines else []


def _wrapped(text: str, first: str = "", rest: str = "") -> str:
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
