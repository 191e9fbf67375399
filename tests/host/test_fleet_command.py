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


def test_a_port_is_no_option_of_a_fleet(tmp_path, capsys):
    assert cli.main(["provision", str(tmp_path / "fleet.csv"), "--port", "COM3"]) == 2
    assert "--port is for one board" in capsys.readouterr().err
