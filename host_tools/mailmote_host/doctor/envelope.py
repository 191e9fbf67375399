"""The recipients of a message, asked one by one, and the test mail that says what it is."""

import secrets as randomness
import time
from collections import defaultdict
from collections.abc import Sequence

from mailmote.addresses import domain_of
from mailmote.civil import rfc5322_date
from mailmote.mail.message import Message
from mailmote.policy import options
from mailmote.smtp.lines import Reply, command

from .plan import Plan
from .smtp_client import SmtpClient, refused, said
from .steps import FAIL, Result, Trouble, passed

_STEP = "recipients"


def recipients(plan: Plan, client: SmtpClient, address: str | None) -> tuple[tuple[str, ...], list[Result]]:
    """Those who were accepted, and the results: one for them, one for each reason of a refusal.

    `address` is the site's public address for the fix, where it is known.
    """
    answers: dict[str, list[str]] = defaultdict(list)
    replies: dict[str, Reply] = {}
    for recipient in plan.recipients:
        reply = client.ask("rcpt", command(f"RCPT TO:<{recipient}>"))
        kind = "" if 200 <= reply.code < 300 else refused(reply, "rcpt").key
        replies.setdefault(kind, reply)
        answers[kind].append(recipient)
        if reply.code == 421:
            break
    accepted = tuple(answers.pop("", ()))
    results = [passed(_STEP, _taken(plan, accepted, replies[""]))] if accepted else []
    for kind, several in answers.items():
        why = refused(replies[kind], "rcpt", address)
        told = Trouble(f"{', '.join(several)}: {why.found}", why.fix, why.key, why.copy)
        results.append(told.result(_STEP))
    return accepted, results + ([_outside(plan)] if plan.outside else [])


def _taken(plan: Plan, accepted: Sequence[str], reply: Reply) -> str:
    found = f"{', '.join(accepted)}: {said(reply)}."
    if plan.option.signs_in:
        return f"{found} An unknown one comes back as a mail to the mailbox."
    if plan.option.name == options.SMTP_RELAY:
        domains = plan.mail.get("accepted_domains") or [plan.domain]
        if all(domain_of(one) in domains for one in plan.recipients):
            return f"{found} None is outside, so this does not show whether a connector knows the board."
    return found


def _outside(plan: Plan) -> Result:
    return Result(
        _STEP,
        FAIL,
        f"{plan.option.name} reaches the own organisation only, and these are outside: "
        f"{', '.join(plan.outside)}.",
        "Use option client-submission or smtp-relay; or, if the tenant has their domain, add it to "
        "accepted_domains in [mail].",
        "relay-denied",
    )


def test_mail(plan: Plan, to: Sequence[str]) -> Message:
    """The mail that is sent for real."""
    now_s = int(time.time())
    text = (
        f"This is a test mail of `mailmote doctor` for the board {plan.device}, by option "
        f"{plan.option.name}.\n\nIf it is in the junk folder, the alerts will be there, too: look at the "
        "SPF record that the doctor tells.\n"
    )
    return Message(
        (plan.device, plan.mail["from"]),
        to,
        f"{plan.device}: test mail",
        f"{now_s:x}.{randomness.token_hex(8)}@{plan.domain}",
        rfc5322_date(now_s),
        (text,),
    )
