"""What an alert mail says."""

from expect import equal, raises

from mailmote import event
from mailmote.errors import SettingsError
from mailmote.mail import alert

AT_S = 1387208400  # 2013-12-16 15:40 UTC
SINCE_S = AT_S - 900
READINGS = ((1200, 46.2), (900, 44.96), (600, 43.5), (0, 43.0999))


def about(**changes):
    values = {
        "device": "freezer-3",
        "sensor": "machine",
        "sender": "alerts@contoso.com",
        "to": ("facilities@contoso.com",),
        "unit": "\xb0C",
        "subject_prefix": "[mailmote]",
    }
    values.update(changes)
    return alert.About(**values)


def happened(kind=event.ALARM, cause=event.BELOW, since_s=SINCE_S, value=43.0999):
    if cause in (event.ABOVE, event.BELOW):
        return event.Event(kind, cause, "Too cold", since_s, AT_S, value, 45.0, 42.84, READINGS)
    return event.Event(kind, cause, "Too cold", since_s, AT_S, value, readings=READINGS)


def rendered(mail):
    mail.measure(True)
    return b"".join(mail.chunks()).decode()


def test_subjects():
    cases = (
        (event.ALARM, event.BELOW, "Too cold 43.1 \xb0C"),
        (event.ALARM, event.ABOVE, "Too cold 43.1 \xb0C"),
        (event.ALARM, event.NO_READING, "no reading from machine for 15 min (Too cold)"),
        (event.ALARM, event.SENSOR_ERROR, "sensor machine failing for 15 min (Too cold)"),
        (event.REMINDER, event.BELOW, "Too cold for 15 min, 43.1 \xb0C"),
        (event.REMINDER, event.NO_READING, "no reading from machine for 15 min (Too cold)"),
        (event.RECOVERY, event.ABOVE, "OK again, 43.1 \xb0C (Too cold)"),
        (event.RECOVERY, event.NO_READING, "machine is read again, 43.1 \xb0C (Too cold)"),
        (event.RECOVERY, event.SENSOR_ERROR, "machine is read again, 43.1 \xb0C (Too cold)"),
    )
    for kind, cause, text in cases:
        equal(alert.subject(happened(kind, cause), about()), "[mailmote] freezer-3: " + text)
        equal(alert.subject(happened(kind, cause), about(subject_prefix="")), "freezer-3: " + text)


def test_headlines():
    cases = (
        (event.ALARM, event.BELOW, "Too cold: machine is at 43.1 \xb0C, below the limit of 45 \xb0C."),
        (event.ALARM, event.ABOVE, "Too cold: machine is at 43.1 \xb0C, above the limit of 45 \xb0C."),
        (
            event.REMINDER,
            event.ABOVE,
            "Too cold: machine is still at 43.1 \xb0C, above the limit of 45 \xb0C.",
        ),
        (event.ALARM, event.NO_READING, "Too cold cannot be watched: machine gives no reading."),
        (event.ALARM, event.SENSOR_ERROR, "Too cold cannot be watched: machine cannot be read."),
        (event.RECOVERY, event.BELOW, "Too cold is over: machine is at 43.1 \xb0C."),
        (event.RECOVERY, event.NO_READING, "Too cold is watched again: machine is at 43.1 \xb0C."),
    )
    for kind, cause, text in cases:
        equal(alert.headline(happened(kind, cause), about()), text)


def test_a_whole_alarm_mail():
    context = about(
        site="Cold store, Athens",
        utc_offset_s=7200,
        severity="critical",
        every_s=300,
        for_s=900,
        clear=50.0,
        repeat_every_s=14400,
        notes=("old@contoso.com was refused: no such mailbox.",),
        cc=("boss@contoso.com",),
        reply_to="desk@contoso.com",
    )
    text = rendered(alert.compose(happened(), context, "1.2@contoso.com", ("Wi-Fi: -61 dBm",)))
    head, body = text.split("\r\n\r\n", 1)
    for field in (
        'From: "freezer-3" <alerts@contoso.com>',
        "To: facilities@contoso.com",
        "Cc: boss@contoso.com",
        "Reply-To: desk@contoso.com",
        "Date: Mon, 16 Dec 2013 17:40:00 +0200",
        "Message-ID: <1.2@contoso.com>",
        "Importance: high",
    ):
        assert field in head.split("\r\n"), field
    lines = (
        "Too cold: machine is at 43.1 \xb0C, below the limit of 45 \xb0C.",
        "",
        "Where: freezer-3, Cold store, Athens",
        "Sensor: machine, read every 5 min",
        "Severity: critical",
        "Since: 2013-12-16 17:25",
        "Told: 2013-12-16 17:40, after 15 min",
        "Limit: below 45 \xb0C for 15 min, over when above 50 \xb0C",
        "Worst: 42.84 \xb0C",
        "",
        "Last readings:",
        "2013-12-16 17:20  46.2 \xb0C",
        "2013-12-16 17:25  44.96 \xb0C",
        "2013-12-16 17:30  43.5 \xb0C",
        "2013-12-16 17:40  43.1 \xb0C",
        "",
        "What it means:",
        "The value went under its limit and has not come back since.",
        "Check what is measured first. If all is well there, check the sensor and its cable.",
        "",
        "Please note:",
        "old@contoso.com was refused: no such mailbox.",
        "",
        "The board:",
        "Wi-Fi: -61 dBm",
        "",
        "mailmote on freezer-3 sent this. Times are local, UTC+0200.",
        "It is told again every 4 h until it is over.",
        'To change or silence it, edit the alarm "Too cold" in the mote.toml of this device and load it onto '
        "the board.",
        "",
    )
    equal(body, "\r\n".join(lines))


def test_what_is_not_known_is_left_out():
    bare = event.Event(event.ALARM, event.NO_READING, "Silent", SINCE_S, AT_S)
    text = rendered(alert.compose(bare, about(unit=""), "1@contoso.com"))
    for word in (
        "None",
        "Limit",
        "Worst",
        "Last readings",
        "Please note",
        "The board:",
        "Severity",
        "Importance",
    ):
        assert word not in text, word
    equal(alert.quantity(None, "\xb0C"), "no value")


def test_a_recovery_tells_the_span_and_is_not_urgent():
    text = rendered(alert.compose(happened(event.RECOVERY), about(severity="critical"), "1@contoso.com"))
    assert "Began: 2013-12-16 15:25\r\nOver: 2013-12-16 15:40, after 15 min\r\n" in text, text
    assert "Importance" not in text
    assert "told again" not in text
    limit = "Limit: above 45 \xb0C, over when below 40 \xb0C"
    assert limit in list(alert.details(happened(event.RECOVERY, event.ABOVE), about(clear=40.0)))


def test_an_alarm_without_a_hold_names_no_span():
    lines = list(alert.details(happened(since_s=AT_S), about()))
    assert "Told: 2013-12-16 15:40" in lines, lines


def test_the_health_of_the_board_is_read_once():
    reads = []

    def lines():
        reads.append(1)
        yield "Running for: %s" % ("9 s" * len(reads))

    mail = alert.compose(happened(), about(), "1@contoso.com", lines())
    size = mail.measure(True)
    equal(sum([len(chunk) for chunk in mail.chunks()]), size)
    assert "Running for: 9 s\r\n" in rendered(mail)


def test_every_kind_of_every_cause_can_be_mailed():
    for kind in (event.ALARM, event.REMINDER, event.RECOVERY):
        for cause in (event.ABOVE, event.BELOW, event.NO_READING, event.SENSOR_ERROR):
            mail = alert.compose(happened(kind, cause, value=None), about(), "1@contoso.com")
            assert "What it means:" in rendered(mail)


def test_a_mail_about_the_sign_in_names_no_sensor_and_no_alarm():
    told = event.Event(event.ALARM, event.SIGN_IN, "Sign-in", AT_S - 61 * 86400, AT_S)
    mail = alert.compose(told, about(notes=("The reason.",), every_s=60), "1@contoso.com")
    text = rendered(mail)
    subject = "[mailmote] freezer-3: the sign-in to the mail server was not renewed"
    equal(alert.subject(told, about()), subject)
    for words in (
        "The board could not renew its sign-in to the mail server.",
        "Since: 2013-10-16 15:40",
        "sign the board in again.",
        "Please note:\r\nThe reason.",
    ):
        assert words in text, words
    for words in ("machine", "edit the alarm", "no value"):
        assert words not in text, words


def test_an_event_that_stands_for_several_says_so():
    one = happened()
    one.count, one.first_s = 7, AT_S - 3600
    text = rendered(alert.compose(one, about(), "1@contoso.com"))
    assert "Changed: 7 times since 2013-12-16 14:40; this is how it ended\r\n" in text, text
    assert "Changed" not in rendered(alert.compose(happened(), about(), "1@contoso.com"))


def test_numbers():
    cases = (
        (0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (True, "1"),
        (45.0, "45"),
        (43.0999985, "43.1"),  # 43.1 as 32 bits have it
        (73.96732207, "73.97"),
        (-18.55, "-18.55"),
        (0.0123456, "0.01235"),
        (4e-5, "4e-05"),
        (999.96, "1000"),
        (1013.25, "1013"),
        (101325, "101325"),
        (-101325.4, "-101325"),
        (12345678, "1.235e+07"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
    )
    for value, text in cases:
        equal(alert.number(value), text)


def test_the_names_of_a_stranger_cannot_add_a_field():
    raises(
        SettingsError, alert.compose, happened(), about(device="x\r\nBcc: e@evil.example"), "1@contoso.com"
    )
    bad = happened()
    bad.alarm = "x\nBcc: e@evil.example"
    raises(SettingsError, alert.compose, bad, about(), "1@contoso.com")
