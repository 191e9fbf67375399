"""No secret shows in what `mailmote doctor` prints; a terminal is asked, and shows nothing of the answer."""

import os
import select
import subprocess
import sys

import pytest
from canary import Search
from doctor_patient import MAILBOX, PASSWORD, SECRET, SITE, Patient, tenant_with

from mailmote_host.doctor.credentials import Secrets
from mailmote_host.tenant import tokens
from mailmote_host.tenant.directory import Lifetimes
from mailmote_host.tenant.faults import Fault, Reply, Stage
from mailmote_host.tenant.service import serve


@pytest.fixture
def search(record_property):
    made = Search({"the password": PASSWORD.encode(), "the client secret": SECRET.encode()})
    yield made
    made.assert_clean(1)
    record_property("canary", [made.places, made.octets, len(made.finds)])


@pytest.fixture
def patient(tmp_path, capsys, monkeypatch):
    return Patient(tmp_path, capsys, monkeypatch)


def test_a_server_that_says_the_password_back(patient, search):
    import base64

    encoded = base64.b64encode(PASSWORD.encode()).decode()
    patient.with_password()
    for said in (PASSWORD, encoded, " ".join(PASSWORD)):
        fault = Fault(Stage("auth"), Reply(f"535 5.7.3 Authentication unsuccessful for {said}"))
        patient.examine("client-submission", mail={"auth": "password"}, expect=1, faults=[fault])
        assert patient.found["sign-in"]["key"] == "bad-token"
        search.look("the report", patient.said)
        fault = Fault(Stage("auth"), Reply(f"235 2.7.0 Welcome {said}"))
        patient.examine("client-submission", mail={"auth": "password"}, faults=[fault])
        search.look("the report", patient.said)


def test_a_server_that_says_the_token_back(patient, search):
    token = tokens.signed_text({"upn": MAILBOX}, 600)
    search.add("a token", token.encode())
    patient.monkeypatch.setenv("MAILMOTE_OAUTH_SECRET", SECRET)
    fault = Fault(Stage("auth"), Reply(f"535 5.7.3 Authentication unsuccessful {token}"))
    patient.examine("client-submission", mail={"auth": "oauth-app"}, oauth={}, expect=1, faults=[fault])
    search.look("the report", patient.said)


def test_refusals_and_objects(patient, search):
    patient.with_password()
    patient.monkeypatch.setenv("MAILMOTE_OAUTH_SECRET", SECRET)
    tenant = tenant_with(security_defaults=True)
    patient.examine("client-submission", mail={"auth": "password"}, tenant=tenant, expect=1)
    search.look("the report", patient.said)
    search.look_at_repr("what was handed over", Secrets(PASSWORD, SECRET, (b"chain", PASSWORD.encode())))


class Terminal:
    """The command on a terminal of its own, with a person before it. Where it is asked, it answers."""

    def __init__(self, patient, *arguments):
        import pty

        self.said = ""
        self._end, program_end = pty.openpty()
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "mailmote_host",
                "doctor",
                str(patient.toml),
                "--no-blocklists",
                *arguments,
            ],
            stdin=program_end,
            stdout=program_end,
            stderr=program_end,
            close_fds=True,
        )
        os.close(program_end)

    def answer(self, question, text):
        self._read_until(question)
        os.write(self._end, text.encode() + b"\n")

    def finish(self):
        """Its exit code, once it has ended."""
        self._read_until(None)
        os.close(self._end)
        return self._process.wait(timeout=30)

    def _read_until(self, words):
        while words is None or words not in self.said:
            ready, _, _ = select.select([self._end], [], [], 30)
            assert ready, f"it waits for something else than {words!r}:\n{self.said}"
            try:
                data = os.read(self._end, 4096)
            except OSError:  # what Linux says when the other end has gone
                data = b""
            if not data:
                assert words is None, f"it ended without {words!r}:\n{self.said}"
                return
            self.said += data.decode()


def test_on_a_terminal_it_asks_for_the_password_and_for_leave_to_send(patient, search):
    with serve(tenant_with()) as service:
        mail = {"auth": "password"}
        patient.write("client-submission", service.submission, service, mail)
        terminal = Terminal(patient)
        terminal.answer(f"Password of {MAILBOX}", PASSWORD)
        terminal.answer("Send a test mail to 1 recipient for real?", "y")
        terminal.finish()
        assert "LOGIN as mote@contoso.com: 235" in " ".join(terminal.said.split())
        [message] = service.wait_for(1)
        assert message.recipients == ["ops@contoso.com"]
        search.look("the terminal", terminal.said)


def test_an_empty_password_skips_and_nothing_is_sent_without_a_yes(patient):
    with serve(tenant_with()) as service:
        patient.write("client-submission", service.submission, service, {"auth": "password"})
        terminal = Terminal(patient)
        terminal.answer(f"Password of {MAILBOX}", "")
        terminal.finish()
        assert "No password of mote@contoso.com was given" in " ".join(terminal.said.split())
        patient.write("direct-send", service.mx, service, {})
        terminal = Terminal(patient)
        terminal.answer("Send a test mail", "")
        terminal.finish()
        assert service.messages == []


def test_a_sign_in_in_a_browser(patient, search):
    with serve(tenant_with(approves_as=MAILBOX, lifetimes=Lifetimes(interval_s=1))) as service:
        patient.write("client-submission", service.submission, service, {"auth": "oauth-device"}, {})
        terminal = Terminal(patient, "--no-test-mail", "--public-address", SITE)
        terminal.answer(f"Sign in as {MAILBOX} in a browser now?", "y")
        terminal.finish()
        assert "XOAUTH2 as mote@contoso.com: 235" in " ".join(terminal.said.split())
        assert [attempt.grant for attempt in service.sign_ins][-1] == "refresh_token"
    search.look("the terminal", terminal.said)
