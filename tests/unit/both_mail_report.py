"""The mails of a board about itself, and one about several alerts."""

from both_mail_alert import AT_S, about, happened, rendered
from expect import equal, raises

from mailmote import event
from mailmote.errors import SettingsError
from mailmote.mail import digest, report


def told(kind):
    return event.Event(kind, 0, "", AT_S, AT_S)


def test_a_test_mail_says_that_it_is_one():
    mail = report.compose(
        told(event.TEST), about(sensor="?", site="Athens"), "1@contoso.com", ("Running for: 9 s",)
    )
    text = rendered(mail)
    for words in (
        "Subject: [mailmote] mailmote test mail from freezer-3\r\n",
        "This is a test: somebody asked freezer-3 for a mail. No alarm was raised.\r\n",
        "Where: freezer-3, Athens\r\nAsked for: 2013-12-16 15:40\r\n\r\n",
        "What it means:\r\nThe alerts of this board reach you in the same way.",
        "The board:\r\nRunning for: 9 s\r\n",
    ):
        assert words in text, words
    for words in ("?", "edit the alarm", "no value", "Limit", "Since", "sensors", "log"):
        assert words not in text.split("\r\n\r\n", 1)[1], words


def test_a_sign_of_life_tells_what_the_sensors_read_and_is_not_urgent():
    mail = report.compose(
        told(event.ALIVE), about(), "1@contoso.com", ("Mails sent: 3",), ("freezer: -18 C",)
    )
    text = rendered(mail)
    for words in (
        "Subject: [mailmote] freezer-3 is well\r\n",
        "Its sensors:\r\nfreezer: -18 C\r\n",
        "The board:\r\nMails sent: 3\r\n",
    ):
        assert words in text, words
    assert "Importance" not in text


def test_a_start_in_safe_mode_is_urgent_and_tells_the_last_lines():
    lines = ("  12.345 E supervisor: ValueError: odd", "  12.346 I courier: x")
    text = rendered(report.compose(told(event.CRASH), about(), "1@contoso.com", (), (), lines))
    for words in (
        "Importance: high\r\n",
        "freezer-3 does not watch its sensors",
        "Check what is measured yourself.",
        "The last lines of its log:\r\n  12.345 E supervisor: ValueError: odd\r\n  12.346 I courier: x\r\n",
    ):
        assert words in text, words


def rows():
    first, last = happened(event.ALARM), happened(event.RECOVERY, value=47.0)
    first.at_s -= 600
    last.count, last.first_s = 3, AT_S - 300
    yield first, about()
    yield last, about()


def plain_rows():
    for one, _ in rows():
        yield one, about(unit="C")


def test_a_digest_is_a_table_from_first_to_last():
    mail = digest.compose(rows, about(notes=("A note.",)), "1.2@contoso.com", AT_S, ("Mails sent: 3",))
    text = rendered(mail)
    for words in (
        "Message-ID: <1.2@contoso.com>\r\n",
        "Date: Mon, 16 Dec 2013 15:40:00 +0000\r\n",
        "freezer-3 has 4 alerts to tell, from first to last:\r\n\r\n"
        "2013-12-16 15:30  Too cold: machine is at 43.1 \xb0C, below the limit of 45 \xb0C.\r\n"
        "2013-12-16 15:40  Too cold is over: machine is at 47 \xb0C.\r\n"
        "    Changed: 3 times since 2013-12-16 15:35; this is how it ended\r\n\r\n",
        "Please note:\r\nA note.\r\n",
        "The board:\r\nMails sent: 3\r\n",
    ):
        assert words in text, words
    assert "Importance" not in text
    plain = rendered(digest.compose(plain_rows, about(unit="C"), "1.2@contoso.com", AT_S))
    assert "Subject: [mailmote] freezer-3: 4 alerts, the last: OK again, 47 C (Too cold)\r\n" in plain, plain


def test_a_digest_with_one_that_is_critical_is_urgent():
    def critical():
        yield happened(event.RECOVERY), about(severity="critical")
        yield happened(event.ALARM), about(severity="critical")

    assert "Importance: high" in rendered(digest.compose(critical, about(), "1@contoso.com", AT_S))


def test_the_names_of_a_stranger_cannot_add_a_field():
    bad = about(device="x\r\nBcc: e@evil.example")
    raises(SettingsError, report.compose, told(event.TEST), bad, "1@contoso.com")
    raises(SettingsError, digest.compose, rows, bad, "1@contoso.com", AT_S)


def test_every_size_is_as_measured():
    for mail in (
        report.compose(told(event.CRASH), about(), "1@contoso.com", iter(("a",)), iter(("b",)), iter(("c",))),
        digest.compose(rows, about(), "1@contoso.com", AT_S, iter(("a",))),
    ):
        size = mail.measure(True)
        equal(sum([len(chunk) for chunk in mail.chunks()]), size)
