"""The names that mail depends on: the mail host's addresses, and the MX record of the sender's domain."""

from collections.abc import Iterator

from mailmote.addresses import is_ip
from mailmote.policy import options

from .dns import LookupFailed, Names, NoSuchName, is_reserved
from .plan import Plan
from .steps import FAIL, SKIP, WARN, Result, passed

_RESOLVER = (
    "Check this computer's network and DNS server, or name another one with --dns-server. The board needs "
    "one that works as well."
)
_ADMIN_CENTER = "Microsoft 365 admin center, Settings, Domains, the domain, DNS records"


def host(plan: Plan, names: Names) -> Result:
    """The addresses of the host that is dialled."""
    name = plan.dial[0]
    instead = f", dialled in place of {plan.host}" if plan.is_dialled_elsewhere else ""
    if is_ip(name):
        return passed("host", f"{name}{instead}, needs no look-up.")
    if " " in name:
        return Result(
            "host",
            FAIL,
            f"{name} cannot be told from its name, since it has a hyphen.",
            f"Write it into host in [mail]: {_ADMIN_CENTER}, MX.",
        )
    try:
        found = names.addresses(name)
    except NoSuchName:
        return Result("host", FAIL, f"{name} does not exist in the DNS{instead}.", _fix_of_host(plan, name))
    except LookupFailed as error:
        return Result("host", FAIL, f"{_sentence(error)}", _RESOLVER)
    if not found:
        return Result("host", FAIL, f"{name} has no address in the DNS{instead}.", _fix_of_host(plan, name))
    return passed("host", f"{name} is {', '.join(found)}{instead}.")


def _fix_of_host(plan: Plan, name: str) -> str:
    if name.endswith(options.MX_SUFFIX):
        return (
            f"Is {plan.domain} a domain of the tenant? Set host in [mail] to the MX name that is shown in "
            f"the {_ADMIN_CENTER}."
        )
    return "Correct host or connect_to in [mail]."


def mx(plan: Plan, names: Names) -> Result:
    """Whether mail for the sender's domain goes to the host that the board sends to."""
    if is_reserved(plan.domain) and not names.given:
        return _no_such_domain("mx", plan.domain)
    try:
        hosts = names.mail_hosts(plan.domain)
    except NoSuchName:
        return Result(
            "mx",
            FAIL,
            f"The domain {plan.domain} does not exist in the DNS: servers refuse mail from it.",
            "Correct from in [mail], or register the domain.",
        )
    except LookupFailed as error:
        return Result("mx", WARN, f"{_sentence(error)}", _RESOLVER)
    return _judged(plan, hosts)


def _judged(plan: Plan, hosts: list[str]) -> Result:
    domain, told = plan.domain, ", ".join(hosts) or "none"
    if plan.host.lower() in hosts:
        return passed("mx", f"The MX record of {domain} points to {plan.host}.")
    ours = [one for one in hosts if one.endswith((options.MX_SUFFIX, ".mx.microsoft"))]
    if ours:
        return Result(
            "mx",
            FAIL,
            f"The MX record of {domain} points to {told}, not to {plan.host}.",
            f'Set host = "{ours[0]}" in [mail].',
        )
    if hosts == [""]:
        return Result(
            "mx",
            FAIL,
            f"{domain} says in its MX record that it takes no mail (RFC 7505): servers refuse mail from it.",
            f"Publish the MX record that is shown in the {_ADMIN_CENTER}, or correct from in [mail].",
        )
    if not hosts:
        return Result(
            "mx",
            WARN,
            f"{domain} has no MX record, so nobody can answer, and it cannot be told whether {plan.host} is "
            "its endpoint.",
            f"Publish the MX record that is shown in the {_ADMIN_CENTER}.",
        )
    return Result(
        "mx",
        WARN,
        f"The MX record of {domain} points to {told}, a mail filter maybe; the board sends to {plan.host}.",
        "That works, unless a connector takes mail from the filter alone. See that host in [mail] is the MX "
        f"name in the {_ADMIN_CENTER}.",
    )


def _no_such_domain(step: str, domain: str) -> Result:
    return Result(
        step,
        SKIP,
        f"Not checked: {domain} is a name for examples and tests, and in no public DNS.",
        "For a DNS server of your own that has it, use --dns-server.",
    )


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + "."


def checked(plan: Plan, names: Names) -> Iterator[Result]:
    yield host(plan, names)
    if plan.at_mx:
        yield mx(plan, names)
