"""`mailmote run`: from a bare board to its mail, by each option, over both kinds of port."""

import json
import os
import re
import subprocess

import pytest
from mailmote_program import MAILMOTE
from mote_file import MOTE
from test_agent import RECORDING, mails

from mailmote_host import cli
from mailmote_host.board import survey
from mailmote_host.demo.ways import WAYS, secrets_for, settings_for, tenant_for
from mailmote_host.tenant.service import serve
from mailmote_host.virtual import micropython_image
from mailmote_host.virtual.serial_board import SerialBoard

TIMEOUT_S = 300  # esptool waits for each answer of an RFC 2217 port itself
# The password alone is the same option as OAuth, and one transport shows it.
CASES = [
    (way, transport)
    for way in WAYS
    for transport in ("pty", "rfc2217")
    if (way.name, transport) != ("password", "rfc2217")
]


def run(board, folder, secrets, *options):
    """(exit code, result, what it said). Presses the buttons that it asks for: a pseudo-terminal cannot."""
    words = ["run", "mote.toml", "--port", board.port, "--image", "own.bin", "--board", "esp32-devkitc"]
    process = subprocess.Popen(
        [*MAILMOTE, *words, "--yes", *options],
        cwd=folder,
        env=os.environ | secrets,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = ""
    for line in process.stderr:
        said += line
        if "cannot reset the board" in line:
            board.hold_boot_and_reset()
        elif "Press its reset button (EN, RST)" in line:
            board.reset()
    out = process.stdout.read()
    return process.wait(), out, said


@pytest.mark.timeout(TIMEOUT_S)
def test_nothing_is_erased_while_a_secret_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("MAILMOTE_WIFI_PASSWORD", raising=False)
    (tmp_path / "mote.toml").write_text(MOTE)
    (tmp_path / "own.bin").write_bytes(micropython_image.build("esp32"))
    with SerialBoard(tmp_path / "board", transport="rfc2217") as board:
        flash = board.folder / "flash.bin"
        with flash.open("r+b") as file:
            file.seek(0x200000)
            file.write(b"somebody's data")
        before = flash.read_bytes()
        board.start()
        run = ["run", str(tmp_path / "mote.toml"), "--port", board.port, "--board", "esp32-devkitc"]
        run += ["--image", str(tmp_path / "own.bin"), "--secrets-from", "env", "--yes", "--no-follow"]
        assert cli.main(run) == 2
        assert flash.read_bytes() == before
    err = capsys.readouterr().err
    assert "it has to be flashed first" in err
    assert "The board needs wifi.password, and nothing gives it. Nothing was changed." in err


def test_a_micropython_that_is_too_old_has_to_be_flashed(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("MAILMOTE_WIFI_PASSWORD", raising=False)
    monkeypatch.setattr(survey, "OLDEST", (99, 0))
    (tmp_path / "mote.toml").write_text(MOTE)
    with SerialBoard(tmp_path / "board", {}) as board:
        board.start()
        run = ["run", str(tmp_path / "mote.toml"), "--port", board.port, "--secrets-from", "env", "--yes"]
        assert cli.main(run) == 2
    err = capsys.readouterr().err
    assert re.search(r"The board on .* runs MicroPython 1\.\S+: it has to be flashed first\.", err)
    assert "The board needs wifi.password, and nothing gives it. Nothing was changed." in err


def test_a_program_of_somebody_elses_is_replaced_where_that_is_wanted(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MAILMOTE_WIFI_PASSWORD", "canary-wifi")
    (tmp_path / "mote.toml").write_text(MOTE)
    with SerialBoard(tmp_path / "board", {"main.py": b"print('theirs')\n"}) as board:
        board.start()
        run = ["run", str(tmp_path / "mote.toml"), "--port", board.port, "--no-test-mail", "--json"]
        assert cli.main(run) == 2
        assert "To replace it, and keep a copy on this computer: --replace." in capsys.readouterr().err
        assert cli.main([*run, "--replace", "--backup", str(tmp_path / "kept")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["flashed"], told["provisioned"]["ready"], told["test_mail"]) == (None, True, None)
    assert (tmp_path / "kept" / "main.py").read_bytes() == b"print('theirs')\n"


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize(("way", "transport"), CASES, ids=lambda value: getattr(value, "name", value))
def test_a_bare_board_becomes_a_mote_that_mails(way, transport, tmp_path):
    password = "canary-of-the-mailbox"
    with (
        serve(tenant_for(way, password)) as service,
        SerialBoard(tmp_path / "board", transport=transport) as board,
    ):
        (tmp_path / "ca.pem").write_text(service.ca_pem)
        settings = settings_for(way, tmp_path, service, "ca.pem")
        mote = tmp_path / "mote.toml"
        mote.write_text(mote.read_text().replace("stop_at_end = true\n", ""))
        (tmp_path / "recording.csv").write_bytes(RECORDING)
        (tmp_path / "own.bin").write_bytes(micropython_image.build("esp32"))
        handed = secrets_for(way, settings, password, tmp_path / "ca.pem") | {"wifi.password": b"canary-wifi"}
        variables = {
            f"MAILMOTE_{name.upper().replace('.', '_')}": value.decode() for name, value in handed.items()
        }
        board.start()
        assert b"invalid header: 0xffffffff" in board.said
        code, out, said = run(board, tmp_path, variables, "--no-follow" if transport == "pty" else "--json")
        assert code == 0, said
        assert "Ready: mailmote" in said
        assert "no files to copy" not in said, "what is known is not looked for again"
        if transport == "pty":
            assert f"The test mail was accepted for {way.to}." in out
        else:
            told = json.loads(out)
            assert told["flashed"]["board"] == "esp32-devkitc"
            assert (told["provisioned"]["ready"], told["test_mail"]["state"]) == (True, "delivered")
        subjects = [mail["Subject"] for mail in mails(service)]
        assert [subject for subject in subjects if "test" in subject.lower()]
        service.wait_for(3, 60)
        assert {one.recipients[0] for one in service.messages} == {way.to}
        assert {one.auth[0] if one.auth else "" for one in service.messages} == {way.mechanism}
        assert any("Machine too cold" in mail["Subject"] for mail in mails(service))
    for secret in variables.values():
        assert secret not in said + out
    again = board.secrets
    assert again == handed | {name: again[name] for name in again if name == "oauth.refresh"}
