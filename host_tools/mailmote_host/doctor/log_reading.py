"""A log, line by line: each thing in it that can be explained, once, with the line where it first stands.

A line is looked at for the board's own words first, which say more than the reply that they quote; then for
an answer of the sign-in service, a reply of a mail server, and errors that MicroPython and the chip print.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from mailmote import explanations

from .lookup import Explanation, explain_answer, explain_board_errors, explain_key, explain_reply, parse

_MAX_LINE_CHARACTERS = 4096
_MAX_REPLY_LINES = 100
_MIN_LITERAL_CHARACTERS = 16  # of a cause with places for values; less is found in sentences of others too
_PLACE = re.compile("%[sdr]")
# A reply: with both of its codes, or quoted by mailmote's log, or at the start of a line of a transcript.
_REPLY = re.compile(
    r'(?<![\w.:/-])[45]\d\d[ -][45]\.\d{1,3}\.\d{1,3}(?!\w)|"[45]\d\d[ -]|'
    r"^\s*(?:<-|<<<|[SC]:)?\s*[45]\d\d[ -]\D"
)
_CONTINUED = re.compile(r"^\s*(?:<-|<<<|[SC]:)?\s*[45]\d\d-")
# Part of the text of mbedTLS (x509.h of Mbed TLS 3.6) or OpenSSL (x509_txt.c of OpenSSL 3); key.
_CERTIFICATES = (
    ("correctly signed by the trusted CA", "certificate-untrusted"),
    ("certificate in certificate chain", "certificate-untrusted"),
    ("signed certificate", "certificate-untrusted"),
    ("issuer certificate", "certificate-untrusted"),
    ("unacceptable hash", "certificate-weak"),
    ("unacceptable key", "certificate-weak"),
    ("key too weak", "certificate-weak"),
    ("Usage does not match", "certificate-usage"),
    ("certificate purpose", "certificate-usage"),
    ("has expired", "certificate-expired"),
    ("in the future", "certificate-not-yet-valid"),
    ("not yet valid", "certificate-not-yet-valid"),
    ("does not match with the expected", "certificate-wrong-host"),
    ("is not valid for", "certificate-wrong-host"),
)
_CERTIFICATE = re.compile("certificate", re.IGNORECASE)


class Finding(NamedTuple):
    """`line` counts from 1; `again`: how many lines more have the same."""

    line: int
    explanation: Explanation
    again: int


def findings(text: str) -> list[Finding]:
    """Each thing in a log that can be explained, in the order of the log."""
    found: dict[str, Finding] = {}
    for number, unit in _units(text):
        for explanation in _of_unit(unit):
            first = found.get(explanation.key)
            if first is None:
                found[explanation.key] = Finding(number, explanation, 0)
            else:
                found[explanation.key] = first._replace(again=first.again + 1)
    return list(found.values())


def _units(text: str) -> Iterator[tuple[int, str]]:
    """(number of its first line, text) of each line; a reply of several lines is one."""
    unit: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        unit.append(line[:_MAX_LINE_CHARACTERS])
        if len(unit) == _MAX_REPLY_LINES or not _CONTINUED.search(unit[-1]):
            yield number - len(unit) + 1, "\n".join(unit)
            unit = []
    if unit:
        yield text.count("\n") + 1, "\n".join(unit)


def _of_unit(unit: str) -> list[Explanation]:
    own = _own_words(unit)
    if own is not None:
        return [own]
    answer = explain_answer(unit)
    if answer is not None:
        return [answer]
    if _REPLY.search(unit):
        reply = parse(unit)
        return [explain_reply(reply, "")] if reply and reply.code >= 400 else []
    found = explain_board_errors(unit, normal=False)
    return found or _of_certificate(unit)


def _own_words(unit: str) -> Explanation | None:
    """By the cause that mailmote's log tells: of those that fit, the one with the most words of its own."""
    best, most = None, 0
    for key, pieces, length in _causes():
        if length > most and _in_order(pieces, unit):
            best, most = key, length
    return explain_key(best) if best else None


def _in_order(pieces: tuple[str, ...], text: str) -> bool:
    at = 0
    for piece in pieces:
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True


@cache
def _causes() -> tuple[tuple[str, tuple[str, ...], int], ...]:
    """(key, what stands between the places of its cause, how much that is) of each row of the table."""
    causes = []
    for row in explanations.rows():
        pieces = tuple(piece for piece in _PLACE.split(row[6]) if piece)
        length = sum(map(len, pieces))
        if length >= _MIN_LITERAL_CHARACTERS:
            causes.append((row[0], pieces, length))
    return tuple(causes)


def _of_certificate(unit: str) -> list[Explanation]:
    """What mbedTLS and OpenSSL say of a certificate, as the board understands it."""
    if not _CERTIFICATE.search(unit):
        return []
    key = next((key for part, key in _CERTIFICATES if part in unit), "")
    found = explain_key(key)
    return [found] if found else []
