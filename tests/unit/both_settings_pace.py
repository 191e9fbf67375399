"""The validator on power, the LED, retries, limits and the daily mail, on both runtimes."""

from expect import equal
from mote_toml import GONE, RELAY, told, where

SENSOR = {"name": "freezer", "driver": "adc", "pin": 34}
DRIVERS = {
    "adc": {"pin": (int, ..., "the number of the pin")},
    "replay": {"path": (str, ..., "the CSV file")},
    "system": {"metric": (str, ..., "what")},
}


def problems(*changes):
    """(path, text) of each."""
    settings, found = told(RELAY, changes, DRIVERS)
    equal(settings is None, bool(found))
    return [(where(one), one.text) for one in found]


def good(*changes):
    equal(problems(*changes), [])
    return told(RELAY, changes, DRIVERS)[0]


def expect_each(cases):
    """One problem for each (path, value, text): the path's table has that key alone, or keeps its others."""
    for path, value, text in cases:
        table, key = path.split(".")
        change = (path, value) if table == "device" else (table, {key: value})
        equal(problems(change), [(path, text)])


def test_power_and_led():
    expect_each(
        (
            ("device.power", "batery",
             '"batery" is not known; did you mean "battery"? It is one of: mains, battery'),
            ("device.power", 5, 'is a whole number; it must be text in quotes, such as "mains"'),
            ("device.led", -1,
             "-1 is out of range: it must be from 0 to 48, as the pins of ESP32 chips are numbered"),
            ("device.led", 49,
             "49 is out of range: it must be from 0 to 48, as the pins of ESP32 chips are numbered"),
            ("device.led", "13", "is text; it must be a whole number, such as 13"),
            ("device.led", True, "is true or false; it must be a whole number, such as 13"),
            ("device.led_inverted", 1, "is a whole number; it must be true or false, such as true"),
        )
    )  # fmt: skip
    equal(
        problems(("device.led_inverted", True)),
        [
            (
                "device.led_inverted",
                "is not used: there is no led. Add led with the number of its pin, or take the line out",
            )
        ],
    )
    equal([path for path, _ in problems(("device.led", 99), ("device.led_inverted", True))], ["device.led"])
    for pin in (0, 48):
        equal(good(("device.led", pin))["device"]["led"], pin)
    equal("led" in good(("device.led_inverted", False))["device"], False)


def test_the_led_is_on_no_pin_of_a_sensor():
    door = {"name": "door", "driver": "adc", "pin": 13}
    text = "13 is the pin of sensor 2 already: the LED would drive it. Take another pin, or take the line out"
    equal(problems(("device.led", 13), ("sensor", [SENSOR, door])), [("device.led", text)])
    good(("device.led", 12), ("sensor", [SENSOR, door]))
    heap = {"name": "heap", "driver": "system", "metric": "free_heap"}
    good(("device.led", 13), ("sensor", [SENSOR, heap]))


def test_what_a_battery_does_not_go_with():
    battery = ("device.power", "battery")
    equal(
        problems(battery, ("sensor.0.every", "9s")),
        [
            (
                "sensor.0.every",
                '9 s is too short for power = "battery": to wake takes seconds, so that the board would '
                'hardly sleep. Write "10s" or more, better minutes, or set power = "mains"',
            )
        ],
    )
    good(battery, ("sensor.0.every", "10s"))
    good(("sensor.0.every", "9s"))
    for sensor, path, text in (
        (
            {"driver": "replay", "path": "x.csv"},
            "sensor.1.driver",
            '"replay" does not go with power = "battery": a recording would begin anew at each wake. Set '
            'power = "mains", or take the sensor out',
        ),
        (
            {"driver": "system", "metric": "uptime"},
            "sensor.1.metric",
            '"uptime" does not go with power = "battery": it would count from each wake. Set '
            'power = "mains", or take the sensor out',
        ),
        (
            {"driver": "system", "metric": "rssi"},
            "sensor.1.metric",
            '"rssi" does not go with power = "battery": the radio is off at most wakes. Set '
            'power = "mains", or take the sensor out',
        ),
    ):
        sensors = ("sensor", [SENSOR, dict(sensor, name="second")])
        equal(problems(battery, sensors), [(path, text)])
        good(sensors)
    good(battery, ("sensor", [SENSOR, {"name": "heap", "driver": "system", "metric": "free_heap"}]))


def test_a_sensor_with_an_error_is_not_judged_by_its_power():
    battery = ("device.power", "battery")
    for change, path in (
        (("sensor.0.every", "often"), "sensor.0.every"),
        (("sensor.0.driver", "nose"), "sensor.0.driver"),
        (("sensor.0.driver", GONE), "sensor.0.driver"),
    ):
        equal([one for one, _ in problems(battery, change) if one != "sensor.0.pin"], [path])
    replay = ("sensor.0", {"name": "freezer", "driver": "replay", "path": "x.csv"})
    equal([one for one, _ in problems(("device.power", "x"), replay)], ["device.power"])


def test_retry():
    expect_each(
        (
            ("retry.first", "9s",
             '"9s" is too short: at least 10 s, so that a server with a trouble of its own is left in peace'),
            ("retry.first", "10min1s", '"10min1s" is too long: at most 10 min'),
            ("retry.first", 60,
             'is a whole number; it must be text in quotes, such as "90s", "15min" or "4h"'),
            ("retry.cap", "9s", '"9s" is too short: at least 10 s, as the first pause'),
            ("retry.cap", "1d1s", '"1d1s" is too long: at most 1 d'),
            ("retry.cap", "59s",
             "59 s is shorter than the first pause, 1 min: the pauses grow from first to cap. Make it "
             "longer, or take the line out"),
            ("retry.expire_after", "3d23h",
             '"3d23h" is too short: at least 4 d, since RFC 5321 asks for four to five days of trying'),
            ("retry.expire_after", "365d1s", '"365d1s" is too long: at most 365 d'),
        )
    )  # fmt: skip
    for first, cap in (("10s", "10s"), ("10min", "10min"), ("10min", "1d")):
        good(("retry", {"first": first, "cap": cap}))
    equal([path for path, _ in problems(("retry", {"first": "x", "cap": "10s"}))], ["retry.first"])
    equal(good(("retry", {"expire_after": "4d"}))["retry"]["expire_after_s"], 345600)
    equal(good(("retry", {}))["retry"], {"first_s": 60, "cap_s": 3600, "expire_after_s": 0})


def test_limits():
    share = "%s is no share: it must be above 0 and at most 1, as in 0.25"
    a_day = (
        "%d is out of range: it must be from 1 to 10000, since a mailbox may send to 10000 recipients a day"
    )
    changes = "%d is out of range: it must be from 1 to 60, since people stop reading sooner"
    expect_each(
        (
            ("limits.mailbox_share", 0, share % "0"),
            ("limits.mailbox_share", -0.5, share % "-0.5"),
            ("limits.mailbox_share", 1.5, share % "1.5"),
            ("limits.mailbox_share", float("nan"), share % "nan"),
            ("limits.mailbox_share", "1/4", "is text; it must be a number, such as 0.25"),
            ("limits.recipients_per_day", 0, a_day % 0),
            ("limits.recipients_per_day", 10001, a_day % 10001),
            ("limits.recipients_per_day", 1.5, "is a number; it must be a whole number, such as 1000"),
            ("limits.digest_after", "59s",
             '"59s" is too short: at least 1 min, so that a few alarms at once still are mails of their own'),
            ("limits.digest_after", "1d1s", '"1d1s" is too long: at most 1 d'),
            ("limits.changes_per_hour", 0, changes % 0),
            ("limits.changes_per_hour", 61, changes % 61),
            ("limits.mailbox_slot", -1,
             "-1 is out of range: it must be from 0 to 999, as boards are that share a mailbox"),
            ("limits.mailbox_slot", 1000,
             "1000 is out of range: it must be from 0 to 999, as boards are that share a mailbox"),
        )
    )  # fmt: skip
    for table in (
        {"mailbox_share": 1},
        {"mailbox_share": 0.002, "mailbox_slot": 499},
        {"recipients_per_day": 1, "digest_after": "1min", "changes_per_hour": 1},
        {"recipients_per_day": 10000, "digest_after": "1d", "changes_per_hour": 60},
    ):
        good(("limits", table))
    equal(type(good(("limits", {"mailbox_share": 1}))["limits"]["mailbox_share"]), float)


def test_the_slot_of_a_board_among_those_of_its_mailbox():
    text = (
        "%d is no slot: mailbox_share = %s makes %s. Number the boards of the mailbox from 0, and give each "
        "the same share"
    )
    for share, slot, shown, slots in (
        (0.25, 4, "0.25", "4 slots, 0 to 3"),
        (0.5, 2, "0.5", "2 slots, 0 to 1"),
        (0.4, 2, "0.4", "2 slots, 0 to 1"),
        (1, 1, "1.0", "one slot, 0"),
        (0.8, 1, "0.8", "one slot, 0"),
    ):
        wanted = [("limits.mailbox_slot", text % (slot, shown, slots))]
        equal(problems(("limits", {"mailbox_share": share, "mailbox_slot": slot})), wanted)
        good(("limits", {"mailbox_share": share, "mailbox_slot": slot - 1}))
    equal(
        problems(("limits", {"mailbox_slot": 1})), [("limits.mailbox_slot", text % (1, "1.0", "one slot, 0"))]
    )
    good(("limits", {"mailbox_slot": 0}))
    both = ("limits", {"mailbox_share": 2, "mailbox_slot": 7})
    equal([path for path, _ in problems(both)], ["limits.mailbox_share"])


def test_the_time_of_the_daily_mail():
    text = '"%s" is no time of day: write "HH:MM" from "00:00" to "23:59", as in "07:00"'
    expect_each(
        [
            ("alive.at", value, text % value)
            for value in ("7:00", "24:00", "07:60", "07-00", "0700", "07:00:00", "xx:yy", "٠٧:٠٠")
        ]
        + [("alive.at", 7, 'is a whole number; it must be text in quotes, such as "07:00"')]
    )
    equal(problems(("alive", {})), [("alive.at", 'is missing: write it as in at = "07:00"')])
    for value, seconds in (("00:00", 0), ("07:05", 25500), ("23:59", 86340)):
        equal(good(("alive", {"at": value}))["alive"], {"at_s": seconds})
    equal("alive" in good(), False)


def test_tables_and_keys():
    for name in ("retry", "limits", "alive"):
        equal(
            problems((name, [])),
            [(name, "must be one table: write [%s] once, in single brackets" % name)],
        )
    equal(
        problems(("retry", {"frist": "1min"})),
        [("retry.frist", 'is not a key of mailmote: did you mean "first"?')],
    )
