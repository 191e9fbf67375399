"""Provisioning, from the first time on: what is copied, kept and asked for, and what goes wrong."""

import json
import time

import pytest
from mote_file import MOTE
from terminal import Terminal

from mailmote_host import check, settings_file
from mailmote_host.board import (
    backup,
    contents,
    firmware,
    link,
    provisioning,
    readiness,
    secret_sources,
    staging,
    survey,
)
from mailmote_host.board.commands import replacing
from mailmote_host.cli import main
from mailmote_host.errors import HostError, UsageError
from mailmote_host.tenant.ca import process_authority

RELAY = MOTE.replace(
    'option = "direct-send"',
    'option = "smtp-relay"\nauth = "certificate"\naccepted_domains = ["contoso.com"]',
)
WIFI = {"wifi.password": b"canary-of-the-wifi"}


@pytest.fixture
def make(make):
    """A board that runs, with MicroPython and these files, if any."""
    return lambda files=None, **options: make(files or {}, **options)


@pytest.fixture
def mote(tmp_path):
    """Writes a mote.toml with changes; returns its path."""
    path = tmp_path / "mote.toml"

    def write(text=MOTE):
        path.write_text(text)
        return path

    return write


def settings_of(path):
    loaded = settings_file.load(path, check.drivers())
    assert loaded.settings is not None, loaded.problems
    return loaded.settings


def provision(board, path, secrets=WIFI, **options):
    source = secret_sources.Chain([secret_sources.Given(secrets)])
    return provisioning.provision(board.port, settings_of(path), path.parent, source=source, **options)


def flash_of(board):
    """Path -> content of all files."""
    board.cut_power()
    found = {}

    def walk(folder):
        for name in board.image.list(folder or "/"):
            path = f"{folder}/{name}" if folder else name
            try:
                found[path] = board.image.read(path)
            except (IsADirectoryError, OSError):
                walk(path)

    walk("")
    board.start()
    return found


def test_to_wait_for_the_ready_line_is_told_all_the_time(make, mote):
    """So that it can be given up: what `tell` raises ends it."""
    times = []

    def tell(step, share):
        times.extend([step] if step == "waiting until the board is ready" else [])
        if len(times) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        provision(make(), mote(), tell=tell)


def test_a_bare_micropython_becomes_a_mote_and_the_second_run_copies_nothing(make, mote):
    board, path = make(), mote()
    steps = []
    first = provision(board, path, tell=lambda step, share: steps.append((step, share)))
    assert first.ready.startswith("Ready: mailmote ")
    assert first.secrets == ("wifi.password",)
    assert set(firmware.files()) < set(first.copied)
    assert board.secrets == WIFI
    assert [share for _, share in steps] == sorted(share for _, share in steps)
    found = flash_of(board)
    settings = found.pop("settings.json")
    assert json.loads(settings)["device"]["name"] == "freezer-3"
    clock_floor = int(found.pop("state/clock-floor"))
    assert abs(clock_floor - time.time()) < 3600
    wanted = firmware.files()
    assert {path: found[path] for path in wanted} == wanted
    assert {path for path in found if path.startswith("ca/")} == set(contents.trust.files())
    assert not [path for path in found if path.startswith("next")]
    assert sum(len(found[path]) for path in first.copied if path in found) + len(settings) == first.bytes

    second = provision(board, path)
    assert (second.copied, second.removed, second.bytes, second.secrets) == ((), (), 0, ())
    assert second.ready


def test_a_changed_setting_copies_one_file_and_an_obsolete_module_goes(make, mote):
    board = make()
    provision(board, mote())
    board.cut_power()
    for name in ("lib/mailmote/smtp/forgotten.mpy", "mailmote/agent.py", "ca/site-1.der"):
        board.image.write(name, b"obsolete")
    for name in ("lib/theirs.py", "mailmote.txt", "lib/umail.py", "state/other"):
        board.image.write(name, b"somebody's")
    board.start()
    result = provision(board, mote(MOTE.replace("freezer-3", "freezer-4")))
    assert result.copied == ("settings.json",)
    assert set(result.removed) == {
        "lib/mailmote/smtp/forgotten.mpy",
        "mailmote/agent.py",
        "mailmote/",
        "ca/site-1.der",
    }
    assert "freezer-4" in result.ready
    found = flash_of(board)
    assert found["lib/theirs.py"] == found["mailmote.txt"] == found["lib/umail.py"] == b"somebody's"
    assert not set(result.removed) & set(found)
    assert "mailmote" not in board.image.list()


def test_a_forged_clock_floor_is_repaired(make, mote):
    board = make({"state/clock-floor": b"2000000000"})
    provision(board, mote())
    assert abs(int(flash_of(board)["state/clock-floor"]) - time.time()) < 3600


def test_an_update_leaves_settings_secrets_and_authorities_alone(make, mote):
    board = make()
    provision(board, mote())
    board.cut_power()
    board.image.write("lib/mailmote/civil.mpy", b"of another version")
    board.image.write("ca/site-1.der", b"their own")
    board.start()
    before = flash_of(board)
    result = provisioning.update(board.port)
    assert result.copied == ("lib/mailmote/civil.mpy",)
    assert result.ready
    after = flash_of(board)
    assert {path for path in before if before[path] != after.get(path)} == {"lib/mailmote/civil.mpy"}
    assert board.secrets == WIFI


# Secrets


def test_a_secret_that_is_there_is_kept_unless_it_is_to_be_renewed(make, mote):
    board = make()
    provision(board, mote())
    assert provision(board, mote(), secrets={}).secrets == ()
    assert provision(board, mote(), secrets={"wifi.password": b"new"}).secrets == ()
    assert board.secrets == WIFI
    renewed = provision(board, mote(), secrets={"wifi.password": b"new"}, renew_secrets=True)
    assert renewed.secrets == ("wifi.password",)
    assert board.secrets == {"wifi.password": b"new"}


def test_nothing_is_renewed_where_a_secret_that_is_needed_has_no_source(make, mote):
    board = make()
    provision(board, mote())
    before = flash_of(board)
    with pytest.raises(UsageError, match="needs wifi.password, .* Nothing was changed. Set MAILMOTE_WIFI"):
        provision(board, mote(MOTE.replace("freezer-3", "freezer-4")), secrets={}, renew_secrets=True)
    assert flash_of(board) == before
    assert board.secrets == WIFI


def test_a_certificate_that_no_connector_would_know_is_refused_first(make, mote):
    board = make({"main.py": b""})
    relay = process_authority().identity(("mote.fabrikam.test",))
    path = mote(RELAY)
    secrets = WIFI | {"relay.cert": relay.chain_pem, "relay.key": relay.key_pem}
    with pytest.raises(
        HostError, match="names mote.fabrikam.test, and the connector wants a name in contoso"
    ):
        provision(board, path, secrets=secrets)
    assert flash_of(board) == {"main.py": b""}
    mote(RELAY.replace('["contoso.com"]', '["contoso.com", "fabrikam.test"]'))
    assert provision(board, path, secrets=secrets).ready


def test_a_missing_secret_is_asked_for_before_anything_is_changed(make, mote, monkeypatch):
    board = make({"main.py": b""})
    monkeypatch.delenv("MAILMOTE_WIFI_PASSWORD", raising=False)
    with pytest.raises(
        UsageError, match="needs wifi.password, .* Nothing was changed. Set MAILMOTE_WIFI_PASSWORD"
    ):
        provision(board, mote(), secrets={})
    assert flash_of(board) == {"main.py": b""}


class Person:
    """Is asked, and looks whether the port is free meanwhile."""

    slow = True

    def __init__(self, board):
        self._board = board
        self.asked = []

    def get(self, name):
        self.asked.append(name)
        link.open(self._board.port).close()
        return b"typed"


def test_a_person_is_asked_while_the_board_runs_on(make, mote):
    board = make()
    person = Person(board)
    source = secret_sources.Chain([person])
    path = mote()
    provisioning.provision(board.port, settings_of(path), path.parent, source=source)
    assert person.asked == ["wifi.password"]
    assert board.secrets == {"wifi.password": b"typed"}


@pytest.mark.parametrize("value", [b"x" * 6145])
def test_a_secret_that_no_board_takes_is_refused_first(make, mote, value):
    board = make({"main.py": b""})
    with pytest.raises(HostError, match="wifi.password has 6145 bytes"):
        provision(board, mote(), secrets={"wifi.password": value})
    assert flash_of(board) == {"main.py": b""}


# Other people's programs


@pytest.mark.parametrize("script", ["main.py", "boot.py"])
def test_somebody_elses_program_is_replaced_only_where_that_is_wanted(make, mote, script):
    theirs = b"print('theirs')\n"
    board = make({script: theirs})
    with pytest.raises(
        UsageError, match=f"There is somebody else's {script} on the board.* To replace it, .* --replace"
    ):
        provision(board, mote())
    assert flash_of(board) == {script: theirs}
    asked = []
    assert provision(board, mote(), replace=lambda foreign: asked.append(dict(foreign))).ready
    assert asked == [{script: theirs}]


OTHERS = {
    "main.py": b"import mailmote.readings\n",
    "settings.json": b'{"theirs": true}',
    "mailmote/readings.py": b"READINGS = 100\n",
    "lib/mailmote/agent.mpy": b"M\x06\x00\x1f",
    "ca/company.der": b"their authority",
}


def test_all_that_is_somebody_elses_and_would_go_is_asked_for_and_kept(make, mote, tmp_path, capsys):
    board = make({**OTHERS, "data.csv": b"1,2\n", "mailmote/empty.py": b""})
    with pytest.raises(
        UsageError, match="somebody else's main.py, ca/company.der, .*, mailmote/readings.py and 1 more"
    ):
        provision(board, mote())
    folder = tmp_path / "kept"
    kept = replacing.replacement(True, folder)
    assert provision(board, mote(), replace=kept).ready
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {path: (folder / path).read_bytes() for path in there} == OTHERS
    assert flash_of(board)["data.csv"] == b"1,2\n"
    assert provision(board, mote(MOTE.replace("freezer-3", "freezer-4"))).copied == ("settings.json",)


def test_what_an_earlier_backup_has_is_not_written_over(tmp_path):
    first = backup.write(tmp_path, "main.py", b"first")
    second = backup.write(tmp_path, "main.py", b"second")
    odd = [backup.write(tmp_path, f"data/a{sign}b", sign.encode()) for sign in ":?*"]
    assert backup.write(tmp_path, "main.py", b"second") == second
    assert (first.read_bytes(), second.read_bytes()) == (b"first", b"second")
    assert [path.read_bytes() for path in odd] == [b":", b"?", b"*"]
    assert len(list(tmp_path.rglob("*"))) == 6


def test_the_boot_script_that_comes_with_micropython_is_nobodys(make, mote):
    default = b"# This file is executed on every boot (including wake-boot from deepsleep)\n#import esp\n\n"
    assert provision(make({"boot.py": default, "main.py": b"\n"}), mote()).ready


# Boards in trouble


@pytest.mark.parametrize(
    "program",
    [
        b"import time, machine\ntime.sleep(0.3)\nmachine.reset()\n",
        b"while True:\n    print('flood' * 100)\n",
        b"import time\nwhile True:\n    time.sleep(1)\n",
        b"syntax error\n",
    ],
    ids=["resets", "floods", "waits", "fails"],
)
def test_a_board_whose_old_program_is_in_the_way(make, mote, program):
    board = make({"main.py": program})
    assert provision(board, mote(), replace=lambda foreign: None).ready


def test_a_full_flash_leaves_the_old_version_as_it_was(make, mote):
    # 2 MiB of flash, of which the firmware with all else takes some 500 KiB in blocks of 4 KiB
    old = {"main.py": b'"""mailmote: old."""', "filler": bytes(1700 * 1024), "lib/mailmote/old.py": b"old"}
    board = make(old)
    with pytest.raises(staging.FullError, match="is full: .* The old version is untouched. Remove files"):
        provision(board, mote())
    assert flash_of(board) == old


def test_an_interrupted_copy_is_not_sent_again(make, mote):
    board = make()
    wanted = contents.Contents(
        {f"lib/mailmote/m{number}.py": b"%d" % number * 900 for number in range(10)}, ()
    )
    with link.open(board.port) as opened:
        plan = staging.plan(opened, wanted)
        assert staging.stage(opened, plan, lambda step, share: None) == 9000
    with link.open(board.port) as opened:
        for name in ("lib=mailmote=m3.py", "of=another=run"):
            opened.run(f"with open('next/{name}', 'ab') as file:\n file.write(b'x')", 10)
        plan = staging.plan(opened, wanted)
        assert len(plan.copy) == 10
        assert staging.stage(opened, plan, lambda step, share: None) == 900
        staging.switch(opened, plan)
        assert not staging.plan(opened, wanted).changes
    assert {path: content for path, content in flash_of(board).items() if path != "boot.py"} == wanted.files


def test_what_arrives_damaged_is_not_switched_to(make, mote, monkeypatch):
    board = make({"main.py": b"print('old')\n"})
    monkeypatch.setattr(staging, "b2a_base64", lambda data, newline: b"AAAA")
    with pytest.raises(HostError, match="is not what was sent. The old version is in its place"):
        provision(board, mote(), replace=lambda foreign: None)
    board.cut_power()
    board.start()
    assert board.image.read("main.py") == b"print('old')\n"


@pytest.mark.parametrize(
    ("say", "text"),
    [
        (
            "sys.implementation = ('micropython', (1, 23, 0))",
            "runs MicroPython 1.23.0, and mailmote needs MicroPython 1.24",
        ),
        (
            "sys.implementation = ('circuitpython', (9, 0, 0))",
            "runs circuitpython, and mailmote needs MicroPython 1.24",
        ),
    ],
)
def test_what_is_no_micropython_that_will_do(make, mote, monkeypatch, say, text):
    monkeypatch.setattr(
        survey, "_FACTS", survey._FACTS.replace("_i = sys.implementation", f"_i = {say[21:]}")
    )
    with pytest.raises(survey.TooOldError, match=f"{text}.* `mailmote flash`"):
        provision(make(), mote())


def test_a_port_where_nothing_answers(mote):
    silent = pytest.raises(link.SilentError, match="Nothing answers on .*`mailmote flash`")
    with Terminal() as terminal, silent:
        link.open(terminal.name, timeout_s=0.5)


def test_a_doubt_about_a_pin_is_no_obstacle_and_is_told(make, mote, monkeypatch):
    machine = survey._FACTS.replace('getattr(_i, "_machine", "")', '"Generic ESP32 module with ESP32"')
    monkeypatch.setattr(survey, "_FACTS", machine)
    result = provision(make(), mote(MOTE.replace("pin = 34", "pin = 99")))
    assert "pin of the sensor freezer is 99, which no board brings out" in result.notice
    assert provision(make(), mote()).notice == ""


@pytest.mark.parametrize(
    "program",
    ["_FACTS", "_LIST"],
)
@pytest.mark.parametrize("answer", ["noise", "[1]", "[1, 2, 3, 4, 5]", '{"a": 1}', '[[], "x", []]'])
def test_an_answer_that_is_garbled_is_told_with_its_fix(make, mote, monkeypatch, program, answer):
    monkeypatch.setattr(
        survey, program, f"print({answer!r})\n# %s %r" if program == "_LIST" else f"print({answer!r})"
    )
    with pytest.raises(HostError, match="sent something that cannot be read. Take another cable"):
        provision(make(), mote())


def test_free_blocks_that_are_garbled_are_told_with_their_fix(make, mote, monkeypatch):
    monkeypatch.setattr(staging, "_FREE", "print('12x')")
    board = make()
    with pytest.raises(HostError, match="sent something that cannot be read. Take another cable"):
        provision(board, mote())


@pytest.mark.parametrize("mpy", [0, 5])
def test_firmware_goes_as_source_where_the_board_reads_other_bytecode(mpy):
    found = contents.firmware_for(survey.Facts((1, 24, 0), mpy, ""))
    assert "goes there as source" in found.notice
    assert found.files == firmware.files(compiled=False)


def test_a_board_with_source_gets_no_module_twice(make, mote, monkeypatch):
    """A module that is source would be found before the one that is compiled."""
    board = make({path: data for path, data in firmware.files(compiled=False).items() if path != "main.py"})
    result = provision(board, mote())
    assert result.ready
    found = flash_of(board)
    assert not [path for path in found if path.startswith("lib/mailmote") and path.endswith(".py")]


def test_a_board_that_does_not_get_ready_says_why(make, mote):
    board = make()
    broken = firmware.files() | {"main.py": b'"""mailmote: broken."""\nimport no_such_module\n'}
    wanted = contents.Contents(broken, ())
    job = provisioning.Job(wanted=lambda facts: wanted, wait_ready_s=30)
    with pytest.raises(readiness.NotReadyError, match=r"(?s)its program ended. It says:.*no_such_module"):
        provisioning.run(board.port, job)
    settings_gone = contents.Contents(firmware.files(), ())
    job = provisioning.Job(wanted=lambda facts: settings_gone, wait_ready_s=30)
    with pytest.raises(readiness.NotReadyError, match="The board has no settings. Run `mailmote provision`"):
        provisioning.run(board.port, job)
    waits = contents.Contents({"main.py": b'"""mailmote: waits."""\nimport time\ntime.sleep(100)\n'}, ())
    job = provisioning.Job(wanted=lambda facts: waits, wait_ready_s=0.5)
    with pytest.raises(readiness.NotReadyError, match="did not say within 0 s that it is ready"):
        provisioning.run(board.port, job)


def test_the_watchdog_of_the_link_is_fed_and_set_to_minutes(make, monkeypatch):
    """The stand-in ends the program when it is fed too late."""
    with link.open(make().port) as opened:
        monkeypatch.setattr(link, "_FEED_EVERY_S", 0)
        opened.run("late = _mailmote_dog._fed_ms", 10)
        opened.run("import time\ntime.sleep(0.05)", 10)
        assert (
            opened.run("print(_mailmote_dog._fed_ms > late, _mailmote_dog._timeout_ms)", 10)
            == b"True 300000\r\n"
        )


# Backups


def test_a_backup_has_every_file_but_the_secrets(make, tmp_path):
    files = {
        "main.py": b"",
        "lib/a/b.bin": bytes(range(256)) * 40,
        "odd: name?": b"x",
        "secrets/wifi": b"canary",
    }
    board = make(files)
    assert backup.save(board.port, tmp_path / "copy") == 3
    found = {
        path.relative_to(tmp_path / "copy").as_posix(): path.read_bytes()
        for path in (tmp_path / "copy").rglob("*")
        if path.is_file()
    }
    assert found == {"main.py": b"", "lib/a/b.bin": files["lib/a/b.bin"], "odd_ name_": b"x"}
    with pytest.raises(UsageError, match="is not empty"):
        backup.save(board.port, tmp_path / "copy")


# The commands


def test_the_commands_from_end_to_end(make, mote, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MAILMOTE_WIFI_PASSWORD", "canary-of-the-wifi")
    monkeypatch.setenv("MAILMOTE_PORT", (board := make({"main.py": b"print('theirs')\n"})).port)
    path = str(mote())

    assert main(["provision", path]) == 2
    assert "somebody else's main.py on the board" in capsys.readouterr().err
    assert main(["provision", path, "--json", "--replace", "--backup", str(tmp_path / "kept")]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["ready"], told["secrets"], told["bytes"] > 100000) == (True, ["wifi.password"], True)
    assert "Ready: mailmote" in err
    assert (tmp_path / "kept/main.py").read_bytes() == b"print('theirs')\n"

    assert main(["provision", path]) == 0
    assert capsys.readouterr().out.startswith("Nothing copied.\nReady: mailmote ")
    assert main(["update", "--wait-ready", "0"]) == 0
    assert capsys.readouterr().out == "Nothing copied.\nThe board restarts.\n"

    assert main(["secrets", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == ["wifi.password"]
    monkeypatch.setenv("MAILMOTE_MAIL_PASSWORD", "canary-of-the-mail")
    assert main(["secrets", "set", "mail.password", "--from", "env"]) == 0
    assert board.secrets["mail.password"] == b"canary-of-the-mail"
    assert main(["secrets", "forget", "mail.password"]) == 0
    assert main(["secrets", "forget", "mail.password"]) == 1
    assert main(["secrets", "set", "oauth.secret"]) == 2
    assert main(["secrets", "set", "oauth.secret", "--from", "prompt"]) == 2
    assert main(["secrets", "set", "oauth.secret", "--from", "keyring"]) == 2
    assert board.secrets == WIFI

    capsys.readouterr()
    assert main(["backup", str(tmp_path / "copy"), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["files"] > len(firmware.files())
    assert "Secrets are not copied" in err
    assert "canary" not in out + err


def test_settings_that_are_wrong_are_told_and_no_board_is_touched(mote, tmp_path, capsys):
    path = mote(MOTE.replace("direct-send", "carrier-pigeon"))
    assert main(["provision", str(path), "--port", "/dev/ttyNONE"]) == 1
    assert "mote.toml:" in capsys.readouterr().err
    assert main(["provision", str(tmp_path / "none.toml"), "--port", "/dev/ttyNONE"]) == 2


def test_a_port_that_is_none(mote, monkeypatch, capsys):
    monkeypatch.setenv("MAILMOTE_WIFI_PASSWORD", "x")
    assert main(["provision", str(mote()), "--port", "/dev/ttyNONE"]) == 1
    assert "There is no port /dev/ttyNONE" in capsys.readouterr().err
