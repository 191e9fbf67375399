"""What a text means: a reply of a mail server, an answer of the sign-in service, a key, a bare error."""

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from mailmote import explanations
from mailmote.policy import token_errors
from mailmote.smtp import replies

from . import board_errors
from .explanations import LONG_FORMS, LongForm

_MAX_OBJECTS = 20  # of JSON, in a transcript that was pasted

_CODE = re.compile(r"(?<![\w.:/-])([2-5]\d\d)(?=[ -]|$)", re.MULTILINE)
_ENHANCED = re.compile(r"(?<![\w.])([245]\.\d{1,3}\.\d{1,3})(?![\w.])")
_CODE_AND_ENHANCED = re.compile(_CODE.pattern + "[ -]" + _ENHANCED.pattern, re.MULTILINE)
_AADSTS = re.compile(r"(?<!\w)AADSTS(\d{3,9})(?!\d)", re.IGNORECASE)
_PLACE = re.compile("%[sdr]")  # in the cause of a fault that the board finds itself: its values


class Reply(NamedTuple):
    code: int
    enhanced: str
    text: str


class Explanation(NamedTuple):
    """`action` is what the board does, None where that depends. `known` is False where the class and the
    stage of a reply are all that there is to go by. `title` is the number and name of an error of the board.
    """

    key: str
    action: str | None
    known: bool
    cause: str
    fix: str
    long_form: LongForm
    title: str = ""


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
    fault = board_errors.FAULTS.get(key)
    return _of_fault(fault) if fault else None


def explain_answer(text: str) -> Explanation | None:
    """The explanation of an answer of the sign-in service, or None where the text has none in it."""
    answer = _json_answer(text) or _named_answer(text)
    if answer is None:
        return None
    key, action, _, _ = token_errors.classify(400, answer)
    return _explanation(key, action, key != "token-refused")


def explain_board_errors(text: str, normal: bool = True) -> list[Explanation]:
    """The explanations of what MicroPython and the chip print bare, in the order of the text, once each.

    `normal`: those of normal events too, where there is nothing else.
    """
    faults = list(board_errors.find(text))
    wanted = [fault for fault in faults if not fault.harmless] or (faults if normal else [])
    return [_of_fault(fault) for fault in wanted]


def _of_fault(fault: board_errors.Fault) -> Explanation:
    return Explanation(fault.key, None, True, fault.cause, fault.fix, fault.long_form, fault.title)


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
