"""`mailmote provision fleet.csv`, with eight virtual boards."""

import json
import os
import signal
import subprocess
from contextlib import ExitStack

import certificates
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from mailmote_program import MAILMOTE
from mote_file import MOTE

from mailmote_host import cli
from mailmote_host.board import fleet_file
from mailmote_host.board.commands import fleet as fleet_command
from mailmote_host.virtual.serial_board import SerialBoard

BOARDS = 8
TIMEOUT_S = 240


@pytest.fixture
def fleet(tmp_path, monkeypatch):
    """Eight boards with MicroPython, on pseudo-terminals, and the file that names them."""
    monkeypatch.setenv("MAILMOTE_WIFI_PASSWORD", "canary-wifi-password")
    (tmp_path / "mote.toml").write_text(MOTE)
    with ExitStack() as stack:
        boards = [stack.enter_context(SerialBoard(tmp_path / f"{n}", {})) for n in range(BOARDS)]
        for board in boards:
            board.start()
        rows = [f"{board.port},freezer-{number},{20 + number}" for number, board in enumerate(boards)]
        (tmp_path / "fleet.csv").write_text("\n".join(["port,name,alarm[0].above", *rows, ""]))
        yield tmp_path / "fleet.csv", boards


def on_board(board):
    board.cut_power()
    return json.loads(board.image.read("settings.json")), board.secrets


@pytest.mark.timeout(TIMEOUT_S)
def test_eight_boards_one_of_them_missing_a_stop_and_the_rest(fleet, capsys):
    path, boards = fleet
    good = path.read_text()
    path.write_text(good.replace(boards[3].port, str(path.parent / "nowhere")))
    process = subprocess.Popen(
        [*MAILMOTE, "provision", str(path)], stderr=subprocess.PIPE, text=True, env=os.environ
    )
    said = ""
    while said.count(": done.") < 2:
        said += process.stderr.readline()
    process.send_signal(signal.SIGINT)
    said += process.communicate(timeout=TIMEOUT_S)[1]
    assert process.returncode == 130
    assert "Traceback" not in said
    report = json.loads(path.with_suffix(".report.json").read_text())["boards"]
    before = [board["name"] for board in report if board["state"] == "done"]
    assert 2 <= len(before) < BOARDS

    code = cli.main(["provision", str(path), "--json"])
    out, err = capsys.readouterr()
    assert code == 1
    found = json.loads(out)
    assert [one["name"] for one in found if one["state"] != "done"] == ["freezer-3"]
    assert "There is no port" in found[3]["error"]
    assert {one["name"]: one["at"] for one in found if one["name"] in before} == {
        one["name"]: one["at"] for one in report if one["name"] in before
    }
    assert f"7 of {BOARDS} boards are done." in err

    path.write_text(good)
    assert cli.main(["provision", str(path)]) == 0
    told = capsys.readouterr()
    for number, board in enumerate(boards):
        assert b"Ready: mailmote" in board.said
        settings, secrets = on_board(board)
        assert settings["device"]["name"] == f"freezer-{number}"
        assert settings["alarms"][0]["above"] == 20 + number
        assert secrets == {"wifi.password": b"canary-wifi-password"}
    for text in (said, out, err, told.out, told.err, path.with_suffix(".report.json").read_text()):
        assert "canary" not in text


@pytest.fixture
def row_of_a_link(tmp_path, monkeypatch):
    """A fleet of one row whose port is a link; what it is a link to."""
    monkeypatch.delenv("MAILMOTE_WIFI_PASSWORD", raising=False)
    (tmp_path / "mote.toml").write_text(MOTE)
    (tmp_path / "fleet.csv").write_text(f"port,name\n{tmp_path}/port,freezer-0\n")

    def plug(board):
        (tmp_path / "port").unlink(missing_ok=True)
        (tmp_path / "port").symlink_to(board.port)

    return plug


@pytest.mark.timeout(TIMEOUT_S)
def test_another_board_on_the_port_of_one_that_is_done_is_not_done(
    row_of_a_link, tmp_path, capsys, monkeypatch
):
    provision = ["provision", str(tmp_path / "fleet.csv"), "--json"]

    def outcome(code=0):
        assert cli.main(provision) == code
        out, err = capsys.readouterr()
        return json.loads(out)[0], err

    with SerialBoard(tmp_path / "0", {}) as first, SerialBoard(tmp_path / "1", {}) as second:
        first.start()
        second.start()
        row_of_a_link(first)
        found, _ = outcome(1)
        assert "--secrets-from sign-in --secrets-from prompt, to be asked before all boards" in found["error"]
        assert "run this in a terminal" not in found["error"]
        monkeypatch.setenv("MAILMOTE_WIFI_PASSWORD", "canary-wifi-password")
        done, err = outcome()
        assert ": done.\n" in err

        again, err = outcome()
        assert f"done before, at {done['at']}." in err
        assert (again["at"], again["before"]) == (done["at"], True)

        row_of_a_link(second)
        other, err = outcome()
        assert ": done.\n" in err
        assert (other["before"], bool(other["result"]["copied"])) == (False, True)
        assert other["result"]["board_id"] != done["result"]["board_id"]
        second.cut_power()

    absent, err = outcome()
    assert f"done before, at {other['at']}." in err
    assert absent["result"] == other["result"]


def test_a_board_on_the_network_that_is_away_stays_done(row_of_a_link, tmp_path, capsys, monkeypatch):
    """As one does that is not plugged in."""
    monkeypatch.setenv("MAILMOTE_WIFI_PASSWORD", "canary-wifi-password")
    with SerialBoard(tmp_path / "0", {}, transport="rfc2217") as board:
        board.start()
        (tmp_path / "fleet.csv").write_text(f"port,name\n{board.port},freezer-0\n")
        assert cli.main(["provision", str(tmp_path / "fleet.csv"), "--json"]) == 0
        done = json.loads(capsys.readouterr().out)[0]
    assert cli.main(["provision", str(tmp_path / "fleet.csv"), "--json"]) == 0
    absent = json.loads(capsys.readouterr().out)[0]
    assert (absent["state"], absent["at"], absent["result"]) == ("done", done["at"], done["result"])


def report_of(tmp_path, capsys, *options):
    """What came of a row whose board is not there, and what was said."""
    path = tmp_path / "fleet.csv"
    if not path.exists():
        path.write_text("port,name\n/nowhere/0,freezer-0\n")
    assert cli.main(["provision", str(path), "--json", *options]) == 1
    out, err = capsys.readouterr()
    return json.loads(out)[0], err


def test_what_a_row_would_get_is_its_digest_with_the_content_of_the_ca_file(tmp_path, capsys):
    (tmp_path / "mote.toml").write_text(MOTE.replace("[[sensor]]", 'ca = "ca.pem"\n\n[[sensor]]'))
    digests = []
    for authority in (certificates.root(), certificates.other_root()):
        pem = authority.certificate.public_bytes(Encoding.PEM)
        (tmp_path / "ca.pem").write_bytes(pem)
        for _ in range(2):
            digests.append(report_of(tmp_path, capsys)[0]["digest"])
    assert digests[0] == digests[1] != digests[2] == digests[3]


def test_to_go_on_takes_the_options_that_were_given(tmp_path, capsys):
    (tmp_path / "other.toml").write_text(MOTE)
    given = ["--settings", str(tmp_path / "other.toml"), "--secrets-from", "env", "--secrets-from", "keyring"]
    _, err = report_of(tmp_path, capsys, *given, "--at-once", "2", "--replace", "--again")
    command = f"mailmote provision {tmp_path}/fleet.csv --secrets-from env --secrets-from keyring --replace"
    assert f"To go on with the others: {command} --settings {tmp_path}/other.toml --at-once 2 --json\n" in err
    _, err = report_of(tmp_path, capsys, *given, "--renew-secrets")
    assert "To do all of it again: mailmote provision" in err
    assert "--renew-secrets" in err


def test_two_names_of_one_port_are_told(tmp_path, capsys):
    (tmp_path / "mote.toml").write_text(MOTE)
    (tmp_path / "port").touch()
    (tmp_path / "link").symlink_to(tmp_path / "port")
    path = tmp_path / "fleet.csv"
    path.write_text(f"port,name\n{tmp_path}/port,freezer-0\n{tmp_path}/link,freezer-1\n")
    assert cli.main(["provision", str(path)]) == 2
    assert "fleet.csv:3: has the port of line 2. Give each its own" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (
            lambda text: text.replace("alarm[0]", "alarm[7]"),
            "fleet.csv:2: the column alarm[7].above has no place",
        ),
        (
            lambda text: text.replace(",20\n", ",warm\n"),
            "fleet.csv:2: {folder}/mote.toml:22: error: alarm[0].above",
        ),
        (lambda text: text.replace("port,", "porta,"), "has no column port"),
    ],
)
def test_a_faulty_row_is_told_before_any_board_is_touched(tmp_path, capsys, broken, told):
    (tmp_path / "mote.toml").write_text(MOTE)
    path = tmp_path / "fleet.csv"
    path.write_text(broken("port,name,alarm[0].above\nNOWHERE,freezer-0,20\n"))
    assert cli.main(["provision", str(path)]) == 2
    assert told.format(folder=tmp_path) in capsys.readouterr().err
    assert not path.with_suffix(".report.json").exists()


def test_what_a_descriptor_gives_is_for_every_row(tmp_path, capsys):
    (tmp_path / "mote.toml").write_text(MOTE)
    path = tmp_path / "fleet.csv"
    path.write_text("port,name\n/nowhere/0,freezer-0\n/nowhere/1,freezer-1\n")
    read, write = os.pipe()
    os.write(write, b'{"wifi.password": "canary-of-the-descriptor"}')
    os.close(write)
    assert cli.main(["provision", str(path), "--secrets-from", f"fd:{read}", "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert ["There is no port" in board["error"] for board in found] == [True, True]


@pytest.fixture
def kept(monkeypatch):
    """A keyring with these secrets."""
    found = {}
    monkeypatch.setattr("keyring.get_password", lambda service, user: found.get(user))
    return found


def handed(tmp_path, rows, words):
    """The secrets for rows of name and ssid, where a person types one after the other."""
    (tmp_path / "mote.toml").write_text(MOTE)
    (tmp_path / "fleet.csv").write_text("\n".join(["port,name,wifi.ssid", *rows]) + "\n")
    read = fleet_file.read(tmp_path / "fleet.csv", None)
    with pytest.MonkeyPatch.context() as patch:
        asked = []

        def prompt(question, **options):
            asked.append(question)
            return f"typed-{len(asked)}"

        patch.setattr("click.prompt", prompt)
        patch.setattr(fleet_command, "has_terminal", lambda: True)
        loaded = fleet_command._settings(tmp_path / "fleet.csv", read)
        found = fleet_command._secrets(read, loaded, words)
    return [secrets["wifi.password"].decode() for secrets in found], asked


def test_the_password_of_one_network_is_not_that_of_another(tmp_path):
    rows = ["A,f1,Plant-A", "B,f2,Plant-B", "C,f3,Plant-A"]
    found, asked = handed(tmp_path, rows, ("prompt",))
    assert found == ["typed-1", "typed-2", "typed-1"]
    assert asked == ["Password of the Wi-Fi Plant-A", "Password of the Wi-Fi Plant-B"]


def test_what_a_row_has_of_its_own_goes_before_what_was_typed_for_another(tmp_path, kept):
    kept |= {"f1/wifi.password": "of-f1", "f3/wifi.password": "of-f3"}
    found, asked = handed(tmp_path, ["A,f1,", "B,f2,", "C,f3,", "D,f4,"], ("keyring", "prompt"))
    assert found == ["of-f1", "typed-1", "of-f3", "typed-1"]
    assert asked == ["Password of the Wi-Fi Plant"]


@pytest.mark.parametrize("option", ["--again", "--renew-secrets"])
def test_a_file_that_is_no_report_is_not_written_over(tmp_path, capsys, option):
    (tmp_path / "mote.toml").write_text(MOTE)
    path = tmp_path / "fleet.csv"
    path.write_text("port,name\n/nowhere/0,freezer-0\n")
    assert cli.main(["provision", str(path), option, "--report", str(tmp_path / "mote.toml")]) == 1
    assert "is no report of mailmote. Move it away" in capsys.readouterr().err
    assert (tmp_path / "mote.toml").read_text() == MOTE


SIGNS_IN = MOTE.replace('option = "direct-send"', 'option = "client-submission"\nauth = "password"').replace(
    'host = "contoso-com.mail.protection.outlook.com"\n', ""
)


def test_boards_that_share_a_mailbox_are_told_to_share_what_it_may_send(tmp_path, capsys):
    path = tmp_path / "fleet.csv"
    (tmp_path / "mote.toml").write_text(SIGNS_IN)
    path.write_text("port,name\n" + "".join(f"/nowhere/{number},f{number}\n" for number in range(3)))
    cli.main(["provision", str(path), "--secrets-from", "env"])
    told = "! 3 boards send as alerts@contoso.com, together 3 times what a mailbox may. Give each its part: "
    assert told + "mailbox_share = 0.333 in [limits]" in capsys.readouterr().err
    (tmp_path / "mote.toml").write_text(SIGNS_IN + "\n[limits]\nmailbox_share = 0.333\n")
    cli.main(["provision", str(path), "--secrets-from", "env"])
    assert "Give each its part" not in capsys.readouterr().err
    (tmp_path / "mote.toml").write_text(MOTE)
    cli.main(["provision", str(path), "--secrets-from", "env"])
    assert "Give each its part" not in capsys.readouterr().err


def test_a_port_is_no_option_of_a_fleet(tmp_path, capsys):
    assert cli.main(["provision", str(tmp_path / "fleet.csv"), "--port", "COM3"]) == 2
    assert "--port is for one board" in capsys.readouterr().err
