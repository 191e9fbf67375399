"""Secrets on a board, over the serial link: put, forget, list, compare. None is ever read back.

A secret travels as bytes in code for the raw REPL, which echoes nothing and has no history. It is on no
command line. What the board tells of it is a SHA-256 with a salt that is new each time.
"""

import hashlib
import hmac
import json
import secrets as randomness
from typing import Any

from mailmote.redaction import redacted

from ..errors import HostError
from .link import CodeError, Link

_TIMEOUT_S = 20  # a flash that must erase takes a second or two
_SALT_BYTES = 16
_MAX_SENT_BYTES = 8192  # more would not fit the memory in which the board says what it takes
_MISSING = "secret-missing"

# Exceptions are caught there: a traceback may quote what it met. `error.text` is that of mailmote's own.
_PROGRAM = """\
import json
try:
 from mailmote.store import secrets
 answer = {"value": %s}
except Exception as error:
 answer = {"kind": type(error).__name__, "key": getattr(error, "key", ""), "text": getattr(error, "text", "")}
print(json.dumps(answer))
"""


class SecretError(HostError):
    """The board refused. The text says why, and the fix; `key` names the row of the explanations, if any."""

    def __init__(self, text: str, key: str = ""):
        super().__init__(text)
        self.key = key


def put(link: Link, name: str, value: bytes) -> None:
    """Keep `value` on the board, in place of an older one, and compare. Raises SecretError, LinkError.

    After an error the text says whether an older one is still in its place.
    """
    if len(value) > _MAX_SENT_BYTES:
        raise SecretError(
            f"The secret {name} has {len(value)} bytes, more than a board keeps. Nothing was sent. See that "
            "all of it, and nothing else, was handed over."
        )
    salt = randomness.token_bytes(_SALT_BYTES)
    before = _fingerprint(link, name, salt)
    try:
        _store(link, name, value)
        return
    except HostError as error:
        if before is None:
            raise
        failed = str(error)
    raise SecretError(f"{failed} {_state(link, name, salt, before)}")


def forget(link: Link, name: str) -> bool:
    """Remove a secret. False if there was none. Raises SecretError, LinkError."""
    return bool(_ask(link, f"secrets.forget({ascii(name)})"))


def names(link: Link) -> tuple[str, ...]:
    """The names of the secrets that the board has. Raises SecretError, LinkError."""
    return tuple(str(name) for name in _ask(link, "secrets.names()"))


def matches(link: Link, name: str, value: bytes) -> bool:
    """Whether the board has `value` under that name. Raises SecretError, LinkError."""
    salt = randomness.token_bytes(_SALT_BYTES)
    found = _fingerprint(link, name, salt)
    expected = hashlib.sha256(salt + value).hexdigest()
    return found is not None and hmac.compare_digest(found.encode(), expected.encode())


def _store(link: Link, name: str, value: bytes) -> None:
    _ask(link, f"secrets.put({ascii(name)}, {bytes(value)!r})")
    if not matches(link, name, value):
        raise SecretError(
            f"The board keeps something else than it was given as {name}. Try again; if it lasts, replace it."
        )


def _state(link: Link, name: str, salt: bytes, before: str) -> str:
    try:
        now = _fingerprint(link, name, salt)
    except HostError:
        return f"Whether the older {name} is still there could not be asked: put it again."
    if now is not None and hmac.compare_digest(now.encode(), before.encode()):
        return f"The older {name} is still in its place."
    return f"The older {name} is gone: put it again."


def _fingerprint(link: Link, name: str, salt: bytes) -> str | None:
    """None where the board has no such secret."""
    try:
        return str(_ask(link, f"secrets.fingerprint({ascii(name)}, {salt!r})"))
    except SecretError as error:
        if error.key != _MISSING:
            raise
    return None


def _ask(link: Link, call: str) -> Any:
    """The value of `call` on the board. Raises SecretError for an error of mailmote's own, else LinkError."""
    printed = link.run(_PROGRAM % call, _TIMEOUT_S)
    answer = _parsed(printed)
    if "value" in answer:
        return answer["value"]
    if answer.get("text"):
        raise SecretError(redacted(str(answer["text"])), str(answer.get("key", "")))
    raise CodeError(link.port, str(answer.get("kind", "no answer")))


def _parsed(printed: bytes) -> dict[str, Any]:
    """The answer, in the last line; nothing where it is none."""
    try:
        answer = json.loads(printed.strip().split(b"\n")[-1])
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
