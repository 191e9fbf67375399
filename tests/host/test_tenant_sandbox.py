"""`mailmote sandbox`, as a person starts it."""

import http.client
import json
import os
import re
import signal
import ssl
import subprocess
from urllib.parse import urlencode

import pytest
from mailmote_program import MAILMOTE
from tenant_client import MOTE, OPS, OUTSIDE, RawClient, contoso, transaction, xoauth2

from mailmote_host.tenant import serve
from mailmote_host.tenant.service import Address


class Sandbox:
    def __init__(
        self, folder, *options: str, password: str | None = None, client_secret: str | None = None
    ) -> None:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("MAILMOTE_SANDBOX_")
        }
        if password is not None:
            environment["MAILMOTE_SANDBOX_PASSWORD"] = password
        if client_secret is not None:
            environment["MAILMOTE_SANDBOX_CLIENT_SECRET"] = client_secret
        ports = ["--submission-port", "0", "--mx-port", "0", "--sign-in-port", "0"]
        self.process = subprocess.Popen(
            [*MAILMOTE, "sandbox", *ports, *options],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        told = self.process.stderr if "--json" in options else self.process.stdout
        self.directions = ""
        while "--to ops@contoso.example" not in self.directions:
            line = told.readline()
            assert line, self.process.stderr.read()
            self.directions += line
        told.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def address(self, option: str) -> Address:
        port = re.search(rf"{option}.* port (\d+)", self.directions)
        return Address("127.0.0.1", int(port[1]))

    def line(self) -> str:
        return self.process.stdout.readline()

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=20)
        return self.process.returncode

    def sign_in(self, folder, endpoint: str, **form: str) -> dict:
        """A request at the sign-in endpoint, as the directions say."""
        ca_pem = (folder / "sandbox-ca.pem").read_text()
        context = ssl.create_default_context(cadata=ca_pem)
        address = self.address("Sign-in, OAuth")
        client = http.client.HTTPSConnection(*address, timeout=20, context=context)
        form["client_id"] = re.search(r"client id (\S+)", self.directions)[1]
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        client.request("POST", f"/contoso.example/oauth2/v2.0/{endpoint}", urlencode(form), headers)
        answer = json.loads(client.getresponse().read())
        client.close()
        return answer


def send(sandbox: Sandbox, recipient: str = OPS) -> str:
    with RawClient(sandbox.address("Direct send, relay")) as client:
        client.greet()
        message = f"From: {MOTE}\r\nSubject: =?utf-8?B?w5wgMTIgwrBD?=\r\n\r\nwarm\r\n".encode()
        client.send(*transaction(recipient=recipient, message=message))
        return client.replies(3)[2]


def test_each_mail_is_a_line_and_ctrl_c_ends_it(tmp_path):
    with Sandbox(tmp_path) as sandbox:
        assert send(sandbox).startswith("250")
        assert re.fullmatch(
            rf"1  {MOTE} to {OPS}: \u00dc 12 \u00b0C  \[mx, no TLS, 3 round trips, \d+ octets\]\n",
            sandbox.line(),
        )
        assert (tmp_path / "sandbox-ca.pem").read_text().startswith("-----BEGIN CERTIFICATE-----")
        assert sandbox.interrupt() == 0


def test_the_generated_password_is_told_once_and_signs_in(tmp_path):
    with Sandbox(tmp_path, "--ca-file", "trust/ca.pem") as sandbox:
        password = re.search(r"sign in as mote@contoso.example, password (\S+)", sandbox.directions)[1]
        with RawClient(sandbox.address("Client submission")) as client:
            client.greet()
            client.secure((tmp_path / "trust" / "ca.pem").read_text())
            client.ask("EHLO mote")
            assert client.login(MOTE, password).startswith("235")


def test_a_password_from_the_environment_is_never_printed(tmp_path):
    with Sandbox(tmp_path, password="canary-from-environment") as sandbox:
        assert "canary" not in sandbox.directions
        assert "the password in MAILMOTE_SANDBOX_PASSWORD" in sandbox.directions
        with RawClient(sandbox.address("Client submission")) as client:
            client.greet()
            client.secure((tmp_path / "sandbox-ca.pem").read_text())
            client.ask("EHLO mote")
            assert client.login(MOTE, "canary-from-environment").startswith("235")


def test_the_application_that_is_told_gets_tokens_that_sign_in(tmp_path):
    with Sandbox(tmp_path) as sandbox:
        page = rf"https://127\.0\.0\.1:{sandbox.address('Sign-in, OAuth').port}/devicelogin"
        assert re.search(rf"typed in at {page}\n", sandbox.directions)
        secret = re.search(r"client secret (\S+)", sandbox.directions)[1]
        scope = "https://outlook.office365.com/.default"
        grant = {"grant_type": "client_credentials", "client_secret": secret, "scope": scope}
        token = sandbox.sign_in(tmp_path, "token", **grant)["access_token"]
        with RawClient(sandbox.address("Client submission")) as client:
            client.greet()
            client.secure((tmp_path / "sandbox-ca.pem").read_text())
            client.ask("EHLO mote")
            assert client.ask(xoauth2(MOTE, token)).startswith("235")
            client.send(*transaction())
            assert client.replies(3)[2].startswith("250")


def test_the_applications_switches(tmp_path):
    guid = "11111111-2222-3333-4444-555555555555"
    options = ["--client-id", guid, "--approve-sign-ins", "--no-full-access"]
    with Sandbox(tmp_path, *options, client_secret="canary-from-environment") as sandbox:
        assert "canary" not in sandbox.directions
        assert f"client id {guid}\n" in sandbox.directions
        scope = "https://outlook.office.com/SMTP.Send"
        begun = sandbox.sign_in(tmp_path, "devicecode", scope=scope)
        grant = "urn:ietf:params:oauth:grant-type:device_code"
        poll = {"grant_type": grant, "device_code": begun["device_code"]}
        assert sandbox.sign_in(tmp_path, "token", **poll)["scope"] == scope
        scope = "https://outlook.office365.com/.default"
        grant = {
            "grant_type": "client_credentials",
            "client_secret": "canary-from-environment",
            "scope": scope,
        }
        token = sandbox.sign_in(tmp_path, "token", **grant)["access_token"]
        with RawClient(sandbox.address("Client submission")) as client:
            client.greet()
            client.secure((tmp_path / "sandbox-ca.pem").read_text())
            client.ask("EHLO mote")
            client.ask(xoauth2(MOTE, token))
            client.send(*transaction())
            assert client.replies(3)[2].startswith("430 4.2.0 STOREDRV; mailbox logon failure")
    with Sandbox(tmp_path, "--no-public-client-flows", "--approve-sign-ins") as sandbox:
        begun = sandbox.sign_in(tmp_path, "devicecode", scope="https://outlook.office.com/SMTP.Send")
        poll["device_code"] = begun["device_code"]
        assert sandbox.sign_in(tmp_path, "token", **poll)["error_codes"] == [7000218]


def test_the_application_has_the_same_id_each_time(tmp_path):
    found = []
    for _ in range(2):
        with Sandbox(tmp_path) as sandbox:
            found.append(re.search(r"client id (\S+)", sandbox.directions)[1])
    assert found[0] == found[1]


def test_json_lines_and_saved_mails_and_a_connector(tmp_path):
    with Sandbox(tmp_path, "--json", "--save", "mails/today", "--connector", "127.0.0.0/8") as sandbox:
        assert send(sandbox, OUTSIDE).startswith("250")
        mail = json.loads(sandbox.line())
        assert (mail["endpoint"], mail["recipients"], mail["round_trips"], mail["auth"]) == (
            "mx",
            [OUTSIDE],
            3,
            None,
        )
        assert mail["message"].endswith("\r\n\r\nwarm\r\n")
        [saved] = (tmp_path / "mails" / "today").iterdir()
        assert saved.read_bytes() == mail["message"].encode()
        assert re.fullmatch(r"\d{8}T\d{6}-0001\.eml", saved.name)
        assert sandbox.interrupt() == 0


def test_switches_of_the_tenant(tmp_path):
    with Sandbox(tmp_path, "--reject-direct-send", "--security-defaults") as sandbox:
        assert send(sandbox).startswith("503")  # after the refused recipient
        with RawClient(sandbox.address("Client submission")) as client:
            client.greet()
            client.secure((tmp_path / "sandbox-ca.pem").read_text())
            client.ask("EHLO mote")
            password = re.search(r", password (\S+)", sandbox.directions)[1]
            assert "security defaults policy" in client.login(MOTE, password)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--connector", "everyone"],
            "--connector: 'everyone' does not appear to be an IPv4 or IPv6 network",
        ),
        (["--client-id", "mote"], "--client-id 'mote' is no GUID."),
        (["--host", "192.0.2.1"], "choose another port with --submission-port"),
        (["--ca-file", "/proc/ca.pem"], "cannot write /proc/ca.pem"),
        (["--mx-port", "PORT"], "is taken by another program: choose another port with --mx-port"),
        (["--mx-port", "70000"], "70000 is no port"),
        (["--sign-in-port", "PORT"], "is taken by another program: choose another port with --sign-in-port"),
    ],
)
def test_what_cannot_be_is_one_line_with_the_fix(tmp_path, options, words):
    with serve(contoso()) as other:
        options = [str(other.mx.port) if option == "PORT" else option for option in options]
        ports = ["--submission-port", "0", "--mx-port", "0", "--sign-in-port", "0"]
        command = [*MAILMOTE, "sandbox", *ports, *options]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if line.startswith("mailmote sandbox")]
    assert len(lines) == 1
    assert words in lines[0]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ["--submission-port", "5587", "--mx-port", "5587"],
            "both endpoints are given port 5587: choose another with --mx-port.",
        ),
        (
            ["--submission-port", "5587", "--sign-in-port", "5587"],
            "two endpoints are given port 5587: choose another with --sign-in-port.",
        ),
    ],
)
def test_one_port_for_two_endpoints_is_wrong_usage(tmp_path, options, words):
    done = subprocess.run(
        [*MAILMOTE, "sandbox", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == f"mailmote sandbox: {words}\n"
    assert list(tmp_path.iterdir()) == []
