"""The sign-in service of a tenant: what login.microsoftonline.com decides. No input or output here.

Answers follow from the state of the tenant (`model`, `directory`, `tokens`) and its clock. The order of the
checks is Entra's as far as public traces tell: tenant, grant, application, then the grant's own, the account,
consent. Whether an application may use the device code without a secret is asked after the person has signed
in. A client without admin consent gets an application token too, one that permits nothing.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from . import issuing, person, tokens
from .aadsts import Refused, moment, span
from .directory import Application, parse_application_scope, parse_scope
from .model import Tenant
from .tokens import AccessToken, DeviceGrant, RefreshToken, SignIn

_SHARED_DIRECTORIES = ("organizations", "common")

Form = Mapping[str, str]


@dataclass(frozen=True)
class Granted:
    """A good answer, and whom it is for; the application itself is None."""

    answer: dict[str, object] = field(repr=False)
    user: str | None = None


class Entra:
    """The endpoints under `/{directory}`: each raises Refused, or answers."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def configuration(self, directory: str, base: str) -> Granted:
        """OpenID Connect Discovery 1.0; `base` is the address of the service as the client knows it."""
        self._require_directory(directory, error="invalid_tenant")
        here = f"{base}/{self._tenant.tenant_id if self._is_ours(directory) else directory}"
        issued_by = self._tenant.tenant_id if self._is_ours(directory) else "{tenantid}"
        return Granted(
            {
                "token_endpoint": f"{here}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "issuer": f"https://login.microsoftonline.com/{issued_by}/v2.0",
                "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{here}/oauth2/v2.0/devicecode",
                "response_types_supported": ["code"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
            }
        )

    def device_code(self, directory: str, form: Form, verification_uri: str) -> Granted:
        """RFC 8628 section 3.1."""
        application = self._application(directory, form)
        scope = parse_scope(_parameter(form, "scope"))
        lifetimes = self._tenant.lifetimes
        grant = DeviceGrant(
            tokens.device_text(),
            tokens.user_code(),
            application.client_id,
            scope.text,
            self._tenant.clock() + lifetimes.device_code_s,
            lifetimes.interval_s,
        )
        self._tenant.vault.devices[grant.device_code] = grant
        return Granted(
            {
                "user_code": grant.user_code,
                "device_code": grant.device_code,
                "verification_uri": verification_uri,
                "expires_in": lifetimes.device_code_s,
                "interval": lifetimes.interval_s,
                "message": f"To sign in, use a web browser to open the page {verification_uri} and enter the "
                f"code {grant.user_code} to authenticate.",
            }
        )

    def token(self, directory: str, form: Form) -> Granted:
        """RFC 6749 sections 4.4 and 6, RFC 8628 section 3.4."""
        self._require_directory(directory)
        grant_type = _parameter(form, "grant_type")
        match grant_type:
            case "urn:ietf:params:oauth:grant-type:device_code":
                return self._redeem_device_code(self._application(directory, form), form)
            case "refresh_token":
                return self._refresh(self._application(directory, form), form)
            case "client_credentials":
                return self._client_credentials(directory, form)
            case _:
                raise Refused(70003, grant_type=grant_type)

    # The three grants

    def _redeem_device_code(self, application: Application, form: Form) -> Granted:
        tenant = self._tenant
        grant = tenant.vault.devices.get(_parameter(form, "device_code"))
        if grant is None or grant.client_id != application.client_id:
            raise Refused(70018)
        now_s = tenant.clock()
        if now_s >= grant.expires_s:
            raise Refused(70019 if grant.late else 70020)
        if grant.declined:
            raise Refused(65004)
        if grant.user is None and tenant.approves_as is not None:
            with _about(tenant.approves_as):
                person.sign_in(tenant, grant, tenant.approves_as)
        if grant.user is None:
            raise Refused(70016, error="slow_down" if _is_early(grant, now_s) else "")
        with _about(grant.user):
            self._authenticate(application, form, 7000218)
            sign_in = SignIn(application.client_id, grant.user, grant.scope, now_s, grant.mfa)
            answer = self._for_user(application, sign_in, grant.scope, form)
        tenant.vault.spend(grant)
        return answer

    def _refresh(self, application: Application, form: Form) -> Granted:
        held = self._tenant.vault.refresh.get(_parameter(form, "refresh_token"))
        if held is None or held.sign_in.client_id != application.client_id:
            raise Refused(70000)
        with _about(held.sign_in.user):
            self._authenticate(application, form, 7000218)
            self._require_fresh(held)
            return self._for_user(application, held.sign_in, form.get("scope") or held.sign_in.scope, form)

    def _client_credentials(self, directory: str, form: Form) -> Granted:
        application = self._application(directory, form)
        if directory.lower() in _SHARED_DIRECTORIES:
            raise Refused(50059)
        resource = parse_application_scope(_parameter(form, "scope"))
        self._authenticate(application, form, 7000216)
        roles = frozenset(application.roles)
        return Granted(self._bearer(issuing.access_token(self._tenant, application, None, resource, roles)))

    # What they share

    def _for_user(self, application: Application, sign_in: SignIn, asked: str, form: Form) -> Granted:
        """Tokens for the person who signed in, if the account and the consent still allow it."""
        tenant = self._tenant
        scope = parse_scope(asked)
        mailbox = person.account(tenant, sign_in.user, sign_in.mfa)
        permissions = scope.granted(application)
        person.require_consent(application, permissions)
        access = issuing.access_token(tenant, application, mailbox, scope.resource, permissions)
        answer = self._bearer(access) | {"scope": scope.named(permissions)}
        if "offline_access" in sign_in.scope.split():
            answer["refresh_token"] = issuing.refresh_token(tenant, sign_in).text
        if "openid" in scope.openid:
            answer["id_token"] = issuing.id_token(tenant, application, mailbox)
        if form.get("client_info") == "1":
            ids = {"uid": tenant.object_id(mailbox.address), "utid": tenant.tenant_id}
            answer["client_info"] = tokens.base64url(json.dumps(ids).encode())
        return Granted(answer, mailbox.address)

    def _bearer(self, token: AccessToken) -> dict[str, object]:
        seconds = self._tenant.lifetimes.access_s
        return {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": token.text,
        }

    def _is_ours(self, directory: str) -> bool:
        domains = {domain.lower() for domain in self._tenant.accepted_domains}
        return directory.lower() in {self._tenant.tenant_id.lower(), *domains}

    def _require_directory(self, directory: str, error: str = "") -> None:
        if not self._is_ours(directory) and directory.lower() not in _SHARED_DIRECTORIES:
            raise Refused(90002, error=error, directory=directory)

    def _application(self, directory: str, form: Form) -> Application:
        self._require_directory(directory)
        client_id = _parameter(form, "client_id")
        application = self._tenant.application(client_id)
        if application is None:
            raise person.unknown_application(self._tenant, client_id)
        if not (application.multi_tenant or self._is_ours(directory)):
            raise Refused(50059)
        return application

    def _authenticate(self, application: Application, form: Form, missing: int) -> None:
        """Check the client's secret. `missing`: how to refuse where one is needed and there is none."""
        if "client_assertion" in form:
            raise Refused(700027)
        shown = form.get("client_secret")
        if not shown:
            if missing == 7000218 and application.public_client_flows:
                return
            raise Refused(missing)
        known = next((secret for secret in application.secrets if secret.value == shown), None)
        if known is None:
            raise Refused(7000215, client_id=application.client_id)
        if known.expires_at is not None and known.expires_at <= self._tenant.clock():
            raise Refused(7000222, client_id=application.client_id)

    def _require_fresh(self, held: RefreshToken) -> None:
        tenant, now_s = self._tenant, self._tenant.clock()
        mailbox = tenant.mailbox(held.sign_in.user)
        valid_from_s = mailbox.tokens_valid_from if mailbox else 0.0
        if held.revoked or held.issued_s < valid_from_s:
            raise Refused(50173, issued=moment(held.issued_s), valid_from=moment(valid_from_s))
        if now_s - held.issued_s >= tenant.lifetimes.refresh_s:
            raise Refused(700082, issued=moment(held.issued_s), inactive=span(tenant.lifetimes.refresh_s))
        longest_s = tenant.lifetimes.sign_in_s
        if longest_s is not None and now_s - held.sign_in.at_s >= longest_s:
            raise Refused(70008)


def _parameter(form: Form, name: str) -> str:
    value = form.get(name)
    if not value:
        raise Refused(900144, parameter=name)
    return value


def _is_early(grant: DeviceGrant, now_s: float) -> bool:
    """Whether the client polls faster than it was told; counts the poll."""
    early = grant.polled_s is not None and now_s - grant.polled_s < grant.interval_s
    grant.polled_s = now_s
    return early


@contextmanager
def _about(user: str) -> Iterator[None]:
    """A refusal in here is about that user."""
    try:
        yield
    except Refused as refused:
        refused.user = user
        raise
