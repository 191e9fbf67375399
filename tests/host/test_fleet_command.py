"""`mailmote provision fleet.csv`, with eight virtual boards."""

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack

import pytest
from mote_file import MOTE

from mailmote_host import cli
from mailmote_host.virtual.serial_board import SerialBoard

MAILMOTE = [sys.executable, "-c", "import sys; from mailmote_host.cli import main; sys.exit(main())"]
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
