"""Microsoft's own sign-in library, which is not ours, is served by the tenant; its tokens then sign in.

The library waits between two polls; here it is told to ask once, or the code is approved already.
"""

import base64
import smtplib
import ssl
from email.message import EmailMessage

import msal
import pytest
import requests
from entra_client import CLIENT_SECRET, directory
from tenant_client import CLIENT_ID, DOMAIN, MOTE, OUTSIDE

from mailmote_host.tenant import HttpAnswer, Service, serve

SEND = ["https://outlook.office.com/SMTP.Send"]
SEND_AS_APP = ["https://outlook.office365.com/.default"]


@pytest.fixture
def service():
    tenant, *_ = directory()
    with serve(tenant, patience_s=0.001) as running:
        yield running


@pytest.fixture
def settings(service, tmp_path):
    """How the library finds and trusts the tenant, whatever this computer's environment says."""
    (tmp_path / "ca.pem").write_text(service.ca_pem)
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(tmp_path / "ca.pem")
        yield {
            "authority": f"https://localhost:{service.sign_in.port}/{service.tenant.tenant_id}",
            "instance_discovery": False,
            "http_client": session,
        }


@pytest.fixture
def board(settings):
    """A public client, as for the device code."""
    return msal.PublicClientApplication(CLIENT_ID, **settings)


@pytest.fixture
def daemon(settings):
    """A confidential client, as for the application itself."""
    return msal.ConfidentialClientApplication(CLIENT_ID, client_credential=CLIENT_SECRET, **settings)


def poll_once(board: msal.PublicClientApplication, flow: dict) -> dict:
    flow["latest_attempt_at"] = 0  # or the library warns of a poll so soon
    return board.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)


def send(service: Service, token: str) -> None:
    """A mail to someone outside, signed in with the token."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = MOTE, OUTSIDE, "Freezer"
    message.set_content("4.9 degrees")
    line = base64.b64encode(f"user={MOTE}\x01auth=Bearer {token}\x01\x01".encode()).decode()
    with smtplib.SMTP(*service.submission, timeout=20) as client:
        client.starttls(context=ssl.create_default_context(cadata=service.ca_pem))
        client.ehlo()
        code, text = client.docmd("AUTH", f"XOAUTH2 {line}")
        assert code == 235, text
        client.send_message(message)


def test_the_device_code_flow_and_a_mail_with_its_token(service, board):
    flow = board.initiate_device_flow(SEND)
    assert flow["user_code"] in flow["message"]
    assert poll_once(board, flow)["error"] == "authorization_pending"
    service.tenant.approve(flow["user_code"], MOTE)
    granted = poll_once(board, flow)
    assert granted["expires_in"] == 3599
    assert granted["id_token_claims"]["preferred_username"] == MOTE
    assert board.get_accounts()[0]["username"] == MOTE
    send(service, granted["access_token"])
    assert service.messages[0].auth == ("XOAUTH2", MOTE)


def test_approval_with_no_person(service, board):
    service.tenant.approves_as = MOTE
    granted = board.acquire_token_by_device_flow(board.initiate_device_flow(SEND))
    assert granted["scope"].split()[0] == SEND[0]


def test_refresh_tokens_rotate(service, board):
    service.tenant.approves_as = MOTE
    first = board.acquire_token_by_device_flow(board.initiate_device_flow(SEND))
    second = board.acquire_token_by_refresh_token(first["refresh_token"], SEND)
    again = board.acquire_token_by_refresh_token(first["refresh_token"], SEND)
    assert len({held["refresh_token"] for held in (first, second, again)}) == 3
    send(service, second["access_token"])
    service.tenant.revoke(MOTE)
    refused = board.acquire_token_by_refresh_token(again["refresh_token"], SEND)
    assert (refused["error"], refused["error_codes"]) == ("invalid_grant", [50173])


def test_the_library_renews_silently_from_its_own_cache(service, board):
    service.tenant.approves_as = MOTE
    first = board.acquire_token_by_device_flow(board.initiate_device_flow(SEND))
    [account] = board.get_accounts()
    assert board.acquire_token_silent(SEND, account)["access_token"] == first["access_token"]
    renewed = board.acquire_token_silent(SEND, account, force_refresh=True)
    assert renewed["access_token"] != first["access_token"]
    assert [attempt.grant for attempt in service.sign_ins] == ["devicecode", "device_code", "refresh_token"]


def test_client_credentials_and_a_mail_with_their_token(service, daemon):
    service.tenant.applications[0].grant_full_access(MOTE)
    granted = daemon.acquire_token_for_client(SEND_AS_APP)
    assert "refresh_token" not in granted
    send(service, granted["access_token"])
    assert len(service.messages) == 1


def test_a_wrong_and_an_expired_secret(service, settings):
    wrong = msal.ConfidentialClientApplication(CLIENT_ID, client_credential="wrong", **settings)
    refused = wrong.acquire_token_for_client(SEND_AS_APP)
    assert (refused["error"], refused["error_codes"]) == ("invalid_client", [7000215])
    assert refused["error_description"].startswith("AADSTS7000215: Invalid client secret provided.")
    assert refused["correlation_id"] in refused["error_description"]


@pytest.mark.parametrize("tenant", ["fabrikam.example", "11111111-2222-3333-4444-555555555555"])
def test_an_unknown_tenant(settings, tenant):
    settings["authority"] = settings["authority"].rpartition("/")[0] + f"/{tenant}"
    with pytest.raises(ValueError, match="double check your tenant name or GUID is correct"):
        msal.PublicClientApplication(CLIENT_ID, **settings).initiate_device_flow(SEND)


def test_the_tenant_by_its_domain(service, settings):
    settings["authority"] = settings["authority"].rpartition("/")[0] + f"/{DOMAIN}"
    service.tenant.approves_as = MOTE
    board = msal.PublicClientApplication(CLIENT_ID, **settings)
    assert "access_token" in board.acquire_token_by_device_flow(board.initiate_device_flow(SEND))


def test_an_unknown_application(settings):
    other = msal.PublicClientApplication("11111111-2222-3333-4444-555555555555", **settings)
    assert other.initiate_device_flow(SEND)["error_codes"] == [700016]


def test_slow_down_declined_and_expired(service, board):
    flow = board.initiate_device_flow(SEND)
    poll_once(board, flow)
    assert poll_once(board, flow)["error"] == "slow_down"
    assert flow["interval"] == 10
    service.tenant.decline(flow["user_code"])
    assert poll_once(board, flow)["error"] == "authorization_declined"
    flow = board.initiate_device_flow(SEND)
    service.tenant.clock.pass_by(900)
    assert board.acquire_token_by_device_flow(flow)["error"] == "expired_token"


def test_a_public_client_that_is_not_allowed_to_be_one(service, board):
    service.tenant.applications[0].public_client_flows = False
    service.tenant.approves_as = MOTE
    refused = board.acquire_token_by_device_flow(board.initiate_device_flow(SEND))
    assert (refused["error"], refused["error_codes"]) == ("invalid_client", [7000218])


def test_a_throttled_service_is_heeded(service, daemon):
    service.sign_in_faults.append(
        HttpAnswer(429, b'{"error":"temporarily_unavailable"}', {"Retry-After": "60"})
    )
    assert daemon.acquire_token_for_client(SEND_AS_APP)["error"] == "temporarily_unavailable"
    assert daemon.acquire_token_for_client(SEND_AS_APP)["error"] == "temporarily_unavailable"
    assert len(service.sign_ins) == 1  # the library waits as it was told
