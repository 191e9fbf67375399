"""Secrets, kept out of every text: log lines, exceptions, mails.

Whoever loads a secret calls `hide` first. A token is longer than anything else without a blank, so it is
known by its shape: it needs no place in memory here, and no piece of it shows that could still be used.
"""

import binascii

_MIN_TOKEN_CHARACTERS = 64  # a message id of Exchange Online has up to about 50 between its dots
_MAX_HIDDEN_BYTES = 520  # a password of Microsoft 365 has at most 256, and AUTH PLAIN adds a user name
_SHOWN = "***"

_secrets = []


def hide(secret):
    """Never show `secret` (str or bytes), nor its base64."""
    octets = secret.encode() if isinstance(secret, str) else bytes(secret)
    if not 0 < len(octets) <= _MAX_HIDDEN_BYTES:
        return
    forms = [binascii.b2a_base64(octets)[:-1].decode()]
    try:
        forms.append(octets.decode())
    except ValueError:
        pass  # what is no text shows in base64 at most
    for form in forms:
        if form not in _secrets:
            _secrets.append(form)
    _secrets.sort(key=len, reverse=True)  # one may begin with another: its rest would show


def redacted(text):
    """`text` without any secret."""
    for secret in _secrets:
        text = text.replace(secret, _SHOWN)
    return _without_tokens(text)


def _without_tokens(text):
    """`text` with each long run of the characters that tokens and base64 are made of cut out."""
    start = 0
    length = len(text)
    while start + _MIN_TOKEN_CHARACTERS <= length:
        # Every run of that length covers one of these places, so few characters are looked at.
        end = start + _MIN_TOKEN_CHARACTERS - 1
        while end >= start and _in_token(text[end]):
            end -= 1
        if end >= start:
            start = end + 1
            continue
        end = start + _MIN_TOKEN_CHARACTERS
        while end < length and _in_token(text[end]):
            end += 1
        text = text[:start] + _SHOWN + text[end:]
        start += len(_SHOWN)
        length = len(text)
    return text


def _in_token(character):
    return (
        "a" <= character <= "z" or "A" <= character <= "Z" or "0" <= character <= "9" or character in "-_+/=~"
    )
