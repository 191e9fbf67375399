"""Each refusal of the sign-in endpoint, as it follows from the state of the tenant."""

import re
from collections.abc import Callable

import pytest
from entra_client import (
    CLIENT_SECRET,
    DEVICE_CODE,
    MIDSUMMER_S,
    Answer,
    Place,
    request,
    running,
    start,
    token,
)
from tenant_client import DOMAIN, MOTE

from mailmote_host.tenant import Application, ClientSecret, Lifetimes, Refused, aadsts
from mailmote_host.tenant.directory import DELEGATED_SCOPE

GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@pytest.fixture
def place():
    with running() as found:
        yield found


def turned(place: Place, **switches: bool) -> None:
    for name, value in switches.items():
        setattr(place.mailbox, name, value)


def refreshed_after(**switches: bool) -> Callable[[Place], Answer]:
    def bring_about(place: Place) -> Answer:
        held = place.held()
        turned(place, **switches)
        return place.refresh(held)

    return bring_about


def unknown_user(place: Place) -> Answer:
    held = place.held()
    place.tenant.mailboxes.clear()
    return place.refresh(held)


def revoked(place: Place) -> Answer:
    held = place.held()
    place.tenant.revoke(MOTE)
    return place.refresh(held)


def consent_withdrawn(place: Place) -> Answer:
    held = place.held()
    place.application.delegated.clear()
    return place.refresh(held)


def declined(place: Place) -> Answer:
    begun = place.start()
    place.tenant.decline(begun.json["user_code"])
    return place.poll(begun)


def admin_consent_needed(place: Place) -> Answer:
    place.application.delegated.clear()
    place.tenant.user_consent, place.tenant.approves_as = False, MOTE
    return place.poll(place.start())


def typed_too_late(place: Place) -> Answer:
    begun = place.start()
    place.clock.pass_by(900)
    with pytest.raises(Refused):
        place.tenant.approve(begun.json["user_code"], MOTE)
    return place.poll(begun)


def expired(place: Place) -> Answer:
    begun = place.start()
    place.clock.pass_by(900)
    return place.poll(begun)


def policy(place: Place) -> Answer:
    place.tenant.lifetimes.sign_in_s = 3600
    held = place.held()
    place.clock.pass_by(3600)
    return place.refresh(held)


def inactive(place: Place) -> Answer:
    place.tenant.lifetimes = Lifetimes(refresh_s=43200)
    held = place.held()
    place.clock.pass_by(43200)
    return place.refresh(held)


def secret_needed(place: Place) -> Answer:
    place.application.public_client_flows = False
    return place.poll(place.approved())


def secret_expired(place: Place) -> Answer:
    place.application.secrets[:] = [ClientSecret(CLIENT_SECRET, expires_at=MIDSUMMER_S)]
    return place.app_only()


def no_application(place: Place) -> Answer:
    place.tenant.applications.clear()
    return place.start()


TOKEN_PATH = f"/{DOMAIN}/oauth2/v2.0/token"

REFUSALS: dict[int, tuple[int, str, Callable[[Place], Answer]]] = {
    50034: (400, "invalid_grant", unknown_user),
    50053: (400, "invalid_grant", refreshed_after(account_locked=True)),
    50055: (400, "invalid_grant", refreshed_after(password_expired=True)),
    50057: (400, "invalid_grant", refreshed_after(disabled=True)),
    50059: (400, "invalid_request", lambda place: start(place.service, tenant="common")),
    50076: (400, "invalid_grant", refreshed_after(mfa_required=True)),
    50079: (400, "invalid_grant", refreshed_after(mfa_required=True, mfa_registered=False)),
    50173: (400, "invalid_grant", revoked),
    530032: (400, "invalid_grant", refreshed_after(conditional_access_blocks=True)),
    65001: (400, "invalid_grant", consent_withdrawn),
    65004: (400, "authorization_declined", declined),
    90094: (400, "invalid_grant", admin_consent_needed),
    70000: (400, "invalid_grant", lambda place: place.refresh("1.AXmade-up")),
    70003: (400, "unsupported_grant_type", lambda place: token(place.service, grant_type="password")),
    70008: (400, "invalid_grant", policy),
    70011: (400, "invalid_scope", lambda place: place.start(scope="https://outlook.office.com/SMTP.Sned")),
    70016: (400, "authorization_pending", lambda place: place.poll(place.start())),
    70018: (
        400,
        "bad_verification_code",
        lambda place: token(place.service, grant_type=DEVICE_CODE, device_code="HAQAB"),
    ),
    70019: (400, "expired_token", typed_too_late),
    70020: (400, "expired_token", expired),
    700016: (400, "unauthorized_client", no_application),
    700027: (401, "invalid_client", lambda place: place.app_only(client_assertion="eyJ", client_secret="")),
    700082: (400, "invalid_grant", inactive),
    7000215: (401, "invalid_client", lambda place: place.app_only(client_secret="wrong")),
    7000216: (401, "invalid_client", lambda place: place.app_only(client_secret="")),
    7000218: (401, "invalid_client", secret_needed),
    7000222: (401, "invalid_client", secret_expired),
    90002: (400, "invalid_request", lambda place: start(place.service, tenant="fabrikam.example")),
    500011: (400, "invalid_resource", lambda place: place.app_only(scope="https://example.org/.default")),
    1002012: (400, "invalid_scope", lambda place: place.app_only(scope=DELEGATED_SCOPE.split()[0])),
    900144: (400, "invalid_request", lambda place: token(place.service, grant_type="refresh_token")),
    900561: (400, "invalid_request", lambda place: request(place.service, "GET", TOKEN_PATH)),
}


def test_each_refusal_has_a_way_to_it():
    assert set(REFUSALS) == set(aadsts.ROWS)


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_follows_from_the_tenant_and_looks_like_entras(place, code):
    status, error, bring_about = REFUSALS[code]
    answer = bring_about(place)
    told = answer.json
    assert (answer.status, told["error"], told["error_codes"]) == (status, error, [code])
    text = told["error_description"]
    assert text.startswith(f"AADSTS{code}: ")
    assert "{" not in text.replace("{EmailHidden}", "")
    assert re.search(
        rf" Trace ID: ({GUID}) Correlation ID: ({GUID}) Timestamp: \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\dZ\Z", text
    )
    assert f"Trace ID: {told['trace_id']} Correlation ID: {told['correlation_id']}" in text
    assert text.endswith(told["timestamp"])
    assert told["error_uri"] == f"https://login.microsoftonline.com/error?code={code}"


def test_all_refusals_of_the_table_of_facts_are_there():
    wanted = """50034 50053 50055 50057 50076 50079 65001 70008 700082 50173 70011 70018 70019 700016 7000215
        7000222 7000218 90002 90094 530032"""
    assert {int(code) for code in wanted.split()} <= set(aadsts.ROWS)


def test_suberrors_are_told_where_entra_has_them(place):
    assert refreshed_after(mfa_required=True)(place).json["suberror"] == "basic_action"
    turned(place, mfa_required=False)
    assert consent_withdrawn(place).json["suberror"] == "consent_required"
    assert "suberror" not in place.app_only(client_secret="wrong").json


@pytest.mark.parametrize(
    "asked",
    [
        {"scope": ""},
        {"client_id": ""},
    ],
)
def test_a_missing_parameter_is_named(place, asked):
    [name] = asked
    told = place.start(**asked).json
    assert told["error_codes"] == [900144]
    assert f"must contain the following parameter: '{name}'." in told["error_description"]


@pytest.mark.parametrize(
    "scope",
    [
        "https://outlook.office.com/SMTP.Send https://outlook.office365.com/SMTP.Send",
        "https://outlook.office.com/SMTP.Send https://outlook.office.com/.default",
        "https://example.org/SMTP.Send",
        "SMTP.SendAsApp",
        "   ",
    ],
)
def test_scopes_that_make_no_sense(place, scope):
    assert place.start(scope=scope).code == 70011


def test_a_token_is_for_its_own_application_only(place):
    other = Application("11111111-2222-3333-4444-555555555555")
    place.tenant.applications.append(other)
    begun = place.approved()
    assert place.poll(begun, client_id=other.client_id).code == 70018
    assert place.refresh(place.held(), client_id=other.client_id).code == 70000


def test_a_device_code_with_a_secret_where_public_flows_are_off(place):
    place.application.public_client_flows = False
    begun = place.start()
    assert place.poll(begun).json["error"] == "authorization_pending"  # asked for after the sign-in only
    place.tenant.approve(begun.json["user_code"], MOTE)
    assert place.poll(begun).code == 7000218
    assert place.poll(begun, client_secret="wrong").code == 7000215
    granted = place.poll(begun, client_secret=CLIENT_SECRET)
    assert granted.status == 200
    assert place.refresh(granted.json["refresh_token"]).code == 7000218
    assert place.refresh(granted.json["refresh_token"], client_secret=CLIENT_SECRET).status == 200


def test_what_changes_after_the_approval_counts_at_the_poll(place):
    begun = place.approved()
    turned(place, mfa_required=True)
    assert place.poll(begun).code == 50076
    turned(place, mfa_required=False)
    assert place.poll(begun).status == 200
