"""`status`, `alerts` and `test-mail`, end to end: a virtual board on a port, and the fake tenant."""

import json

import pytest
from test_agent import HERE, PASSWORD, RECORDING, mails, settings, tenant
from test_oauth import LIVE

from mailmote_host import cli
from mailmote_host.board import console, firmware, ports, status_report
from mailmote_host.tenant.service import serve
from mailmote_host.virtual.serial_board import SerialBoard

TIMEOUT_S = 60
HEAP = "320K"  # what a mail takes is the heap tests' to say
SIGN_IN = 'username = "mote@contoso.test"\nauth = "password"'
SECRETS = {"wifi.password": b"canary-wifi", "mail.password": PASSWORD.encode()}


def started(folder, service, wanted, transport="pty", main=None):
    content = firmware.files() | {
        "settings.json": json.dumps(wanted).encode(),
        "recording.csv": RECORDING,
        "ca/0.der": service.ca_der,
    }
    if main is not None:
        content = {"main.py": main}
    board = SerialBoard(folder, content, SECRETS, heapsize=HEAP, transport=transport)
    board.start()
    return board


def called(capsys, board, *arguments):
    """(exit code, stdout, stderr) of a command."""
    code = cli.main([*arguments, "--port", board.port])
    told = capsys.readouterr()
    assert "Traceback" not in told.out + told.err
    assert "canary" not in told.out + told.err
    return code, told.out, told.err


@pytest.mark.parametrize("transport", ["pty", "rfc2217"])
def test_a_board_that_runs_tells_how_it_is_and_mails_a_test(tmp_path, capsys, transport):
    with (
        serve(tenant()) as service,
        started(tmp_path, service, settings(service, extra=LIVE), transport) as board,
    ):
        service.wait_for(2, TIMEOUT_S)
        code, out, err = called(capsys, board, "test-mail")
        assert (code, f"accepted for {HERE}" in out) == (0, True)
        assert '"Test mail" was accepted for 1 of 1 recipients.' in err
        code, out, _ = called(capsys, board, "status", "--json")
        told = json.loads(out)
        assert (code, told["name"], told["clock"]["set"], told["link"]["up"]) == (0, "freezer-3", True, True)
        assert (told["mails"]["sent"], told["last_mail"]["alarm"], told["alarms"]) == (3, "Test mail", [])
        assert {sensor["name"]: sensor["value"] for sensor in told["sensors"]}["Cold room"] == 51.25
        assert told["heap"]["free_bytes"] > 0
        code, out, _ = called(capsys, board, "alerts")
        assert (code, out) == (0, "No alert waits, and none was refused.\n")
        test = mails(service)[-1]
        assert test["Subject"] == "mailmote test mail from freezer-3"
        assert "No alarm was raised." in test.get_content()
        assert b"Stopped" not in board.said


def test_junk_on_the_console_disturbs_nothing(tmp_path, capsys):
    with serve(tenant()) as service, started(tmp_path, service, settings(service, extra=LIVE)) as board:
        with ports.open_serial(board.port) as port:
            port.write(b"\xff\xfe\x00" * 300 + b"\rexit()\r\nstatus" + b"z" * 3000 + b"\x01\x02\x04\x1e{}")
        with console.open(board.port) as one:
            assert one.ask("status")["name"] == "freezer-3"
        service.wait_for(2, TIMEOUT_S)
        assert b"The task" not in board.said
        assert b"Traceback" not in board.said


def test_a_refused_recipient_is_listed_and_a_test_mail_says_who_did_not_get_it(tmp_path, capsys):
    with serve(tenant()) as service:
        wanted = settings(service, to=(HERE, "nobody@contoso.test"), extra=LIVE)
        with started(tmp_path, service, wanted) as board:
            service.wait_for(2, TIMEOUT_S)
            code, out, _ = called(capsys, board, "test-mail", "--json")
            told = json.loads(out)
            assert (code, told["state"], told["refused"]) == (1, "refused", ["nobody@contoso.test"])
            assert "There is no such recipient." in told["text"]
            code, out, _ = called(capsys, board, "alerts", "--json")
            listed = json.loads(out)
            assert [one["kind"] for one in listed["alerts"]] == ["alarm", "recovery", "test"]
            assert {tuple(one["refused"]) for one in listed["alerts"]} == {("nobody@contoso.test",)}
            assert (code, listed["totals"]["refused"], listed["totals"]["waiting"]) == (0, 3, 0)
            _, out, _ = called(capsys, board, "alerts")
            assert "refused for" in out


def test_a_wrong_password_is_explained_and_a_test_mail_after_the_mending_does_not_wait(tmp_path, capsys):
    wrong = tenant()
    wrong.mailboxes[0].password = "another"
    with serve(wrong) as service:
        wanted = settings(service, "client-submission", more=SIGN_IN, extra=LIVE)
        with started(tmp_path, service, wanted) as board:
            code, out, _ = called(capsys, board, "test-mail")
            assert (code, "The test mail was not delivered." in out) == (1, True)
            assert "The user name or the password is wrong" in out
            _, out, _ = called(capsys, board, "status", "--json")
            told = json.loads(out)
            assert (told["last_failure"]["key"], told["outbox"]["waiting"]) == ("wrong-password", 3)
            assert told["next_attempt_in_s"] > 60
            wrong.mailboxes[0].password = PASSWORD
            code, out, _ = called(capsys, board, "test-mail")
            assert (code, f"accepted for {HERE}" in out) == (0, True)
        assert [mail["Subject"] for mail in mails(service)].count("mailmote test mail from freezer-3") == 1


def test_a_board_at_its_prompt_or_with_another_program_is_told_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(console.Console.ask, "__defaults__", (1.0, False))
    with serve(tenant()) as service:
        for name, main, words in (
            ("prompt", b"", "MicroPython waits at its prompt"),
            ("other", b"while True: print(input('? '))", "runs another program"),
        ):
            with started(tmp_path / name, service, {}, main=main) as board:
                code, out, err = called(capsys, board, "status")
                assert (code, out, words in err) == (1, "", True), err


def test_safe_mode_is_told_with_its_cause_and_what_to_do():
    safe = {"ends_in_s": 1800, "crash": "The task link failed: OSError: 5\nTraceback\n  and more"}
    told = dict(status_report.rows({"safe_mode": safe}))["Safe mode"]
    assert "starts normally in 30 min. The task link failed: OSError: 5. A mail" in told
    assert "run `mailmote provision`" in told
    assert "Traceback" not in told
    for nothing in ({}, {"safe_mode": None}, {"safe_mode": 5}):
        assert "Safe mode" not in dict(status_report.rows(nothing))
    assert "in 0 s. A mail" in dict(status_report.rows({"safe_mode": {"crash": ""} | {"x": 1}}))["Safe mode"]


def test_what_to_do_and_how_the_link_was_are_told():
    passing = {"text": "The server is busy. It is tried again.", "needs_a_person": False}
    lasting = {"text": "The password is wrong. Set it again.", "needs_a_person": True}
    assert dict(status_report.rows({"trouble": passing}))["Trouble"] == passing["text"]
    rows = list(status_report.rows({"trouble": lasting}))
    assert rows[1] == ("To do", lasting["text"])
    assert not {"To do", "Trouble"} & dict(status_report.rows({"trouble": None})).keys()
    for link, words in (
        ({"up": True, "rssi_dbm": -61, "lost": 3}, "up, -61 dBm (good); lost 3 times since the start"),
        ({"up": True, "rssi_dbm": -61, "lost": 0}, "up, -61 dBm (good)"),
        ({"up": True, "lost": 1}, "up; lost once since the start"),
        ({"up": False, "lost": 1, "down_s": 300}, "down for 5 min. Check the Wi-Fi name"),
        ({"up": False}, "down. Check the Wi-Fi name"),
    ):
        assert dict(status_report.rows({"link": link}))["Link"].startswith(words)


def test_what_a_board_says_of_itself_cannot_command_a_terminal_nor_break_the_report():
    told = {
        "name": "\x1b[2J",
        "sensors": [{"name": "\x07"}, 5],
        "alarms": "x",
        "link": [],
        "notes": ["\x1b]0;"],
    }
    text = "".join(name + value for name, value in status_report.rows(told))
    assert text.isprintable()
    assert status_report.alert({"refused": ["\x1b"], "at_s": "x"}, 0)[-1] == "refused for \\x1b"


def test_a_heap_that_nobody_has_measured_yet_is_half_told():
    heap = {"free_bytes": 80000, "peak_bytes": 0}
    assert dict(status_report.rows({"heap": heap}))["Heap"] == "78 kB free"
    heap["peak_bytes"] = 160000
    assert dict(status_report.rows({"heap": heap}))["Heap"].endswith(
        ", at most 156 kB in use after a collection"
    )
