"""The ways to send that the demo shows: each with its settings, as people write them, and its tenant."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from .. import settings_file
from ..check import drivers
from ..errors import HostError
from ..sign_in import device_code
from ..tenant.directory import Application
from ..tenant.model import Connector, Mailbox, Tenant
from ..tenant.service import Service

MAILBOX = "mote@contoso.test"
_CLIENT_ID = "6f1c2f9e-3d57-4a0b-9c1e-0f6f4f5a7b21"  # of an application that only the demo's tenant has

_MOTE_TOML = """\
[device]
name = "machine-7"
site = "Hall 2, bay 14"

[wifi]
ssid = "Plant IoT"

[mail]
option = "{option}"
from = "mote@contoso.test"
to = ["{to}"]
{sign_in}
port = {port}
connect_to = "127.0.0.1"
{oauth}
[[sensor]]
name = "Machine temperature"
driver = "replay"
unit = "°F"
every = "5min"
path = "recording.csv"
stop_at_end = true

[[alarm]]
name = "Machine too cold"
sensor = "Machine temperature"
below = 45
for = "15min"
clear = 50
severity = "critical"
"""


_OAUTH_TOML = """
[oauth]
tenant = "contoso.test"
client_id = "{client_id}"
port = {port}
connect_to = "127.0.0.1"
"""


@dataclass(frozen=True)
class Way:
    """A way to send. `auth` is that of mote.toml, `mechanism` that of SMTP's AUTH, "" for none."""

    name: str
    option: str
    title: str
    port: int
    tls: str
    auth: str
    mechanism: str
    sign_in: str
    to: str

    @property
    def signs_in(self) -> bool:
        return bool(self.mechanism)


_HERE, _OUTSIDE = "facilities@contoso.test", "oncall@fabrikam.test"
_SUBMISSION = "client-submission"

WAYS = (
    Way(
        "oauth",
        _SUBMISSION,
        "Client submission",
        587,
        "verified",
        "oauth-device",
        "XOAUTH2",
        "OAuth 2.0",
        _HERE,
    ),
    Way(
        "password",
        _SUBMISSION,
        "  with a password",
        587,
        "verified",
        "password",
        "LOGIN",
        "AUTH LOGIN",
        _HERE,
    ),
    Way("direct-send", "direct-send", "Direct send", 25, "none", "none", "", "none", _HERE),
    Way("smtp-relay", "smtp-relay", "SMTP relay", 25, "none", "none", "", "by address", _OUTSIDE),
)


def tenant_for(way: Way, password: str) -> Tenant:
    """A tenant whose administrator has allowed that way."""
    tenant = Tenant(accepted_domains=("contoso.test",))
    if way.signs_in:
        tenant.mailboxes.append(Mailbox(MAILBOX, password))
    if way.auth == "oauth-device":
        tenant.basic_auth_disabled = True
        tenant.applications.append(Application(_CLIENT_ID))
        tenant.approves_as = MAILBOX
    elif way.option == "direct-send":
        tenant.contacts.add(way.to)
    elif way.option == "smtp-relay":
        tenant.connectors.append(Connector(networks=("127.0.0.1/32",)))
    return tenant


def settings_for(way: Way, folder: Path, service: Service, ca: str = "") -> dict:
    """The settings, by way of a mote.toml in `folder`. `ca` is the file there that holds the tenant's CA."""
    oauth = ""
    if way.auth == "oauth-device":
        oauth = _OAUTH_TOML.format(client_id=_CLIENT_ID, port=service.sign_in.port)
    text = _MOTE_TOML.format(
        option=way.option,
        to=way.to,
        sign_in=(f'auth = "{way.auth}"' if way.signs_in else 'tls = "none"')
        + (f'\nca = "{ca}"' if ca and way.signs_in else ""),
        port=service.submission.port if way.signs_in else service.mx.port,
        oauth=oauth,
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "mote.toml"
    path.write_text(text, encoding="utf-8")
    loaded = settings_file.load(path, drivers())
    if loaded.settings is None:
        raise HostError("\n".join(str(problem) for problem in loaded.problems))
    return loaded.settings


def secrets_for(way: Way, settings: Mapping, password: str, ca_pem: Path) -> dict[str, bytes]:
    """What provisioning hands to the board: for OAuth, what the device-code sign-in brings."""
    if way.auth == "oauth-device":
        oauth = settings["mail"]["oauth"]
        return {oauth["secret"]: device_code.sign_in(oauth, MAILBOX, Console(quiet=True), bundle=ca_pem)}
    return {"mail.password": password.encode()} if way.auth == "password" else {}
