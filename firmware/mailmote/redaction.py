"""Secrets, kept out of every text: log lines, exceptions, mails.

Whoever loads a secret calls `hide` first. A token is longer than anything else without a blank, so it is
known by its shape: it needs no place in memory here, and no piece of it shows that could still be used. A
server may say either back in several lines, which then stand side by side.
"""

import binascii

_MIN_TOKEN_CHARACTERS = 64  # a message id of Exchange Online has up to about 50 between its dots
_MIN_PIECE_CHARACTERS = 16  # of a token in several lines, and between the dots of one
_BETWEEN_PIECES = " .?\r\n"  # `?` stands for a line end in what was made printable
_MIN_PARTED_CHARACTERS = 8  # a shorter password is in many a text that is read without its blanks
_MAX_HIDDEN_BYTES = 520  # a password of Microsoft 365 has at most 256, and AUTH PLAIN adds a user name
_SHOWN = "***"

_secrets = []


def hide(secret):
    """Never show `secret` (str or bytes), nor its base64, nor how a URL has it."""
    octets = secret.encode() if isinstance(secret, str) else bytes(secret)
    if not 0 < len(octets) <= _MAX_HIDDEN_BYTES:
        return
    forms = [binascii.b2a_base64(octets)[:-1].decode(), _in_url(octets)]
    try:
        forms.append(octets.decode())
    except ValueError:
        pass  # what is no text shows in the other forms at most
    for form in forms:
        if form not in _secrets:
            _secrets.append(form)
    _secrets.sort(key=len, reverse=True)  # one may begin with another: its rest would show


def redacted(text):
    """`text` without any secret."""
    for secret in _secrets:
        text = text.replace(secret, _SHOWN)
    return _without_tokens(_without_parted(text))


def shortened(text, length):
    """The first `length` characters of `text` without any secret: to cut first would leave a part of one."""
    looked_at = length + _MAX_HIDDEN_BYTES
    shown = redacted(text[:looked_at])
    end = len(shown)
    if len(text) > looked_at:
        while end and _in_token(shown[end - 1]):
            end -= 1  # the beginning of a token, maybe
    return shown[: min(end, length)]


def _in_url(octets):
    """As application/x-www-form-urlencoded has it: RFC 3986 section 2.3 names what stands for itself."""
    shown = ""
    for octet in octets:
        character = chr(octet)
        plain = octet < 128 and (character.isalpha() or character.isdigit() or character in "-._~")
        shown += character if plain else "%%%02X" % octet
    return shown


def _without_parted(text):
    """`text` with each secret cut out that has blanks in it."""
    together = text.replace(" ", "")
    for secret in _secrets:
        wanted = secret.replace(" ", "")
        before = together.find(wanted) if len(wanted) >= _MIN_PARTED_CHARACTERS else -1
        while before >= 0:
            start = _after(text, before + 1) - 1
            text = text[:start] + _SHOWN + text[_after(text, before + len(wanted)) :]
            together = text.replace(" ", "")
            before = together.find(wanted)
    return text


def _after(text, count):
    """Where in `text` so many characters other than blanks are over."""
    position = 0
    while count:
        if text[position] != " ":
            count -= 1
        position += 1
    return position


def _without_tokens(text):
    """`text` with each token, and each long run of base64, cut out."""
    # Every piece covers one of these places, so few characters are looked at.
    position = _MIN_PIECE_CHARACTERS - 1
    while position < len(text):
        if not _in_token(text[position]):
            position += _MIN_PIECE_CHARACTERS
            continue
        start, end, count = _token_at(text, position)
        if count >= _MIN_TOKEN_CHARACTERS:
            text = text[:start] + _SHOWN + text[end:]
            end = start + len(_SHOWN)
        position = end + _MIN_PIECE_CHARACTERS
    return text


def _token_at(text, position):
    """(start, end, characters) of the pieces of a token side by side; the first is around `position`."""
    start = position
    while start and _in_token(text[start - 1]):
        start -= 1
    end = _end_of_piece(text, position)
    count = piece = end - start
    while piece >= _MIN_PIECE_CHARACTERS:
        next_start = end
        while next_start < len(text) and text[next_start] in _BETWEEN_PIECES:
            next_start += 1
        next_end = _end_of_piece(text, next_start)
        piece = next_end - next_start
        if piece >= _MIN_PIECE_CHARACTERS:
            count += piece
            end = next_end
    return start, end, count


def _end_of_piece(text, position):
    while position < len(text) and _in_token(text[position]):
        position += 1
    return position


def _in_token(character):
    return (
        "a" <= character <= "z" or "A" <= character <= "Z" or "0" <= character <= "9" or character in "-_+/=~"
    )
