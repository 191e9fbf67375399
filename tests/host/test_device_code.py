"""Signing a board in with a device code, by msal, against the fake tenant: no network, and nothing waits."""

import gc
import io
import json
import logging
import os
import re
import socket
import ssl
from collections.abc import Callable

import pytest
from rich.console import Console

from mailmote import explanations
from mailmote_host.errors import HostError, UsageError
from mailmote_host.sign_in.device_code import sign_in
from mailmote_host.sign_in.transport import Transport
from mailmote_host.tenant.ca import Authority
from mailmote_host.tenant.directory import DELEGATED_SCOPE, Application
from mailmote_host.tenant.faults import FIN, RST
from mailmote_host.tenant.model import Mailbox, Tenant
from mailmote_host.tenant.service import serve
from mailmote_host.tenant.sign_in_faults import Broken, HttpAnswer

# The clock of these tests is not that by which msal knows whether it asks too soon.
pytestmark = pytest.mark.filterwarnings("ignore:Attempted too soon")

CLIENT_ID = "11111111-2222-3333-4444-555555555555"
MAILBOX = "mote@contoso.test"
OTHER = "admin@contoso.test"
CODE = re.compile(r"(?<![A-Z2-9])[A-Z2-9]{9}(?![A-Z2-9])")
FIRST = ["devicecode"]
POLL = ["device_code"]


class Clock:
    """Time that only passes when somebody waits; what is due then happens."""

    def __init__(self):
        self.now_s = 1_700_000_000.0
        self.due: list[tuple[float, Callable[[], object]]] = []

    def __call__(self):
        return self.now_s

    def pause(self, seconds):
        self.now_s += seconds
        for entry in [entry for entry in self.due if entry[0] <= self.now_s]:
            self.due.remove(entry)
            entry[1]()


class Desk:
    """A person before this computer and a browser, and the tenant."""

    def __init__(self, service, authorities, terminal=False):
        self.service = service
        self.tenant = service.tenant
        self.clock = service.tenant.clock
        self.authorities = authorities
        self.screen = io.StringIO()
        self.console = Console(file=self.screen, force_terminal=terminal, width=100)
        self.oauth = {
            "host": "login.microsoftonline.com",
            "port": service.sign_in.port,
            "connect_to": "127.0.0.1",
            "path": "/contoso.test/oauth2/v2.0/token",
            "client_id": CLIENT_ID,
            "scope": DELEGATED_SCOPE,
            "secret": "oauth.refresh",
        }

    @property
    def shown(self):
        return self.screen.getvalue()

    def code(self):
        """As a person reads it off the screen."""
        return CODE.search(self.shown)[0]

    def after(self, seconds, act):
        self.clock.due.append((self.clock.now_s + seconds, act))

    def approve_after(self, seconds, address=MAILBOX):
        self.after(seconds, lambda: self.tenant.approve(self.code(), address))

    def sign_in(self, **options):
        options = {"bundle": self.authorities, **options}
        return sign_in(self.oauth, MAILBOX, self.console, pause=self.clock.pause, now=self.clock, **options)

    def fail(self, **options):
        """The words of the failure."""
        with pytest.raises(HostError) as caught:
            self.sign_in(**options)
        return str(caught.value)

    def requests(self):
        return [attempt.grant for attempt in self.service.sign_ins]


@pytest.fixture
def make_desk(tmp_path):
    services = []

    def make(terminal=False, **tenant):
        application = tenant.pop("application", Application(CLIENT_ID))
        mailboxes = [Mailbox(MAILBOX, "canary-password"), Mailbox(OTHER, "canary-password")]
        one = Tenant(("contoso.test",), mailboxes, applications=[application], clock=Clock(), **tenant)
        context = serve(one)
        service = context.__enter__()
        services.append(context)
        authorities = tmp_path / "authorities.pem"
        authorities.write_text(service.authority.root_pem)
        return Desk(service, authorities, terminal)

    yield make
    for context in services:
        context.__exit__(None, None, None)


@pytest.fixture
def desk(make_desk):
    return make_desk()


def open_connections():
    """This process's own, as a client; the tenant's are of another class."""
    return [one for one in gc.get_objects() if isinstance(one, ssl.SSLSocket) and one.fileno() != -1]


def words(key):
    return " ".join(explanations.explain(key))


# The way it goes


def test_a_person_signs_in_after_a_while_and_the_board_gets_a_refresh_token(desk):
    desk.approve_after(12)
    token = desk.sign_in().decode("ascii")
    assert token in desk.tenant.vault.refresh
    assert desk.tenant.vault.refresh[token].sign_in.user == MAILBOX
    assert desk.requests() == FIRST + POLL * 3
    assert f"Open https://127.0.0.1:{desk.service.sign_in.port}/devicelogin\n" in desk.shown
    assert f"Type the code {desk.code()}\n" in desk.shown
    assert (
        f"Sign in as {MAILBOX}, the mailbox that the board sends as, not as an administrator." in desk.shown
    )
    assert "The code is good for 15 min." in desk.shown
    assert desk.shown.endswith(f"Signed in as {MAILBOX}.\n")


def test_the_token_is_good_for_what_the_board_asks(desk):
    desk.approve_after(3)
    token = desk.sign_in().decode("ascii")
    granted = desk.tenant.vault.refresh[token].sign_in.scope.split()
    assert set(granted) == {"https://outlook.office.com/SMTP.Send", "offline_access", "openid", "profile"}


def test_without_offline_access_in_the_settings_it_is_asked_for_all_the_same(desk):
    desk.oauth["scope"] = "https://outlook.office.com/SMTP.Send"
    desk.approve_after(3)
    assert desk.sign_in()


def test_a_terminal_shows_the_code_in_a_frame_and_the_time_that_is_left(make_desk):
    desk = make_desk(terminal=True)
    desk.approve_after(62)
    desk.sign_in()
    plain = re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|\]8;[^\x1b]*\x1b\\\\)", "", desk.shown)
    assert re.search(r"│ +│ +" + desk.code() + r" +│ +│", plain)
    assert "/devicelogin" in desk.shown
    assert "Waiting for the sign-in" in desk.shown
    assert "15:00 left" in desk.shown
    assert desk.shown.rindex("\x1b[?25h") > desk.shown.rindex("\x1b[?25l")  # the cursor is back


def test_without_a_terminal_the_output_is_plain(desk):
    desk.approve_after(62)
    desk.sign_in()
    assert "\x1b" not in desk.shown
    assert len(desk.shown.splitlines()) == 5


def test_the_pace_is_the_services(desk):
    desk.tenant.lifetimes.interval_s = 7
    desk.approve_after(20)
    desk.sign_in()
    assert desk.requests() == FIRST + POLL * 3
    assert [attempt.error for attempt in desk.service.sign_ins] == [
        None,
        *["authorization_pending"] * 2,
        None,
    ]


def test_slow_down_slows_down_for_good(desk):
    desk.service.sign_in_faults.extend([None, HttpAnswer(400, b'{"error": "slow_down"}')])
    desk.approve_after(26)
    start_s = desk.clock()
    desk.sign_in()
    # Asked after 5 s, and then every 10 s.
    assert (desk.requests(), desk.clock() - start_s) == (FIRST + POLL * 4, 35)


# Who signs in


def test_another_account_is_warned_of_and_taken_since_the_mailbox_may_be_a_shared_one(desk):
    desk.approve_after(3, OTHER)
    assert desk.sign_in()
    assert f"Signed in as {OTHER}, and the board sends as {MAILBOX}." in desk.shown
    assert f"sign in again, as {MAILBOX}" in desk.shown


def test_the_mailbox_in_other_letters_is_the_mailbox(desk):
    desk.tenant.mailboxes[0] = Mailbox(MAILBOX.upper(), "canary-password")
    desk.approve_after(3)
    assert desk.sign_in()
    assert desk.shown.endswith(f"Signed in as {MAILBOX.upper()}.\n")


# What the service refuses


def test_a_person_declines(desk):
    desk.after(8, lambda: desk.tenant.decline(desk.code()))
    text = desk.fail()
    assert 'answered "authorization_declined: AADSTS65004: User declined' in text
    assert text.endswith(words("authorization-declined"))
    assert desk.requests() == FIRST + POLL * 2


def test_nobody_signs_in_until_the_code_expires(desk):
    start_s = desk.clock()
    assert desk.fail().endswith(words("expired-token"))
    assert desk.clock() - start_s == 900


def test_a_code_that_the_service_lets_expire_early_is_told(desk):
    desk.after(8, lambda: setattr(next(iter(desk.tenant.vault.devices.values())), "expires_s", 0))
    assert desk.fail().endswith(words("expired-token"))


def test_public_client_flows_are_off(make_desk):
    desk = make_desk(application=Application(CLIENT_ID, public_client_flows=False))
    desk.approve_after(3)
    text = desk.fail()
    assert "AADSTS7000218" in text
    assert text.endswith(words("aadsts-7000218"))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"path": "/nowhere.test/oauth2/v2.0/token"}, "aadsts-90002"),
        ({"client_id": "99999999-2222-3333-4444-555555555555"}, "aadsts-700016"),
        ({"scope": "https://outlook.office.com/SMTP.Sned offline_access"}, "aadsts-70011"),
    ],
)
def test_a_mistake_in_the_settings_is_told_before_anybody_signs_in(desk, change, key):
    desk.oauth.update(change)
    assert desk.fail().endswith(words(key))
    assert desk.shown == ""


def test_consent_is_missing(desk):
    desk.after(3, lambda: desk.tenant.approve(desk.code(), MAILBOX))
    desk.after(4, desk.tenant.applications[0].delegated.clear)
    text = desk.fail()
    assert "AADSTS65001" in text
    assert text.endswith(words("aadsts-65001"))


def test_an_account_may_be_blocked_meanwhile(desk):
    desk.approve_after(3)
    desk.after(4, lambda: setattr(desk.tenant.mailboxes[0], "conditional_access_blocks", True))
    assert desk.fail().endswith(words("aadsts-530032"))


# What passes


@pytest.mark.parametrize(
    "fault",
    [
        HttpAnswer(503),
        HttpAnswer(429, b"{}"),
        HttpAnswer(200, b"<html>Log in"),
        Broken(0, RST),
        Broken(40, FIN),
    ],
    ids=["503", "429", "no json", "reset", "cut"],
)
def test_a_fault_that_passes_while_waiting_is_told_once_and_survived(desk, fault):
    desk.service.sign_in_faults.extend([None, fault, fault])
    desk.approve_after(40)
    start_s = desk.clock()
    assert desk.sign_in().decode() in desk.tenant.vault.refresh
    # Asked after 5 s, and after each failure 5 s later than before.
    assert (desk.requests(), desk.clock() - start_s) == (FIRST + POLL * 4, 5 + 10 + 15 + 15)
    told = [line for line in desk.shown.splitlines() if line.startswith("Still waiting. ")]
    assert len(told) == 1
    assert "ry again in a few minutes" in told[0] or "Check this computer's network" in told[0]
    assert "it is tried again" not in told[0]


def test_the_wait_that_the_service_asks_for_is_kept(desk):
    desk.service.sign_in_faults.extend([None, HttpAnswer(429, headers={"Retry-After": "100"})])
    desk.approve_after(10)
    start_s = desk.clock()
    desk.sign_in()
    assert desk.clock() - start_s == 110


def test_a_fault_that_lasts_is_told_when_the_code_has_expired(desk):
    desk.service.sign_in_faults.extend([None, *[HttpAnswer(503)] * 400])
    assert "answered with HTTP status 503." in desk.fail()


def test_at_the_start_a_fault_is_told_at_once(desk):
    desk.service.sign_in_faults.append(HttpAnswer(503))
    text = desk.fail()
    assert "HTTP status 503" in text
    assert "Try again in a few minutes" in text
    assert desk.requests() == FIRST


# Answers that nobody should give

GOOD = {"access_token": "canary-access", "refresh_token": "canary-refresh", "expires_in": 3599}
FLOW = {
    "user_code": "ABCDEFGH2",
    "device_code": "canary-device",
    "verification_uri": "https://microsoft.com/devicelogin",
    "expires_in": 900,
    "interval": 5,
}


@pytest.mark.parametrize(
    "change",
    [
        {"user_code": "\x1b[2JABCDEFGH2"},
        {"user_code": "A" * 500},
        {"user_code": None},
        {"user_code": 5},
        {"verification_uri": "https://microsoft.com/\x07"},
        {"verification_uri": ["x"]},
        {"expires_in": "soon"},
        {"expires_in": float("inf")},
        {"interval": {}},
    ],
    ids=str,
)
def test_a_hostile_device_code_is_an_answer_that_cannot_be_read(desk, change):
    desk.service.sign_in_faults.append(HttpAnswer(200, json.dumps(FLOW | change).encode()))
    assert "gave an answer that cannot be read" in desk.fail()
    assert desk.shown == ""


@pytest.mark.parametrize(
    ("expires_in", "interval", "seconds", "polls"),
    [
        (900, 10**9, 900, 15),
        (10**9, 60, 3600, 60),
        (30, -5, 30, 30),
        (30, 0, 30, 30),
        (0, 5, 1, 1),
        (-9, 5, 1, 1),
    ],
)
def test_times_are_within_bounds(desk, expires_in, interval, seconds, polls):
    flow = json.dumps(FLOW | {"expires_in": expires_in, "interval": interval}).encode()
    pending = [HttpAnswer(400, b'{"error": "authorization_pending"}')] * (polls + 1)
    desk.service.sign_in_faults.extend([HttpAnswer(200, flow), *pending])
    start_s = desk.clock()
    assert desk.fail().endswith(words("expired-token"))
    assert (desk.clock() - start_s, desk.requests()) == (seconds, FIRST + POLL * polls)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"access_token": "canary-refresh"', "HTTP status 200. That is no answer of a sign-in service"),
        (json.dumps(GOOD | {"id_token": "canary-refresh"}).encode(), "cannot be read"),
        (json.dumps(GOOD | {"id_token": "a.WzFd.canary-refresh"}).encode(), "cannot be read"),
        (json.dumps(GOOD | {"refresh_token": ["canary-refresh"]}).encode(), "cannot be read"),
        (json.dumps(GOOD | {"refresh_token": "canary-refresh\n"}).encode(), "cannot be read"),
        (json.dumps(GOOD | {"refresh_token": "canary-refresh" * 600}).encode(), "cannot be read"),
        (json.dumps(GOOD | {"refresh_token": None}).encode(), "gave no refresh token"),
        (json.dumps({"access_token": "canary-access"}).encode(), "gave no refresh token"),
        (b'{"error": "invalid_grant"}', 'answered "invalid_grant"'),
        (b"[" * 100000, "HTTP status 200. That is no answer of a sign-in service"),
        (b"x" * 300000, "more than 262144 octets"),
    ],
    ids=range(11),
)
def test_a_hostile_token_answer_is_told_without_a_token(desk, capsys, caplog, body, told):
    caplog.set_level(logging.DEBUG)
    desk.tenant.lifetimes.device_code_s = 5  # one question, and no other
    desk.service.sign_in_faults.extend([None, HttpAnswer(200, body)])
    text = desk.fail()
    assert re.search(told, text)
    printed = capsys.readouterr()
    assert "canary" not in text + desk.shown + printed.out + printed.err + caplog.text


def test_without_a_name_in_the_answer_the_account_is_said_to_be_unknown(desk):
    desk.service.sign_in_faults.extend([None, HttpAnswer(200, json.dumps(GOOD).encode())])
    assert desk.sign_in() == b"canary-refresh"
    assert f"did not say as whom. It has to be {MAILBOX}." in desk.shown


def test_no_redirect_is_followed(desk):
    trap = socket.create_server(("127.0.0.1", 0))
    try:
        address = f"https://127.0.0.1:{trap.getsockname()[1]}/"
        desk.service.sign_in_faults.append(HttpAnswer(307, headers={"Location": address}))
        assert "HTTP status 307" in desk.fail()
        trap.setblocking(False)
        with pytest.raises(BlockingIOError):
            trap.accept()
    finally:
        trap.close()


def test_an_endpoint_without_tls_gets_nothing():
    with pytest.raises(HostError, match="without TLS"):
        Transport("login.microsoftonline.com").post("http://127.0.0.1:1/token", data={"client_id": "x"})


# The way there


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_a_certificate_of_an_unknown_authority_is_refused(desk):
    text = desk.fail(bundle=None)
    assert text.startswith("The certificate of login.microsoftonline.com was refused: ")
    assert "unable to get local issuer certificate" in text
    assert "with ca in [mail]" in text
    assert desk.requests() == []


def test_the_authorities_of_the_site_are_trusted_beside_the_common_ones(desk, tmp_path, monkeypatch):
    """A relay's certificate in `ca` does not keep a board from its sign-in with Microsoft."""
    (tmp_path / "site.pem").write_text(Authority().root_pem)
    assert "unable to get local issuer certificate" in desk.fail(bundle=tmp_path / "site.pem")
    monkeypatch.setattr("certifi.where", lambda: str(desk.authorities))
    desk.approve_after(3)
    assert desk.sign_in(bundle=tmp_path / "site.pem")


def test_an_address_that_is_dialled_has_to_show_the_certificate_of_the_name(desk):
    desk.oauth["host"] = "login.example.test"
    text = desk.fail()
    assert text.startswith("The certificate of login.example.test was refused: ")
    assert "mismatch" in text


def test_an_address_that_is_dialled_is_told_the_name(desk):
    host, port = desk.oauth["host"], desk.oauth["port"]
    transport = Transport(host, "127.0.0.1", desk.authorities)
    found = transport.get(f"https://{host}:{port}/contoso.test/v2.0/.well-known/openid-configuration")
    transport.close()
    assert json.loads(found.text)["token_endpoint"].startswith(f"https://{host}:{port}/")


def test_a_name_of_this_computer_needs_no_other_address(desk):
    del desk.oauth["connect_to"]
    desk.oauth["host"] = "localhost"
    desk.approve_after(3)
    assert desk.sign_in()


def test_the_authorities_that_are_named_count_whatever_the_environment_names(desk, tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    del desk.oauth["connect_to"]
    desk.oauth["host"] = "localhost"
    desk.approve_after(3)
    assert desk.sign_in()


def test_an_address_that_is_dialled_needs_no_proxy(desk, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("NO_PROXY", "")
    desk.approve_after(3)
    assert desk.sign_in()


def test_an_answer_that_does_not_end_in_time_is_told(desk, monkeypatch):
    monkeypatch.setattr("mailmote_host.sign_in.transport._MAX_ANSWER_S", -1)
    assert desk.fail().startswith("login.microsoftonline.com did not answer in time. Check this computer's")


def test_nothing_listens(desk):
    desk.oauth["port"] = closed_port()
    text = desk.fail()
    assert text.startswith("login.microsoftonline.com cannot be reached (Connection refused). Check")


def test_there_is_no_network(desk):
    del desk.oauth["connect_to"]
    desk.oauth["host"] = "login.invalid"
    assert desk.fail().startswith("The name login.invalid was not found (")


def test_it_is_no_server_with_tls(desk):
    desk.oauth["port"] = desk.service.submission.port
    assert desk.fail().startswith("TLS with login.microsoftonline.com failed (")


def test_the_proxy_does_not_answer(desk, monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:canary-password@127.0.0.1:{closed_port()}")
    del desk.oauth["connect_to"]
    text = desk.fail()
    assert text.startswith("The proxy of this computer did not let it reach login.microsoftonline.com (")
    assert "HTTPS_PROXY" in text
    assert "canary" not in text


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_without_ca_certificates_is_told(desk, tmp_path, content):
    path = tmp_path / "site-ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"site-ca\.pem cannot be used: .*Correct ca in \[mail\]"):
        desk.sign_in(bundle=path)


# Secrets and endings


@pytest.mark.parametrize("terminal", [False, True])
def test_no_token_is_shown_logged_or_kept(
    make_desk, terminal, capsys, caplog, recwarn, tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    desk = make_desk(terminal=terminal)
    caplog.set_level(logging.DEBUG)
    desk.service.sign_in_faults.extend([None, HttpAnswer(503)])
    desk.approve_after(20)
    token = desk.sign_in().decode()
    printed = capsys.readouterr()
    warned = "".join(str(warning.message) for warning in recwarn.list)
    everything = desk.shown + printed.out + printed.err + caplog.text + warned
    assert desk.code() in everything
    for secret in (token, *desk.tenant.vault.refresh, *desk.tenant.vault.access):
        assert secret not in everything
        assert secret[:40] not in everything
    assert printed.out + printed.err == ""
    assert sorted(tmp_path.rglob("*")) == sorted([*before, desk.authorities])


@pytest.mark.parametrize("terminal", [False, True])
def test_ctrl_c_ends_the_wait_and_leaves_the_terminal_as_it_was(make_desk, terminal):
    desk = make_desk(terminal=terminal)

    def interrupt():
        raise KeyboardInterrupt

    desk.after(8, interrupt)
    before = open_connections()  # of another test, which the collector has not met yet
    with pytest.raises(KeyboardInterrupt) as caught:
        desk.sign_in()
    assert caught.traceback  # which keeps all that was in use alive
    assert [one for one in open_connections() if one not in before] == []
    assert desk.requests() == FIRST + POLL
    if terminal:
        assert desk.shown.rindex("\x1b[?25h") > desk.shown.rindex("\x1b[?25l")
    assert "Signed in" not in desk.shown
