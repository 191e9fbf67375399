"""The sign-in endpoint: the three grants, what each answers, and what ends a token."""

import base64
import json
import re

import pytest
from entra_client import (
    CLIENT_SECRET,
    request,
    running,
    signed_in_device,
    start,
    token,
)
from tenant_client import CLIENT_ID, DOMAIN, MOTE

from mailmote_host.tenant import (
    ClientSecret,
    Mailbox,
    Refused,
    Tenant,
)
from mailmote_host.tenant.directory import DELEGATED_SCOPE

DAY_S = 86400
GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@pytest.fixture
def place():
    with running() as found:
        yield found


def claims(text: str) -> dict:
    header, payload, signature = text.split(".")
    assert json.loads(decoded(header))["alg"] == "RS256"
    assert len(decoded(signature)) == 256
    return json.loads(decoded(payload))


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


# The device code


def test_the_device_code_flow_from_the_code_to_the_tokens(place):
    begun = place.start()
    told = begun.json
    assert begun.status == 200
    assert (told["expires_in"], told["interval"]) == (900, 5)
    assert re.fullmatch(r"[A-Z0-9]{9}", told["user_code"])
    uri = f"https://127.0.0.1:{place.service.sign_in.port}/devicelogin"
    assert told["verification_uri"] == uri
    assert told["message"] == (
        f"To sign in, use a web browser to open the page {uri} and enter the code {told['user_code']} to "
        "authenticate."
    )

    assert place.poll(begun).json["error"] == "authorization_pending"
    place.tenant.approve(told["user_code"].lower(), MOTE.upper())
    granted = place.poll(begun)
    assert granted.status == 200
    assert granted.json["token_type"] == "Bearer"
    assert (granted.json["expires_in"], granted.json["ext_expires_in"]) == (3599, 3599)
    assert granted.json["scope"] == "https://outlook.office.com/SMTP.Send"
    assert "id_token" not in granted.json
    shown = claims(granted.json["access_token"])
    assert (shown["aud"], shown["scp"], shown["upn"], shown["appid"], shown["tid"]) == (
        "https://outlook.office.com",
        "SMTP.Send",
        MOTE,
        CLIENT_ID,
        place.tenant.tenant_id,
    )
    assert shown["exp"] - shown["iat"] == 3599
    assert 2048 <= len(granted.json["access_token"]) < 2064
    assert re.fullmatch(r"1\.AX[\w-]+\.AgAB[\w-]+", granted.json["refresh_token"])
    assert 1400 < len(granted.json["refresh_token"]) < 1600
    assert place.poll(begun).json["error"] == "bad_verification_code"  # it works once


def test_without_offline_access_there_is_no_refresh_token(place):
    granted = signed_in_device(place.service, scope="https://outlook.office.com/SMTP.Send")
    assert "access_token" in granted.json
    assert "refresh_token" not in granted.json


def test_polling_faster_than_told_is_slowed_down_by_the_tenants_clock(place):
    begun = place.start()
    assert place.poll(begun).json["error"] == "authorization_pending"
    place.clock.pass_by(4.9)
    assert place.poll(begun).json["error"] == "slow_down"
    place.clock.pass_by(5)
    assert place.poll(begun).json["error"] == "authorization_pending"
    place.tenant.approve(begun.json["user_code"], MOTE)
    assert place.poll(begun).status == 200  # the answer is never late


def test_a_declined_and_an_expired_code(place):
    begun = place.start()
    place.tenant.decline(begun.json["user_code"])
    with pytest.raises(Refused, match="AADSTS70018"):
        place.tenant.approve(begun.json["user_code"], MOTE)
    assert place.poll(begun).json["error"] == "authorization_declined"
    begun = place.start()
    place.clock.pass_by(899)
    assert place.poll(begun).json["error"] == "authorization_pending"
    place.clock.pass_by(1)
    assert place.poll(begun).json["error"] == "expired_token"


def test_approval_with_no_person(place):
    place.tenant.approves_as = MOTE
    granted = place.poll(place.start())
    assert claims(granted.json["access_token"])["upn"] == MOTE
    place.mailbox.disabled = True
    assert place.poll(place.start()).code == 50057


@pytest.mark.parametrize(
    ("code", "turn"),
    [
        (50034, lambda place: place.tenant.mailboxes.clear()),
        (50053, lambda place: setattr(place.mailbox, "account_locked", True)),
        (50055, lambda place: setattr(place.mailbox, "password_expired", True)),
        (50057, lambda place: setattr(place.mailbox, "disabled", True)),
        (530032, lambda place: setattr(place.mailbox, "conditional_access_blocks", True)),
        (
            50079,
            lambda place: (
                setattr(place.mailbox, "mfa_required", True),
                setattr(place.mailbox, "mfa_registered", False),
            ),
        ),
        (
            90094,
            lambda place: (place.application.delegated.clear(), setattr(place.tenant, "user_consent", False)),
        ),
        (700016, lambda place: place.tenant.applications.clear()),
        (70019, lambda place: place.clock.pass_by(900)),
    ],
)
def test_what_the_person_is_told_leaves_the_device_waiting(place, code, turn):
    begun = place.start()
    turn(place)
    with pytest.raises(Refused) as caught:
        place.tenant.approve(begun.json["user_code"], MOTE)
    assert caught.value.code == code
    assert str(caught.value).startswith(f"AADSTS{code}: ")
    if code not in (700016, 70019):
        assert place.poll(begun).json["error"] == "authorization_pending"


def test_a_person_types_a_wrong_code_or_one_that_is_spent(place):
    begun = place.approved()
    for typed in ("AAAAAAAAA", begun.json["user_code"]):
        with pytest.raises(Refused, match="AADSTS70018"):
            place.tenant.decline(typed)
    assert place.poll(begun).status == 200


def test_a_person_consents_and_shows_a_second_factor(place):
    place.application.delegated.clear()
    place.mailbox.mfa_required = True
    held = place.poll(place.approved()).json["refresh_token"]
    assert place.application.delegated == {"SMTP.Send"}
    assert place.refresh(held).status == 200


# The refresh token


def test_each_refresh_brings_a_new_token_and_the_old_one_stays_good(place):
    first = place.held()
    second = place.refresh(first).json["refresh_token"]
    third = place.refresh(first).json["refresh_token"]
    assert len({first, second, third}) == 3
    assert all(place.refresh(held).status == 200 for held in (first, second, third))


def test_a_refresh_token_ends_ninety_days_after_its_issue_used_or_not(place):
    first = place.held()
    place.clock.pass_by(60 * DAY_S)
    second = place.refresh(first).json["refresh_token"]
    place.clock.pass_by(30 * DAY_S - 1)
    assert place.refresh(first).status == 200
    place.clock.pass_by(1)
    refused = place.refresh(first)
    assert refused.code == 700082
    assert (
        "was issued on 2026-06-21T00:00:00.0000000Z and was inactive for 90.00:00:00."
        in (refused.json["error_description"])
    )
    assert place.refresh(second).status == 200


def test_a_revocation_ends_what_was_issued_before_and_nothing_after(place):
    before = place.held()
    other = Mailbox("second@contoso.example", "x")
    place.tenant.mailboxes.append(other)
    others = place.tenant.issue(other.address, place.application).refresh
    place.tenant.revoke(MOTE.upper())
    refused = place.refresh(before)
    assert (refused.code, refused.json["error"]) == (50173, "invalid_grant")
    day = "2026-06-21T00:00:00.0000000Z"
    assert f"was issued on '{day}' and the TokensValidFrom date" in refused.json["error_description"]
    assert f"for this user is '{day}'." in refused.json["error_description"]
    assert place.refresh(place.held()).status == 200
    assert place.refresh(others).status == 200


def test_a_password_change_in_the_past_ends_older_tokens(place):
    held = place.held()
    place.mailbox.tokens_valid_from = place.clock() + 1
    assert place.refresh(held).code == 50173


def test_a_policy_asks_for_a_new_sign_in_over_all_renewals(place):
    place.tenant.lifetimes.sign_in_s = 30 * DAY_S
    held = place.held()
    for _ in range(2):
        place.clock.pass_by(14 * DAY_S)
        held = place.refresh(held).json["refresh_token"]
    place.clock.pass_by(2 * DAY_S)
    assert place.refresh(held).code == 70008


def test_the_scope_of_a_refresh_may_be_left_out_or_named(place):
    held = place.held()
    for asked in ("", DELEGATED_SCOPE, "https://outlook.office365.com/.default"):
        granted = place.refresh(held, scope=asked).json
        assert claims(granted["access_token"])["scp"] == "SMTP.Send"
        assert granted["refresh_token"]
    assert granted["scope"] == "https://outlook.office365.com/SMTP.Send"


# Client credentials


def test_an_application_gets_a_token_for_itself_and_nothing_to_renew_it(place):
    granted = place.app_only()
    assert granted.status == 200
    assert set(granted.json) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    shown = claims(granted.json["access_token"])
    assert (shown["aud"], shown["roles"]) == ("https://outlook.office365.com", ["SMTP.SendAsApp"])
    assert "upn" not in shown


def test_without_admin_consent_there_is_a_token_that_permits_nothing(place):
    place.application.roles.clear()
    assert "roles" not in claims(place.app_only().json["access_token"])


def test_two_secrets_may_be_good_at_once(place):
    place.application.secrets.append(ClientSecret("next", expires_at=place.clock() + 1))
    assert place.app_only(client_secret="next").status == 200
    assert place.app_only().status == 200


# Tenants


@pytest.mark.parametrize("named", [DOMAIN.upper(), "GUID"])
def test_a_tenant_is_named_by_domain_or_guid(place, named):
    named = place.tenant.tenant_id if named == "GUID" else named
    assert start(place.service, tenant=named).status == 200
    assert (
        token(place.service, tenant=named, grant_type="refresh_token", refresh_token=place.held()).status
        == 200
    )


@pytest.mark.parametrize("named", ["organizations", "common"])
def test_a_directory_of_all_tenants_is_for_applications_of_many(place, named):
    assert start(place.service, tenant=named).code == 50059
    place.application.multi_tenant = True
    assert start(place.service, tenant=named).status == 200
    asked = {"grant_type": "client_credentials", "client_secret": CLIENT_SECRET, "scope": "x/.default"}
    assert token(place.service, tenant=named, **asked).code == 50059


def test_the_same_domain_has_the_same_guid_each_time():
    one, other = Tenant((DOMAIN,)), Tenant(("fabrikam.example",))
    assert one.tenant_id == Tenant((DOMAIN, "more.example")).tenant_id != other.tenant_id
    assert re.fullmatch(GUID, one.tenant_id)


def test_discovery_names_the_endpoints_as_the_client_sees_them(place):
    found = request(place.service, "GET", f"/{DOMAIN}/v2.0/.well-known/openid-configuration")
    here = f"https://127.0.0.1:{place.service.sign_in.port}/{place.tenant.tenant_id}/oauth2/v2.0"
    assert found.json["token_endpoint"] == f"{here}/token"
    assert found.json["device_authorization_endpoint"] == f"{here}/devicecode"
    unknown = request(place.service, "GET", "/fabrikam.example/v2.0/.well-known/openid-configuration")
    assert (unknown.status, unknown.json["error"], unknown.code) == (400, "invalid_tenant", 90002)
