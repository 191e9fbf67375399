"""`mailmote check`: the alert mail as it would look. For the settings see unit/test_settings_file.py."""

import itertools
import json
from pathlib import Path

import pytest

from mailmote.health import Health
from mailmote_host import check, cli, example_mail, settings_file

EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples").glob("*.toml"))
NOW_S = 1_700_000_000

FREEZER = """\
[device]
name = "Kühlraum 3"
site = "Building 7"
utc_offset = "+01:00"
[wifi]
ssid = "Plant"
[mail]
option = "smtp-relay"
from = "alerts@contoso.com"
to = ["ops@contoso.com"]
cc = ["boss@contoso.com"]
[[sensor]]
name = "freezer"
driver = "adc"
unit = "°C"
pin = 34
[[sensor]]
name = "door"
driver = "digital"
every = "10s"
pin = 4
[[alarm]]
name = "too warm"
sensor = "freezer"
above = -15
clear = -18
for = "15min"
[[alarm]]
name = "door open"
sensor = "door"
above = 0.5
to = ["duty@contoso.com"]
[[alarm]]
name = "silent"
sensor = "freezer"
no_reading_for = "30min"
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mote.toml").write_text(FREEZER, encoding="utf-8")

    def call(*words):
        code = cli.main(["check", *words])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_the_mail_of_the_first_alarm_is_shown_and_marked_as_an_example(run):
    code, out, err = run()
    assert (code, err) == (0, "")
    before, _, mail = out.partition(
        '\nAn example of the mail of "too warm". Its readings and times are made up.\n\n'
    )
    assert "  alarm     silent" in before
    assert mail.startswith(
        "  | From:    Kühlraum 3 <alerts@contoso.com>\n"
        "  | To:      ops@contoso.com\n"
        "  | Cc:      boss@contoso.com\n"
        "  | Subject: Kühlraum 3: too warm -12 °C\n"
        "  |\n"
        "  | too warm: freezer is at -12 °C, above the limit of -15 °C.\n"
    )
    assert all(line.startswith("  |") for line in mail.splitlines())
    assert "  | Wi-Fi signal: " in mail


def test_the_mail_of_another_alarm(run):
    assert (
        "| To:      duty@contoso.com\n  | Subject: Kühlraum 3: door open 1\n"
        in run("--alarm", "door open")[1]
    )
    silent = run("--alarm", "silent")[1]
    assert "| Subject: Kühlraum 3: no reading from freezer for 30 min (silent)\n" in silent
    code, out, err = run("--alarm", "no such")
    assert (code, out) == (2, "")
    assert 'there is no alarm "no such" in this file. It has: "too warm", "door open", "silent"' in err


def test_json_has_the_mail_unless_it_is_left_out(run):
    told = json.loads(run("--json", "--alarm", "door open")[1])
    mail = told["mail"]
    assert mail.pop("text").startswith("door open: door is at 1, above the limit of 0.5.\n\nWhere: ")
    assert mail.pop("octets") > 800
    assert mail == {
        "alarm": "door open",
        "from": "Kühlraum 3 <alerts@contoso.com>",
        "to": "duty@contoso.com",
        "cc": None,
        "subject": "Kühlraum 3: door open 1",
        "recipients": ["duty@contoso.com"],
    }
    assert "mail" not in json.loads(run("--json", "--no-mail")[1])
    assert "An example" not in run("--no-mail")[1]


def test_settings_with_an_error_have_no_mail(run, tmp_path):
    (tmp_path / "mote.toml").write_text(FREEZER.replace("pin = 4", "pin = true"), encoding="utf-8")
    code, out, _ = run("--alarm", "no such")
    assert code == 1
    assert "An example" not in out
    assert json.loads(run("--json")[1])["mail"] is None


def mail_of(tmp_path, alarm, sensor='driver = "adc"\npin = 34', before="", doubts=()):
    path = tmp_path / "one.toml"
    path.write_text(
        f'{before}[device]\nname = "m"\n'
        '[mail]\noption = "smtp-relay"\nfrom = "a@contoso.com"\nto = ["b@contoso.com"]'
        f'\n[[sensor]]\nname = "s"\n{sensor}\n[[alarm]]\nname = "n"\nsensor = "s"\n{alarm}\n'
    )
    loaded = settings_file.load(path, check.drivers())
    assert [problem.key for problem in loaded.problems] == list(doubts)
    return example_mail.of_alarm(loaded.settings, loaded.settings["alarms"][0], NOW_S)


@pytest.mark.parametrize(
    ("limit", "hold", "every"),
    list(
        itertools.product(
            [
                "above = 0",
                "below = 0",
                "above = -15\nclear = -18",
                "below = 1e9",
                "above = 1e29",
                "above = 1e-20",
            ],
            ["0s", "1s", "90s", "1d", "30d"],
            ["1s", "7min", "1d"],
        )
    ),
)
def test_any_threshold_raises_its_alarm(tmp_path, limit, hold, every):
    sensor = f'driver = "adc"\npin = 34\nevery = "{every}"'
    mail = mail_of(tmp_path, f'{limit}\nfor = "{hold}"', sensor)
    word = limit.partition(" ")[0]
    assert f", {word} the limit of " in mail.text.partition("\n")[0]
    last = mail.text.partition("Last readings:\n")[2].partition("\n\n")[0].splitlines()
    assert len(last) >= 4


@pytest.mark.parametrize(("limit", "value"), [("above = 0.5", "1"), ("below = 0.5", "0")])
def test_a_contact_reads_0_or_1(tmp_path, limit, value):
    mail = mail_of(tmp_path, limit, 'driver = "digital"\npin = 4')
    assert mail.subject == f"m: n {value}"
    readings = mail.text.partition("Last readings:\n")[2].partition("\n\n")[0]
    assert {line.split("  ")[1] for line in readings.splitlines()} == {"0", "1"}


def test_a_threshold_that_a_contact_never_reaches_is_no_traceback(tmp_path):
    sensor = 'driver = "digital"\npin = 4'
    assert mail_of(tmp_path, "above = 1", sensor, doubts=["alarm[0].above"]).subject == "m: n 1.05"


@pytest.mark.parametrize("silence", ["90s", "8d", "30d"])
def test_a_sensor_that_falls_silent(tmp_path, silence):
    assert "gives no reading" in mail_of(tmp_path, f'no_reading_for = "{silence}"').text


def test_what_it_says_of_the_board_is_what_boards_say(tmp_path, monkeypatch):
    monkeypatch.setattr("mailmote.compat.heap_free", lambda: 99999)

    class Link:
        def rssi(self):
            return -50

    said = [line.partition(":")[0] for line in Health(Link()).lines()]
    text = mail_of(tmp_path, "above = 1", before='[wifi]\nssid = "Plant"\n').text
    shown = text.partition("The board:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.partition(":")[0] for line in shown] == said


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_alarm_of_the_examples_has_a_mail(path):
    settings = settings_file.load(path, check.drivers()).settings
    for alarm in settings["alarms"]:
        mail = example_mail.of_alarm(settings, alarm, NOW_S)
        assert settings["device"]["name"] in mail.subject
