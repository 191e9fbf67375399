"""What Python's own mail parser makes of the messages: no defects, everything as it was put in."""

import io
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.utils import getaddresses

import pytest

from mailmote import event
from mailmote.mail import alert
from mailmote.mail.message import Message
from mailmote.smtp.dots import DotStuffer

GREEK = "Ψυγείο του κελαριού, θερμοκρασία: −18,5 °C"
JAPANESE = "冷凍庫の温度が高すぎます。至急確認してください。"
EMOJI = "🥶 lab 👩‍🔬🌡️ 🇬🇷"
NAMES = [
    GREEK,
    JAPANESE,
    EMOJI,
    'O\'Neil "Bob" <x@y>, Jr.; (ops)',
    "Jørn",
    "plain",
    "a\u0085b",
    "x" * 200,
    "=?x?=",
]
NAMES += ["word " * 60 + "end", "two  spaces", " edge ", "tail\\"]

LONG = "0123456789" * 200
BODIES = [
    "",
    "short",
    f"{GREEK}\n{JAPANESE}\n{EMOJI}\n",
    f"{LONG}\n{JAPANESE * 90}\n{'🥶' * 2000}",
    ".\n..\n.dot\n\n.\r.\r\n.\nQUIT\n",
    "lf\ncr\rcrlf\r\nlfcr\n\rend\r",
    "trailing \t \n \n\t\nFrom here\n--\n-- \n",
    "nul\0 bell\a escape\x1b[0m form\f del\x7f tab\t.",
    "equals = =20 =?UTF-8?Q?x?= =\n=_mailmote_00000000\n",
    "lone \u2028 separators \u0085 stay\n",
]
CONTENTS = [
    b"",
    b"\0",
    bytes(range(256)) * 300,
    b".\r\n.\r\n",
    b"x" * 57,
    b"x" * 58,
    "\ufeffa;b\r\n".encode(),
]


def canonical(text):
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") or not text else text + "\n"


def parsed(mail, eight_bit):
    """The message as a mailbox holds it: through the wire of DATA and back, lines checked on the way."""
    size = mail.measure(eight_bit)
    stuffer = DotStuffer()
    wire = b"".join([*(stuffer.feed(chunk) for chunk in mail.chunks()), stuffer.finish()])
    lines = wire.split(b"\r\n")
    assert lines[-2:] == [b".", b""]
    assert lines.count(b".") == 1
    octets = b"".join(line.removeprefix(b".") + b"\r\n" for line in lines[:-2])
    assert len(octets) == size
    assert max(len(line) for line in lines) <= 998
    assert b"\0" not in octets
    assert mail.needs_8bit == (not octets.isascii())
    if not eight_bit:
        assert octets.isascii()
    message = message_from_bytes(octets, policy=policy.default)
    assert_no_defects(message)
    return message


def assert_no_defects(message):
    for part in message.walk():
        assert part.defects == []
        for name, value in part.items():
            assert value.defects == (), f"{name}: {value.defects}"


def text_of(message):
    return message.get_body().get_payload(decode=True).decode().replace("\r\n", "\n")


def raw(message, name):
    return next(value for key, value in message.raw_items() if key == name).replace("\r\n", "").strip()


def decoded(value):
    return str(make_header(decode_header(value)))


def people_of(message, field):
    """By the older functions: the addresses of policy.default keep the space between two encoded words."""
    return [(decoded(name), address) for name, address in getaddresses([raw(message, field)])]


def compose(subject="Test", text="", attachments=(), sender="a@contoso.com", to=("b@contoso.com",), **more):
    return Message(
        sender,
        to,
        subject,
        "1@contoso.com",
        "Mon, 16 Dec 2013 15:40:00 +0000",
        (text,),
        attachments=attachments,
        **more,
    )


@pytest.mark.parametrize("eight_bit", [True, False])
@pytest.mark.parametrize("text", BODIES)
def test_bodies(text, eight_bit):
    assert text_of(parsed(compose(text=text), eight_bit)) == canonical(text)


@pytest.mark.parametrize("name", NAMES)
def test_subjects_and_names(name):
    people = [(name, f"p{number}@contoso.com") for number in range(5)]
    message = parsed(compose(name, sender=people[0], to=people[1:], cc=people[:2], reply_to=people[4]), True)
    assert decoded(raw(message, "Subject")) == name
    for field, wanted in (
        ("From", people[:1]),
        ("To", people[1:]),
        ("Cc", people[:2]),
        ("Reply-To", people[4:]),
    ):
        assert [entry.addr_spec for entry in message[field].addresses] == [address for _, address in wanted]
        assert people_of(message, field) == wanted


@pytest.mark.parametrize("eight_bit", [True, False])
@pytest.mark.parametrize("text", BODIES)
def test_attachments_come_out_byte_for_byte(text, eight_bit):
    names = ["log.csv", "冷凍庫.csv", 'a "b" \\c?.csv', "x" * 255, "é" * 127, "🥶.bin", "=?UTF-8?Q?x?="]
    files = [
        (name, "application/octet-stream", lambda content=content: io.BytesIO(content))
        for name, content in zip(names, CONTENTS, strict=True)
    ]
    message = parsed(compose(text=text, attachments=files), eight_bit)
    assert message.get_content_type() == "multipart/mixed"
    assert text_of(message) == canonical(text)
    found = [(part.get_filename(), part.get_content()) for part in message.iter_attachments()]
    assert found == list(zip(names, CONTENTS, strict=True))


def test_a_text_file_keeps_its_type():
    message = parsed(
        compose(attachments=[("log.csv", "text/csv; charset=utf-8", lambda: [GREEK.encode()])]), True
    )
    (part,) = message.iter_attachments()
    assert part.get_content_type() == "text/csv"
    assert part.get_content() == GREEK


@pytest.mark.parametrize("eight_bit", [True, False])
@pytest.mark.parametrize("name", [GREEK, JAPANESE, EMOJI])
@pytest.mark.parametrize("kind", [event.ALARM, event.REMINDER, event.RECOVERY])
@pytest.mark.parametrize("cause", [event.ABOVE, event.BELOW, event.NO_READING, event.SENSOR_ERROR])
def test_alerts(kind, cause, name, eight_bit):
    about = alert.About(
        name,
        name,
        "a@contoso.com",
        ("b@contoso.com",),
        site=name,
        unit="°C",
        notes=(f"{LONG}.",),
        severity="critical",
    )
    raised = event.Event(
        kind, cause, name, 1387207500, 1387208400, 43.0999, 45.0, 42.8, ((300, 44.5), (0, 43.0999))
    )
    mail = alert.compose(raised, about, "5298c5d0.1@contoso.com", (".hidden", "Wi-Fi: −61 dBm"))
    message = parsed(mail, eight_bit)
    assert people_of(message, "From") == [(name, "a@contoso.com")]
    assert message["Subject"] == alert.subject(raised, about)
    assert message["Message-ID"] == "<5298c5d0.1@contoso.com>"
    assert message["Date"].datetime.isoformat() == "2013-12-16T15:40:00+00:00"
    assert message["Auto-Submitted"] == "auto-generated"
    text = text_of(message)
    assert text.startswith(alert.headline(raised, about) + "\n\n")
    assert "\n.hidden\nWi-Fi: −61 dBm\n" in text
