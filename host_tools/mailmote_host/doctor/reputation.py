"""The public address that the site sends from: the SPF record of the sender's domain, and DNS blocklists.

https://www.spamhaus.org/faqs/dnsbl-usage/ has what zen.spamhaus.org answers: 127.0.0.10 and .11 for addresses
that should not send mail themselves, as those of homes (PBL), the others for spam that was seen;
127.255.255.0/24 is an error, as for queries through an open resolver, and no listing.
"""

from collections.abc import Iterator

from . import spf
from .dns import LookupFailed, Names, NoSuchName, is_reserved, reverse_name
from .plan import Plan
from .public_address import is_public
from .spf_record import MICROSOFT, to_publish
from .steps import FAIL, PASS, SKIP, WARN, Result, passed

ZONE = "zen.spamhaus.org"
_POLICY = ("127.0.0.10", "127.0.0.11")
_LISTED = "127."
_ERRORS = "127.255.255."
_GRADES = {spf.PASS: PASS, spf.NONE: WARN, spf.NEUTRAL: WARN, spf.TEMPERROR: WARN}


def checked(plan: Plan, address: str | None, names: Names, blocklists: bool) -> Iterator[Result]:
    """`address` is what the server saw, or what was given; None: nothing is known."""
    if address is None or not is_public(address):
        if not plan.at_microsoft:
            return  # a relay of the site is inside, and what it sends is its own affair
        what = "No server has told the public address" if address is None else f"The server sees {address}"
        about = "" if address is None else ", which is no public address"
        yield Result(
            "public-address",
            SKIP,
            f"{what}{about}: SPF{' and blocklists are' if blocklists else ' is'} not checked.",
            "Give the site's public address with --public-address.",
        )
        return
    yield sender_policy(plan, address, names)
    if blocklists:
        yield blocklist(plan, address, names)


def sender_policy(plan: Plan, address: str, names: Names) -> Result:
    """The SPF record of the sender's domain, against the public address."""
    if is_reserved(plan.domain) and not names.given:
        return Result(
            "spf",
            SKIP,
            f"Not checked: {plan.domain} is a name for examples and tests, and in no public DNS.",
            "For a DNS server of your own that has it, use --dns-server.",
        )
    outcome = spf.evaluate(address, plan.mail["from"], names)
    if plan.option.signs_in:
        return _informational(plan, outcome)
    found = f"SPF of {plan.domain} for {address}: {outcome.result} ({outcome.why})."
    if outcome.result == spf.PASS:
        return _passed(plan, outcome, found)
    if outcome.result == spf.TEMPERROR:
        return Result(
            "spf", WARN, found, "Try again. If it lasts, whoever runs the DNS of the domain has to act."
        )
    what = "the one TXT record" if not outcome.records else "this in place of the SPF record that is there"
    if len(outcome.records) > 1:
        what = "this one TXT record in place of all that begin with v=spf1"
    record, broken = to_publish(outcome.records, address)
    without = f", without {' and '.join(broken)}, which no receiver can read: mend it first" if broken else ""
    return Result(
        "spf",
        _GRADES.get(outcome.result, FAIL),
        f"{found} Mail that does not pass is taken for spam.",
        f"Publish {what} in the DNS of {plan.domain}{without}:",
        "spf-violation",
        (f'{plan.domain}. TXT "{record}"',),
    )


def _passed(plan: Plan, outcome: spf.Outcome, found: str) -> Result:
    if outcome.why.split(",")[0].lower() in ("all", "+all"):
        return Result(
            "spf",
            WARN,
            f"{found} The record lets everybody send as {plan.domain}, so receivers do not heed it.",
            "End it with ~all in place of +all, and name the site's address in it as ip4:<address>.",
        )
    return passed("spf", found)


def _informational(plan: Plan, outcome: spf.Outcome) -> Result:
    """Microsoft's servers deliver what is submitted: the site's own address does not matter."""
    record = outcome.records[0] if outcome.records else ""
    if MICROSOFT in record.lower():
        return passed("spf", f"Microsoft 365 sends for {plan.domain}, and its SPF record says so.")
    told = f'says "{record}"' if record else f"is not there ({outcome.why})"
    return passed(
        "spf",
        f"Does not matter for {plan.option.name}: the site's address delivers nothing itself. The SPF "
        f"record of {plan.domain} {told}; to have mail from Microsoft 365 pass, it needs {MICROSOFT}.",
    )


def blocklist(plan: Plan, address: str, names: Names) -> Result:
    """Whether the public address is on Spamhaus's lists, which Microsoft asks."""
    try:
        answers = names.look_up(reverse_name(address, ZONE), "A")
    except NoSuchName:
        answers = []
    except LookupFailed as error:
        return Result(
            "blocklist",
            WARN,
            f"The blocklist could not be asked: {error}.",
            "Try again, or use --no-blocklists.",
        )
    if any(answer.startswith(_ERRORS) for answer in answers):
        return Result(
            "blocklist",
            WARN,
            f"{ZONE} does not answer this DNS server ({answers[0]}), as it does not answer open resolvers.",
            f"Look {address} up at https://check.spamhaus.org, or use the provider's DNS server.",
        )
    if any(not answer.startswith(_LISTED) for answer in answers):
        return Result(
            "blocklist",
            WARN,
            f"The DNS server answers with {', '.join(answers)}, which no blocklist does (RFC 5782 section "
            "2.1): it makes answers up for names that are not there.",
            f"Look {address} up at https://check.spamhaus.org, or name another server with --dns-server.",
        )
    if not answers:
        return passed("blocklist", f"{address} is not on {ZONE}.")
    return _listed(plan, address, answers)


def _listed(plan: Plan, address: str, answers: list[str]) -> Result:
    by_policy = all(answer in _POLICY for answer in answers)
    kind = (
        "as a home or mobile address, which should send no mail itself"
        if by_policy
        else "for spam or malware"
    )
    found = f"{address} is on {ZONE} {kind} ({', '.join(answers)})."
    if plan.option.signs_in:
        return passed("blocklist", f"{found} That does not matter for {plan.option.name}.")
    return Result(
        "blocklist",
        WARN if by_policy else FAIL,
        f"{found} The MX endpoint mostly refuses such addresses.",
        "Use option client-submission, which does not depend on the address. With a static address of your "
        "own, ask for its removal at https://check.spamhaus.org.",
        "address-blocklisted",
    )
