"""Has a running board send a test mail, and follows it through outbox and courier to its end."""

import time
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from .console import Answer, Console
from .log_lines import visible

_POLL_S = 0.5

State = Literal["delivered", "refused", "failed", "waiting"]


class Outcome(NamedTuple):
    """`state`: "delivered" to all of `to`; "refused" for good by or for some (`refused`); "failed", where a
    person has to mend something; or still "waiting" when the time was over. `text` says why, and the fix.
    """

    state: State
    number: int | None
    to: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    text: str = ""
    key: str = ""
    next_attempt_in_s: int | None = None


def send(board: Console, wait_s: float, tell: Callable[[str], None] = lambda text: None) -> Outcome:
    """Ask for the mail, and follow it for `wait_s`. `tell` gets what is being done, in words.

    A mail that waits in the end stays in the outbox, and the board goes on trying. Raises ConsoleError,
    PortError.
    """
    tell("Asking the board")
    board.ask("status")  # a board that does not answer is told before a mail is asked for
    asked = board.ask("test-mail", once=True)
    number = asked.get("number")
    to = _texts(asked.get("to"))
    if not isinstance(number, int):
        return Outcome("failed", None, to, text=_text(asked), key=_key(asked))
    tell(f"Test mail {number} is in the outbox")
    end_s = time.monotonic() + wait_s
    while True:
        told = board.ask(f"alert {number}")
        outcome = _outcome(told, number, to)
        if outcome.state != "waiting" or time.monotonic() > end_s:
            return outcome
        tell(_waiting(outcome))
        for _ in board.lines(_POLL_S):
            pass


def _outcome(told: Answer, number: int, to: tuple[str, ...]) -> Outcome:
    state = told.get("state")
    refused = _texts(told.get("refused"))
    if state == "delivered":
        return Outcome("delivered", number, to)
    if state in ("damaged", "unknown"):
        return Outcome("failed", number, to, text=_LOST)
    kind: State = "waiting"
    if state == "refused":
        kind = "refused"
    elif _failure(told).get("needs_a_person"):
        kind = "failed"
    text = _text(told) or ("" if told.get("link_up", True) else _NO_LINK)
    return Outcome(kind, number, to, refused, text, _key(told), told.get("next_attempt_in_s"))


_LOST = (
    "The board no longer has the test mail, and did not deliver it: its flash was damaged or erased. Run "
    "`mailmote provision` again."
)
_NO_LINK = (
    "The board has no link to its Wi-Fi. Check the name and the password, and that it is a 2.4 GHz network."
)


def _waiting(outcome: Outcome) -> str:
    if outcome.next_attempt_in_s is not None:
        return f"Test mail {outcome.number} waits for its next attempt in {outcome.next_attempt_in_s} s"
    return f"Test mail {outcome.number} is being sent"


def _failure(answer: Answer) -> dict[str, Any]:
    failure = answer.get("failure")
    return failure if isinstance(failure, dict) else {}


def _text(answer: Answer) -> str:
    return _safe(_failure(answer).get("text", ""))


def _key(answer: Answer) -> str:
    return _safe(_failure(answer).get("key", ""))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_safe(one) for one in value) if isinstance(value, list) else ()


def _safe(value: Any) -> str:
    return visible(str(value).encode(errors="replace"))
