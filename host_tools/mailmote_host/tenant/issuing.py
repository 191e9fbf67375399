"""How the sign-in service issues tokens: their claims, their size, and the record of each in the vault."""

import secrets
from typing import TYPE_CHECKING

from . import tokens
from .directory import Application
from .tokens import AccessToken, RefreshToken, SignIn

if TYPE_CHECKING:
    from .model import Mailbox, Tenant


def access_token(
    tenant: "Tenant",
    application: Application,
    mailbox: "Mailbox | None",
    resource: str,
    permissions: frozenset[str],
) -> AccessToken:
    """For a person, or for the application itself where there is no mailbox. Needs no right to be issued."""
    now_s = tenant.clock()
    expires_s = now_s + tenant.lifetimes.access_s
    claims = _claims(tenant, application, mailbox, now_s, expires_s) | {"aud": resource, "ver": "1.0"}
    if mailbox is not None:
        claims |= {"idtyp": "user", "scp": " ".join(sorted(permissions))}
    elif permissions:
        claims |= {"idtyp": "app", "roles": sorted(permissions)}
    token = AccessToken(
        tokens.signed_text(claims, tenant.access_token_octets),
        application.client_id,
        mailbox and mailbox.address,
        resource,
        permissions,
        now_s,
        expires_s,
    )
    tenant.vault.access[token.text] = token
    return token


def refresh_token(tenant: "Tenant", sign_in: SignIn) -> RefreshToken:
    """A new one each time; those before it stay as good as they were."""
    token = RefreshToken(tokens.refresh_text(), sign_in, tenant.clock())
    tenant.vault.refresh[token.text] = token
    return token


def id_token(tenant: "Tenant", application: Application, mailbox: "Mailbox") -> str:
    """OpenID Connect Core 1.0 section 2, with a signature that nobody can check."""
    now_s = tenant.clock()
    claims = _claims(tenant, application, mailbox, now_s, now_s + tenant.lifetimes.access_s)
    claims |= {
        "aud": application.client_id,
        "iss": f"https://login.microsoftonline.com/{tenant.tenant_id}/v2.0",
        "preferred_username": mailbox.address,
        "ver": "2.0",
    }
    return tokens.signed_text(claims)


def _claims(
    tenant: "Tenant", application: Application, mailbox: "Mailbox | None", now_s: float, expires_s: float
) -> dict[str, object]:
    claims: dict[str, object] = {
        "iss": f"https://sts.windows.net/{tenant.tenant_id}/",
        "iat": int(now_s),
        "nbf": int(now_s),
        "exp": int(expires_s),
        "aio": secrets.token_urlsafe(60),
        "app_displayname": application.name,
        "appid": application.client_id,
        "oid": tenant.object_id(mailbox.address if mailbox else application.client_id),
        "rh": f"1.AX{secrets.token_urlsafe(48)}.",
        "sub": secrets.token_urlsafe(32),
        "tid": tenant.tenant_id,
        "uti": secrets.token_urlsafe(16),
    }
    if mailbox is not None:
        claims |= {"unique_name": mailbox.address, "upn": mailbox.address, "amr": ["pwd"]}
    return claims
