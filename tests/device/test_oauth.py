"""OAuth 2.0 on the board, whole, on both runtimes: tokens from the sign-in endpoint, mail by XOAUTH2."""

import time

import pytest
from sessions import RUNTIMES
from test_agent import HERE, RECORDING, board_of, mails, run_until, settings

from mailmote_host.tenant.directory import DELEGATED_SCOPE, Application, ClientSecret
from mailmote_host.tenant.faults import Fault, Reply, Stage
from mailmote_host.tenant.model import Mailbox, Tenant
from mailmote_host.tenant.service import serve
from mailmote_host.tenant.sign_in_faults import HttpAnswer
from mailmote_host.virtual.board import VirtualBoard

MAILBOX = "mote@contoso.test"
CLIENT_ID = "6f1c2f9e-3d57-4a0b-9c1e-0f6f4f5a7b21"
SECRET = "canary-client-secret~0123456789"
TIMEOUT_S = 60
DAY_S = 86400
LIVE = '[[sensor]]\nname = "Heap"\ndriver = "system"\nmetric = "uptime"\nevery = "1h"\n'

OAUTH = """
username = "{username}"
auth = "{auth}"

[oauth]
tenant = "contoso.test"
client_id = "{client_id}"
port = {port}
connect_to = "127.0.0.1"
"""


@pytest.fixture(params=RUNTIMES)
def runtime(request):
    return request.param


def tenant(**more):
    application = Application(CLIENT_ID, secrets=[ClientSecret(SECRET)])
    application.grant_full_access(MAILBOX)
    return Tenant(
        accepted_domains=("contoso.test",),
        mailboxes=[Mailbox(MAILBOX, "canary-password")],
        contacts={HERE},
        applications=[application],
        basic_auth_disabled=True,
        **more,
    )


def wanted(service, auth="oauth-device", username=MAILBOX, extra=""):
    more = OAUTH.format(username=username, auth=auth, client_id=CLIENT_ID, port=service.sign_in.port)
    return settings(service, "client-submission", more=more, extra=extra)


def provisioned(folder, service, runtime, auth="oauth-device", files=None, **more):
    """A board with what a sign-in brings, or with the application's secret."""
    who = service.tenant
    if auth == "oauth-app":
        secrets = {"oauth.secret": SECRET.encode()}
    else:
        issued = who.issue(MAILBOX, who.applications[0], DELEGATED_SCOPE)
        secrets = {"oauth.refresh": issued.refresh.encode()}
    content = {"recording.csv": RECORDING, "ca/0.der": service.ca_der} | (files or {})
    secrets["wifi.password"] = b"canary-wifi"
    return VirtualBoard(folder, wanted(service, auth, **more), secrets, content, runtime=runtime)


def outcomes(service):
    """(grant, error or None) of each request for a token."""
    return [(one.grant, one.error) for one in service.sign_ins]


@pytest.mark.parametrize(
    ("auth", "grant"), [("oauth-device", "refresh_token"), ("oauth-app", "client_credentials")]
)
def test_readings_become_mail_by_xoauth2_with_one_token(tmp_path, runtime, auth, grant):
    with serve(tenant(access_token_octets=4096)) as service:
        with provisioned(tmp_path, service, runtime, auth) as board:
            board.start()
            assert board.wait(TIMEOUT_S) == 0, board.console
            assert board.list_files("outbox") == []
        assert [one.auth for one in service.messages] == [("XOAUTH2", MAILBOX)] * 2
        assert all(one.tls for one in service.messages)
        assert outcomes(service) == [(grant, None)]
        assert len(mails(service)) == 2
        assert "canary" not in board.console


def test_each_new_refresh_token_is_kept_and_used_after_a_restart(tmp_path, runtime):
    with serve(tenant()) as service:
        with provisioned(tmp_path, service, runtime) as board:
            seen = [board.read_secret("oauth.refresh")]
            for _ in range(3):
                board.start()
                assert board.wait(TIMEOUT_S) == 0, board.console
                seen.append(board.read_secret("oauth.refresh"))
        assert len(set(seen)) == 4
        assert outcomes(service) == [("refresh_token", None)] * 3
        signed_in_s = int(board.read_file("state/signed-in"))
        assert abs(time.time() - signed_in_s) < 600


def test_a_token_that_exchange_refuses_is_renewed_once_and_tried_again(tmp_path, runtime):
    refused = Fault(Stage("auth"), Reply("535 5.7.3 Authentication unsuccessful [SRV 2026 08DF]"), times=1)
    with serve(tenant(), faults=[refused]) as service:
        with provisioned(tmp_path, service, runtime) as board:
            board.start()
            assert board.wait(TIMEOUT_S) == 0, board.console
        assert len(service.messages) == 2
        assert outcomes(service) == [("refresh_token", None)] * 2


@pytest.mark.parametrize("challenge", [False, True], ids=["535 at once", "334 first"])
def test_a_token_that_is_refused_again_asks_for_a_person(tmp_path, runtime, challenge):
    stranger = tenant()
    stranger.mailboxes.append(Mailbox("boss@contoso.test", "canary-boss"))
    with serve(stranger, xoauth2_challenge=challenge) as service:
        with provisioned(tmp_path, service, runtime, username="boss@contoso.test") as board:
            board.start()
            console = run_until(board, "alerts wait")
            assert "Set-CASMailbox <mailbox> -SmtpClientAuthenticationDisabled $false" in console
            assert "canary" not in console
            assert len(board.list_files("outbox")) in (1, 2)
        assert len(service.sign_ins) == 2
        assert service.messages == []


def disabled(who):
    who.mailboxes[0].disabled = True


def revoked(who):
    who.clock = lambda: time.time() + 10
    who.revoke(MAILBOX)


def unknown_application(who):
    who.applications[0].client_id = "00000000-0000-4000-8000-000000000000"


def secret_renewed(who):
    who.applications[0].secrets = [ClientSecret("another")]


def secret_ended(who):
    who.applications[0].secrets = [ClientSecret(SECRET, 1.0)]


def renamed(who):
    who.accepted_domains = ("fabrikam.test",)


@pytest.mark.parametrize(
    ("auth", "spoil", "words"),
    [
        ("oauth-device", disabled, "AADSTS50057"),
        ("oauth-device", revoked, "AADSTS50173"),
        ("oauth-device", unknown_application, "AADSTS700016"),
        ("oauth-app", secret_renewed, "AADSTS7000215"),
        ("oauth-app", secret_ended, "AADSTS7000222"),
        ("oauth-app", renamed, "AADSTS90002"),
    ],
)
def test_what_entra_refuses_keeps_the_alerts_and_says_what_to_do(tmp_path, runtime, auth, spoil, words):
    with serve(tenant()) as service:
        with provisioned(tmp_path, service, runtime, auth) as board:
            spoil(service.tenant)
            board.start()
            console = run_until(board, "alerts wait")
            assert words in console
            assert "canary" not in console
            assert len(board.list_files("outbox")) in (1, 2)
        assert service.sessions == [], "without a token the mail server is left in peace"
        assert "min." in console.rpartition("Next try in ")[2].split("\n")[0], "a person needs time"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (HttpAnswer(503, headers={"Retry-After": "120"}), "asks to wait 2 min"),
        (HttpAnswer(429, b'{"error":"temporarily_unavailable"}'), "temporarily_unavailable"),
        (HttpAnswer(200, b"<html>Welcome to the hotel</html>"), "HTTP status 200"),
        (HttpAnswer(302, headers={"Location": "https://portal.test/?canary"}), "portal.test"),
    ],
    ids=["503", "429", "a portal's page", "a portal's redirect"],
)
def test_what_passes_is_tried_again_with_the_same_refresh_token(tmp_path, runtime, answer, words):
    with serve(tenant(), sign_in_faults=[answer] * 3) as service:
        with provisioned(tmp_path, service, runtime) as board:
            before = board.read_secret("oauth.refresh")
            board.start()
            console = run_until(board, "alerts wait")
            assert words in console
            assert "canary" not in console
            assert board.read_secret("oauth.refresh") == before
            service.sign_in_faults.clear()
            board.start()
            assert board.wait(TIMEOUT_S) == 0, board.console
        assert {mail["Subject"] for mail in mails(service)} >= {"freezer-3: Too cold 42 °F"}


def test_a_shared_mailbox_sends_with_the_token_of_a_person(tmp_path, runtime):
    who = tenant()
    who.mailboxes.append(Mailbox("alerts@contoso.test", full_access={MAILBOX}, send_as={MAILBOX}))
    who.mailboxes[1].send_as = {MAILBOX}
    with serve(who) as service:
        with provisioned(tmp_path, service, runtime, username="alerts@contoso.test") as board:
            board.start()
            assert board.wait(TIMEOUT_S) == 0, board.console
        assert {one.auth for one in service.messages} == {("XOAUTH2", "alerts@contoso.test")}


def test_an_application_without_full_access_is_told_so_and_tried_slowly(tmp_path, runtime):
    who = tenant()
    who.applications[0].full_access.clear()
    with serve(who) as service:
        with provisioned(tmp_path, service, runtime, "oauth-app") as board:
            board.start()
            console = run_until(board, "alerts wait")
            assert "FullAccess" in console
        assert service.messages == []


def test_a_sign_in_that_was_not_used_for_60_days_is_renewed_without_a_mail(tmp_path, runtime):
    with serve(tenant()) as service:
        for age_days, renewals in ((59, 0), (61, 1)):
            files = {
                "state/signed-in": b"%d" % (time.time() - age_days * DAY_S),
                "recording.csv": RECORDING.split(b"2026-01-05 00:10")[0],
            }
            board = provisioned(tmp_path / str(age_days), service, runtime, files=files, extra=LIVE)
            with board:
                board.start()
                if renewals:
                    service.wait_for(lambda service: service.sign_ins, TIMEOUT_S)
                run_until(board, "100 % of the recording")
            assert len(service.sign_ins) == renewals
        assert service.messages == []


def test_a_renewal_that_fails_is_told_by_mail(tmp_path, runtime):
    with serve(tenant(), sign_in_faults=[HttpAnswer(503)]) as service:
        files = {
            "state/signed-in": b"%d" % (time.time() - 61 * DAY_S),
            "recording.csv": RECORDING.split(b"2026-01-05 00:10")[0],
        }
        with provisioned(tmp_path, service, runtime, files=files, extra=LIVE) as board:
            board.start()
            service.wait_for(1, TIMEOUT_S)
            board.stop()
        (mail,) = mails(service)
        assert mail["Subject"] == "freezer-3: the sign-in to the mail server was not renewed"
        text = mail.get_content().replace("\r\n", "\n")
        assert "Please note:\nThe sign-in was not renewed." in text
        assert "HTTP status 503" in text


def test_a_missing_refresh_token_is_told(tmp_path, runtime):
    with serve(tenant()) as service:
        with board_of(tmp_path, service, runtime, wanted(service)) as board:
            board.start()
            console = run_until(board, "alerts wait")
            assert "no secret named oauth.refresh" in console
        assert (service.sessions, service.sign_ins) == ([], [])
