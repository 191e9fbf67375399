"""A board that sleeps between readings is provisioned like any other: it listens after a reset."""

from mote_file import MOTE

from mailmote_host import check, settings_file
from mailmote_host.board import provisioning, secret_sources
from mailmote_host.virtual.serial_board import SerialBoard

SLEEPER = MOTE.replace('name = "freezer-3"', 'name = "freezer-3"\npower = "battery"')
SECRETS = {"wifi.password": b"canary-of-the-wifi"}


def test_a_board_that_sleeps_gets_ready_and_takes_other_settings_while_it_listens(tmp_path):
    path = tmp_path / "mote.toml"
    with SerialBoard(tmp_path / "board", {}) as board:
        board.start()
        for text in (SLEEPER, SLEEPER.replace("15min", "20min")):
            path.write_text(text)
            settings = settings_file.load(path, check.drivers()).settings
            assert settings is not None
            done = provisioning.provision(
                board.port, settings, tmp_path, source=secret_sources.Chain([secret_sources.Given(SECRETS)])
            )
            assert done.ready.startswith("Ready: mailmote ")
            assert ", 1 sensors, 1 alarms, " in done.ready
        board.cut_power()
        assert b'"for_s":1200' in board.image.read("settings.json")
