"""What is checked: each mail table of the settings as it is, and what it would be with each other option."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mailmote.addresses import domain_of
from mailmote.letters import client_name
from mailmote.policy import options
from mailmote.policy.options import Option

from .. import settings_file

MICROSOFT_HOSTS = (".outlook.com", ".office365.com", ".mx.microsoft", ".azurecomm.net")
Dials = Mapping[str, tuple[str, int]]


@dataclass(frozen=True)
class Plan:
    """`mail` is a mail table as the board has it; `dial` is where its host is reached.

    `outside` are recipients that the option cannot reach; `dials` says where else names are reached.
    """

    option: Option
    mail: Mapping[str, Any]
    client_name: str
    recipients: tuple[str, ...]
    outside: tuple[str, ...]
    dial: tuple[str, int]
    dials: Dials
    device: str

    @property
    def host(self) -> str:
        return self.mail["host"]

    @property
    def domain(self) -> str:
        """That of the sender."""
        return domain_of(self.mail["from"])

    @property
    def at_microsoft(self) -> bool:
        return self.host.endswith(MICROSOFT_HOSTS)

    @property
    def at_mx(self) -> bool:
        """Whether mail goes to the tenant's MX endpoint."""
        return not self.option.signs_in and self.at_microsoft

    @property
    def is_dialled_elsewhere(self) -> bool:
        return self.dial[0] != self.host


def plans(settings: Mapping[str, Any], dials: Dials, all_options: bool, has_password: bool) -> Iterator[Plan]:
    """Those of the settings, in order of preference; with `all_options` those of the other ways after."""
    routes = settings_file.routes(settings)
    for route in routes:
        yield _plan(settings, route, dials)
    if not all_options:
        return
    for option in options.OPTIONS:
        if option.name not in [route["option"] for route in routes]:
            yield _plan(settings, _as_with(option, routes[0], has_password), dials)


def _plan(settings: Mapping[str, Any], mail: Mapping[str, Any], dials: Dials) -> Plan:
    option = options.named(mail["option"])
    first = settings["mail"]
    everyone = [*first["to"], *first.get("cc", ())]
    for alarm in settings["alarms"]:
        everyone += alarm.get("to", ())
    recipients = tuple({one.lower(): one for one in everyone}.values())
    inside = mail.get("accepted_domains") or [domain_of(mail["from"])]
    outside = tuple(one for one in recipients if option.inside_only and domain_of(one) not in inside)
    place = (mail.get("connect_to") or mail["host"], mail["port"])
    return Plan(
        option,
        mail,
        client_name(settings, mail),
        tuple(one for one in recipients if one not in outside),
        outside,
        dials.get(mail["host"].lower(), place),
        dials,
        settings["device"]["name"],
    )


def _as_with(option: Option, chosen: Mapping[str, Any], has_password: bool) -> dict[str, Any]:
    """The mail table with the defaults of another option, and what does not depend on it."""
    kept = ("from", "accepted_domains")
    mail = {key: chosen[key] for key in kept if key in chosen}
    auth = option.auth[0]
    if option.signs_in:
        mail["username"] = mail["from"]
        auth = options.PASSWORD if has_password else auth
    same_server = options.named(chosen["option"]).suffix == option.suffix
    if same_server and "connect_to" in chosen:
        mail["connect_to"] = chosen["connect_to"]
    mx = chosen["host"] if same_server else options.mx_host(domain_of(mail["from"]))
    return mail | {
        "option": option.name,
        "host": option.host or mx or f"the MX endpoint of {domain_of(mail['from'])}",
        "port": chosen["port"] if same_server else option.ports[0],
        "tls": option.tls[0],
        "auth": auth,
    }
