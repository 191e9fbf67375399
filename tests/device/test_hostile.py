"""What a client must survive: each case of hostile_tls.py and hostile_smtp.py, on both runtimes.

The run ends with a table of the cases (tests/hostile_table.py). The cases of a row run in one process of the
client, so a case also shows that the one before it left nothing behind.
"""

import base64
import re
from types import SimpleNamespace

import hostile_smtp
import hostile_tls
import pytest
from certificates import root_der
from hostile_case import DELIVERED, Case
from hostile_server import Server, serve
from hostile_table import table
from sessions import RUNTIMES, message, run_jobs

from mailmote import explanations

ROWS = hostile_tls.ROWS | hostile_smtp.ROWS
CASES = [(row, case) for row, cases in ROWS.items() for case in cases]
PASSWORD = "canary-password"
SIGN_IN = {"username": "mote@contoso.test", "password": PASSWORD}
SECRETS = (PASSWORD.encode(), base64.b64encode(PASSWORD.encode()))


def job_of(case: Case, number: int, port: int) -> dict:
    """The job of the client for one connection."""
    changes = dict(case.jobs[number])
    mail = {"host": "mail.contoso.test", "connect_to": "127.0.0.1", "port": port, "tls": "required"}
    mail |= changes.pop("mail", {})
    job = {"mail": mail, "messages": [message()]}
    return job | ({} if mail["tls"] == "none" else SIGN_IN) | changes


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What became of the cases of a row on a runtime: for each item its outcomes, and the server."""
    done: dict[tuple[str, str], dict[str, tuple[list[dict], Server]]] = {}

    def run_row(row: str, runtime: str):
        if (row, runtime) not in done:
            cases = [case for case in ROWS[row] if runtime not in case.not_on]
            with serve(*(case.behave for case in cases)) as servers:
                jobs = [
                    job_of(case, number, server.port)
                    for case, server in zip(cases, servers, strict=True)
                    for number in range(len(case.jobs))
                ]
                outcomes = iter(run_jobs(runtime, tmp_path_factory.mktemp("hostile"), jobs, root_der()))
            done[row, runtime] = {
                case.item: ([next(outcomes) for _ in case.jobs], server)
                for case, server in zip(cases, servers, strict=True)
            }
        return done[row, runtime]

    return run_row


def summary(outcome: dict) -> str:
    """An outcome in a word or two for each recipient, as the cases have it."""
    if outcome["failure"]:
        return "{class} {key}".format(**outcome["failure"])
    told = [
        "{class} {key}".format(**error) if error else DELIVERED for row in outcome["results"] for error in row
    ]
    return DELIVERED if set(told) == {DELIVERED} else ", ".join(told)


def errors(outcome: dict) -> list[dict]:
    return [error for row in (*outcome["results"], [outcome["failure"]]) for error in row if error]


def is_explained(error: dict) -> bool:
    """The text says what happened and why, and ends with what to do: the words of its key."""
    cause, fix = explanations.explain(error["key"])
    if not cause:
        return error["key"] == "header" and error["text"][-1] == "."
    pattern = re.escape(cause).replace("%s", ".*").replace("%d", r"\d+").replace("%r", ".*")
    return re.fullmatch(f".*{pattern} {re.escape(fix)}", error["text"]) is not None


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(("row", "case"), CASES, ids=[f"{row}: {case.item}" for row, case in CASES])
def test_survived(row, case, runtime, run, record_property):
    told = list(
        dict.fromkeys(word for number in range(len(case.jobs)) for word in sorted(case.told_of(number)))
    )
    record_property("hostile", [CASES.index((row, case)), row, case.item, runtime, " / ".join(told)])
    if runtime in case.not_on:
        pytest.skip(case.not_on[runtime])
    outcomes, server = run(row, runtime)[case.item]
    for number, outcome in enumerate(outcomes):
        assert summary(outcome) in case.told_of(number), (number, outcome)
        for error in errors(outcome):
            assert case.words_of(runtime) in error["text"]
            assert is_explained(error), error["text"]
            assert not any(secret.decode() in error["text"] for secret in SECRETS)
    assert not any(secret in server.heard for secret in SECRETS)
    if case.in_clear is not None:
        spoken, _, handshake = server.heard.partition(b"\x16\x03")
        assert spoken == case.in_clear
        assert not any(word in handshake for word in (b"AUTH", b"MAIL", b"EHLO"))
    case.check(server)


def test_the_table_shows_what_failed_and_why_something_cannot_be():
    def report(place, item, runtime, outcome, reason=None):
        properties = [("hostile", [place, "Row", item, runtime, "RetryLater timeout"])]
        return SimpleNamespace(user_properties=properties, outcome=outcome, longrepr=("path", 1, reason))

    lines = table(
        [
            report(1, "two", "cpython", "skipped", "Skipped: it has no socket"),
            report(0, "one", "micropython", "failed"),
            report(0, "one", "cpython", "passed"),
        ]
    )
    assert [line.split() for line in lines[1:3]] == [
        ["Row", "one", "yes", "NO", "RetryLater", "timeout"],
        ["two", "cannot", "-", "RetryLater", "timeout"],
    ]
    assert lines[-1] == "Row, two: cpython cannot: it has no socket."
