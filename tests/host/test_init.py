"""`mailmote init`: the advice over every site, the file that comes out, by flags and by questions."""

import itertools
import json
import os
import pty
import select
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mailmote import sensors
from mailmote.policy import options
from mailmote_host import check, cli, settings_file
from mailmote_host.init import advice, answers, command
from mailmote_host.init.advice import Facts

CLIENT_ID = "99998888-7777-6666-5555-444433332222"
SITE = "--wifi Plant --from alerts@contoso.com --to ops@contoso.com"
SENSOR = "--sensor-driver adc --pin 34 --above -15"
OAUTH = f"--inside --dynamic-address --sign-in oauth --client-id {CLIENT_ID}"
MAILMOTE = [
    sys.executable,
    "-c",
    "import sys; from mailmote_host.cli import main; sys.exit(main(sys.argv[1:]))",
]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(words):
        code = cli.main(["init", *shlex.split(words)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def settings():
    loaded = settings_file.load("mote.toml", check.drivers())
    assert [str(problem) for problem in loaded.problems if problem.level == "error"] == []
    return loaded.settings


@pytest.mark.parametrize(("flag", "power"), [("", "mains"), ("--power battery", "battery")])
def test_what_it_runs_on(run, flag, power):
    assert run(f"--name m {SITE} {OAUTH} {SENSOR} {flag}")[0] == 0
    assert settings()["device"]["power"] == power
    assert f'power = "{power}"' in Path("mote.toml").read_text()
    assert run(f"--name m {SITE} {OAUTH} {SENSOR} --force --power solar")[0] == 2
    code, _, err = run(f"--name m {SITE} {OAUTH} {SENSOR} --force --power battery --every 5s")
    assert code == 2
    assert 'sensor[0].every: 5 s is too short for power = "battery"' in err


# The advice


def test_the_advice_for_every_site():
    relay, direct, submission = options.SMTP_RELAY, options.DIRECT_SEND, options.CLIENT_SUBMISSION
    # May it sign in, has it a certificate, does mail go outside, is the address static: what to take.
    table = {
        (False, False, False, False): (direct, "none"),
        (False, False, False, True): (direct, "none"),
        (False, False, True, False): (relay, "certificate"),
        (False, False, True, True): (relay, "none"),
        (False, True, False, False): (relay, "certificate"),
        (False, True, False, True): (relay, "certificate"),
        (False, True, True, False): (relay, "certificate"),
        (False, True, True, True): (relay, "certificate"),
    }
    for signs_in, certificate, outside, static, strict in itertools.product((False, True), repeat=5):
        found = advice.recommend(Facts(outside, static, signs_in, strict, certificate))
        key = (signs_in, certificate, outside, static)
        assert (found.option, found.auth) == table.get(key, (submission, "oauth-device"))
        assert 2 <= len(found.reasons) <= 3
        assert all(reason.endswith(".") for reason in found.reasons)


def test_what_is_recommended_meets_no_objection_but_that_a_mailbox_would_be_better():
    for outside, static, signs_in, strict in itertools.product((False, True), repeat=4):
        facts = Facts(outside, static, signs_in, strict)
        found = advice.recommend(facts)
        against = advice.objections(found.option, found.auth, facts)
        if found.option == options.DIRECT_SEND and not static:
            assert [one for one in against if "spam" not in one] == []
            assert "a mailbox to sign in with would be safer" in found.reasons[-1]
        else:
            assert against == ()


@pytest.mark.parametrize(
    ("option", "auth", "facts", "words"),
    [
        ("direct-send", "none", Facts(True, True, False), "your own organisation only"),
        ("high-volume-email", "oauth-app", Facts(True, True, True), "your own organisation only"),
        ("direct-send", "none", Facts(False, False, False), "spam"),
        ("smtp-relay", "none", Facts(True, False, False), "use a certificate"),
        ("client-submission", "oauth-device", Facts(True, True, False), "licensed mailbox"),
        ("client-submission", "password", Facts(True, True, True), "refuse a password"),
        ("high-volume-email", "password", Facts(False, True, True), "refuse a password"),
    ],
)
def test_what_speaks_against_another_way(option, auth, facts, words):
    (against,) = advice.objections(option, auth, facts)
    assert words in against


@pytest.mark.parametrize(
    ("option", "auth", "words"),
    [
        (
            "client-submission",
            "oauth-device",
            ["Set-CASMailbox -Identity m@contoso.com -SmtpClientAuthenticationDisabled $false", "SMTP.Send "],
        ),
        (
            "client-submission",
            "oauth-app",
            ["SMTP.SendAsApp", "New-ServicePrincipal", "-Identity m@contoso.com"],
        ),
        ("client-submission", "password", ["Security Defaults", "December 2026"]),
        (
            "direct-send",
            "none",
            [
                "add ip4:<the site's public address> to the one TXT record that begins with v=spf1",
                "Only if there is none, publish: v=spf1 ip4:<address> include:",
                "RejectDirectSend",
            ],
        ),
        ("smtp-relay", "none", ["connector", "v=spf1 ip4:<address>", "port 25"]),
        ("smtp-relay", "certificate", ["connector", "a public CA that names contoso.com"]),
        ("high-volume-email", "oauth-app", ["account m@contoso.com", "Add-HVEAppAccess."]),
        ("azure-communication-services", "password", ["MailFrom", "Communication and Email Service Owner"]),
    ],
)
def test_what_an_administrator_does(option, auth, words):
    told = "\n".join(advice.to_do(option, auth, "a@contoso.com", "m@contoso.com"))
    assert [word for word in words if word not in told] == []
    assert "password" not in told or auth == "password"


# By flags


def test_without_a_terminal_all_that_is_missing_is_told_at_once(run, tmp_path):
    code, out, err = run("")
    assert (code, out) == (2, "")
    for flag in ("--name;", "--wifi (or --wired);", "--from;", "--to;", "--inside or --outside;"):
        assert flag in err
    assert "--static-address or --dynamic-address; --sign-in; --sensor-driver; --above, --below or" in err
    code, _, err = run(f"--name m {SITE} --option client-submission --sensor-driver digital --below 0.5")
    assert code == 2
    assert "these are missing: --client-id (or --client-id later); --pin (the number of the pin)." in err
    assert "--driver-option metric=" in run("--sensor-driver system")[2]
    assert list(tmp_path.iterdir()) == []


WAYS = {
    "recommended": (OAUTH, "client-submission", "oauth-device"),
    "application": (f"--outside --dynamic-address --sign-in application --client-id {CLIENT_ID}",
                    "client-submission", "oauth-app"),
    "password": ("--outside --dynamic-address --sign-in password --no-security-defaults",
                 "client-submission", "password"),
    "direct": ("--inside --static-address --sign-in none", "direct-send", "none"),
    "relay": ("--outside --static-address --sign-in none", "smtp-relay", "none"),
    "relay, no static address": ("--outside --dynamic-address --sign-in none", "smtp-relay", "certificate"),
    "certificate": ("--inside --dynamic-address --sign-in certificate", "smtp-relay", "certificate"),
    "taken": ("--option smtp-relay", "smtp-relay", "none"),
    "taken in its place": ("--inside --static-address --sign-in oauth --option direct-send",
                           "direct-send", "none"),
    "high volume": ("--option high-volume-email --mailbox hve@contoso.com", "high-volume-email", "password"),
    "azure": (f"--option azure-communication-services --mailbox 'plant|{CLIENT_ID}|{CLIENT_ID}'",
              "azure-communication-services", "password"),
    "azure, oauth": (f"--option azure-communication-services --mailbox 'plant|{CLIENT_ID}|{CLIENT_ID}' "
                     f"--sign-in application --client-id {CLIENT_ID}",
                     "azure-communication-services", "oauth-app"),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_each_way_gives_a_file_without_errors_that_explains_itself(run, way):
    flags, option, auth = WAYS[way]
    code, out, err = run(f"--name freezer-3 {SITE} {SENSOR} {flags}")
    assert (code, err) == (0, "")
    made = settings()
    assert (made["mail"]["option"], made["mail"]["auth"]) == (option, auth)
    assert out.startswith(f"mote.toml is written: mail by {option}, sign-in: {auth}.")
    text = Path("mote.toml").read_text(encoding="utf-8")
    keys = [line for line in text.splitlines() if " = " in line and not line.startswith("#")]
    assert [line[:8] for line in keys if " # " not in line and len(line) < 60] == ["sensor ="]
    assert "#  1. " in text
    assert "\n  1. " in out
    assert max(map(len, text.splitlines())) <= 130


def test_flags_come_out_as_settings(run):
    code, out, _ = run(
        r"""--name 'Kühl "3" \ #' """
        " --site 'Halle 7' --utc-offset +05:30 --wired --from a@contoso.com "
        "--to b@contoso.com --to c@plant.contoso.com --inside --static-address --sign-in none "
        "--sensor freezer --sensor-driver adc --pin 35 --driver-option scale=0.1 --driver-option samples=4 "
        "--unit °C --every 30s --alarm warm --above -15 --for 15min --clear -18 --no-reading-for 1h "
        "--severity critical --json"
    )
    assert code == 0
    told = json.loads(out)
    made = settings()
    assert told["settings"] == made
    assert {key: told[key] for key in ("file", "option", "auth", "recommended", "objections", "missing")} == {
        "file": "mote.toml",
        "option": "direct-send",
        "auth": "none",
        "recommended": "direct-send",
        "objections": [],
        "missing": [],
    }
    assert made["device"] == {
        "name": 'Kühl "3" \\ #',
        "site": "Halle 7",
        "utc_offset_s": 19800,
        "power": "mains",
        "led_inverted": False,
    }
    assert "wifi" not in made
    assert made["mail"]["accepted_domains"] == ["contoso.com", "plant.contoso.com"]
    (sensor,) = made["sensors"]
    assert sensor["options"] == {"pin": 35, "scale": 0.1, "samples": 4, "attenuation": 11.0, "offset": 0.0}
    assert (sensor["unit"], sensor["every_s"]) == ("°C", 30)
    (alarm,) = made["alarms"]
    assert alarm == {
        "name": "warm",
        "sensor": "freezer",
        "above": -15.0,
        "for_s": 900,
        "clear": -18.0,
        "no_reading_for_s": 3600,
        "severity": "critical",
    }


def test_a_client_id_that_comes_later_leaves_one_error_for_check_to_point_at(run, capsys):
    code, out, _ = run(f"--name m {SITE} {SENSOR} --option client-submission --client-id later")
    assert code == 0
    assert "Next: mailmote check mote.toml, once it has oauth.client_id" in out
    assert cli.main(["check"]) == 1
    told = capsys.readouterr().out
    assert "error: oauth.client_id: is missing" in told
    assert "mote.toml: 1 error." in told
    text = Path("mote.toml").read_text()
    Path("mote.toml").write_text(text.replace("# client_id", "client_id"))
    settings()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (f"{SITE.replace('ops@', 'ops')} {OAUTH}", "mail.to[0]: "),
        (f"{SITE.replace('ops@contoso.com', 'x@fabrikam.com')} --option direct-send", "mail.to[0]: "),
        (f"{SITE} {OAUTH} --clear 3", "alarm[0].clear: 3.0 is on the wrong side"),
        (f"{SITE} {OAUTH} --client-id 123", "oauth.client_id: is no ID"),
        (f"{SITE} {OAUTH} --above nan", "alarm[0].above: "),
        (f"{SITE} {OAUTH} --utc-offset +1", "device.utc_offset: "),
        (f"{SITE} {OAUTH} --below 3", "--above or --below: give one"),
        (f"{SITE} {OAUTH} --wired", "--wired and --wifi contradict"),
        (f"{SITE} {OAUTH} --driver-option x=3", "write KEY=VALUE, with one of: pin, "),
        (f"{SITE} {OAUTH} --driver-option samples=many", "it takes a whole number"),
        (f"{SITE} {OAUTH} --site 'a\nb = 1'", "--site has a line break"),
        (f"{SITE} {OAUTH} --output sub/mote.toml", "there is no folder sub"),
        (f"{SITE} {OAUTH} --output .", "is a folder"),
        (f"{SITE.replace('contoso', 'con-toso')} --option smtp-relay", "missing: --mx-host"),
    ],
)
def test_what_would_not_do_is_told_and_nothing_is_written(run, tmp_path, flags, words):
    code, out, err = run(f"--name m {SENSOR} {flags}")
    assert (code, out) == (2, "")
    assert words in err
    assert list(tmp_path.iterdir()) == []


def test_a_certificate_that_is_advised_is_not_taken_for_one_that_is_there(run):
    way = "--outside --dynamic-address --sign-in none"
    code, out, _ = run(f"--name freezer-1 {SITE} {way} {SENSOR}")
    assert (code, "sign-in: certificate" in out) == (0, True)
    assert "a connector can know the board only by a certificate: a mailbox to sign in with would be" in out
    assert "The board has a certificate of its own" not in out


def test_several_who_get_the_mail_may_stand_with_commas(run):
    site = SITE.replace("ops@contoso.com", '"ops@contoso.com, oncall@contoso.com" --to a@contoso.com')
    assert run(f"--name freezer-1 {site} {OAUTH} {SENSOR}")[0] == 0
    assert settings()["mail"]["to"] == ["ops@contoso.com", "oncall@contoso.com", "a@contoso.com"]


def test_an_mx_endpoint_that_was_told(run):
    site = SITE.replace("contoso", "con-toso")
    host = "con-toso-com.x.mail.protection.outlook.com"
    assert run(f"--name m {site} {SENSOR} --option smtp-relay --mx-host {host}")[0] == 0
    assert settings()["mail"]["host"] == host


def test_a_file_that_is_there_is_not_written_over(run, tmp_path):
    Path("mote.toml").write_text("mine")
    code, _, err = run(f"--name m {SITE} {SENSOR} {OAUTH}")
    assert code == 2
    assert "mote.toml is there already. Write elsewhere with --output, or over it with --force" in err
    assert Path("mote.toml").read_text() == "mine"
    assert run(f"--name m {SITE} {SENSOR} {OAUTH} --force")[0] == 0
    settings()
    assert [path.name for path in tmp_path.iterdir()] == ["mote.toml"]


def test_a_write_that_fails_leaves_what_was_there(run, tmp_path, monkeypatch):
    Path("mote.toml").write_text("mine")

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(command.os, "fsync", full)
    code, _, err = run(f"--name m {SITE} {SENSOR} {OAUTH} --force")
    assert code == 1
    assert "No space left" in err
    assert Path("mote.toml").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["mote.toml"]


@pytest.mark.parametrize("name", sensors.names())
def test_every_driver_can_be_set_up_by_flags(run, name):
    values = {"pin": "4", "path": "x.csv", "metric": "uptime"}
    missing = [
        key for key, (_, default, _) in sensors.options(name).items() if default is ... and key not in values
    ]
    given = "".join(
        f" --driver-option {key}={values.get(key, 'x')}"
        for key, (_, default, _) in sensors.options(name).items()
        if default is ...
    )
    assert missing == []
    assert run(f"--name m {SITE} {OAUTH} --sensor-driver {name} --above 1{given}")[0] == 0
    assert settings()["sensors"][0]["driver"] == name


@pytest.mark.parametrize(
    ("zone", "text"),
    [("UTC0", "Z"), ("XXX-5:30", "+05:30"), ("XXX3:30", "-03:30"), ("XXX-14", "+14:00")],
)
def test_the_offset_is_that_of_this_computer(monkeypatch, zone, text):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert answers.utc_offset_here() == text
    finally:
        monkeypatch.undo()
        time.tzset()


# By questions


def on_a_terminal(folder, typed, *words, until=None):
    """(exit code, what the terminal showed). `until`: Ctrl-C once that was shown.

    Python may miss one that comes just before it begins to read: as a person would, press it again.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*MAILMOTE, "init", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(theirs, __import__("termios").TIOCSCTTY, 0),
    )
    os.close(theirs)
    os.write(ours, "".join(f"{line}\n" for line in typed).encode())
    shown = b""
    while True:
        asked = until and until.encode() in shown
        if asked and not select.select([ours], [], [], 1)[0]:
            os.write(ours, b"\x03")
            continue
        try:
            shown += os.read(ours, 4096)
        except OSError:  # the other side has ended
            break
    os.close(ours)
    return process.wait(), shown.decode()


BEFORE_OPTION = ["freezer-9", "-", "+01:00", "n", "Plant", "alerts@contoso.com"]
AFTER_OPTION = ["adc", "freezer", "34", "tmp36", "above", "-15", "15min", "too warm"]


def test_the_questions_make_the_same_file(tmp_path):
    typed = [
        *BEFORE_OPTION,
        "ops@contoso.com nobody",  # asked again
        "ops@contoso.com, service@fabrikam.com",
        *("", "n", "y", "", ""),  # outside: by the recipients; static; signs in; whose; strict
        *("y", "contoso.onmicrosoft.com", "nonsense", CLIENT_ID),
        *AFTER_OPTION,
    ]
    code, shown = on_a_terminal(tmp_path, typed)
    assert code == 0, shown
    assert '"nobody" is no mail address' in shown
    assert "Recommended: client-submission. The board may sign in as a mailbox" in shown
    assert "is no ID: write the application (client) ID" in shown
    made = settings_file.load(tmp_path / "mote.toml", check.drivers())
    assert made.problems == []
    assert made.settings["mail"]["to"] == ["ops@contoso.com", "service@fabrikam.com"]
    assert made.settings["mail"]["oauth"]["client_id"] == CLIENT_ID
    assert made.settings["device"] == {
        "name": "freezer-9",
        "utc_offset_s": 3600,
        "power": "mains",
        "led_inverted": False,
    }
    assert made.settings["sensors"][0]["options"]["offset"] == -50.0
    assert made.settings["alarms"][0]["for_s"] == 900


def test_another_option_may_be_taken_and_flags_are_not_asked(tmp_path):
    typed = ["n", "direct-send", *AFTER_OPTION]
    flags = "--name m --site Hall --utc-offset Z --power battery --wired --from a@contoso.com "
    flags += "--to b@contoso.com --inside --dynamic-address --sign-in none"
    code, shown = on_a_terminal(tmp_path, typed, *shlex.split(flags))
    assert code == 0, shown
    assert "! Mind: without a static address of your own the mail may be taken for spam or refused." in shown
    made = settings_file.load(tmp_path / "mote.toml", check.drivers()).settings
    assert (made["mail"]["option"], made["device"]["power"]) == ("direct-send", "battery")


def test_relay_asks_how_the_connector_knows_the_board(tmp_path):
    typed = [
        *BEFORE_OPTION,
        "ops@contoso.com",
        "n",
        "y",
        "n",
        "n",
        "smtp-relay",
        "certificate",
        *AFTER_OPTION,
    ]
    code, shown = on_a_terminal(tmp_path, typed)
    assert code == 0, shown
    assert "Recommended: direct-send." in shown
    made = settings_file.load(tmp_path / "mote.toml", check.drivers()).settings
    assert (made["mail"]["option"], made["mail"]["auth"]) == ("smtp-relay", "certificate")


def test_ctrl_c_writes_nothing(tmp_path):
    code, shown = on_a_terminal(tmp_path, BEFORE_OPTION, until="Who gets the mail")
    assert code == 130
    assert "mailmote init: stopped." in shown
    assert "Traceback" not in shown
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("word", "code", "kept"), [("n", 130, True), ("y", 0, False)])
def test_a_file_that_is_there_is_asked_about(tmp_path, word, code, kept):
    (tmp_path / "mote.toml").write_text("mine")
    flags = f"--name m --site Hall --utc-offset Z {SITE} {OAUTH} {SENSOR} --sensor s --alarm a"
    flags += " --tenant contoso.com --mailbox alerts@contoso.com --driver-option scale=1"
    flags += " --option client-submission --power mains"
    done, shown = on_a_terminal(tmp_path, [word], *shlex.split(flags))
    assert done == code, shown
    assert "mote.toml is there already. Write over it?" in shown
    assert ((tmp_path / "mote.toml").read_text() == "mine") == kept
