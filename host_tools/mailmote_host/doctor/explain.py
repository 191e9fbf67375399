"""`mailmote explain`: what a server's reply means, and what to do about it.

Takes a reply as it stands in a log or a mail (one line or several, with whatever a log puts before it), an
answer of Microsoft's sign-in service (its JSON, its words, an AADSTS number or the name of an error), or the
key of an explanation as the board's log names it.
"""

import argparse
import itertools
import json
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mailmote import explanations
from mailmote.policy import token_errors
from mailmote.smtp import replies

from .explanations import LONG_FORMS, LongForm

_WIDTH = 88
_MAX_INPUT = 65536  # a transcript pasted by mistake need not be read to its end
_MAX_OBJECTS = 20  # of JSON, in such a transcript

_CODE = re.compile(r"(?<![\w.:/-])([2-5]\d\d)(?=[ -]|$)", re.MULTILINE)
_ENHANCED = re.compile(r"(?<![\w.])([245]\.\d{1,3}\.\d{1,3})(?![\w.])")
_CODE_AND_ENHANCED = re.compile(_CODE.pattern + "[ -]" + _ENHANCED.pattern, re.MULTILINE)
_AADSTS = re.compile(r"(?<!\w)AADSTS(\d{3,9})(?!\d)", re.IGNORECASE)
_PLACE = re.compile("%[sdr]")  # in the cause of a fault that the board finds itself: its values

_ACTIONS = {
    "retry-now": "tries again at once, on a new connection",
    "retry-later": "keeps the alert and tries again later, ever more slowly",
    "give-up": "gives up on this recipient or message, and tells it in the next mail",
    "fix-settings": "keeps every alert and waits for a person to put it right",
}


class Reply(NamedTuple):
    code: int
    enhanced: str
    text: str


class Explanation(NamedTuple):
    """`known` is False where the class and the stage of a reply are all that there is to go by."""

    key: str
    action: str
    known: bool
    cause: str
    fix: str
    long_form: LongForm


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "reply",
        nargs="+",
        help="the reply as the server gave it, an answer of the sign-in service, or a key from the board's "
        "log; - reads it from stdin",
    )
    parser.add_argument(
        "--stage", choices=replies.STAGES, default="", help="what the reply answers, as the board's log says"
    )
    parser.add_argument("--json", action="store_true", help="print the explanation as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print the explanation. 0: there is one; 1: this is neither a refusal nor a key."""
    words = " ".join(arguments.reply)
    text = sys.stdin.read(_MAX_INPUT) if words == "-" else words[:_MAX_INPUT]
    found = explain_key(text.strip()) or explain_answer(text)
    reply = None if found else parse(text)
    if reply and reply.code >= 400:
        found = explain_reply(reply, arguments.stage)
    if found is None:
        print(_not_explained(reply), file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(_as_json(found), indent=2))
    else:
        print(_as_text(found))
    return 0


def parse(text: str) -> Reply | None:
    """The first reply in a text; the lines of a reply of several are joined. None where there is none.

    A log may say `port 587` before it: a code with an enhanced status code is taken first.
    """
    match = _CODE_AND_ENHANCED.search(text) or _CODE.search(text)
    if match:
        rest = text[match.start() :]
        if text[: match.start()].endswith('"'):  # mailmote's own log quotes the reply, and goes on in words
            rest = rest.partition('"')[0]
        lines = list(_lines(rest, match[1]))
        enhanced = _ENHANCED.match(lines[0])
        return Reply(int(match[1]), enhanced[1] if enhanced else "", " ".join(lines))
    enhanced = _ENHANCED.search(text)  # a bounce often leaves the code out
    if enhanced:
        return Reply(int(enhanced[1][0]) * 100 + 50, enhanced[1], " ".join(text[enhanced.end() :].split()))
    return None


def _lines(text: str, code: str) -> Iterator[str]:
    """The texts of the lines of one reply, each after its code: a hyphen there says that another follows."""
    pattern = re.compile(rf"(?<![\w.:/-]){code}([ -]|$)(.*)")
    for line in text.splitlines():
        found = pattern.search(line)
        if not found:
            return
        yield found[2].strip()
        if found[1] != "-":
            return


def explain_reply(reply: Reply, stage: str) -> Explanation:
    """The explanation of a refusal, by its marks or else by its class and stage."""
    key, action = replies.classify(reply.code, reply.enhanced, reply.text, stage)
    known = (key, action) != replies.by_class(reply.code, stage)
    return _explanation(key, replies.ACTIONS[action], known)


def explain_key(key: str) -> Explanation | None:
    for row in explanations.rows():
        if row[0] == key:
            return _explanation(key, row[5], True)
    return None


def explain_answer(text: str) -> Explanation | None:
    """The explanation of an answer of the sign-in service, or None where the text has none in it."""
    answer = _json_answer(text) or _named_answer(text)
    if answer is None:
        return None
    key, action, _, _ = token_errors.classify(400, answer)
    return _explanation(key, action, key != "token-refused")


def _json_answer(text: str) -> dict[str, Any] | None:
    """The first JSON object that has the form of an OAuth error (RFC 6749 section 5.2)."""
    decoder, names = json.JSONDecoder(), _error_names()
    for match in itertools.islice(re.finditer("{", text), _MAX_OBJECTS):
        try:
            found = decoder.raw_decode(text, match.start())[0]
        except (ValueError, RecursionError):
            continue
        name = found.get("error")
        if isinstance(name, str) and ("error_description" in found or name in names):
            return found
    return None


def _named_answer(text: str) -> dict[str, Any] | None:
    """What words tell: the AADSTS numbers, and the first name of an error; a mail server's reply has none."""
    numbers = [int(number) for number in _AADSTS.findall(text)]
    names = _error_names()
    name = next((word for word in re.findall(r"[a-z]+(?:_[a-z]+)+", text) if word in names), None)
    if not numbers and (name is None or _CODE_AND_ENHANCED.search(text)):
        return None
    return {"error_codes": numbers, "error": name}


def _error_names() -> set[str]:
    """The names of errors that the board's table knows."""
    marks = {mark for row in explanations.rows(("oauth",)) for mark in row[2].split("|")}
    return marks - {""}


def _explanation(key: str, action: str, known: bool) -> Explanation:
    cause, fix = explanations.explain(key)
    return Explanation(key, action, known, _PLACE.sub("...", cause), fix, LONG_FORMS[key])


def _not_explained(reply: Reply | None) -> str:
    if reply:
        return f"{reply.code} is no refusal: the server agrees, and there is nothing to explain."
    return (
        "This is no reply of a mail server, no answer of a sign-in service and no key that mailmote knows. "
        "Paste the whole reply, such as '550 5.7.64 TenantAttribution; Relay Access Denied' or "
        "'AADSTS7000215: Invalid client secret provided.'"
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
    long_form = found.long_form
    parts = [f"{found.key}: the board {_ACTIONS[found.action]}."]
    if not found.known:
        parts.append("mailmote has no row for this reply. Its class says:")
    parts += [
        _wrapped(found.cause, "  Cause  ", "         "),
        _wrapped(found.fix, "  Fix    ", "         "),
        "",
        _wrapped(long_form.meaning),
        "",
        *(_wrapped(step, f"{number:>3}. ", "     ") for number, step in enumerate(long_form.steps, 1)),
        *_listed(f"Commands ({_module(long_form.commands)} PowerShell):", long_form.commands),
        *_listed("More:", long_form.links),
    ]
    return "\n".join(parts)


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
