"""A message as chunks: exact sizes, the same each time, nothing that could be taken for something else."""

import io

from expect import equal, raises

from mailmote.errors import RetryNow, SettingsError
from mailmote.mail.message import Message

DATE = "Mon, 16 Dec 2013 15:40:00 +0000"
TEXTS = (
    (),
    ("short",),
    ("43.1 \xb0C\n", "\u51b7\u51cd\u5eab\r", "\n.\r\n..\n"),
    ("x" * 2000,),
    ["line %d\n" % number for number in range(200)],
)


class Source:
    """A file that is known to be open or closed."""

    open_count = 0

    def __init__(self, content):
        self._file = io.BytesIO(content)
        Source.open_count += 1

    def readinto(self, buffer):
        return self._file.readinto(buffer)

    def close(self):
        Source.open_count -= 1


def message(text, attachments=(), **more):
    return Message(
        "a@contoso.com",
        ("b@contoso.com",),
        "Test",
        "1@contoso.com",
        DATE,
        text,
        attachments=attachments,
        **more,
    )


def test_a_whole_message():
    mail = Message(
        ("Freezer 3", "a@contoso.com"),
        ("b@contoso.com", "c@contoso.com"),
        "Too warm",
        "1@contoso.com",
        DATE,
        ("Hello\n",),
        cc=("d@contoso.com",),
        reply_to="e@contoso.com",
        urgent=True,
    )
    lines = (
        'From: "Freezer 3" <a@contoso.com>',
        "To: b@contoso.com, c@contoso.com",
        "Cc: d@contoso.com",
        "Reply-To: e@contoso.com",
        "Subject: Too warm",
        "Date: Mon, 16 Dec 2013 15:40:00 +0000",
        "Message-ID: <1@contoso.com>",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "Importance: high",
        "X-Priority: 1",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 7bit",
        "",
        "Hello",
        "",
    )
    equal(b"".join(mail.chunks()).decode(), "\r\n".join(lines))


def test_sizes_are_exact_chunks_bounded_and_every_reading_the_same():
    files = (("a.bin", "application/octet-stream", lambda: io.BytesIO(b"\xff" * 1000)),)
    blocks = files + (("b.bin", "application/octet-stream", lambda: (b"ab", b"", b"c" * 700)),)
    for text in TEXTS:
        for attachments in ((), files, blocks):
            for eight_bit in (True, False):
                mail = message(text, attachments)
                size = mail.measure(eight_bit)
                equal(mail.size, size)
                sizes = [len(chunk) for chunk in mail.chunks()]
                equal(sum(sizes), size)
                assert set(sizes[:-1]) <= {512}, sizes
                assert 0 < sizes[-1] <= 512, sizes
                once = b"".join(mail.chunks())
                equal(b"".join(mail.chunks()), once)
                assert once.endswith(b"\r\n")
                for line in once.split(b"\r\n"):
                    assert len(line) <= 998, line
                    assert b"\r" not in line, line
                    assert b"\n" not in line, line
                assert mail.needs_8bit == (max(once) > 127)
                assert eight_bit or not mail.needs_8bit


def test_a_server_with_8bitmime_after_one_without():
    mail = message(("43.1 \xb0C\n",))
    mail.measure(False)
    assert not mail.needs_8bit
    assert b"=C2=B0C" in b"".join(mail.chunks())
    mail.measure(True)
    assert mail.needs_8bit
    assert b"\xc2\xb0C" in b"".join(mail.chunks())


def test_unmeasured_it_is_7_bit():
    mail = message(("\xb0",))
    assert max(b"".join(mail.chunks())) < 128


def test_the_text_may_be_made_anew_each_time():
    def pieces():
        yield "one\n"
        yield "two\n"

    equal(b"".join(message(pieces).chunks()), b"".join(message(("one\ntwo\n",)).chunks()))


def test_the_boundary_cannot_be_written_by_the_text():
    attachments = (("a.bin", "text/plain", lambda: io.BytesIO(b"x")),)
    boundary = b"".join(message((), attachments).chunks()).split(b'boundary="')[1].split(b'"')[0]
    forged = "\r\n--%s--\r\n" % boundary.decode()
    mail = message((forged,), attachments)
    mail.measure(True)
    equal(b"".join(mail.chunks()).count(b"\r\n--" + boundary), 3)


def test_header_text_is_refused_before_there_is_a_message():
    bad = "x\r\nBcc: e@evil.example"
    arguments = ["a@contoso.com", ("b@contoso.com",), "Test", "1@contoso.com", DATE, ("",)]
    for at, value, name in (
        (0, bad, "From"),
        (0, (bad, "a@contoso.com"), "From"),
        (1, (bad,), "To"),
        (2, bad, "Subject"),
        (3, bad, "Message-ID"),
        (4, bad, "Date"),
    ):
        changed = arguments[:at] + [value] + arguments[at + 1 :]
        assert name in raises(SettingsError, Message, *changed).text
    raises(SettingsError, message, (), ((bad, "text/plain", None),))
    raises(SettingsError, message, (), (("a.txt", bad, None),))


def test_an_attachment_that_changed_its_length_ends_the_sending():
    for measured, sent in ((1000, 999), (1000, 1003), (10, 5000), (5000, 10), (100, 0)):
        contents = [b"x" * measured]
        mail = message((), (("a.bin", "text/plain", lambda contents=contents: io.BytesIO(contents[0])),))
        size = mail.measure(True)
        contents[0] = b"x" * sent
        got = []

        def send(mail=mail, got=got):
            for chunk in mail.chunks():
                got.append(len(chunk))

        if (measured + 2) // 3 == (sent + 2) // 3:
            send()  # padding hides it: the size is still what was promised
        else:
            raises(RetryNow, send)
        assert sum(got) <= size, got


def test_attachments_are_closed_however_the_reading_ends():
    mail = message((), (("a.bin", "text/plain", lambda: Source(b"x" * 3000)),))
    mail.measure(True)
    equal(Source.open_count, 0)
    equal(len(b"".join(mail.chunks())), mail.size)
    equal(Source.open_count, 0)
    chunks = mail.chunks()
    for _ in range(4):
        next(chunks)
    equal(Source.open_count, 1)
    chunks.close()
    equal(Source.open_count, 0)


def test_what_reading_raises_passes_through_and_closes():
    class Broken(Source):
        def readinto(self, buffer):
            raise OSError(5)

    mail = message((), (("a.bin", "text/plain", lambda: Broken(b"")),))
    raises(OSError, mail.measure, True)
    equal(Source.open_count, 0)
