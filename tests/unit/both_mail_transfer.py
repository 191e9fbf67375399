"""Transfer encodings: canonical lines, the choice, quoted-printable, base64."""

import binascii
import io

from expect import equal

from mailmote.mail import transfer

NASTY = "a\r\n\r\nb\rc\n\n.\r\r\n\n.dot\r\nend \xb0\t\r"
NASTY_CANONICAL = b"a\r\n\r\nb\r\nc\r\n\r\n.\r\n\r\n\r\n.dot\r\nend \xc2\xb0\t\r\n"


def joined(pieces):
    return b"".join([bytes(piece) for piece in pieces])


def printable(*pieces):
    return joined(transfer.quoted_printable(transfer.canonical(pieces)))


def read_back(encoded):
    """What a reader makes of quoted-printable, the rules of RFC 2045 section 6.7 checked."""
    octets = bytearray()
    lines = encoded.split(b"\r\n")
    equal(lines.pop(), b"")
    for line in lines:
        assert len(line) <= 76, line
        assert line[-1:] not in (b" ", b"\t"), line
        soft = line.endswith(b"=")
        if soft:
            line = line[:-1]
        at = 0
        while at < len(line):
            assert 32 <= line[at] <= 126 or line[at] == 9, line
            if line[at] == 61:
                octets.append(int(line[at + 1 : at + 3].decode(), 16))
                at += 3
            else:
                octets.append(line[at])
                at += 1
        if not soft:
            octets.extend(b"\r\n")
    return bytes(octets)


def test_line_breaks_become_canonical_wherever_the_text_is_cut():
    equal(joined(transfer.canonical((NASTY,))), NASTY_CANONICAL)
    for first in range(len(NASTY) + 1):
        for second in range(first, len(NASTY) + 1):
            pieces = (NASTY[:first], NASTY[first:second], "", NASTY[second:])
            equal(joined(transfer.canonical(pieces)), NASTY_CANONICAL)


def test_the_last_line_gets_its_break_and_nothing_else_does():
    for text, wanted in (
        ("", b""),
        ("a", b"a\r\n"),
        ("a\n", b"a\r\n"),
        ("\n", b"\r\n"),
        ("a\n\n", b"a\r\n\r\n"),
    ):
        equal(joined(transfer.canonical((text,))), wanted)


def test_pieces_hold_no_line_break_but_for_the_break_itself():
    for piece in transfer.canonical((NASTY,)):
        assert piece is transfer.CRLF or (b"\r" not in piece and b"\n" not in piece), piece


def test_the_lightest_encoding_is_chosen():
    cases = (
        (("",), "7bit", "7bit"),
        (("a\tb\r\n", "~"), "7bit", "7bit"),
        (("x" * 998 + "\r" + "y" * 998,), "7bit", "7bit"),
        (("x" * 500, "x" * 499), "quoted-printable", "quoted-printable"),
        (("\xb0",), "8bit", "quoted-printable"),
        (("\xb0" * 499,), "8bit", "quoted-printable"),
        (("\xb0" * 500,), "quoted-printable", "quoted-printable"),
        (("nul\x00",), "quoted-printable", "quoted-printable"),
        (("\x1b[31m",), "quoted-printable", "quoted-printable"),
        (("del\x7f",), "quoted-printable", "quoted-printable"),
    )
    for pieces, with_8bit, without in cases:
        equal(transfer.choose(pieces, True), with_8bit)
        equal(transfer.choose(pieces, False), without)


def test_quoted_printable_vectors():
    cases = (
        ("1+1=2", b"1+1=3D2\r\n"),
        ("43 \xb0C", b"43 =C2=B0C\r\n"),
        ("tab\there", b"tab\there\r\n"),
        ("end \nend\t\n", b"end =\r\n\r\nend\t=\r\n\r\n"),
        (" ", b" =\r\n\r\n"),
        ("\x00\x7f", b"=00=7F\r\n"),
        ("x" * 75, b"x" * 75 + b"\r\n"),
        ("x" * 76, b"x" * 75 + b"=\r\nx\r\n"),
        ("x" * 72 + "\xb0", b"x" * 72 + b"=C2=\r\n=B0\r\n"),
        ("x" * 73 + "\xb0", b"x" * 73 + b"=\r\n=C2=B0\r\n"),
        ("x" * 74 + " \n", b"x" * 74 + b" =\r\n\r\n"),
    )
    for text, wanted in cases:
        equal(printable(text), wanted)


def test_quoted_printable_reads_back():
    equal(read_back(printable(NASTY)), NASTY_CANONICAL)
    for length in list(range(160)) + [2000]:
        for seed in ("x", " ", "\t ", "=", "\u51b7\U0001f976 "):
            text = (seed * length)[:length]
            equal(read_back(printable(text, "\n")), text.encode() + b"\r\n")
            equal(printable(text[:40], text[40:]), printable(text))


def test_base64_is_the_same_however_the_contents_are_cut():
    contents = bytes(range(256))
    for length in (0, 1, 2, 3, 56, 57, 58, 113, 114, 115, 256):
        wanted = b""
        for at in range(0, length, 57):
            wanted += binascii.b2a_base64(contents[at : min(at + 57, length)]).rstrip() + b"\r\n"
        for step in (1, 2, 56, 57, 58, 100, 256):
            blocks = [contents[at : min(at + step, length)] for at in range(0, length, step)]
            equal(joined(transfer.base64(blocks)), wanted)
            equal(transfer.base64_size(blocks), len(wanted))
        equal(joined(transfer.base64(transfer.blocks(io.BytesIO(contents[:length])))), wanted)


def test_blocks_are_bounded_and_empty_ones_do_not_end_a_stream():
    sizes = [len(block) for block in transfer.blocks(io.BytesIO(b"x" * 1300))]
    equal(sizes, [512, 512, 276])
    equal(joined(transfer.base64(transfer.blocks((b"ab", b"", b"c")))), b"YWJj\r\n")
