"""The words that a program of one's own gets in place of those for the firmware's settings and alerts."""

from expect import equal

from mailmote import compat, explanations
from mailmote.errors import FixSettings, RetryLater
from mailmote.explanations import failure

PATH = "mailmote.explanations.for_programs"
OF_SERVERS = ("sign_in", "mailbox", "mx", "general")
# What the board finds wrong itself while umail runs.
LOCAL = (
    "reply-too-long",
    "malformed-reply",
    "early-reply",
    "connection-closed",
    "no-password-auth",
    "no-oauth",
    "control-character",
    "starttls-injection",
    "auth-needs-tls",
    "certificate-refused",
    "certificate-untrusted",
    "certificate-weak",
    "certificate-usage",
    "certificate-expired",
    "certificate-not-yet-valid",
    "certificate-wrong-host",
    "tls-failed",
    "clock-not-set",
    "no-ca",
    "ca-unusable",
    "tls-no-room",
    "timeout",
    "no-answer",
    "connection-refused",
    "connection-reset",
    "unreachable",
    "no-memory",
)
OF_THE_FIRMWARE = ("mote.toml", "is tried again", "rovision", "[mail]", "connect_to", "The alert")


def rows():
    for part in explanations._PARTS:
        for row in compat.borrow("mailmote.explanations." + part).ROWS:
            if part in OF_SERVERS or row[0] in LOCAL:
                yield row


def text(error):
    return compat.borrow(PATH).text(error)


def test_no_fix_is_for_the_settings_of_the_firmware():
    keys = []
    for row in rows():
        key, cause, fix = row[0], row[6], row[7]
        keys.append(key)
        told = text(FixSettings("%s %s" % (cause, fix), key))
        equal((key, told[: len(cause) + 1]), (key, cause + " "))
        words = told[len(cause) + 1 :]
        equal((key, 10 < len(words) <= 160), (key, True))
        equal((key, [word for word in OF_THE_FIRMWARE if word in words]), (key, []))
    equal(sorted(set(LOCAL) - set(keys)), [])


def test_each_fix_belongs_to_a_row():
    known = [row[0] for row in rows()]
    equal([key for key in compat.borrow(PATH)._FIXES if key not in known], [])


def test_the_values_and_the_reply_stay():
    error = failure(RetryLater, "connection-refused", "mail.contoso.test port 25")
    equal(text(error), "mail.contoso.test port 25 refused the connection. Check host and port.")


def test_what_is_not_in_the_table_stays_as_it_is():
    for error in (FixSettings("One. Two."), FixSettings("One. Two.", "timeout")):
        equal(text(error), "One. Two.")
