"""Connections cut at every octet: nothing is lost, and nothing comes twice but what may have.

An alert goes from the firmware's outbox to the tenant; the first connection is cut, the next ones are whole.
A duplicate is right only where the tenant had the whole message and the board not the whole final reply, and
then with the same Message-ID. In memory it is every octet of the dialogue (with `-m soak`; a sample without);
over loopback, with real sockets and TLS, a sample on both runtimes. The run ends with the sums.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter

import pytest
from cut_bugs import BUGS
from cut_cases import INSIDE, OUTSIDE, PASSWORD, SENDER, Case, cases, faults, judge, tenant
from cut_line import DOWN, FIN, RST, SILENCE, UP, Cut
from cut_network import deliver
from cut_proxy import Proxy
from sessions import FIRMWARE, HERE, RUNTIMES

from mailmote_host.simulate.loop import VirtualLoop
from mailmote_host.tenant import texts
from mailmote_host.tenant.service import serve
from mailmote_host.virtual import interpreter

CASES = cases()
STRIDE = 29  # of a sample in memory
MEMORY = "/dev/shm"  # of Linux
IN_MEMORY = "in memory, CPython"
BUGGY = (
    "direct send, BDAT in one flight, 3",
    "client submission, DATA in lock step, 1",
    "5 alerts, then 3 more",
)  # what the planted bugs are looked for in
EDGE_OCTETS = 6  # of the end of the final reply that a sample always has
LAST_OCTETS = 300  # to the board over TLS: the final reply and the answer to QUIT
NAMES = {"cpython": "CPython", "micropython": "MicroPython"}


@pytest.fixture
def loop(monkeypatch):
    """A loop of virtual time. The outbox is in a folder in memory, where the system has a place for one."""
    made = VirtualLoop()
    asyncio.set_event_loop(made)
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        monkeypatch.chdir(folder)
        yield made
    asyncio.set_event_loop(None)
    made.close()


def judged(case, loop, cut=None):
    attempt, network = deliver(loop, case, cut)
    return judge(case, attempt.settled, attempt.failures, attempt.waiting, network.messages, network.heard)


def lengths(case, loop):
    """(octets of each way, places where cuts matter most) of a dialogue without a cut."""
    attempt, network = deliver(loop, case)
    assert not attempt.failures
    assert not attempt.waiting
    line = network.lines[0]
    edges = []
    for (number, message), place in zip(network.messages, network.places, strict=True):
        if number:
            continue  # of what is raised later
        answer = message.result.encode() + b"\r\n"
        end = bytes(line.heard).index(answer) + len(answer)
        edges += [(UP, place.up + more) for more in (-2, -1, 0, 1)]
        edges += [(DOWN, end - len(answer) - 1), (DOWN, end - len(answer))]
        edges += [(DOWN, end + more) for more in range(-EDGE_OCTETS, 2)]
    return line.carried, edges


def every_place(carried):
    return [(way, after) for way in (UP, DOWN) for after in range(carried[way] + 1)]


def sample(carried, edges, shift):
    """Of each kind the places that matter most; of the others one in STRIDE, of one kind each."""
    kinds = (FIN, RST, FIN, RST, SILENCE)
    cuts = {Cut(*edge, kind) for edge in edges for kind in (FIN, RST, SILENCE)}
    for index, place in enumerate(every_place(carried)[shift % STRIDE :: STRIDE]):
        cuts.add(Cut(*place, kinds[(index + shift) % len(kinds)]))
    return sorted(cuts)


class Sum:
    """What many cuts came to."""

    def __init__(self, way, record_property):
        self.total = Counter()
        self._wrong = []
        self._way = way
        self._record = record_property

    def add(self, cut, found, *told):
        self.total += found
        if faults(found) or found["duplicates"] != found["in the window"]:
            self._wrong.append((cut, dict(found), *told))

    def close(self, cuts):
        """Tell it to the table. So many there must have been, and all clean."""
        self._record("network cuts", [self._way, dict(self.total)])
        assert not self._wrong, f"{len(self._wrong)} cuts are wrong, the first of them: {self._wrong[:3]}"
        assert self.total["cuts"] == cuts
        assert self.total["in the window"]


@pytest.mark.parametrize("name", CASES)
def test_a_sample_of_all_cuts(name, loop, record_property):
    case, total = CASES[name], Sum(IN_MEMORY, record_property)
    carried, edges = lengths(case, loop)
    cuts = sample(carried, edges, list(CASES).index(name))
    for cut in cuts:
        total.add(cut, judged(case, loop, cut))
    total.close(len(cuts))


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("kind", "stride"), [(FIN, 1), (RST, 1), (SILENCE, 7)])
@pytest.mark.parametrize("name", CASES)
def test_a_cut_at_every_octet(name, kind, stride, loop, record_property):
    case, total = CASES[name], Sum(IN_MEMORY, record_property)
    carried, _ = lengths(case, loop)
    places = every_place(carried)[::stride]
    for place in places:
        cut = Cut(*place, kind)
        total.add(cut, judged(case, loop, cut))
    total.close(len(places))


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_caught(bug, loop, record_property):
    plant, finds = BUGS[bug]
    cuts = [(name, cut) for name in BUGGY for cut in sample(*lengths(CASES[name], loop), 0)]
    with plant():
        caught = any(judged(CASES[name], loop, cut)[finds] for name, cut in cuts)
    record_property("network cuts", ["planted", {"caught": int(caught)}])
    assert caught


# Over real sockets


class Client:
    """cut_client.py on one of the runtimes, for one job after the other."""

    def __init__(self, runtime, folder, ca_der):
        (folder / "ca").mkdir()
        (folder / "ca" / "0.der").write_bytes(ca_der)
        command = [sys.executable] if runtime == "cpython" else [*interpreter.find(), "-X", "heapsize=1M"]
        entries = f"{FIRMWARE}:{HERE}"
        self._process = subprocess.Popen(
            [*command, str(HERE / "cut_client.py"), entries, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def ask(self, job):
        """The outcome."""
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        said = []
        for line in self._process.stdout:
            if line.startswith("\x1e"):
                return json.loads(line[1:])
            said.append(line)
        raise AssertionError("".join(said))


class Loopback:
    """A case between the client and a tenant's service, with the proxy between them."""

    def __init__(self, case, client, service, proxy):
        self._case = case
        self._client = client
        self._service = service
        self._proxy = proxy
        self._job = {
            "mail": case.mail | {"port": proxy.port},
            "recipients": case.recipients,
            "alarms": case.alarms,
            "later": case.later,
        }
        if case.mail["auth"] != "none":
            self._job |= {"username": SENDER, "password": PASSWORD}

    def judged(self, cut=None):
        seen, told = len(self._service.sessions), len(self._service.messages)
        self._proxy.cut = cut
        outcome = self._client.ask(self._job)
        connections = len(outcome["heard"])
        self._service.wait_for_endings(seen + connections)
        sessions = self._service.sessions[seen:]
        messages = [(sessions.index(one.session), one) for one in self._service.messages[told:]]
        heard = [text.encode() for text in outcome["heard"]]
        found = judge(
            self._case, outcome["settled"], outcome["failures"], outcome["waiting"], messages, heard
        )
        return found, outcome


LOOPBACK = {
    "direct send, BDAT": Case("direct send", (), INSIDE[:1]),
    "direct send, DATA": Case("direct send", ("CHUNKING", "PIPELINING"), INSIDE),
    "SMTP relay, BDAT": Case("SMTP relay", (), OUTSIDE),
    "client submission, BDAT": Case("client submission", (), OUTSIDE),
    "client submission, DATA": Case("client submission", ("CHUNKING",), OUTSIDE[:1]),
}


def spread(places, count):
    """So many of them, evenly."""
    return [places[index * len(places) // count] for index in range(min(count, len(places)))]


def run_loopback(name, runtime, folder, count, record_property):
    """So many cuts, two thirds of them anywhere and one third where the final reply comes."""
    case, total = LOOPBACK[name], Sum(f"over loopback, {NAMES[runtime]}", record_property)
    with (
        serve(tenant(time.time), hide=case.hide, patience_s=0.05) as service,
        Client(runtime, folder, service.ca_der) as client,
        Proxy(service.mx if case.endpoint == texts.MX else service.submission) as proxy,
    ):
        loopback = Loopback(case, client, service, proxy)
        whole, _ = loopback.judged()
        assert not faults(whole)
        places = every_place(proxy.carried[0])
        cuts = spread(places, count - count // 3) + spread(places[-LAST_OCTETS:], count // 3)
        for index, (way, after) in enumerate(cuts):
            cut = Cut(way, after, (FIN, RST)[index % 2])
            total.add(cut, *loopback.judged(cut))
    total.close(len(cuts))


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", LOOPBACK)
def test_a_sample_over_real_sockets(name, runtime, tmp_path, record_property):
    run_loopback(name, runtime, tmp_path, 45, record_property)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", LOOPBACK)
def test_many_cuts_over_real_sockets(name, runtime, tmp_path, record_property):
    run_loopback(name, runtime, tmp_path, 1500 if runtime == "cpython" else 600, record_property)
