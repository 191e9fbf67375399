"""Header fields: the one place where text becomes header bytes.

A control character, a line break above all, is refused here, so that no value can add a field or a
recipient. Everything else comes out as ASCII, in lines of at most 76 characters (RFC 2047 section 2 asks
for that, RFC 5322 section 2.1.1 for 78) where it can be broken, and never beyond 998.
"""

import binascii

from ..addresses import address_fault, has_control
from ..errors import SettingsError

_LINE = 76
_HARD_LINE = 998  # RFC 5322 section 2.1.1, without its CRLF
_LONGEST_WORD = 64  # fits in a first line beside any field name that is used here
_ENCODED_ROOM = 52  # of such a word, less `=?UTF-8?B?` and `?=`; a multiple of 4 for base64
_BASE64_ROOM = _ENCODED_ROOM // 4 * 3
_FILENAME_OCTETS = 255

_LETTERS_DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_Q_SAFE = _LETTERS_DIGITS + b" !*+-/"  # RFC 2047 section 5 (3): good in a display name too; a space goes as _
_URL_SAFE = _LETTERS_DIGITS + b"-._"


def text(name, value):
    """The bytes of an unstructured field, such as Subject: folded, in encoded words where it needs them.

    Raises SettingsError, naming the field, for a control character.
    """
    _refuse_control(name, value)
    return _fold(name, value.split(" ") if _is_plain(value) else _encoded_words(value))


def mailboxes(name, entries):
    """The bytes of an address field. An entry is an address, or (display name, address).

    Raises SettingsError, naming the field, for a control character or an address that cannot be one.
    """
    tokens = []
    for entry in entries:
        display, address = ("", entry) if isinstance(entry, str) else entry
        fault = address_fault(address)
        if fault:
            raise SettingsError(
                "The address %r in %s cannot be used: %s. Correct it." % (address, name, fault), "header"
            )
        if tokens:
            tokens[-1] += ","
        if display:
            tokens.extend(_phrase(name, display))
            address = "<%s>" % address
        tokens.append(address)
    return _fold(name, tokens)


def exact(name, value):
    """The bytes of a field that must stand as it is: Date, Message-ID, the MIME fields.

    Raises SettingsError, naming the field, for what is not printable ASCII or too long for a line.
    """
    _refuse_control(name, value)
    line = "%s: %s" % (name, value)
    if max(line) > "~" or len(line) > _HARD_LINE:
        raise SettingsError(
            "%s has to be ASCII and to fit a line of %d characters." % (name, _HARD_LINE), "header"
        )
    return line.encode() + b"\r\n"


def attachment(filename, content_type):
    """The bytes of the fields of a base64 part.

    A name above ASCII goes as RFC 2231 has it, with an ASCII likeness in Content-Type for old readers (not
    as a second `filename`, which parsers take for a duplicate). Raises SettingsError for an unusable name.
    """
    _refuse_control("Content-Disposition", filename)
    octets = filename.encode("utf-8", "replace")
    if not 0 < len(octets) <= _FILENAME_OCTETS:
        raise SettingsError("An attachment's file name has 1 to %d octets." % _FILENAME_OCTETS, "header")
    likeness = ""
    for character in filename:
        likeness += character if " " <= character <= "~" and character not in '"\\?' else "_"
    if likeness == filename:
        parameter = 'filename="%s"' % filename
    else:
        parameter = "filename*=UTF-8''"
        for octet in octets:
            parameter += chr(octet) if octet in _URL_SAFE else "%%%02X" % octet
    lines = (
        exact("Content-Type", content_type).rstrip().decode() + ";",
        ' name="%s"' % likeness,
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment;",
        " " + parameter,
        "",
    )
    return "\r\n".join(lines).encode()


def _refuse_control(name, value):
    if has_control(value):
        raise SettingsError("%s has a line break or another control character: take it out." % name, "header")


def _is_plain(value):
    """True where ASCII can carry it and folding at single spaces leaves it as it was."""
    if "=?" in value or "  " in value or value != value.strip(" "):
        return False
    length = 0
    for character in value:
        length = 0 if character == " " else length + 1
        if character > "~" or length > _LONGEST_WORD:
            return False
    return True


def _fold(name, tokens):
    lines = name + ":"
    length = len(lines)
    for token in tokens:
        if length + 1 + len(token) > _LINE and length > len(name) + 1:
            lines += "\r\n"
            length = 0
        lines += " " + token
        length += 1 + len(token)
    return lines.encode() + b"\r\n"


def _phrase(name, display):
    """A display name, as tokens: RFC 5322 section 3.2.5, RFC 2047 section 5 (3)."""
    _refuse_control(name, display)
    if _is_plain(display) and len(display) < _LONGEST_WORD - 2:
        return ('"%s"' % display.replace("\\", "\\\\").replace('"', '\\"'),)
    return _encoded_words(display)


def _encoded_words(value):
    """RFC 2047 section 2: words of at most 75 characters that cut none in two, in Q if half is readable."""
    octets = value.encode("utf-8", "replace")
    in_q = _q_width(octets) <= len(octets) * 2
    words = []
    word = bytearray()
    width = 0
    for character in value:
        octets = character.encode("utf-8", "replace")
        more = _q_width(octets) if in_q else len(octets)
        if width + more > (_ENCODED_ROOM if in_q else _BASE64_ROOM):
            words.append(_encoded_word(word, in_q))
            word = bytearray()
            width = 0
        word.extend(octets)
        width += more
    words.append(_encoded_word(word, in_q))
    return words


def _q_width(octets):
    width = 0
    for octet in octets:
        width += 1 if octet in _Q_SAFE else 3
    return width


def _encoded_word(octets, in_q):
    if not in_q:
        return "=?UTF-8?B?%s?=" % binascii.b2a_base64(octets, newline=False).decode()
    encoded = ""
    for octet in octets:
        encoded += "_" if octet == 32 else chr(octet) if octet in _Q_SAFE else "=%02X" % octet
    return "=?UTF-8?Q?%s?=" % encoded
