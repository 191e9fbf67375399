"""The parts of the simulation: virtual time, the flash, the network, the plan, the oracle."""

import asyncio
import itertools
import random
from types import SimpleNamespace

import pytest

from mailmote import agent, compat, log, supervisor
from mailmote.errors import SensorError
from mailmote.net import clock
from mailmote.store import outbox
from mailmote_host.simulate import board, rates
from mailmote_host.simulate.flash import Files, Flash, PowerCut
from mailmote_host.simulate.loop import Idle, VirtualLoop
from mailmote_host.simulate.network import FIN, POWER_LOST, RST, SILENCE, Connection, Cut, Route
from mailmote_host.simulate.oracle import UNEXPLAINED, Acceptance, Key, Oracle
from mailmote_host.simulate.plan import FAULTS, Plan, Window, Windows
from mailmote_host.simulate.sensor import CALM, Freezer


def played(work):
    """Run a coroutine function, which takes the loop, in virtual time."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work(loop))
    finally:
        loop.close()


# Time


def test_time_jumps_and_timers_fire_in_their_order():
    async def work(loop):
        seen = []
        for delay_s in (86400 * 30, 5, 0.25):
            loop.call_later(delay_s, lambda delay_s=delay_s: seen.append((delay_s, loop.time())))
        await asyncio.sleep(86400 * 31)
        return seen

    assert played(work) == [(0.25, 0.25), (5, 5.0), (86400 * 30, 86400.0 * 30)]


def test_a_wait_that_nothing_can_end_is_an_error():
    with pytest.raises(Idle):
        played(lambda loop: asyncio.Event().wait())


# Flash


def files(flash=None):
    return Files(flash or Flash(), lambda: None)


def write(medium, path, content):
    with medium.open(path, "wb") as file:
        file.write(content)


def read(medium, path):
    with medium.open(path, "rb") as file:
        return file.read()


def after_power_cut(medium):
    medium.dead = True
    return files(medium.flash)


def test_what_is_not_closed_is_lost_with_the_power():
    medium = files()
    write(medium, "kept", b"old")
    held = [medium.open(path, "wb") for path in ("kept", "new")]
    for file in held:
        file.write(b"something")
    again = after_power_cut(medium)
    assert read(again, "kept") == b"old"
    assert read(again, "new") == b""


def test_what_is_flushed_stays():
    medium = files()
    file = medium.open("a", "wb")
    file.write(b"one")
    file.flush()
    file.write(b"two")
    assert read(after_power_cut(medium), "a") == b"one"


def test_an_exception_in_a_with_keeps_the_half_as_on_littlefs():
    medium = files()

    def fails():
        with medium.open("a", "wb") as file:
            file.write(b"half")
            raise ValueError

    with pytest.raises(ValueError):
        fails()
    assert read(after_power_cut(medium), "a") == b"half"


def test_a_rename_replaces():
    medium = files()
    medium.mkdir("folder")
    write(medium, "a", b"new")
    write(medium, "folder/b", b"old")
    medium.rename("a", "folder/b")
    assert medium.listdir() == ["folder"]
    assert medium.listdir("folder") == ["b"]
    assert read(medium, "folder/b") == b"new"


def test_what_is_missing_raises_as_a_filesystem_does():
    medium = files()
    for call in (
        lambda: medium.open("none", "rb"),
        lambda: medium.open("none/file", "wb"),
        lambda: medium.remove("none"),
        lambda: medium.rename("none", "other"),
        lambda: medium.listdir("none"),
        lambda: medium.stat("none"),
    ):
        with pytest.raises(FileNotFoundError):
            call()
    medium.mkdir("folder")
    with pytest.raises(FileExistsError):
        medium.mkdir("folder")


def store(medium):
    """As the outbox writes a record: creating, closing, renaming."""
    write(medium, "tmp", b"record")
    medium.rename("tmp", "record")


@pytest.mark.parametrize("whole", [False, True])
def test_a_fuse_cuts_before_or_after_each_operation(whole):
    left = []
    for operation in (1, 2, 3):
        medium = files()
        medium.set_fuse(operation, whole)
        with pytest.raises(PowerCut):
            store(medium)
        with pytest.raises(PowerCut):
            medium.listdir()
        left.append(medium.flash.contents)
    before = [{}, {"tmp": b""}, {"tmp": b"record"}]
    after = [*before[1:], {"record": b"record"}]
    assert left == (after if whole else before)


# Network


class Server(asyncio.Protocol):
    """Answers each octet with two, and keeps what it sees."""

    def __init__(self):
        self.heard = b""
        self.end = []

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.heard += data
        self.transport.write(data * 2)

    def eof_received(self):
        self.end.append("eof")

    def connection_lost(self, error):
        self.end.append(type(error))


def connected(loop, cut=None, open_at=lambda when_s: when_s):
    connection = Connection(loop, Route(0.05, open_at), "10.1.0.1", None)
    if cut:
        connection.cut_at(cut)
    server = Server()
    connection.server.begin(server)
    return connection, server


def test_octets_come_in_order_and_late():
    async def work(loop):
        connection, server = connected(loop)
        for piece in (b"ab", b"c"):
            connection.write(piece)
        answer = await connection.reader.readexactly(6)
        return answer, server.heard, loop.time()

    answer, heard, now_s = played(work)
    assert (answer, heard) == (b"ababcc", b"abc")
    assert now_s == pytest.approx(0.1)


def test_an_outage_holds_octets_back_and_loses_none():
    async def work(loop):
        connection, _ = connected(loop, open_at=Windows([Window(0, 300)]).open_at)
        connection.write(b"a")
        return await connection.reader.readexactly(2), loop.time()

    answer, now_s = played(work)
    assert answer == b"aa"
    assert now_s == pytest.approx(300.1)


@pytest.mark.parametrize("octets", range(4))
@pytest.mark.parametrize("to_server", [True, False])
@pytest.mark.parametrize("how", [FIN, RST, SILENCE])
def test_a_cut_comes_after_its_octet(octets, to_server, how):
    async def work(loop):
        connection, server = connected(loop, Cut(to_server, octets, how))
        connection.write(b"ab")
        await asyncio.sleep(10)
        heard = b""
        try:
            async with asyncio.timeout(1):
                heard = await connection.reader.read(100)
        except (TimeoutError, ConnectionResetError) as error:
            heard = type(error)
        return connection, server, heard

    connection, server, heard = played(work)
    if to_server and octets > 2:
        assert (connection.fate, heard, server.heard) == ("", b"abab", b"ab")
        return
    assert connection.fate == how
    assert server.heard == b"ab"[:octets] if to_server else b"ab"
    arrived = b"" if to_server else b"abab"[:octets]
    wanted = {FIN: arrived, RST: ConnectionResetError, SILENCE: arrived or TimeoutError}
    assert heard == wanted[how]
    assert server.end == {FIN: ["eof", type(None)], RST: [ConnectionResetError], SILENCE: []}[how]


def test_a_reply_is_marked_when_it_has_arrived_whole():
    async def work(loop):
        connection, _ = connected(loop, Cut(False, 3, FIN))
        passed = []
        for octets in (2, 3, 4):
            connection.to_client.mark(octets, lambda octets=octets: passed.append(octets))
        connection.write(b"ab")
        await asyncio.sleep(1)
        return passed

    assert played(work) == [2, 3]


# Plan


def test_windows_tell_the_first_moment_that_is_open():
    windows = Windows([Window(10, 20, "a"), Window(30, 40, "b")])
    assert [windows.open_at(when_s) for when_s in (0, 10, 19.5, 20, 35, 40)] == [0, 20, 20, 20, 40, 40]
    assert windows.at(35).what == "b"
    assert windows.at(20) is None


@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_can_be_had_alone(kind):
    made = Plan(3, 30, (kind,))
    found = {
        "power": bool(made.power(0)),
        "network": bool(list(made.outages) and list(made.wifi)),
        "tenant": bool(list(made.tenant) and list(made.sign_in)),
        "clock": bool(list(made.ntp)) and made.drift(0) != 0,
    }
    assert found == {name: name == kind for name in FAULTS}


@pytest.mark.parametrize("seed", range(10))
def test_everything_ends_with_the_last_day(seed):
    made = Plan(seed, 30, FAULTS)
    windows = itertools.chain(made.outages, made.wifi, made.tenant, made.sign_in, made.ntp)
    assert max(window.end_s for window in windows) <= made.end_s
    assert all(fault.at_s < made.end_s for fault in made.power(1))
    chance = random.Random(seed)
    assert not any(made.cut(chance, made.end_s) or made.cuts_reply(chance, made.end_s) for _ in range(100))
    assert any(made.cut(chance, made.end_s - 1) for _ in range(100))


def test_a_seed_is_always_the_same_plan():
    first, again, other = (Plan(seed, 30, FAULTS) for seed in (5, 5, 6))
    assert list(first.outages) == list(again.outages) != list(other.outages)
    assert first.power(2) == again.power(2) != first.power(3)


# Sensors


def test_a_freezer_has_its_troubles_and_is_calm_in_the_end():
    end_s = 5 * 86400
    freezer = Freezer(random.Random(1), end_s, 6.0, [(40000.0, 50000.0)])
    values, failures = [], 0
    for now_s in range(0, end_s, 60):
        try:
            values.append(freezer.read(now_s))
        except SensorError:
            failures += 1
    assert failures
    assert min(values) < -19
    assert max(values) > -12
    assert freezer.read(end_s) == CALM


# Rates


def test_the_peak_is_that_of_any_minute():
    counted = rates.Rates([0, 59, 59.5, 60, 119.4])
    assert counted.peak == 3
    assert rates.Rates([]).peak == 0


def test_how_long_the_limit_was_exceeded():
    slow = [2.0 * number for number in range(100)]
    assert rates.Rates(slow).longest_above(30) == 0
    fast = [1.0 * number for number in range(100)]
    assert rates.Rates(fast).longest_above(30) == 69
    assert rates.Rates([1.0] * 60).longest_above(30) == 0


def test_a_share_is_one_mail_an_interval_but_for_one_that_was_held_up():
    assert not rates.too_fast([0, 100, 200, 300], 100)
    assert not rates.too_fast([0, 190, 200, 300], 100)
    assert rates.too_fast([0, 50, 100, 150], 100)


# Oracle


def world(fate="", broke_s=0.0, left_s=None, wrote_s=0.0, ended_s=None):
    life = SimpleNamespace(board=SimpleNamespace(number=1), ended_s=ended_s)
    connection = SimpleNamespace(fate=fate, broke_s=broke_s, client_left=left_s, client_wrote=wrote_s)
    return life, connection


def accepted(oracle, message_id, at_s, replied_s, recipients=("ops",), **more):
    mail = Acceptance(at_s, *world(**more), message_id, recipients)
    mail.replied_s = replied_s
    oracle.accepted(mail)
    return mail


def oracle_with(*identities, recipients=("ops",)):
    oracle = Oracle()
    for identity in identities:
        oracle.raised(Key(1, identity), "too warm", recipients, 0.0)
        oracle.composed(1, f"<{identity}>", (Key(1, identity),))
    return oracle


def test_an_event_is_lost_until_each_recipient_has_it():
    oracle = oracle_with(7, recipients=("ops", "oncall"))
    accepted(oracle, "<7>", 1.0, 1.1)
    assert len(oracle.lost) == 1
    accepted(oracle, "<7>", 2.0, 2.1, ("oncall",))
    assert oracle.lost == []
    assert oracle.events[0].delivered_s == 2.0
    assert oracle.duplicates == {}


def test_a_digest_and_a_merged_record_tell_all_that_is_in_them():
    oracle = oracle_with(1, 2, 3)
    oracle.merged([Key(1, 1), Key(1, 2)], Key(1, 9))
    oracle.composed(1, "<digest>", (Key(1, 9), Key(1, 3)))
    accepted(oracle, "<digest>", 1.0, 1.1)
    assert oracle.lost == []


def test_a_mail_that_no_board_made_is_unexplained():
    oracle = oracle_with(1)
    accepted(oracle, "<other>", 1.0, 1.1)
    assert oracle.unexplained == 1


@pytest.mark.parametrize(
    ("replied_s", "more", "explained"),
    [
        (1.1, {}, False),
        (None, {}, False),
        (None, {"fate": SILENCE}, True),
        (None, {"fate": POWER_LOST, "ended_s": 1.0}, True),
        (None, {"left_s": 700.0, "wrote_s": 0.5}, True),
        (None, {"left_s": 30.0, "wrote_s": 0.5}, False),
        (1.1, {"fate": RST, "broke_s": 1.1}, True),
        (1.1, {"fate": RST, "broke_s": 5.0}, False),
        (1.1, {"fate": FIN, "broke_s": 1.1}, False),
        (1.1, {"ended_s": 1.1}, True),
        (1.1, {"ended_s": 90.0}, False),
    ],
)
def test_a_duplicate_needs_an_interruption_between_the_mail_and_its_reply(replied_s, more, explained):
    oracle = oracle_with(1)
    accepted(oracle, "<1>", 1.0, replied_s, **more)
    accepted(oracle, "<1>", 800.0, 800.1)
    assert sum(oracle.duplicates.values()) == 1
    assert (UNEXPLAINED not in oracle.duplicates) == explained


def test_one_interruption_explains_one_duplicate():
    oracle = oracle_with(1)
    accepted(oracle, "<1>", 1.0, None, fate=SILENCE)
    accepted(oracle, "<1>", 2.0, 2.1)
    accepted(oracle, "<1>", 3.0, 3.1)
    assert oracle.duplicates == {f"the connection {SILENCE}, before the reply": 1, UNEXPLAINED: 1}


def test_a_mail_that_is_taken_late_explains_itself():
    """The board gave it up, sent it again with success, and then the tenant took the first one, too."""
    oracle = oracle_with(1)
    accepted(oracle, "<1>", 1.0, 1.1)
    accepted(oracle, "<1>", 700.0, None, left_s=600.0, wrote_s=0.0)
    assert oracle.unexplained == 0
    accepted(oracle, "<1>", 800.0, 800.1)
    assert oracle.unexplained == 1


# The firmware


def replaced():
    box = outbox.Outbox
    return agent.Supervisor, supervisor.Heartbeat, outbox.os, box.enqueue, compat.unix_time, log.level


def test_the_firmware_is_itself_again_after_a_run():
    before = replaced()
    with board.installed(Oracle(), []):
        assert all(now is not then for now, then in zip(replaced(), before, strict=True))
        assert agent.clock is not clock
        assert hasattr(outbox, "open")
    assert replaced() == before
    assert agent.clock is clock
    assert not hasattr(outbox, "open")
