"""mailmote simulate: nothing is lost whatever goes wrong, and a fault of the firmware would be seen."""

import asyncio
import dataclasses
import json
import os
import subprocess
import sys

import pytest

from mailmote.errors import RetryLater
from mailmote.net.session import Session
from mailmote.store.outbox import Outbox
from mailmote_host import cli
from mailmote_host.simulate.plan import FAULTS, NETWORK, POWER
from mailmote_host.simulate.runs import Wanted, play
from mailmote_host.simulate.tenant import PER_MINUTE

SOAK_SEEDS = range(1000, 1200)
SEEDS_A_TEST = 10


def simulated(boards, days, seed, faults=FAULTS):
    return play(Wanted(boards, days, seed, faults))


def check(result, record_property):
    record_property("simulation", result.to_json())
    assert (result.lost, result.unexplained, result.crashes) == (0, 0, []), result
    assert result.duplicates <= result.interrupted, result


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_lost_and_each_duplicate_has_its_cut(seed, record_property):
    result = simulated(4, 3, seed)
    check(result, record_property)
    assert result.raised > 50
    assert result.power_cuts > 0


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", SOAK_SEEDS[::SEEDS_A_TEST])
def test_hundreds_of_seeds(first, record_property):
    for seed in range(first, first + SEEDS_A_TEST):
        check(simulated(4, 4, seed), record_property)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kinds", [FAULTS, *((kind,) for kind in FAULTS)], ids="+".join)
def test_a_larger_site(kinds, record_property):
    check(simulated(20, 7, 77, kinds), record_property)


def test_without_faults_each_mail_comes_once_and_at_once():
    result = simulated(2, 1, 5, ())
    assert result.raised > 0
    assert (result.lost, result.duplicates, result.interrupted) == (0, 0, 0)


def test_a_seed_is_always_the_same_run():
    """In another process, too, whose sets have another order."""
    words = ["simulate", "--boards", "2", "--days", "1", "--seed", "11", "--json"]
    begin = "import sys; from mailmote_host.cli import main; sys.exit(main(sys.argv[1:]))"
    outputs = [
        subprocess.run(
            [sys.executable, "-c", begin, *words],
            env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
    assert json.loads(outputs[0])["seed"] == 11


def test_what_makes_a_result_bad():
    good = simulated(1, 0.1, 1, ())
    assert good.good
    for change in (
        {"lost": 1},
        {"unexplained": 1},
        {"crashes": ["KeyError"]},
        {"duplicates": good.interrupted + 1},
    ):
        bad = dataclasses.replace(good, **change)
        assert not bad.good
        assert bad.to_json()["failed_seeds"] == [1]


def test_another_seed_is_another_run():
    first, second = (dataclasses.replace(simulated(2, 1, seed), seed=0) for seed in (1, 2))
    assert first != second


# The oracle: bugs planted into the firmware, each of which it has to tell.


def test_it_tells_a_record_that_is_deleted_before_the_final_reply(monkeypatch):
    async def hasty(self, reverse_path, recipients, message):
        await self._run()  # what is left of the mail before
        self._dialogue.send(reverse_path, recipients, message)
        await self._write_all()
        return [None] * len(recipients)

    monkeypatch.setattr(Session, "send", hasty)
    result = simulated(2, 3, 1)
    assert result.lost > 0
    assert not result.good


def test_it_tells_a_cut_that_is_taken_for_success(monkeypatch):
    send = Session.send

    async def hopeful(self, reverse_path, recipients, message):
        try:
            return await send(self, reverse_path, recipients, message)
        except RetryLater:
            return [None] * len(recipients)

    monkeypatch.setattr(Session, "send", hopeful)
    assert simulated(2, 3, 1, (NETWORK,)).lost > 0


def test_it_tells_an_alert_that_is_accepted_before_it_is_on_the_flash(monkeypatch):
    write, peek, load, close = Outbox._write, Outbox.peek, Outbox.load, Outbox.close
    late = {}

    def written_later(self, number, changed):
        late[self, number] = changed
        asyncio.get_running_loop().call_later(6 * 3600, finish, self, number)

    def finish(self, number):
        if (self, number) in late and number in self.waiting():
            write(self, number, late.pop((self, number)))

    def finished(self, number, last):
        finish(self, number)
        close(self, number, last)

    monkeypatch.setattr(Outbox, "_write", written_later)
    monkeypatch.setattr(Outbox, "peek", lambda self, number: late.get((self, number)) or peek(self, number))
    monkeypatch.setattr(Outbox, "load", lambda self, number: late.get((self, number)) or load(self, number))
    monkeypatch.setattr(Outbox, "close", finished)
    assert simulated(4, 4, 1).lost > 0


def test_it_tells_a_mail_that_is_sent_twice_for_no_reason(monkeypatch):
    send = Session.send

    async def twice(self, *arguments):
        await send(self, *arguments)
        return await send(self, *arguments)

    monkeypatch.setattr(Session, "send", twice)
    result = simulated(1, 1, 1, ())
    assert result.unexplained > 0
    assert not result.good


def test_it_tells_a_delete_that_never_reaches_the_flash(monkeypatch):
    monkeypatch.setattr(Outbox, "_leave", lambda self, number, folder: self._numbers.remove(number))
    assert simulated(2, 4, 1, (POWER,)).unexplained > 0


# The storm after an outage.


def check_outage(boards, record_property):
    result = play(Wanted(boards, 0.25, 1, (), outage=True))
    record_property("simulation", result.to_json() | {"outage": True})
    assert result.raised > 5 * boards
    assert (result.lost, result.duplicates, result.crashes) == (0, 0, [])
    assert result.boards_over_share == 0
    assert 0.8 * PER_MINUTE < result.peak_per_minute <= 2 * PER_MINUTE
    assert result.over_limit_s <= 60
    assert result.drain_s <= 1.25 * result.best_drain_s


def test_after_an_outage_no_mailbox_is_flooded_and_it_drains_at_full_speed(record_property):
    check_outage(150, record_property)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_after_an_outage_of_500_boards(record_property):
    check_outage(500, record_property)


# The command.


def test_the_command_prints_one_object(capsys):
    assert cli.main(["simulate", "--boards", "1", "--days", "0.5", "--seed", "4", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    wanted = {"raised", "delivered", "lost", "duplicates", "worst_delay_s", "peak_per_minute", "drain_s"}
    assert wanted | {"best_drain_s", "seed"} <= set(printed)
    assert printed["seed"] == 4


def test_the_command_prints_a_table(capsys):
    assert cli.main(["simulate", "--boards", "1", "--days", "0.5", "--faults", "none"]) == 0
    shown = capsys.readouterr().out
    assert "1 boards, 0.5 days, seed 1, faults: none" in shown
    assert ["lost", "0"] in [line.split() for line in shown.splitlines()]


def test_several_runs_are_added_up_and_are_the_runs_of_these_seeds(capsys):
    words = ["simulate", "--boards", "1", "--days", "1", "--seed", "6", "--faults", "network,power"]
    assert cli.main([*words, "--runs", "2", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    singles = [simulated(1, 1, seed, (POWER, NETWORK)) for seed in (6, 7)]
    assert printed["runs"] == 2
    assert printed["raised"] == sum(single.raised for single in singles) > 0
    assert printed["worst_delay_s"] == max(single.worst_delay_s for single in singles)
    assert cli.main([*words, "--runs", "2"]) == 0
    assert "2 runs from seed 6" in capsys.readouterr().out


def test_a_loss_is_exit_code_1_and_told_with_the_seed(capsys, monkeypatch):
    async def deaf(self, reverse_path, recipients, message):
        return [None] * len(recipients)

    monkeypatch.setattr(Session, "send", deaf)
    assert cli.main(["simulate", "--boards", "1", "--days", "2", "--seed", "9", "--json"]) == 1
    assert "the seed: 9." in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [["--boards", "0"], ["--days", "-1"], ["--faults", "weather"], ["--scenario", "peace"], ["--seed", "x"]],
)
def test_wrong_usage_is_exit_code_2(words):
    assert cli.main(["simulate", *words]) == 2
