"""The alarm of the demonstration over the whole recording: the two known events and nothing else."""

import csv
from pathlib import Path

import mailmote_host
from mailmote import civil
from mailmote.event import ALARM, BELOW, RECOVERY
from mailmote.policy.alarms import Alarm
from mailmote.sensors import make

RECORDING = Path(mailmote_host.__file__).parent / "data" / "machine_temperature_system_failure.csv"
ENTRY = {"name": "stopped", "sensor": "machine", "below": 45.0, "for_s": 900, "clear": 50.0}


def readings():
    with RECORDING.open(newline="") as file:
        for row in csv.DictReader(file):
            date, time = row["timestamp"].split(" ")
            fields = [int(part) for part in (*date.split("-"), *time.split(":"))]
            yield civil.unix_time(*fields), float(row["value"])


def events(source):
    alarm = Alarm(ENTRY)
    return [event for time_s, value in source for event in alarm.reading(time_s, value)]


def test_the_shutdown_and_the_failure_are_told_and_nothing_else():
    told = [
        (event.kind, event.cause, civil.stamp(event.since_s), civil.stamp(event.at_s))
        for event in events(readings())
    ]
    assert told == [
        (ALARM, BELOW, "2013-12-16 15:25", "2013-12-16 15:40"),
        (RECOVERY, BELOW, "2013-12-16 15:25", "2013-12-16 18:35"),
        (ALARM, BELOW, "2014-02-08 00:15", "2014-02-08 00:30"),
        (RECOVERY, BELOW, "2014-02-08 00:15", "2014-02-09 12:00"),
    ]


def test_the_times_are_exact_to_the_second():
    assert [event.at_s for event in events(readings())] == [
        civil.unix_time(2013, 12, 16, 15, 40),
        civil.unix_time(2013, 12, 16, 18, 35),
        civil.unix_time(2014, 2, 8, 0, 30),
        civil.unix_time(2014, 2, 9, 12, 0),
    ]


def test_the_worst_value_is_the_lowest_of_the_time_it_stood():
    rows = list(readings())
    for event in events(rows):
        assert event.extreme == min(value for time_s, value in rows if event.since_s <= time_s <= event.at_s)


def test_the_replay_driver_reads_what_a_csv_reader_reads():
    driver = make("replay", {"path": str(RECORDING)})
    rows = list(readings())
    assert len(rows) == 22695
    assert [driver.read(0) for _ in rows] == rows
