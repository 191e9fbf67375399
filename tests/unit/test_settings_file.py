"""mote.toml as a file: lines, syntax errors, everything at once, JSON, and the documentation of it."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from mailmote import sensors
from mailmote.policy import fields, options, stored_settings
from mailmote_host import check, cli, settings_file, toml_lines
from mailmote_host.board import contents, trust
from mailmote_host.tenant.ca import process_authority

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = sorted((DOCS / "examples").glob("*.toml"))
CLIENT_ID = "00001111-aaaa-2222-bbbb-3333cccc4444"
CERTIFICATE = process_authority().root_pem.encode()
DRIVERS = {"adc": {"pin": (int, ..., "the number of the pin")}}
GOOD = """\
[device]
name = "mote-1"

[mail]
option = "smtp-relay"
from = "alerts@contoso.com"
to = ["ops@contoso.com"]

[[sensor]]
name = "freezer"
driver = "adc"
pin = 34

[[alarm]]
name = "too warm"
sensor = "freezer"
above = -15
"""


@pytest.fixture
def mote(tmp_path, monkeypatch):
    """Writes mote.toml and loads it: the path is told as it was given."""
    monkeypatch.chdir(tmp_path)

    def load(content, drivers=DRIVERS):
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / "mote.toml").write_bytes(data)
        return settings_file.load("mote.toml", drivers)

    return load


def one(loaded):
    assert loaded.settings is None
    assert len(loaded.problems) == 1
    return str(loaded.problems[0])


# Each text value and each number is the line it stands on; each list entry and key has its own.
MARKED = """\
# a comment with [brackets] and = and "quotes"
top = "2"
[device]# after a header ]
name = "4"
'quoted key' = "5"
"a.b" . c = "6"
"esc\\u0041ped\\"]" = "7"
text = "8 # no comment ] }"   # "one"
literal = '9 \\'
list = [ "10", "10", # a comment ]
  "11",

  [ "13", { inner = "13", deep.er = "13" } ],
  14, 14
]
multi = \"\"\"16
[not] = "a table"
x = \\\"\"\" still inside "" \\
\"\"\"\"\"
after = "20"
multi_literal = '''21
'' ]
''''
table = { x = "24", 'y.z' = [ "24" ], w.v = 24 }

[[sensor]]
name = "27"
options.pin = 28

[[ sensor ]]
name = "31"
[sensor.options]
pin = 33
[[sensor.parts]]
id = 35
[[sensor.parts]]
id = 37
[[sensor]]
[sensor.options]
pin = 40
["mail"]
when = 1979-05-27 07:32:00Z
yes=true
num = +4_4
empty = ""
none = {}
hollow = []
[ a . 'b c' . d ]
e.f."g h" = "49"
"" = "50"
"""


def leaves(value, path=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path, value


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_key_has_the_line_it_stands_on(newline):
    text = MARKED.replace("\n", newline)
    lines = toml_lines.locate(text)
    found = 0
    for path, value in leaves(tomllib.loads(text)):
        marked = re.match(r"\d+", str(value))
        if marked and path[-1] != "when":
            assert (path, lines[path]) == (path, int(marked[0]))
            found += 1
    assert found == 31
    assert lines[("mail", "when")] == 42
    assert lines[("mail", "hollow")] == 47
    assert lines[("sensor",)] == 26
    assert [lines[("sensor", index)] for index in range(3)] == [26, 30, 38]
    assert lines[("sensor", 2, "options")] == 39
    assert lines[("device", "list", 3)] == 13
    assert lines[("a",)] == lines[("a", "b c", "d")] == 48


def test_each_problem_has_its_line_and_all_are_told_at_once(mote):
    loaded = mote("""\
[device]
name = ""

[mail]
option = "client-submission"
from = "alerts@contoso.com"
to = [
  "ops@contoso.com",
  "nobody",
]
tls = "none"
host = "40.97.4.1"
colour = "red"

[[sensor]]
name = "freezer"
driver = "adc"
pin = "x"

[[sensor]]
name = "freezer"

[[alarm]]
name = "too warm"
sensor = "frezer"
above = 5
clear = 6
for = "1 week"
""")
    assert loaded.settings is None
    assert [(problem.line, problem.key) for problem in loaded.problems if problem.level == "error"] == [
        (2, "device.name"),
        (9, "mail.to[1]"),
        (11, "mail.tls"),
        (12, "mail.host"),
        (13, "mail.colour"),
        (18, "sensor[0].pin"),
        (20, "sensor[1].driver"),
        (21, "sensor[1].name"),
        (25, "alarm[0].sensor"),
        (27, "alarm[0].clear"),
        (28, "alarm[0].for"),
    ]
    shown = [str(problem) for problem in loaded.problems]
    assert any(line.startswith('mote.toml:11: error: mail.tls: "none" is refused: ') for line in shown)
    assert any(line.startswith("mote.toml:20: error: sensor[1].driver: is missing: ") for line in shown)


def test_a_missing_table_is_told_at_the_top(mote):
    assert [(problem.line, problem.key) for problem in mote("").problems] == [
        (1, "device"),
        (1, "mail"),
        (1, "sensor"),
        (1, "alarm"),
    ]


@pytest.mark.parametrize(
    ("content", "place", "text"),
    [
        (GOOD.replace('"mote-1"', "mote-1"), "mote.toml:2: error: is not TOML at column 8: ", "in quotes"),
        (GOOD.replace("-15", '"'), "mote.toml:17: error: is not TOML", "is not TOML"),
        (GOOD + "[mail]\n", "mote.toml:18: error: is not TOML", "put the keys of both together"),
        (GOOD + "x = '''\n\n", "mote.toml:18: error: is not TOML: ", "expected"),
        (GOOD + "above = 3", "mote.toml:18: error: is not TOML: ", "put the keys of both together"),
        (GOOD + "x = " + "[" * 20000, "mote.toml: error: has lists", "nested too deeply"),
        (GOOD + "x = " + "9" * 5000, "mote.toml: error: has a number", "Take it out"),
        (GOOD.encode().replace(b"mote-1", b"caf\xe9"), "mote.toml:2: error: ", "Save it as UTF-8"),
        (GOOD.encode("utf-16"), "mote.toml:1: error: ", "is not UTF-8 text"),
        (GOOD + "#" * 65536, "mote.toml: error: is larger than 64 KiB", "Is it the right one?"),
    ],
    ids=["bare", "open", "twice", "no end", "overwritten", "deep", "long number", "latin1", "utf16", "large"],
)  # fmt: skip
def test_what_cannot_be_read_is_one_line_with_the_fix(mote, content, place, text):
    told = one(mote(content))
    assert told.startswith(place)
    assert text in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        ("above = 1", "neither is above 1. Set it to 0.5"),
        ("below = 0", "neither is below 0"),
        ("above = 0.5", ""),
    ],
)
def test_a_limit_that_a_digital_input_cannot_pass_is_warned_of(mote, limit, told):
    drivers = {"digital": {"pin": (int, ..., "the number of the pin")}}
    text = GOOD.replace('"adc"', '"digital"').replace("above = -15", limit)
    loaded = mote(text, drivers)
    assert loaded.settings is not None
    found = [problem for problem in loaded.problems if "never raised" in problem.text]
    assert [(one.line, one.level) for one in found] == ([(17, "warning")] if told else [])
    assert told in "".join(one.text for one in found)


def test_a_file_that_is_not_there(tmp_path):
    missing = settings_file.load(tmp_path / "mote.toml", DRIVERS)
    assert (
        one(missing) == f"{tmp_path}/mote.toml: error: there is no such file. Make one with `mailmote init`"
    )
    folder = settings_file.load(tmp_path, DRIVERS)
    assert one(folder) == f"{tmp_path}: error: this is a folder. Name the mote.toml in it"
    nul = settings_file.load("a\0b", DRIVERS)
    assert "cannot be read" in one(nul)
    long = settings_file.load("x" * 5000, DRIVERS)
    assert "cannot be read: File name too long" in one(long)
    assert [loaded.found for loaded in (missing, folder, nul, long)] == [False, False, False, False]


def test_a_file_of_the_full_size_is_taken(mote):
    assert mote(GOOD + "#" * (65536 - len(GOOD))).settings is not None


def test_a_byte_order_mark_and_windows_line_ends_are_taken(mote):
    assert (
        mote(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()).settings
        == mote(GOOD).settings
        is not None
    )


def test_a_secret_is_not_told_wherever_it_stands(mote):
    for line in ('password = "hunter2"', 'password = """\nhunter2\n"""', "password = 'hunter2", "hunter2"):
        for place in ("[mail]\n", "[[alarm]]\n", "[device]\n"):
            loaded = mote(GOOD.replace(place, place + line + "\n"))
            assert loaded.settings is None
            assert "hunter2" not in json.dumps(loaded.to_json()) + repr(loaded)


def test_keys_are_shown_bounded_and_escaped(mote):
    told = [str(problem) for problem in mote(GOOD + f'"\\u001b[2J" = 1\n{"k" * 5000} = 2\n').problems]
    assert told[0].startswith("mote.toml:18: error: alarm[0].\\x1b[2J: the key has a control character")
    assert told[1].startswith(f"mote.toml:19: error: alarm[0].{'k' * 37}...: is not a key")
    (problem,) = mote(GOOD + f"{'k' * 40} = 2\n").problems
    assert problem.key == f"alarm[0].{'k' * 40}"


def test_settings_too_large_for_the_board_are_refused(mote):
    alarm = '[[alarm]]\nname = "a%d"\nsensor = "freezer"\nabove = 1\nto = [%s]\n'
    lists = ", ".join(f'"someone.with.a.long.name.{number}@contoso.com"' for number in range(32))
    loaded = mote(GOOD + "".join(alarm % (number, lists) for number in range(6)))
    assert loaded.settings is None
    assert "8192 fit its memory" in one(loaded)


def test_compact_is_the_same_for_the_same_settings(mote):
    settings = mote(GOOD.replace("mote-1", "θερμό-1")).settings
    data = settings_file.compact(settings)
    shuffled = dict(reversed([(key, value) for key, value in settings.items()]))
    assert settings_file.compact(shuffled) == data
    assert stored_settings.load(json.loads(data)) == settings
    assert b": " not in data
    assert b", " not in data
    assert "θερμό-1".encode() in data


def test_loading_changes_nothing(mote, tmp_path):
    for content in (GOOD, GOOD + "x = 1\n", "x ="):
        mote(content)
        assert [path.name for path in tmp_path.iterdir()] == ["mote.toml"]
        assert (tmp_path / "mote.toml").read_text() == content


def run_check(*words):
    return cli.main(["check", "--no-mail", *words])


def test_check_tells_the_settings_in_force(mote, capsys):
    mote(GOOD.replace("adc", "digital"))
    assert run_check() == check.DONE
    told = capsys.readouterr().out.splitlines()
    assert told[:2] == ["mote.toml: no problems. The settings in force:", ""]
    assert told[2:] == [
        "  device    mote-1, UTC+0000",
        "            power from the mains",
        "  mail      smtp-relay by contoso-com.mail.protection.outlook.com port 25, TLS opportunistic, "
        "no sign-in",
        "  from      alerts@contoso.com",
        "  to        ops@contoso.com",
        "  clock     NTP from pool.ntp.org, time.windows.com, time.cloudflare.com",
        "  retry     after 1 min at first, 1 h at most, for ever",
        "  limits    all of what its mailbox may send, 10000 recipients a day",
        "            one mail for alarms that wait for 15 min",
        "            6 changes an hour of each alarm",
        '  sensor    freezer: digital, every 1 min, invert = false, pin = 34, pull = "up"',
        "  alarm     too warm (warning): freezer above -15 for 0 s, clears at -15 or below",
        "  secrets   none",
    ]


def test_check_tells_every_setting(mote, tmp_path, capsys):
    (tmp_path / "site-ca.pem").write_bytes(CERTIFICATE)
    mote("""\
[device]
name = "mote-1"
site = "Floor 2"
power = "battery"
led = 13
led_inverted = true
[wifi]
ssid = "Plant"
[retry]
first = "2min"
cap = "2h"
expire_after = "5d"
[limits]
mailbox_share = 0.25
mailbox_slot = 3
recipients_per_day = 500
digest_after = "30min"
changes_per_hour = 1
[alive]
at = "07:05"
[[mail]]
option = "client-submission"
auth = "password"
from = "alerts@contoso.com"
to = ["ops@contoso.com", "boss@contoso.com"]
cc = ["desk@contoso.com"]
reply_to = "help@contoso.com"
connect_to = "192.0.2.7"
accepted_domains = ["contoso.com"]
ca = "site-ca.pem"
[[mail]]
option = "direct-send"
from = "mote-1@contoso.com"
fallback_after = "1h"
[[mail]]
option = "smtp-relay"
from = "mote-1@contoso.com"
auth = "certificate"
[clock]
ntp = ["ntp.contoso.com"]
[[sensor]]
name = "door"
driver = "digital"
unit = "open"
every = "10s"
pin = 4
[[alarm]]
name = "open"
sensor = "door"
below = 0.5
for = "1min"
no_reading_for = "1h"
repeat_every = "1d"
to = ["duty@contoso.com"]
""")
    assert run_check() == check.DONE
    told = capsys.readouterr().out.splitlines()
    assert told[1:4] == ["", "mote.toml: 1 warning. The settings in force:", ""]
    assert told[4:] == [
        "  device    mote-1, Floor 2, UTC+0000",
        "            power from a battery: it sleeps between two readings, LED on pin 13, on when low",
        "  wifi      Plant",
        "  mail      client-submission by smtp.office365.com port 587, TLS required, "
        "password of alerts@contoso.com",
        "            dials 192.0.2.7",
        "  ca        site-ca.pem, beside the public roots",
        "  from      alerts@contoso.com, replies to help@contoso.com",
        "  domains   contoso.com",
        "  to        ops@contoso.com, boss@contoso.com",
        "  cc        desk@contoso.com",
        "  fallback  once the ways above have failed for 1 h:",
        "  mail      direct-send by contoso-com.mail.protection.outlook.com port 25, TLS opportunistic, "
        "no sign-in",
        "  from      mote-1@contoso.com",
        "  domains   contoso.com",
        "  fallback  once the ways above have failed for 30 min:",
        "  mail      smtp-relay by contoso-com.mail.protection.outlook.com port 25, TLS required, "
        "a certificate of its own",
        "  from      mote-1@contoso.com",
        "  clock     NTP from ntp.contoso.com",
        "  retry     after 2 min at first, 2 h at most, for 5 d",
        "  limits    0.25 of what its mailbox may send, slot 3, 500 recipients a day",
        "            one mail for alarms that wait for 30 min",
        "            1 change an hour of each alarm",
        "  alive     a mail a day at 07:05",
        '  sensor    door: digital in open, every 10 s, invert = false, pin = 4, pull = "up"',
        "  alarm     open (warning): door below 0.5 for 1 min, clears at 0.5 or above; no reading for 1 h; "
        "again every 1 d; to duty@contoso.com",
        "  secrets   wifi.password, mail.password, relay.cert, relay.key",
    ]


def test_check_tells_errors_and_warnings(mote, capsys):
    submission = GOOD.replace('"smtp-relay"', '"client-submission"\nauth = "password"')
    mote(submission)
    assert run_check("mote.toml") == check.DONE
    out = capsys.readouterr().out
    assert out.startswith("mote.toml:6: warning: mail.auth: Microsoft turns password sign-in")
    assert "mote.toml: 1 warning. The settings in force:" in out
    assert "mail.password" in out

    mote(submission + "x = 1\ny = 2\n")
    assert run_check("mote.toml") == check.FAILED
    out = capsys.readouterr().out
    assert "mote.toml:19: error: alarm[0].x: is not a key of mailmote" in out
    assert out.endswith("\n\nmote.toml: 2 errors, 1 warning.\n")
    assert "in force" not in out

    assert run_check("other.toml") == check.USAGE == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "other.toml: error: there is no such file. Make one with `mailmote init`\n"


OAUTH = f"""
[oauth]
tenant = "contoso.com"
client_id = "{CLIENT_ID}"
"""


@pytest.mark.parametrize(
    ("mail", "more", "lines"),
    [
        (
            '"client-submission"',
            OAUTH + 'port = 8443\nconnect_to = "127.0.0.1"\n',
            [
                "mail      client-submission by smtp.office365.com port 587, TLS required, "
                "oauth-device of alerts@contoso.com",
                "oauth     tokens from https://login.microsoftonline.com:8443/contoso.com/oauth2/v2.0/token",
                "          dials 127.0.0.1",
                f"          application {CLIENT_ID}",
                "          scope https://outlook.office.com/SMTP.Send offline_access",
                "secrets   oauth.refresh",
            ],
        ),
        (
            '"client-submission"\nauth = "oauth-app"',
            OAUTH,
            [
                "oauth     tokens from https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token",
                "          scope https://outlook.office365.com/.default",
                "secrets   oauth.secret",
            ],
        ),
        (
            '"smtp-relay"\nauth = "certificate"',
            "",
            [
                "mail      smtp-relay by contoso-com.mail.protection.outlook.com port 25, TLS required, "
                "a certificate of its own",
                "secrets   relay.cert, relay.key",
            ],
        ),
    ],
    ids=["device", "app", "certificate"],
)
def test_check_tells_how_the_board_signs_in(mote, capsys, mail, more, lines):
    mote(GOOD.replace('"smtp-relay"', mail).replace("adc", "digital") + more)
    assert run_check() == check.DONE
    told = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "  " + line not in told] == []


def test_what_oauth_needs_is_told_at_its_lines(mote):
    submission = GOOD.replace("smtp-relay", "client-submission")
    assert one(mote(submission)).startswith("mote.toml:1: error: oauth: is missing: add [oauth] with tenant")
    for line, place in (
        (f'client_id = "{CLIENT_ID}"\n', "mote.toml:19: error: oauth.client_id: is missing"),
        ('tenant = "contoso.com"\n', "mote.toml:19: error: oauth.tenant: is missing"),
    ):
        assert one(mote(submission + OAUTH.replace(line, ""))).startswith(place)


def test_the_ca_file_of_a_later_way_to_send(mote, tmp_path):
    more = '[[mail]]\noption = "direct-send"\nfrom = "alerts@contoso.com"\nca = "ca.pem"\n'
    text = GOOD.replace("[mail]", "[[mail]]") + more
    assert one(mote(text)).startswith("mote.toml:21: error: mail[1].ca: there is no file ca.pem. Put the")
    (tmp_path / "ca.pem").write_bytes(CERTIFICATE)
    settings = mote(text).settings
    assert settings_file.ca_file(settings) == "ca.pem"
    assert "ca/" in " ".join(contents.settings_for(settings, tmp_path).files)
    assert len(contents.settings_for(settings, tmp_path).files) == 1 + len(trust.files(tmp_path / "ca.pem"))
    assert settings_file.ca_file(mote(GOOD).settings) is None


@pytest.mark.parametrize("mail", ['[{ca = "x.pem"}, 1]', "[{}, {}, {}, {ca = 5}]"])
def test_a_ca_file_of_tables_that_are_none_is_not_looked_for(mote, mail):
    text = f"mail = {mail}\n" + GOOD[: GOOD.index("[mail]")] + GOOD[GOOD.index("[[sensor]]") :]
    assert mote(text).settings is None
    assert [problem.key for problem in mote(text).problems if "ca" in problem.key.split(".")] == []


def test_a_ca_file_is_looked_for_beside_the_settings(mote, tmp_path, monkeypatch):
    text = GOOD.replace("to = ", 'ca = "certs/ca.pem"\nto = ')
    at = "mote.toml:7: error: mail.ca: certs/ca.pem "
    assert one(mote(text)).startswith("mote.toml:7: error: mail.ca: there is no file certs/ca.pem. Put the")
    file = tmp_path / "certs" / "ca.pem"
    file.mkdir(parents=True)
    assert one(mote(text)).startswith(at + "cannot be read: ")
    file.rmdir()
    for content, fault in (
        (b"", "holds no certificate (-----BEGIN CERTIFICATE-----)"),
        (b"\x30\x82\x03\xc5" * 100, "holds no certificate"),
        (CERTIFICATE.ljust(65537), "is larger than 64 KiB"),
        (CERTIFICATE + b"-----BEGIN PRIVATE KEY-----\n", "holds a private key"),
        (CERTIFICATE + b"-----BEGIN RSA PRIVATE KEY-----\n", "holds a private key"),
    ):
        file.write_bytes(content)
        assert one(mote(text)).startswith(at + fault)
    file.write_bytes(CERTIFICATE[:120] + b"\n-----END CERTIFICATE-----\n")
    assert one(mote(text)).startswith(at.rstrip() + ", certificate 1: it is damaged. Export it anew")
    for content in (CERTIFICATE, CERTIFICATE * 3, CERTIFICATE.ljust(65536)):
        file.write_bytes(content)
        assert mote(text).settings["mail"]["ca"] == "certs/ca.pem"
    monkeypatch.chdir(tmp_path / "certs")
    assert settings_file.load("../mote.toml", DRIVERS).settings["mail"]["ca"] == "certs/ca.pem"


def test_a_missing_ca_file_is_told_with_the_other_mistakes(mote):
    told = mote(GOOD.replace("to = ", 'ca = "ca.pem"\nto = ') + "x = 1\n").problems
    assert [(problem.line, problem.key) for problem in told] == [(7, "mail.ca"), (19, "alarm[0].x")]
    for ca in ('"../ca.pem"', '"ca.der"', "7", '"a\\u0000.pem"'):
        assert "there is no file" not in one(mote(GOOD.replace("to = ", f"ca = {ca}\nto = ")))


def test_check_as_json(mote, capsys):
    mote(GOOD)
    assert run_check("--json") == check.DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["problems"], told["settings"]["device"]["name"]) == (True, [], "mote-1")

    mote(GOOD + "x = 1\n")
    assert run_check("--json") == check.FAILED
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["settings"]) == (False, None)
    (problem,) = told["problems"]
    assert problem.pop("text").startswith("is not a key of mailmote: known here: name, ")
    assert problem == {"file": "mote.toml", "line": 18, "level": "error", "key": "alarm[0].x"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_right(path):
    loaded = settings_file.load(path, check.drivers())
    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.settings is not None
    assert path.stem.startswith(loaded.settings["mail"]["option"])
    assert path.stem.endswith("fallback") == bool(loaded.settings["fallbacks"])


def test_the_examples_show_every_way():
    ways = {}
    for path in EXAMPLES:
        mail = settings_file.load(path, check.drivers()).settings["mail"]
        ways.setdefault(mail["option"], []).append((path.stem, mail["auth"]))
    assert ways == {
        "azure-communication-services": [("azure-communication-services", "password")],
        "client-submission": [
            ("client-submission-app", "oauth-app"),
            ("client-submission-fallback", "oauth-device"),
            ("client-submission", "oauth-device"),
        ],
        "direct-send": [("direct-send", "none")],
        "high-volume-email": [("high-volume-email", "password")],
        "smtp-relay": [("smtp-relay-certificate", "certificate"), ("smtp-relay", "none")],
    }
    assert set(ways) == set(options.NAMES)


def test_the_reference_names_every_example():
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\(examples/(.*?)\)", text)) == {path.name for path in EXAMPLES}


def test_the_reference_has_every_default_of_the_options():
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    for name in options.NAMES:
        option = options.named(name)
        words = [name, *option.scopes.values(), *(f'"{auth}"' for auth in option.auth)]
        words += [option.host] if option.host else []
        assert [word for word in words if word not in text] == []


def documented():
    """The keys of each table in settings.md: {"device": {"name": True where it must be there, ...}, ...}."""
    tables, current = {}, {}
    for line in (DOCS / "settings.md").read_text(encoding="utf-8").splitlines():
        heading = re.match(r"## (\[+)(\w+)\]+$", line)
        row = re.match(r"\| (\*\*)?`(\w+)`(?:\*\*)? \| (text|name|number|list|address|duration|true)", line)
        if line.startswith("#"):
            current = tables.setdefault(heading[2], {}) if heading else {}
        elif row:
            current[row[2]] = row[1] is not None
    return tables


def test_the_reference_has_every_key_and_no_other():
    wanted = {
        name: {key: default is fields.REQUIRED for key, _, _, _, default, _ in rows}
        for name, rows, _, _ in fields.TABLES
    }
    assert documented() == wanted


def test_the_reference_has_every_driver_and_its_options():
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (\*\*`.*) \|$", text, re.MULTILINE))
    assert set(rows) == set(sensors.names())
    for name, row in rows.items():
        given = {option: default is ... for option, (_, default, _) in sensors.options(name).items()}
        told = {option: bool(bold) for bold, option in re.findall(r"(\*\*)?`(\w+)`(?:\*\*)? \(", row)}
        assert told == given, name
