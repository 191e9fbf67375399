"""No secret shows in what the commands print, write and raise, nor in an object as a debugger shows it."""

import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from canary import Search
from certificates import identity
from rich.console import Console

from mailmote_host import cli
from mailmote_host.board import identity as board_identity
from mailmote_host.errors import HostError
from mailmote_host.sign_in.device_code import sign_in
from mailmote_host.sign_in.transport import Answer
from mailmote_host.tenant import tokens
from mailmote_host.tenant.directory import DELEGATED_SCOPE, Application, ClientSecret
from mailmote_host.tenant.faults import FIN
from mailmote_host.tenant.model import Mailbox, Tenant
from mailmote_host.tenant.service import serve
from mailmote_host.tenant.sign_in_faults import Broken, HttpAnswer
from mailmote_host.virtual.board import VirtualBoard
from mailmote_host.virtual.serial_board import SerialBoard

PASSWORD = "Kanarie/Vogel+Gelb&7=Zang~vrij"
CLIENT_SECRET = "kUx8Q~canary.Zr5T_wLq0vYh3nBd-Jm9sPfAeGc"
REFRESH = tokens.refresh_text()
ACCESS = tokens.signed_text({"upn": "mote@contoso.test"}, 2048)
DEVICE = tokens.device_text()
CHAIN_PEM, KEY_PEM = identity()
MAILBOX = "mote@contoso.test"
CLIENT_ID = "11111111-2222-3333-4444-555555555555"
TIMEOUT_S = 60


@pytest.fixture
def search(record_property):
    made = Search(
        {
            "the password": PASSWORD.encode(),
            "the client secret": CLIENT_SECRET.encode(),
            "the refresh token": REFRESH.encode(),
            "the access token": ACCESS.encode(),
            "the device code": DEVICE.encode(),
            "the private key": b"".join(KEY_PEM.splitlines(keepends=True)[1:-1]),
        }
    )
    yield made
    record_property("canary", [made.places, made.octets, len(made.finds)])


# The sign-in with a device code


def json_of(status=200, **answer):
    return HttpAnswer(status, json.dumps(answer).encode())


def refusal(error, text):
    return json_of(400, error=error, error_description=text, error_codes=[70000])


FLOW = json_of(
    device_code=DEVICE,
    user_code="ABCDEFGHJ",
    verification_uri="https://microsoft.test/devicelogin",
    expires_in=900,
    interval=5,
)
ENDS = {
    "good": json_of(access_token=ACCESS, refresh_token=REFRESH, expires_in=3599, token_type="Bearer"),
    "refused": refusal("invalid_grant", f"AADSTS70000: device_code={DEVICE} is not valid."),
    "refused, at the edge": refusal("invalid_grant", f"AADSTS70000: {'x ' * 75}{DEVICE}"),
    "refused, in its name": refusal(DEVICE, ""),
    "a page": HttpAnswer(200, f"<p>{REFRESH}</p>{ACCESS}".encode()),
    "half": HttpAnswer(200, json.dumps({"access_token": ACCESS, "refresh_token": REFRESH}).encode()[:-1]),
    "cut": Broken(900, FIN, json_of(access_token=ACCESS, refresh_token=REFRESH)),
    "no refresh token": json_of(access_token=ACCESS, expires_in=3599),
    "a refresh token that is none": json_of(access_token=ACCESS, refresh_token=[REFRESH]),
    "a refresh token with a blank": json_of(access_token=ACCESS, refresh_token=f"{REFRESH} {REFRESH}"),
    "an odd id token": json_of(access_token=ACCESS, refresh_token=REFRESH, id_token=f"a.{ACCESS}.b"),
    "an odd account": json_of(
        access_token=ACCESS,
        refresh_token=REFRESH,
        id_token=tokens.signed_text({"preferred_username": REFRESH, "aud": CLIENT_ID}),
    ),
    "a redirect": HttpAnswer(302, headers={"Location": f"https://portal.test/?code={DEVICE}&t={REFRESH}"}),
    "busy": HttpAnswer(503, f"{DEVICE} {REFRESH}".encode()),
}


@pytest.mark.filterwarnings("ignore:Attempted too soon")
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("terminal", [False, True], ids=["in a file", "on a terminal"])
def test_the_sign_in_with_a_device_code(tmp_path, end, terminal, capsys, caplog, search):
    caplog.set_level(logging.DEBUG)
    screen = io.StringIO()
    tenant = Tenant(("contoso.test",), [Mailbox(MAILBOX, PASSWORD)], applications=[Application(CLIENT_ID)])
    clock = [0.0]

    def pause(seconds):
        clock[0] += seconds

    with serve(tenant, sign_in_faults=[FLOW, *[ENDS[end]] * 400]) as service:
        authorities = tmp_path / "authorities.pem"
        authorities.write_text(service.ca_pem)
        oauth = {
            "host": "login.microsoftonline.com",
            "port": service.sign_in.port,
            "connect_to": "127.0.0.1",
            "path": "/contoso.test/oauth2/v2.0/token",
            "client_id": CLIENT_ID,
            "scope": DELEGATED_SCOPE,
        }
        console = Console(file=screen, force_terminal=terminal, width=100)
        try:
            token = sign_in(oauth, MAILBOX, console, bundle=authorities, pause=pause, now=lambda: clock[0])
        except HostError as error:
            search.look_at_exception("sign-in", error)
        else:
            assert token == REFRESH.encode()
        assert ("Signed in" in screen.getvalue()) == (end == "good")
        search.look("account of the tenant", service.account())
    search.look("screen", screen.getvalue())
    search.look("log", caplog.text)
    for record in caplog.records:
        search.look_at_repr("log record", (record.msg, record.args))
    search.look("output", "".join(capsys.readouterr()))
    search.look_in_folder(tmp_path)
    search.assert_clean(at_least=6)


# Commands


MOTE_TOML = """
[device]
name = "freezer-3"

[mail]
option = "client-submission"
from = "mote@contoso.test"
to = ["facilities@contoso.test"]
username = "mote@contoso.test"
auth = "oauth-app"
password = "{password}"
key = "{refresh}"

[oauth]
tenant = "contoso.test"
client_id = "{secret}"
secret = "{secret}"
refresh_token = "{refresh}"

[wifi]
ssid = "Plant IoT"
password = "{password}"
"""


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["in words", "json"])
def test_secrets_that_somebody_wrote_into_the_settings(tmp_path, options, capsys, search):
    """They have no place there: the check says so, and does not say them."""
    path = tmp_path / "mote.toml"
    path.write_text(MOTE_TOML.format(password=PASSWORD, secret=CLIENT_SECRET, refresh=REFRESH))
    assert cli.main(["check", str(path), *options]) == 1
    printed = capsys.readouterr()
    assert "password" in printed.out
    search.look("output", printed.out)
    search.look("error output", printed.err)
    search.assert_clean(at_least=2)


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["in words", "json"])
@pytest.mark.parametrize(
    "text",
    [
        f"535 5.7.3 Authentication unsuccessful {ACCESS}",
        f"503 {REFRESH}",
        f"250 2.0.0 {REFRESH}",
        ACCESS,
        json.dumps({"error": "invalid_grant", "error_description": f"AADSTS70000: {REFRESH}"}),
        json.dumps({"error": "no such", "error_description": REFRESH}),
        json.dumps({"access_token": ACCESS, "refresh_token": REFRESH}),
    ],
)
def test_an_explanation_does_not_say_a_token_again(text, options, capsys, monkeypatch, search):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    cli.main(["explain", "-", *options])
    printed = capsys.readouterr()
    assert printed.out + printed.err
    search.look("output", printed.out)
    search.look("error output", printed.err)
    search.assert_clean(at_least=2)


def test_the_sandbox_does_not_say_what_it_was_given(tmp_path, search):
    command = [sys.executable, "-c", "import sys; from mailmote_host.cli import main; sys.exit(main())"]
    ports = [*("--submission-port", "0"), *("--mx-port", "0"), *("--sign-in-port", "0")]
    given = {"MAILMOTE_SANDBOX_PASSWORD": PASSWORD, "MAILMOTE_SANDBOX_CLIENT_SECRET": CLIENT_SECRET}
    process = subprocess.Popen(
        [*command, "sandbox", *ports, "--approve-sign-ins", "--save", "mails"],
        cwd=tmp_path,
        env=os.environ | given,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = ""
    while "--to ops@" not in said:
        said += process.stdout.readline()
    search.look("command line", Path(f"/proc/{process.pid}/cmdline").read_bytes())
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=TIMEOUT_S)
    search.look("output", said + rest)
    search.look("error output", errors)
    search.look_in_folder(tmp_path)
    search.assert_clean(at_least=5)


# Objects


def test_no_object_shows_the_secret_that_it_carries(tmp_path, search):
    application = Application(CLIENT_ID, secrets=[ClientSecret(CLIENT_SECRET)])
    tenant = Tenant(("contoso.test",), [Mailbox(MAILBOX, PASSWORD)], applications=[application])
    issued = tenant.issue(MAILBOX, application)
    search.add("an issued refresh token", issued.refresh.encode())
    search.add("an issued access token", issued.access.encode())
    kept = {"mail.password": PASSWORD.encode(), "oauth.refresh": REFRESH.encode(), "relay.key": KEY_PEM}
    sign_in = tokens.SignIn(CLIENT_ID, MAILBOX, DELEGATED_SCOPE, time.time(), True)
    grant = tokens.DeviceGrant(DEVICE, "ABCDEFGHJ", CLIENT_ID, DELEGATED_SCOPE, 0.0, 5.0)
    things = [
        tenant,
        application,
        issued,
        tenant.vault,
        *tenant.vault.access.values(),
        *tenant.vault.refresh.values(),
        tokens.RefreshToken(REFRESH, sign_in, 0.0),
        grant,
        identity(),
        Answer(200, REFRESH, {}),
        HttpAnswer(400, REFRESH.encode(), raw=ACCESS.encode()),
        Broken(1, answer=HttpAnswer(400, REFRESH.encode())),
        VirtualBoard(tmp_path / "virtual", {}, kept, runtime="cpython"),
    ]
    for thing in things:
        search.look_at_repr(type(thing).__name__, thing)
    with SerialBoard(tmp_path / "serial", {}, kept) as board:
        search.look_at_repr("SerialBoard", board)
    with serve(tenant) as service:
        search.look_at_repr("Service", service)
        search.look_at_repr("Authority", service.authority)
    search.look_in_folder(tmp_path, but=["nvs.json"])
    for chain, key in ((KEY_PEM, KEY_PEM), (CHAIN_PEM, KEY_PEM[:-200]), (CHAIN_PEM, CHAIN_PEM)):
        with pytest.raises(board_identity.IdentityError) as caught:
            board_identity.check(chain, key)
        search.look_at_exception("identity", caught.value)
    search.assert_clean(at_least=80)
