"""The settings' validator, rule by rule, on both runtimes: the key that is named, the level and the text."""

from expect import equal, raises
from mote_toml import DIRECT, DRIVERS, GONE, RELAY, SUBMISSION, at, document, expect_one, told, where

from mailmote import errors
from mailmote.policy import durations, options, problems, stored_settings
from mailmote.policy.settings import validate

NO_LEVEL = (
    ("alarm.0.above", GONE),
    ("alarm.0.clear", GONE),
    ("alarm.0.for", GONE),
)


def test_client_submission_is_filled_in():
    settings, found = told(SUBMISSION, ())
    equal(
        settings,
        {
            "v": 1,
            "device": {"name": "mote-1", "utc_offset_s": 3600, "power": "mains", "led_inverted": False},
            "wifi": {"ssid": "Plant", "password": "wifi.password"},
            "mail": {
                "option": "client-submission",
                "from": "alerts@contoso.com",
                "to": ["ops@contoso.com"],
                "host": "smtp.office365.com",
                "port": 587,
                "tls": "required",
                "auth": "password",
                "username": "alerts@contoso.com",
                "password": "mail.password",
            },
            "fallbacks": [],
            "retry": {"first_s": 60, "cap_s": 3600, "expire_after_s": 0},
            "limits": {
                "mailbox_share": 1.0,
                "recipients_per_day": 10000,
                "digest_after_s": 900,
                "changes_per_hour": 6,
            },
            "clock": {"ntp": ["pool.ntp.org", "time.windows.com", "time.cloudflare.com"]},
            "sensors": [
                {
                    "name": "freezer",
                    "driver": "adc",
                    "every_s": 60,
                    "options": {"pin": 34, "scale": 1.0, "invert": False},
                }
            ],
            "alarms": [
                {
                    "name": "too warm",
                    "sensor": "freezer",
                    "above": -15.0,
                    "for_s": 900,
                    "clear": -18.5,
                    "severity": "warning",
                }
            ],
        },
    )
    equal([(where(one), one.level) for one in found], [("mail.auth", "warning")])
    equal("December 2026" in found[0].text, True)


def test_direct_send_and_relay_derive_the_mx_endpoint():
    for option, domains in ((DIRECT, ["contoso.com"]), (RELAY, None)):
        settings, found = told(option, ())
        got = settings["mail"]
        equal(found, [])
        equal(got["host"], "contoso-com.mail.protection.outlook.com")
        equal((got["port"], got["tls"], got["auth"]), (25, "opportunistic", "none"))
        equal(got.get("accepted_domains"), domains)
        equal(("password" in got, "username" in got), (False, False))


def test_every_key_reaches_the_board():
    changes = (
        ("device.site", "Θάλαμος 7"),
        ("device.utc_offset", "-03:30"),
        ("device.power", "battery"),
        ("device.led", 13),
        ("device.led_inverted", True),
        ("retry", {"first": "2min", "cap": "2h", "expire_after": "5d"}),
        (
            "limits",
            {
                "mailbox_share": 0.25,
                "mailbox_slot": 3,
                "recipients_per_day": 500,
                "digest_after": "30min",
                "changes_per_hour": 4,
            },
        ),
        ("alive", {"at": "07:05"}),
        ("mail.cc", ["boss@fabrikam.com"]),
        ("mail.reply_to", "desk@contoso.com"),
        ("mail.host", "Relay.Example.NET"),
        ("mail.port", 2525),
        ("mail.tls", "none"),
        ("mail.connect_to", "192.0.2.7"),
        ("mail.accepted_domains", ["Contoso.com"]),
        ("clock", {"ntp": ["NTP.contoso.com", "192.0.2.123"]}),
        ("mail.subject_prefix", "[冷凍庫]"),
        ("sensor.0.unit", "°C"),
        ("sensor.0.every", "1h30min"),
        ("sensor.0.label", "left"),
        ("sensor.0.scale", 2),
        ("alarm.0.no_reading_for", "4h"),
        ("alarm.0.to", ["oncall@fabrikam.com"]),
        ("alarm.0.severity", "critical"),
        ("alarm.0.repeat_every", "1d"),
    )
    settings, found = told(RELAY, changes)
    equal(found, [])
    equal(
        settings["device"],
        {
            "name": "mote-1",
            "site": "Θάλαμος 7",
            "utc_offset_s": -12600,
            "power": "battery",
            "led": 13,
            "led_inverted": True,
        },
    )
    got = settings["mail"]
    equal((got["cc"], got["reply_to"]), (["boss@fabrikam.com"], "desk@contoso.com"))
    equal((got["host"], got["port"], got["tls"]), ("relay.example.net", 2525, "none"))
    equal((got["connect_to"], got["accepted_domains"]), ("192.0.2.7", ["contoso.com"]))
    equal(got["subject_prefix"], "[冷凍庫]")
    equal(settings["clock"], {"ntp": ["ntp.contoso.com", "192.0.2.123"]})
    equal(settings["retry"], {"first_s": 120, "cap_s": 7200, "expire_after_s": 432000})
    equal(
        settings["limits"],
        {
            "mailbox_share": 0.25,
            "mailbox_slot": 3,
            "recipients_per_day": 500,
            "digest_after_s": 1800,
            "changes_per_hour": 4,
        },
    )
    equal(settings["alive"], {"at_s": 25500})
    sensor = settings["sensors"][0]
    equal((sensor["unit"], sensor["every_s"]), ("°C", 5400))
    equal(sensor["options"], {"pin": 34, "scale": 2.0, "invert": False, "label": "left"})
    alarm = settings["alarms"][0]
    equal((alarm["no_reading_for_s"], alarm["repeat_every_s"]), (14400, 86400))
    equal((alarm["to"], alarm["severity"]), (["oncall@fabrikam.com"], "critical"))


def test_the_three_options():
    cases = (
        # client submission
        (SUBMISSION, (("mail.host", "40.97.4.1"),), "mail.host", "always by name"),
        (SUBMISSION, (("mail.host", "2603:1026::1"),), "mail.host", "connect_to"),
        (SUBMISSION, (("mail.tls", "none"),), "mail.tls", 'set tls = "required"'),
        (SUBMISSION, (("mail.tls", "opportunistic"),), "mail.tls", "always uses TLS"),
        (SUBMISSION, (("mail.auth", "none"),), "mail.auth", "signs in as a mailbox"),
        (SUBMISSION, (("mail.auth", "certificate"),), "mail.auth", "signs in as a mailbox"),
        (SUBMISSION, (("mail.username", "alerts"),), "mail.username", "the full address"),
        (SUBMISSION, (("mail.port", 26),), "mail.port", "listens on 587 and 25 only"),
        (SUBMISSION, (("mail.port", 465),), "mail.port", "STARTTLS. Use 587"),
        (
            SUBMISSION,
            (("mail.host", "contoso-com.mail.protection.outlook.com"),),
            "mail.host",
            "the server of option direct-send",
        ),
        (SUBMISSION, (("mail.host", "smtp.hve.mx.microsoft"),), "mail.host", "of option high-volume-email"),
        (SUBMISSION, (("mail.host", "smtp.azurecomm.net"),), "mail.host", "azure-communication-services"),
        # direct send
        (DIRECT, (("mail.to", ["x@fabrikam.com"]),), "mail.to.0", "outside accepted_domains"),
        (DIRECT, (("mail.cc", ["x@sub.contoso.com"]),), "mail.cc.0", "outside accepted_domains"),
        (DIRECT, (("alarm.0.to", ["x@fabrikam.com"]),), "alarm.0.to.0", "own organisation only"),
        (DIRECT, (("mail.accepted_domains", ["fabrikam.com"]), ("mail.to", ["x@fabrikam.com"])), "mail.from",
         "takes mail from the tenant's own domains only"),
        (DIRECT, (("mail.auth", "password"),), "mail.auth", "never signs in"),
        (DIRECT, (("mail.auth", "oauth-app"),), "mail.auth", "never signs in"),
        (DIRECT, (("mail.username", "a@contoso.com"),), "mail.username", "never signs in"),
        (DIRECT, (("mail.host", "40.97.4.1"),), "mail.host", "451 4.4.62"),
        (DIRECT, (("mail.host", "smtp.office365.com"),), "mail.host", "of option client-submission"),
        (DIRECT, (("mail.port", 587),), "mail.port", "listens on 25 only"),
        (DIRECT, (("mail.from", "a@foo-1-bar.com"), ("mail.to", ["b@foo-1-bar.com"])), "mail.host",
         "Microsoft 365 admin center"),
        # SMTP relay
        (RELAY, (("mail.auth", "password"),), "mail.auth", "asks for no password"),
        (RELAY, (("mail.username", "alerts"),), "mail.username", "asks for no password"),
        (RELAY, (("mail.accepted_domains", ["fabrikam.com"]),), "mail.from", "outside accepted_domains"),
        (RELAY, (("mail.host", "10.0.0.5"), ("mail.tls", "required")), "mail.host",
         "checks a certificate"),
    )  # fmt: skip
    for case in cases:
        expect_one(*case)


def test_what_the_options_allow():
    """What must stay possible: forwarders behind connect_to, the servers of others, a site's own relay."""
    cases = (
        (SUBMISSION, (("mail.connect_to", "127.0.0.1"), ("mail.port", 50587))),
        (SUBMISSION, (("mail.connect_to", "::1"), ("mail.port", 25))),
        (SUBMISSION, (("mail.host", "mail.example.com"), ("mail.port", 2525))),
        (SUBMISSION, (("mail.host", "mail.example.com"), ("mail.username", "alerts"))),
        (SUBMISSION, (("mail.username", "Alerts@Contoso.com"),)),
        (SUBMISSION, (("mail.accepted_domains", ["fabrikam.com"]),)),
        (DIRECT, (("mail.accepted_domains", ["fabrikam.com", "contoso.com"]),
                  ("mail.to", ["x@Fabrikam.com"]))),
        (DIRECT, (("mail.from", "a@a-b.com"), ("mail.to", ["b@a-b.com"]),
                  ("mail.host", "ab-com0i.mail.protection.outlook.com"))),
        (RELAY, (("mail.to", ["x@fabrikam.com"]),)),
        (RELAY, (("mail.host", "10.0.0.5"), ("mail.tls", "none"), ("mail.port", 2525))),
        (RELAY, (("wifi", GONE),)),
    )  # fmt: skip
    for option, changes in cases:
        settings, found = told(option, changes)
        equal([(where(one), one.text) for one in found if "December 2026" not in one.text], [])
        equal(settings is not None, True)


def test_a_from_that_is_not_the_sign_in_is_a_warning():
    text = expect_one(SUBMISSION, (("mail.username", "boss@contoso.com"),), "mail.from", "5.2.252", "warning")
    equal("grant Send As" in text and 'from = "boss@contoso.com"' in text, True)


def test_the_retirement_of_passwords_is_told_of_microsofts_host_only():
    for change, count in (
        (("mail.host", "smtp.office365.com"), 1),
        (("mail.host", "mail.example.com"), 0),
        (("mail.auth", "oauth-device"), 0),
    ):
        found = told(SUBMISSION, (change,))[1]
        equal(len([one for one in found if "December 2026" in one.text]), count)


def test_keys_and_tables():
    cases = (
        (("mail.hsot", "x"), 'did you mean "host"?'),
        (("mail.Reply-To", "x"), 'did you mean "reply_to"?'),
        (("device.nmae", "x"), 'did you mean "name"?'),
        (("wifi.channel", 6), "known here: ssid"),
        (("sensor.0.evry", "5s"), 'did you mean "every"?'),
        (("sensor.0.pim", 5), 'did you mean "pin"?'),
        (("alarm.0.treshold", 5), "known here: name, sensor, above"),
        (("sensors", []), 'did you mean "sensor"?'),
        (
            ("zigbee", {"on": True}),
            "known here: device, wifi, mail, oauth, clock, retry, limits, alive, sensor, alarm",
        ),
        (("mail." + "x" * 50, 1), "known here: option"),
    )
    for change, text in cases:
        expect_one(SUBMISSION, (change,), change[0], text)


def test_what_is_missing():
    for path, text in (
        ("device", "add [device]"),
        ("device.name", 'name = "freezer-3"'),
        ("wifi.ssid", 'ssid = "Plant"'),
        ("mail", "add [mail]"),
        ("mail.option", 'option = "client-submission"'),
        ("mail.from", 'from = "alerts@contoso.com"'),
        ("mail.to", 'to = ["facilities@contoso.com"]'),
        ("sensor", "add [[sensor]]"),
        ("sensor.0.name", 'name = "freezer"'),
        ("sensor.0.driver", 'driver = "adc"'),
        ("sensor.0.pin", "the number of the pin"),
        ("alarm", "add [[alarm]]"),
        ("alarm.0.name", 'name = "too warm"'),
        ("alarm.0.sensor", 'sensor = "freezer"'),
    ):
        expect_one(SUBMISSION, ((path, GONE),), path, text)


def test_types():
    for path, value, text in (
        ("device", [], "must be one table: write [device]"),
        ("mail", "x", "must be a table: write [mail] once, in single brackets, or [[mail]] for each"),
        ("mail", [], "or [[mail]] for each of several ways to send"),
        ("mail", [{}, 1], "or [[mail]] for each of several ways to send"),
        ("sensor", {"name": "x"}, "write [[sensor]], in double brackets"),
        ("sensor", [], "write [[sensor]], in double brackets"),
        ("sensor", 5, "write [[sensor]], in double brackets"),
        ("alarm", [1], "write [[alarm]], in double brackets"),
        ("device.name", 7, "is a whole number; it must be text in quotes"),
        ("device.utc_offset", 1, '"+05:30", "-03:30" or "Z"'),
        ("mail.to", "ops@contoso.com", 'a list, such as ["ops@contoso.com"]'),
        ("mail.to", {}, 'is a table; it must be a list, such as ["..."]'),
        ("mail.to", [], "is an empty list"),
        ("mail.host", 7, "is a whole number"),
        ("mail.host", [], "is a list"),
        ("mail.port", "587", "is text; it must be a whole number"),
        ("mail.port", True, "is true or false"),
        ("mail.tls", False, "is true or false"),
        ("sensor.0.every", 60, '"90s", "15min" or "4h"'),
        ("sensor.0.pin", "34", "is text; it must be a whole number"),
        ("sensor.0.pin", True, "is true or false"),
        ("sensor.0.pin", 34.0, "is a number; it must be a whole number"),
        ("sensor.0.invert", 1, "it must be true or false"),
        ("sensor.0.label", 1, "it must be text"),
        ("sensor.0.scale", "1", "it must be a number"),
        ("alarm.0.above", "5", "it must be a number"),
        ("alarm.0.severity", ["info"], "is a list"),
    ):
        changes = ((path, value),)
        expect_one(SUBMISSION, changes, path, text)
    for path, value in (("mail.to", "ops@contoso.com"), ("mail.accepted_domains", "contoso.com")):
        expect_one(RELAY, ((path, [value, 7]),), path + ".1", "text in quotes")


def test_values_that_do_not_parse():
    for path, value, text in (
        ("device.name", "  ", "is empty"),
        ("device.utc_offset", "+15:00", "at most 14 hours"),
        ("device.utc_offset", "-14:01", "at most 14 hours"),
        ("device.utc_offset", "+1:00", '"+HH:MM"'),
        ("device.utc_offset", "+01:60", '"+HH:MM"'),
        ("device.utc_offset", "+0x:00", '"+HH:MM"'),
        ("device.utc_offset", "+01:000", '"+HH:MM"'),
        ("device.utc_offset", "x01:00", '"+HH:MM"'),
        ("device.utc_offset", "+01-00", '"+HH:MM"'),
        ("device.utc_offset", "+:1:00", '"+HH:MM"'),
        ("mail.option", "direct_send", 'did you mean "direct-send"?'),
        (
            "mail.option",
            "smtp",
            "it must be one of: client-submission, direct-send, smtp-relay, high-volume-email, "
            "azure-communication-services",
        ),
        ("mail.from", "Alerts <alerts@contoso.com>", "Write it bare"),
        ("mail.from", "alerts", "name@example.com"),
        ("mail.reply_to", "a@b@c.com", "is no mail address"),
        ("mail.reply_to", "müller@contoso.com", "character that Microsoft 365 does not take"),
        ("mail.host", "smtp.office365.com:587", "the port goes into mail.port"),
        ("mail.host", "smtps://smtp.office365.com", "no scheme"),
        ("mail.host", "contoso.com/mail", "no scheme"),
        ("mail.host", "alerts@contoso.com", "no scheme"),
        ("mail.host", "smtp..com", "is no host"),
        ("mail.connect_to", "256.1.1.1", "from 0 to 255"),
        ("mail.connect_to", "1.1.1.0001", "from 0 to 255"),
        ("mail.connect_to", "1.2.3.²", "is no host"),
        ("mail.connect_to", "[::1]", "without brackets"),
        ("mail.connect_to", "[::1", "without brackets"),
        ("mail.connect_to", "::1]", "without brackets"),
        ("mail.connect_to", "::zz", "hexadecimal"),
        ("mail.port", 0, "from 1 to 65535"),
        ("mail.port", 65536, "from 1 to 65535, such as 587 or 25"),
        ("mail.tls", "requierd", 'did you mean "required"?'),
        ("mail.auth", "passwd", 'did you mean "password"?'),
        ("sensor.0.driver", "adcc", 'did you mean "adc"?'),
        ("sensor.0.driver", "thermocouple", "known here: adc, replay"),
        ("sensor.0.every", "5m", 'write "min"'),
        ("sensor.0.every", "soon", "1h30min"),
        ("sensor.0.every", "0s", "at least 1 s"),
        ("sensor.0.every", "1d1s", "at most 1 d"),
        ("sensor.0.pin", 2**31, "32 bits"),
        ("sensor.0.pin", -(2**31) - 1, "32 bits"),
        ("sensor.0.scale", float("inf"), "is not a number"),
        ("alarm.0.above", float("nan"), "is not a number that a reading can be compared with"),
        ("alarm.0.above", float("inf"), "is not a number that a reading can be compared with"),
        ("alarm.0.repeat_every", "299s", "at least 5 min"),
        ("alarm.0.repeat_every", "365d1s", "at most 365 d"),
        ("alarm.0.for", "30d1s", "at most 30 d"),
        ("alarm.0.no_reading_for", "9s", "at least 10 s"),
        ("alarm.0.no_reading_for", "30d1s", "at most 30 d"),
        ("alarm.0.severity", "fatal", "one of: info, warning, critical"),
    ):
        expect_one(SUBMISSION, ((path, value),), path, text)
    for domain, text in (
        ("contoso", "it has no dot"),
        ("@contoso.com", "letters, digits, hyphens and dots only"),
        ("*.contoso.com", "letters, digits, hyphens and dots only"),
        ("10.0.0.1", "it is an IP address"),
    ):
        changes = (("mail.accepted_domains", ["contoso.com", domain]),)
        expect_one(RELAY, changes, "mail.accepted_domains.1", text)


def test_values_at_the_edge_are_taken():
    for path, value in (
        ("device.utc_offset", "+14:00"),
        ("device.utc_offset", "-00:59"),
        ("mail.port", 1),
        ("mail.port", 65535),
        ("mail.connect_to", "255.255.255.0"),
        ("mail.connect_to", "fe80::1"),
        ("mail.connect_to", "::ffff:192.0.2.1"),
        ("mail.connect_to", "forwarder"),
        ("sensor.0.every", "1s"),
        ("sensor.0.every", "1d"),
        ("sensor.0.pin", 2**31 - 1),
        ("sensor.0.pin", -(2**31)),
        ("alarm.0.for", "0s"),
        ("alarm.0.for", "30d"),
        ("alarm.0.repeat_every", "5min"),
        ("alarm.0.repeat_every", "365d"),
        ("alarm.0.no_reading_for", "30d"),
    ):
        equal(told(RELAY, ((path, value), ("mail.host", "relay.example.com")))[1], [])
    equal(told(RELAY, (("alarm.0.no_reading_for", "10s"), ("sensor.0.every", "9s")))[1], [])


def test_a_value_with_an_error_is_not_judged_further():
    nobody = ("mail.from", "nobody")
    nothing = ("mail.accepted_domains", ["nothing"])
    for option, changes, paths in (
        (DIRECT, (nobody,), ("mail.from",)),
        (DIRECT, (nothing,), ("mail.accepted_domains.0",)),
        (DIRECT, (nobody, nothing), ("mail.accepted_domains.0", "mail.from")),
        (DIRECT, (("mail.option", "pigeon"), ("mail.tls", "none")), ("mail.option",)),
        (RELAY, (nobody, ("mail.accepted_domains", ["contoso.com"])), ("mail.from",)),
        (SUBMISSION, (nobody, ("mail.username", "boss@contoso.com")), ("mail.from",)),
        (SUBMISSION, (("mail.username", ""),), ("mail.username",)),
        (SUBMISSION, (("mail.host", "smtp..com"), ("mail.port", 26)), ("mail.host",)),
        (SUBMISSION, (("mail.host", "smtp..com"), ("mail.username", "alerts")), ("mail.host",)),
        (RELAY, (("alarm.0.clear", "low"),), ("alarm.0.clear",)),
        (RELAY, (("alarm.0.above", "high"),), ("alarm.0.above",)),
        (RELAY, (("sensor.0.every", "often"), ("alarm.0.no_reading_for", "10s")), ("sensor.0.every",)),
        (RELAY, (("sensor.0.name", 7),), ("sensor.0.name",)),
        (RELAY, (("sensor.0.pin", "3\n4"),), ("sensor.0.pin",)),
        (RELAY, (("sensor", GONE),), ("sensor",)),
    ):
        found = told(option, changes)[1]
        equal(tuple(sorted(where(one) for one in found if one.level == "error")), paths)
    twice = [{"name": 7, "driver": "adc", "pin": 1}, {"name": 7, "driver": "adc", "pin": 1}]
    found = told(RELAY, (("sensor", twice),))[1]
    equal([where(one) for one in found], ["sensor.0.name", "sensor.1.name"])


def test_alarms():
    sensor = "sensor.0.every"
    for changes, path, text in (
        ((("alarm.0.sensor", "freezr"),), "alarm.0.sensor", 'did you mean "freezer"?'),
        ((("alarm.0.sensor", "boiler"),), "alarm.0.sensor", "known here: freezer"),
        ((("alarm.0.below", -30),), "alarm.0", "both above and below"),
        (NO_LEVEL, "alarm.0", "can never alarm"),
        (NO_LEVEL[:2] + (("alarm.0.no_reading_for", "1h"),), "alarm.0.for", "add above or below"),
        (
            NO_LEVEL[:1] + NO_LEVEL[2:] + (("alarm.0.no_reading_for", "1h"),),
            "alarm.0.clear",
            "add above",
        ),
        ((("alarm.0.clear", -14.5),), "alarm.0.clear", "clears at that value or below it"),
        (NO_LEVEL[:1] + (("alarm.0.below", -10),), "alarm.0.clear", "clears at that value or above it"),
        (
            (("alarm.0.no_reading_for", "2min"), (sensor, "2min")),
            "alarm.0.no_reading_for",
            "without cause",
        ),
    ):
        expect_one(SUBMISSION, changes, path, text)


def test_alarms_that_are_right():
    for changes, wanted in (
        ((("alarm.0.clear", GONE),), {"above": -15.0, "clear": -15.0, "for_s": 900}),
        ((("alarm.0.clear", -15), ("alarm.0.for", GONE)), {"above": -15.0, "clear": -15.0, "for_s": 0}),
        (NO_LEVEL[:1] + (("alarm.0.below", -40),), {"below": -40.0, "clear": -18.5, "for_s": 900}),
        (NO_LEVEL[:1] + (("alarm.0.below", -18.5),), {"below": -18.5, "clear": -18.5, "for_s": 900}),
        (NO_LEVEL + (("alarm.0.no_reading_for", "61s"),), {"no_reading_for_s": 61}),
    ):
        settings, found = told(RELAY, changes)
        equal(found, [])
        wanted = dict(wanted, name="too warm", sensor="freezer", severity="warning")
        equal(settings["alarms"][0], wanted)


def test_names_are_there_once():
    sensors = [{"name": "a", "driver": "adc", "pin": 1}, {"name": "a", "driver": "adc", "pin": 2}]
    alarms = [{"name": "x", "sensor": "a", "above": 1}, {"name": "x", "sensor": "a", "above": 2}]
    found = told(RELAY, (("sensor", sensors), ("alarm", alarms)))[1]
    equal([where(one) for one in found], ["sensor.1.name", "alarm.1.name"])
    equal("sensor 1 already" in found[0].text and "alarm 1 already" in found[1].text, True)


def test_recipients():
    ten = ["r%d@contoso.com" % number for number in range(10)]
    many = ["m%d@contoso.com" % number for number in range(33)]
    for changes, path, text in (
        ((("mail.to", many),), "mail.to", "one bit for each"),
        ((("alarm.0.to", many),), "alarm.0.to", "at most 32"),
        ((("mail.to", many[:23]), ("mail.cc", ten)), "mail.cc", "33 recipients; at most 32"),
        ((("mail.to", many[:32]), ("mail.cc", ten[:1])), "mail.cc", "33 recipients; at most 32"),
        ((("mail.to", [ten[0], ten[1], "R0@contoso.com"]),), "mail.to.2", "is there twice"),
        ((("mail.cc", [ten[0], "ops@contoso.com"]),), "mail.cc.1", "is there twice"),
        ((("alarm.0.to", [ten[0], ten[0]]),), "alarm.0.to.1", "is there twice"),
    ):
        expect_one(DIRECT, changes, path, text)
    for changes in (
        (("mail.to", many[:22]), ("mail.cc", ten)),
        (("alarm.0.to", many[:32]), ("mail.cc", ten)),
        (("alarm.0.to", ["ops@contoso.com"]),),
    ):
        equal(told(DIRECT, changes)[1], [])


def test_caps():
    sensor = {"name": "s", "driver": "adc", "pin": 1}
    sensors = [dict(sensor, name="s%d" % number) for number in range(17)]
    alarms = [{"name": "a%d" % number, "sensor": "s0", "above": 1} for number in range(33)]
    found = told(RELAY, (("sensor", sensors), ("alarm", alarms)))[1]
    equal([where(one) for one in found], ["sensor", "alarm"])
    equal("there are 17; at most 16" in found[0].text and "there are 33; at most 32" in found[1].text, True)
    changes = (("sensor", sensors[:16]), ("alarm", alarms[:32]))
    equal(told(RELAY, changes)[1], [])
    for path, most in (
        ("device.name", 40),
        ("device.site", 60),
        ("wifi.ssid", 32),
        ("mail.subject_prefix", 40),
        ("sensor.0.unit", 16),
        ("alarm.0.name", 40),
        ("sensor.0.label", 200),
    ):
        equal(told(RELAY, ((path, "é" * (most // 2)),))[1], [])
        expect_one(RELAY, ((path, "é" * (most // 2) + "x"),), path, "at most %d, " % most)
    domains = ["d%d.com" % number for number in range(16)] + ["contoso.com"]
    expect_one(RELAY, (("mail.accepted_domains", domains),), "mail.accepted_domains", "at most 16")


def test_control_characters_anywhere():
    for character in ("\r", "\n", "\t", "\0", "\x1b", "\x7f", "\x85", "\x9b"):
        expect_one(RELAY, (("device.name", "a%sb" % character),), "device.name", "control character")
    for path in (
        "device.site",
        "wifi.ssid",
        "mail.option",
        "mail.from",
        "mail.host",
        "mail.tls",
        "mail.to.0",
        "mail.subject_prefix",
        "sensor.0.driver",
        "sensor.0.label",
        "sensor.0.every",
        "sensor.0.surprise",
        "alarm.0.for",
        "nonsense",
    ):
        found = [one for one in told(SUBMISSION, ((path, "x\r\nBcc: y"),))[1] if where(one) == path]
        equal(len(found), 1)
        equal("\\x0d\\x0aBcc" in found[0].text, True)
    expect_one(RELAY, (("mail.x\ny", 1),), "mail.x\ny", "the key has a control character")
    deep = (("mail.x", {"a": {"b": "c\nd"}}),)
    equal([where(one) for one in told(RELAY, deep)[1]], ["mail.x.a.b", "mail.x"])


def test_deep_nesting_is_refused_without_a_recursion():
    value = "x"
    for _ in range(5000):
        value = [value]
    found = told(RELAY, (("mail.x", value),))[1]
    equal([where(one) for one in found], ["mail.x.0.0", "mail.x"])
    equal("nested too deeply" in found[0].text, True)


def test_secrets_are_refused_and_never_shown():
    for path in (
        "mail.password",
        "wifi.password",
        "wifi.psk",
        "wifi.pass",
        "wifi.pw",
        "mail.client_secret",
        "mail.Client-Secret",
        "mail.refresh_token",
        "password",
        "sensor.0.api_key",
        "alarm.0.passphrase",
    ):
        for value in ("hunter2", ["hunter2"], {"x": "hunter2"}, "hun\nter2", 1234567):
            text = expect_one(RELAY, ((path, value),), path, "never live in mote.toml")
            equal("hunter2" in text or "ter2" in text or "1234567" in text, False)
            equal("mailmote provision" in text, True)
    for path in ("mail.host", "mail.connect_to", "mail.from", "mail.username", "mail.tls"):
        for value in ("smtp://me:hunter2@contoso.com", "me@contoso.com:hunter2", "me:hunter2@contoso.com\n"):
            for one in told(SUBMISSION, ((path, value),))[1]:
                equal("hunter2" in one.text, False)


def test_values_are_shown_bounded():
    for path, value in (
        ("mail.from", "x" * 5000),
        ("mail.tls", "\x1b" * 5000),
        ("mail.port", 10**400),
        ("alarm.0.sensor", "y" * 39),
        ("device.name", "é" * 5000),
        ("sensor.0.pin", -(10**400)),
    ):
        for one in told(SUBMISSION, ((path, value),))[1]:
            equal(len(one.text) < 400, True)
            equal("\x1b" in one.text, False)
    equal(problems.shown("a" * 60), '"' + "a" * 60 + '"')
    equal(problems.shown("a" * 61), '"' + "a" * 57 + '..."')
    equal(len(problems.shown("\n" * 100)), 62)
    equal(len(problems.shown("\n" * 60)), 62)
    for value, text in (
        (10**18 - 1, "999999999999999999"),
        (10**18, "a number of more than 18 digits"),
        (-(10**18), "a number of more than 18 digits"),
        (-0.5, "-0.5"),
        (True, "true or false"),
        ({}, "a table"),
        ([], "a list"),
        ("\x80\x9f\xa0\x7f~", '"\\x80\\x9f\xa0\\x7f~"'),
    ):
        equal(problems.shown(value), text)
    equal(problems.listed(tuple("abcdefghijkl")), "a, b, c, d, e, f, g, h, i, j, k, l")
    equal(problems.listed(tuple("abcdefghijklm")), "a, b, c, d, e, f, g, h, i, j, k, l, ...")
    equal(problems.suggestion("freezer", ()), "there is none")


def test_all_at_once():
    changes = (
        ("device.name", 7),
        ("mail.from", "nobody"),
        ("mail.to", ["ops@contoso.com", "nobody"]),
        ("mail.tls", "maybe"),
        ("mail.port", 0),
        ("mail.colour", "red"),
        ("sensor.0.driver", "nose"),
        ("alarm.0.for", "later"),
        ("alarm.0.sensor", "frezer"),
    )
    settings, found = told(DIRECT, changes)
    equal(settings, None)
    paths = [path for path, _ in changes if path != "mail.to"] + ["mail.to.1"]
    equal(sorted(where(one) for one in found), sorted(paths))


def test_an_empty_file_names_the_tables():
    settings, found = validate({}, DRIVERS)
    equal((settings, [where(one) for one in found]), (None, ["device", "mail", "sensor", "alarm"]))


def test_the_document_is_left_as_it_was():
    given = document(DIRECT)
    validate(given, DRIVERS)
    equal(given, document(DIRECT))


def test_durations():
    for text, seconds in (
        ("90s", 90),
        ("15min", 900),
        ("4h", 14400),
        ("2d", 172800),
        ("1h30min", 5400),
        ("1h 30min", 5400),
        ("1d2h3min4s", 93784),
        ("0s", 0),
        ("007s", 7),
    ):
        equal(durations.parse(text), seconds)
    equal(durations.parse("999999999s"), 999999999)
    for text in (
        "",
        " ",
        "5",
        "min",
        "5 minutes",
        "1.5h",
        "-5s",
        "30min1h",
        "1h1h",
        "5x",
        "٥s",
        "5s\n",
        "1,5h",
    ):
        error = raises(ValueError, durations.parse, text)
        equal('"1h30min"' in str(error), True)
    equal("min" in str(raises(ValueError, durations.parse, "5m")), True)
    equal("at most 9 digits" in str(raises(ValueError, durations.parse, "9" * 10 + "s")), True)


def test_mx_hosts():
    for domain, host in (
        ("contoso.com", "contoso-com.mail.protection.outlook.com"),
        ("Sub.Contoso.co.uk", "sub-contoso-co-uk.mail.protection.outlook.com"),
        ("foo-1-bar.com", None),
    ):
        equal(options.mx_host(domain), host)
    raises(KeyError, options.named, "pigeon")


def test_the_nearest_known_word():
    known = ("host", "port", "tls", "repeat_every", "to")
    for word, near in (
        ("hsot", "host"),
        ("HOST", "host"),
        ("prot", "port"),
        ("repeat-evry", "repeat_every"),
        ("x", None),
        ("tolerance", None),
        ("h" * 1000, None),
    ):
        equal(problems.nearest(word, known), near)
    equal(problems.nearest("x", ("y",)), None)
    equal(problems.nearest("bxcd", ("abcd",)), None)
    equal(problems.nearest("xacd", ("abcd",)), None)
    equal(problems.nearest("hast", ("host", "hast", "hist")), "hast")
    equal(problems.nearest("hust", ("host", "hist")), "host")


def test_the_board_takes_what_the_validator_gave():
    settings = told(SUBMISSION, ())[0]
    equal(stored_settings.load(settings) is settings, True)


def test_the_board_fills_in_what_an_earlier_host_did_not_write():
    earlier = {
        "v": 1,
        "device": {"name": "mote-1", "utc_offset_s": 3600},
        "wifi": {"ssid": "Plant", "password": "wifi.password"},
    }
    wanted = told(RELAY, ())[0]
    for name in ("mail", "clock", "sensors", "alarms"):
        earlier[name] = wanted[name]
    equal(stored_settings.load(earlier), wanted)
    half = dict(earlier, retry={"cap_s": 60}, limits={"mailbox_share": 0.5})
    loaded = stored_settings.load(half)
    equal(loaded["retry"], {"first_s": 60, "cap_s": 60, "expire_after_s": 0})
    equal(loaded["limits"], dict(wanted["limits"], mailbox_share=0.5))


def test_what_is_filled_in_is_nobody_elses():
    one, other = told(RELAY, ())[0], told(RELAY, ())[0]
    one["retry"]["first_s"] = 7
    one["limits"]["changes_per_hour"] = 7
    one["fallbacks"].append(7)
    equal((other["retry"]["first_s"], other["limits"]["changes_per_hour"], other["fallbacks"]), (60, 6, []))


def test_the_board_refuses_other_settings_with_the_fix():
    def without(path):
        path = at(path)
        settings = told(RELAY, ())[0]
        place = settings
        for part in path[:-1]:
            place = place[part]
        del place[path[-1]]
        return settings

    for data, text in (
        (None, "holds no settings"),
        ([], "holds no settings"),
        ({}, "holds no settings"),
        (dict(told(RELAY, ())[0], v=2), "version 2"),
        (dict(told(RELAY, ())[0], mail=[]), "has no mail"),
        (dict(told(RELAY, ())[0], sensors=[7]), "has no name in sensors"),
        (without("device"), "has no device"),
        (without("device.name"), "has no name in device"),
        (without("mail.to"), "has no to in mail"),
        (dict(told(RELAY, ())[0], retry=[]), "has no retry"),
        (dict(told(RELAY, ())[0], limits=None), "has no limits"),
        (dict(told(RELAY, ())[0], fallbacks={}), "has no fallbacks"),
        (dict(told(RELAY, ())[0], fallbacks=[{"option": RELAY}]), "has no from in fallbacks"),
        (dict(told(RELAY, ())[0], alive={}), "has no at_s in alive"),
        (without("mail.host"), "has no host in mail"),
        (without("sensors.0.every_s"), "has no every_s in sensors"),
        (without("alarms.0.sensor"), "has no sensor in alarms"),
    ):
        error = raises(errors.SettingsError, stored_settings.load, data)
        equal(text in str(error), True)
        equal("mailmote provision" in str(error), True)
