"""A tenant whose clock stands still, and requests at its sign-in endpoint as a device makes them."""

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

from tenant_client import CLIENT_ID, DOMAIN, MOTE, TIMEOUT_S, contoso

from mailmote_host.tenant import Application, ClientSecret, Mailbox, Service, Tenant, serve
from mailmote_host.tenant.directory import APPLICATION_SCOPE, DELEGATED_SCOPE

CLIENT_SECRET = "canary~Client-Secret.0123456789"
DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
MIDSUMMER_S = 1_782_000_000.0


class Clock:
    """The time of a tenant, in seconds; it passes only when told to."""

    def __init__(self) -> None:
        self.now_s = MIDSUMMER_S

    def __call__(self) -> float:
        return self.now_s

    def pass_by(self, seconds: float) -> None:
        self.now_s += seconds


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def code(self) -> int | None:
        """The AADSTS number; None where the request was granted."""
        return self.json["error_codes"][0] if "error_codes" in self.json else None


def directory(**switches: object) -> tuple[Tenant, Application, Mailbox, Clock]:
    """A tenant with an application that has a secret, and what a test turns in it."""
    clock = Clock()
    tenant = contoso(clock=clock, **switches)
    application = tenant.applications[0]
    application.secrets.append(ClientSecret(CLIENT_SECRET))
    return tenant, application, tenant.mailboxes[0], clock


def connection(service: Service) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cadata=service.ca_pem)
    return http.client.HTTPSConnection(*service.sign_in, timeout=TIMEOUT_S, context=context)


def request(
    service: Service,
    method: str,
    target: str,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One request on a connection of its own."""
    client = connection(service)
    kind = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
    try:
        client.request(
            method, target, urlencode(form) if form is not None else None, {**kind, **(headers or {})}
        )
        return Answer(client.getresponse())
    finally:
        client.close()


def token(service: Service, tenant: str = DOMAIN, **form: str) -> Answer:
    """A request at the token endpoint; empty parameters are left out."""
    form = {"client_id": CLIENT_ID, **form}
    chosen = {name: value for name, value in form.items() if value}
    return request(service, "POST", f"/{tenant}/oauth2/v2.0/token", chosen)


def start(service: Service, tenant: str = DOMAIN, **form: str) -> Answer:
    """A request for a device code; empty parameters are left out."""
    form = {"client_id": CLIENT_ID, "scope": DELEGATED_SCOPE, **form}
    chosen = {name: value for name, value in form.items() if value}
    return request(service, "POST", f"/{tenant}/oauth2/v2.0/devicecode", chosen)


def poll(service: Service, begun: Answer, **form: str) -> Answer:
    return token(service, grant_type=DEVICE_CODE, device_code=begun.json["device_code"], **form)


def refresh(service: Service, held: str, **form: str) -> Answer:
    return token(service, grant_type="refresh_token", refresh_token=held, **form)


def app_only(service: Service, **form: str) -> Answer:
    asked = {"client_secret": CLIENT_SECRET, "scope": APPLICATION_SCOPE, **form}
    return token(service, grant_type="client_credentials", **asked)


def signed_in_device(service: Service, address: str = MOTE, **form: str) -> Answer:
    """The tokens at the end of the device code flow."""
    begun = start(service, **form)
    service.tenant.approve(begun.json["user_code"], address)
    return poll(service, begun)


@dataclass
class Place:
    """A running tenant and what can be turned in it."""

    service: Service
    tenant: Tenant
    application: Application
    mailbox: Mailbox
    clock: Clock

    def start(self, **form: str) -> Answer:
        return start(self.service, **form)

    def approved(self) -> Answer:
        """A device code that the person has approved."""
        begun = self.start()
        self.tenant.approve(begun.json["user_code"], MOTE)
        return begun

    def poll(self, begun: Answer, **form: str) -> Answer:
        return poll(self.service, begun, **form)

    def held(self) -> str:
        """A refresh token of the mailbox."""
        return self.tenant.issue(MOTE, self.application).refresh

    def refresh(self, held: str, **form: str) -> Answer:
        return refresh(self.service, held, **form)

    def app_only(self, **form: str) -> Answer:
        return app_only(self.service, **form)


@contextmanager
def running() -> Iterator[Place]:
    tenant, application, mailbox, clock = directory()
    with serve(tenant) as service:
        yield Place(service, tenant, application, mailbox, clock)
