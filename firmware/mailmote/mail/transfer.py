"""Content transfer encodings (RFC 2045 section 6), as streams: nothing is ever held whole.

Each is a generator of small bytes-like pieces. A piece of `quoted_printable` is valid until the next one.
"""

import binascii

CRLF = b"\r\n"

SEVEN_BIT = "7bit"
EIGHT_BIT = "8bit"
QUOTED_PRINTABLE = "quoted-printable"

_LONGEST_LINE = 998  # RFC 5322 section 2.1.1, without its CRLF
_QP_LINE = 76  # RFC 2045 section 6.7 (5)
_BASE64_GROUP = 57  # octets that make a line of 76 characters: RFC 2045 section 6.8
_READ_OCTETS = 512
_HEX = b"0123456789ABCDEF"


def canonical(pieces):
    """The UTF-8 bytes of an iterable of str; each CR LF, CR or LF, cut anywhere, becomes CRLF.

    A line break is a piece of its own, the object CRLF; the other pieces hold none. The last line gets one.
    """
    after_cr = False
    line_open = False
    for piece in pieces:
        if not piece:
            continue
        if after_cr and piece[0] == "\n":
            piece = piece[1:]
            after_cr = False
            if not piece:
                continue
        after_cr = piece[-1] == "\r"
        first = True
        for line in piece.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
            if not first:
                yield CRLF
                line_open = False
            first = False
            if line:
                yield line.encode("utf-8", "replace")
                line_open = True
    if line_open:
        yield CRLF


def choose(pieces, eight_bit):
    """The lightest encoding that carries an iterable of str unharmed: SEVEN_BIT, EIGHT_BIT (if the server
    takes `eight_bit`) or QUOTED_PRINTABLE, which long lines and control characters other than a tab need.
    """
    length = 0
    encoding = SEVEN_BIT
    for piece in canonical(pieces):
        if piece is CRLF:
            length = 0
            continue
        length += len(piece)
        if length > _LONGEST_LINE:
            return QUOTED_PRINTABLE
        for octet in piece:
            if octet > 127:
                if not eight_bit:
                    return QUOTED_PRINTABLE
                encoding = EIGHT_BIT
            elif (octet < 32 and octet != 9) or octet == 127:
                return QUOTED_PRINTABLE
    return encoding


def quoted_printable(pieces):
    """Quoted-printable lines, from what `canonical` yields."""
    line = bytearray(_QP_LINE + 2)
    view = memoryview(line)
    used = 0
    for piece in pieces:
        if piece is CRLF:
            # A space or tab at the end of a line would be lost: a soft line break keeps it.
            if used and line[used - 1] in b" \t":
                line[used : used + 3] = b"=\r\n"
                yield view[: used + 3]
                used = 0
            line[used : used + 2] = CRLF
            yield view[: used + 2]
            used = 0
            continue
        for octet in piece:
            plain = (32 <= octet <= 126 and octet != 61) or octet == 9
            if used + (1 if plain else 3) > _QP_LINE - 1:
                line[used : used + 3] = b"=\r\n"
                yield view[: used + 3]
                used = 0
            if plain:
                line[used] = octet
                used += 1
            else:
                line[used] = 61
                line[used + 1] = _HEX[octet >> 4]
                line[used + 2] = _HEX[octet & 15]
                used += 3


def blocks(source):
    """The content of a binary file or of an iterable of bytes-like blocks, closed at the end in any case.

    A block is valid until the next one. What reading raises passes through.
    """
    try:
        if hasattr(source, "readinto"):
            buffer = bytearray(_READ_OCTETS)
            view = memoryview(buffer)
            count = source.readinto(buffer)
            while count:
                yield view[:count]
                count = source.readinto(buffer)
        else:
            yield from source
    finally:
        if hasattr(source, "close"):
            source.close()


def base64(contents):
    """Base64 lines of 76 characters, from an iterable of bytes-like blocks."""
    group = bytearray(_BASE64_GROUP)
    view = memoryview(group)
    held = 0
    for block in contents:
        at = 0
        while at < len(block):
            taken = min(_BASE64_GROUP - held, len(block) - at)
            group[held : held + taken] = block[at : at + taken]
            held += taken
            at += taken
            if held == _BASE64_GROUP:
                yield binascii.b2a_base64(group, newline=False)
                yield CRLF
                held = 0
    if held:
        yield binascii.b2a_base64(view[:held], newline=False)
        yield CRLF


def base64_size(contents):
    """The octets that `base64` makes of the same blocks."""
    octets = 0
    for block in contents:
        octets += len(block)
    return (octets + 2) // 3 * 4 + (octets + _BASE64_GROUP - 1) // _BASE64_GROUP * 2
