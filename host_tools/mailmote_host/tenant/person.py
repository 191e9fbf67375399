"""What a person does in the browser, and what the directory holds against an account."""

from typing import TYPE_CHECKING

from .aadsts import Refused
from .directory import EXCHANGE_ID, Application, parse_scope
from .tokens import DeviceGrant

if TYPE_CHECKING:
    from .model import Mailbox, Tenant


def account(tenant: "Tenant", address: str, mfa: bool) -> "Mailbox":
    """The account of that address. Raises Refused where it may not sign in, or not any more.

    `mfa`: whether the sign-in at hand is a multi-factor one.
    """
    mailbox = tenant.mailbox(address)
    if mailbox is None:
        raise Refused(50034, domain=tenant.accepted_domains[0])
    if mailbox.disabled:
        raise Refused(50057)
    if mailbox.account_locked:
        raise Refused(50053)
    if mailbox.password_expired:
        raise Refused(50055)
    if mailbox.conditional_access_blocks:
        raise Refused(530032)
    if mailbox.mfa_required and not mfa:
        raise Refused(50076 if mailbox.mfa_registered else 50079, resource=EXCHANGE_ID)
    return mailbox


def approve(tenant: "Tenant", user_code: str, address: str) -> None:
    """The person types the code, signs in as `address`, and agrees. Raises Refused: what the page says."""
    sign_in(tenant, _open_grant(tenant, user_code), address)


def sign_in(tenant: "Tenant", grant: DeviceGrant, address: str) -> None:
    """Sign in for that grant, with a second factor where one is required and registered. Raises Refused."""
    application = tenant.application(grant.client_id)
    if application is None:
        raise unknown_application(tenant, grant.client_id)
    known = tenant.mailbox(address)
    mfa = known is not None and known.mfa_required and known.mfa_registered
    mailbox = account(tenant, address, mfa)
    missing = parse_scope(grant.scope).granted(application) - application.delegated
    if missing and not tenant.user_consent:
        raise Refused(90094, name=application.name)
    application.delegated |= missing
    grant.user, grant.mfa = mailbox.address, mfa


def decline(tenant: "Tenant", user_code: str) -> None:
    """The person types the code and refuses. Raises Refused."""
    _open_grant(tenant, user_code).declined = True


def unknown_application(tenant: "Tenant", client_id: str) -> Refused:
    return Refused(700016, client_id=client_id, domain=tenant.accepted_domains[0])


def require_consent(application: Application, permissions: frozenset[str]) -> None:
    """Raises Refused where a permission lacks consent by now."""
    if not permissions <= application.delegated:
        raise Refused(65001, client_id=application.client_id, name=application.name)


def _open_grant(tenant: "Tenant", user_code: str) -> DeviceGrant:
    grant = tenant.vault.by_user_code(user_code)
    if grant is None or grant.user is not None or grant.declined:
        raise Refused(70018)
    if tenant.clock() >= grant.expires_s:
        grant.late = True
        raise Refused(70019)
    return grant
