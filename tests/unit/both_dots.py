"""Dot-stuffing: one terminator, whatever the text and wherever it is cut."""

from expect import equal

from mailmote.smtp.dots import DotStuffer

NASTY = b".\r\nMAIL\r\n..\r\n\r\n.\r\r\n.\n.\r.x\n\r\n.end."
WIRE = b"..\r\nMAIL\r\n...\r\n\r\n..\r\n\r\n..\r\n..\r\n..x\r\n\r\n..end.\r\n.\r\n"


def stuffed(chunks):
    stuffer = DotStuffer()
    return b"".join([bytes(stuffer.feed(chunk)) for chunk in chunks]) + stuffer.finish()


def test_known_contents():
    cases = (
        (b"", b".\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b"a\r", b"a\r\n.\r\n"),
        (b"a\n", b"a\r\n.\r\n"),
        (b"\r\n\r", b"\r\n\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b"a.\r\n.b\r\n", b"a.\r\n..b\r\n.\r\n"),
        (b"a\r\n.\r\nMAIL FROM:<x>\r\n", b"a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n"),
        (b"a\n.\nMAIL FROM:<x>", b"a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n"),
        (b"a\r.\rMAIL FROM:<x>", b"a\r\n..\r\nMAIL FROM:<x>\r\n.\r\n"),
        (b"a\r\n.\nb", b"a\r\n..\r\nb\r\n.\r\n"),
        (NASTY, WIRE),
    )
    for content, wanted in cases:
        equal(stuffed((content,)), wanted)
        equal(stuffed([content[at : at + 1] for at in range(len(content))]), wanted)


def test_every_pair_of_cuts():
    for first in range(len(NASTY) + 1):
        for second in range(first, len(NASTY) + 1):
            equal(stuffed((NASTY[:first], NASTY[first:second], NASTY[second:])), WIRE)


def test_every_short_text_of_the_dangerous_octets():
    for length in range(6):
        for number in range(4**length):
            content = bytes([b"\r\n.a"[number // 4**place % 4] for place in range(length)])
            lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
            if lines[-1] == b"":
                lines.pop()
            wanted = b"".join([(b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines])
            equal(stuffed((content,)), wanted + b".\r\n")
            equal(stuffed((content[:2], content[2:])), wanted + b".\r\n")


def test_what_needs_nothing_is_passed_on_uncopied():
    stuffer = DotStuffer()
    for chunk in (b"a line\r\nand half", b" of one.\r\n", b"x" * 512):
        assert stuffer.feed(chunk) is chunk


def test_any_bytes_like_chunk_will_do():
    equal(stuffed((memoryview(NASTY), bytearray(b"\r\n."), b"")), WIRE[:-3] + b"..\r\n.\r\n")
