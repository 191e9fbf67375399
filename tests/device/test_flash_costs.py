"""What the work of a board costs its flash; flipped bits; a full flash. On real MicroPython and littlefs."""

from pathlib import Path

import pytest
from mote_file import MOTE
from on_littlefs import found

from mailmote_host import check, settings_file

TESTS = Path(__file__).parents[1]
ENTRIES = ":".join(str(folder) for folder in (TESTS / "device", TESTS.parent / "firmware", TESTS))
WIFI = '[wifi]\nssid = "Plant"\n'
ALERT = "one alert: enqueued, delivered, deleted"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def told(micropython):
    return found(micropython, "flash_costs.py", timeout_s=280)


def test_an_alert_costs_a_seventh_of_an_erase(told, record_property):
    """On average over 400: enqueued, delivered and deleted."""
    rows = [row for kind, *row in told if kind == "cost"]
    record_property("flash cost", rows)
    costs = {what: (erases, octets) for what, erases, octets in rows}
    erases, octets = costs[ALERT]
    assert (erases <= 0.15, octets <= 600) == (True, True), costs[ALERT]
    erases, octets = costs["a digest of 20 alerts"]
    assert (erases <= 20 * 0.2, octets <= 20 * 600) == (True, True), "a digest costs more than its alerts"
    assert costs["the clock's floor"][0] <= 0.1
    assert costs["the refresh token, of 1.5 kB, rotated"][0] <= 1.15


def test_an_hour_without_news_costs_nothing(micropython, record_property, tmp_path):
    """The whole agent in virtual time: sensor, alarms, courier, clock, console, supervisor."""
    loaded = settings_file.check(str(tmp_path / "mote.toml"), MOTE.replace(WIFI, ""), check.drivers())
    assert loaded.settings, loaded.problems
    settings = tmp_path / "settings.json"
    settings.write_bytes(settings_file.compact(loaded.settings))
    ((seconds, readings, operations),) = found(micropython, "idle_hour.py", settings, timeout_s=280)
    record_property("flash cost", [["an hour of an agent with nothing to tell", operations, operations]])
    assert (seconds, readings) == (3600, 60)
    assert operations == 0


def test_no_flipped_bit_makes_another_alert_of_a_record(told):
    """Each bit of one record: it is moved aside and counted. Without a checksum most would be sent."""
    found = {way: rest for kind, way, *rest in (row for row in told if row[0] == "bits")}
    flips, moved, counted, sent_as_another = found["own"]
    assert flips > 500
    assert (moved, counted, sent_as_another) == (flips, flips, 0)
    assert found["no checksum"][3] > flips // 2


def test_a_full_flash_is_an_error_that_says_so_and_what_waits_is_delivered(told):
    """What is there stays as it was, can be sent, and can be deleted."""
    assert [row for row in told if row[0] == "full"] == [["full", []]]
