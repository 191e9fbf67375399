"""Header fields: encoded words, folding, refusals."""

import binascii

from expect import equal, raises

from mailmote.errors import SettingsError
from mailmote.mail import headers

GREEK = (
    "\u03a8\u03c5\u03b3\u03b5\u03af\u03bf \u03c4\u03bf\u03c5 \u03ba\u03b5\u03bb\u03b1\u03c1\u03b9\u03bf\u03cd"
)
JAPANESE = "\u51b7\u51cd\u5eab\u306e\u6e29\u5ea6\u304c\u9ad8\u3059\u304e\u307e\u3059"
EMOJI = "\U0001f976\U0001f321\ufe0f\U0001f468\u200d\U0001f52c"

VECTORS = (
    ("Freezer too warm", b"Subject: Freezer too warm\r\n"),
    ("", b"Subject: \r\n"),
    ("43.1 \xb0C", b"Subject: =?UTF-8?Q?43=2E1_=C2=B0C?=\r\n"),
    ("Keld J\xf8rn Simonsen", b"Subject: =?UTF-8?Q?Keld_J=C3=B8rn_Simonsen?=\r\n"),
    ("\u51b7\u51cd\u5eab", b"Subject: =?UTF-8?B?5Ya35YeN5bqr?=\r\n"),
    ("=?UTF-8?Q?no?=", b"Subject: =?UTF-8?Q?=3D=3FUTF-8=3FQ=3Fno=3F=3D?=\r\n"),
    ("a" * 65, b"Subject: =?UTF-8?Q?" + b"a" * 52 + b"?=\r\n =?UTF-8?Q?" + b"a" * 13 + b"?=\r\n"),
    ("a" * 64, b"Subject: " + b"a" * 64 + b"\r\n"),
    ("two  spaces", b"Subject: =?UTF-8?Q?two__spaces?=\r\n"),
    (" edge", b"Subject: =?UTF-8?Q?_edge?=\r\n"),
)


def decoded_word(word):
    assert len(word) <= 75, word
    equal((word[:8], word[9], word[-2:]), ("=?UTF-8?", "?", "?="))
    content = word[10:-2]
    if word[8] == "B":
        return binascii.a2b_base64(content).decode()
    octets = bytearray()
    at = 0
    while at < len(content):
        if content[at] == "=":
            octets.append(int(content[at + 1 : at + 3], 16))
            at += 3
        else:
            octets.append(32 if content[at] == "_" else ord(content[at]))
            at += 1
    return bytes(octets).decode()  # raises if a character was cut


def read_back(field, name):
    """The text of an unstructured field, every rule of its lines checked."""
    assert field.endswith(b"\r\n")
    lines = field.decode().split("\r\n")[:-1]
    for line in lines:
        assert len(line) <= 76, line
        assert line.strip(), line
    for line in lines[1:]:
        assert line[0] == " ", line
    value = "".join(lines)[len(name) + 2 :]
    if "=?" not in value:
        return value
    return "".join([decoded_word(word) for word in value.split(" ")])


def test_vectors():
    for value, wanted in VECTORS:
        equal(headers.text("Subject", value), wanted)


def test_every_length_of_every_script_reads_back():
    for seed in (
        GREEK,
        JAPANESE,
        EMOJI,
        "a" + EMOJI,
        "abc \xe9 ",
        "plain words of text ",
        "x" * 70,
        "'\"?_= ",
    ):
        value = ""
        while len(value) < 160:
            value += seed[len(value) % len(seed)]
            equal(read_back(headers.text("Subject", value), "Subject"), value)


def test_a_line_is_folded_only_when_it_is_full():
    words = "word " * 14 + "end"  # "Subject: " and 73 characters
    equal(headers.text("Subject", words), b"Subject:" + b" word" * 13 + b"\r\n word end\r\n")
    equal(headers.text("Subject", words[5:]), b"Subject:" + b" word" * 13 + b"\r\n end\r\n")
    equal(headers.text("Subject", words[6:]), b"Subject: ord" + b" word" * 12 + b" end\r\n")


def test_control_characters_are_refused_with_the_name_of_the_field():
    for code in list(range(32)) + [127]:
        value = "a%sb" % chr(code)
        calls = (
            ("Subject", headers.text, ("Subject", value)),
            ("Date", headers.exact, ("Date", value)),
            ("From", headers.mailboxes, ("From", ((value, "a@contoso.com"),))),
            ("Cc", headers.mailboxes, ("Cc", ("%s@contoso.com" % value,))),
            ("Content-Disposition", headers.attachment, (value, "text/csv")),
            ("Content-Type", headers.attachment, ("a.csv", value)),
        )
        for name, call, arguments in calls:
            error = raises(SettingsError, call, *arguments)
            assert name in error.text, error.text
            assert value not in error.text, error.text


def test_an_address_cannot_become_two():
    for address in ("a@b.com, c@d.com", "a@b.com>", "<a@b.com", "a b@c.com", "a@b.com\r\nBcc: x@y.com", ""):
        raises(SettingsError, headers.mailboxes, "To", (address,))


def test_mailboxes():
    cases = (
        (("a@contoso.com",), b"To: a@contoso.com\r\n"),
        (("a@contoso.com", "b@contoso.com"), b"To: a@contoso.com, b@contoso.com\r\n"),
        ((("Freezer 3", "a@contoso.com"),), b'To: "Freezer 3" <a@contoso.com>\r\n'),
        ((('5" \\ <x@y>,', "a@contoso.com"),), b'To: "5\\" \\\\ <x@y>," <a@contoso.com>\r\n'),
        ((("J\xf8rn", "a@contoso.com"), "b@c.de"), b"To: =?UTF-8?Q?J=C3=B8rn?= <a@contoso.com>, b@c.de\r\n"),
        ((("", "a@contoso.com"),), b"To: a@contoso.com\r\n"),
    )
    for entries, wanted in cases:
        equal(headers.mailboxes("To", entries), wanted)


def test_many_mailboxes_fold_between_each_other():
    field = headers.mailboxes(
        "Reply-To", [(GREEK * 3, "someone.%d@contoso.com" % count) for count in range(40)]
    )
    equal(field.count(b","), 39)
    for line in field.split(b"\r\n"):
        assert len(line) <= 76, line
    for display in ("word " * 60 + "end", "x" * 61, "x" * 62, "x" * 63, "x" * 300):
        for line in headers.mailboxes("Reply-To", ((display, "a@contoso.com"),)).split(b"\r\n"):
            assert len(line) <= 76, line
    longest = "a" * 64 + "@" + "b" * 60 + "." + "c" * 60 + "." + "d" * 60 + ".com"
    for line in headers.mailboxes("To", (longest, longest)).split(b"\r\n"):
        assert len(line) <= 998, line


def test_an_exact_field_is_ascii_and_one_line():
    equal(headers.exact("Date", "x" * 992), b"Date: " + b"x" * 992 + b"\r\n")
    assert "Date" in raises(SettingsError, headers.exact, "Date", "x" * 993).text
    assert "Date" in raises(SettingsError, headers.exact, "Date", "\xe9").text


def test_attachment_names():
    part = 'Content-Type: text/csv;\r\n name="%s"\r\nContent-Transfer-Encoding: base64\r\n'
    part += "Content-Disposition: attachment;\r\n %s\r\n"
    cases = (
        ("log 1.csv", "log 1.csv", 'filename="log 1.csv"'),
        ("\u51b7.csv", "_.csv", "filename*=UTF-8''%E5%86%B7.csv"),
        ('a"b.csv', "a_b.csv", "filename*=UTF-8''a%22b.csv"),
        ("=?x.csv", "=_x.csv", "filename*=UTF-8''%3D%3Fx.csv"),
    )
    for filename, likeness, parameter in cases:
        equal(headers.attachment(filename, "text/csv").decode(), part % (likeness, parameter))
    for filename in ("", "n" * 256):
        raises(SettingsError, headers.attachment, filename, "text/csv")
    for line in headers.attachment("\u51b7" * 85, "text/csv").split(b"\r\n"):
        assert len(line) <= 998, line
