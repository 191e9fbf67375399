"""The text of a mote.toml, with a comment that explains each choice."""

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mailmote import sensors
from mailmote.addresses import domain_of
from mailmote.policy import options

from .answers import LATER, Answers

_WIDTH = 100
_COMMENT_COLUMN = 40
_HEADS = {
    options.CLIENT_SUBMISSION: (
        "Client submission: the board signs in as a mailbox, as a mail program does.",
        "It works from any network and reaches anybody.",
    ),
    options.DIRECT_SEND: (
        "Direct send: the board hands the mail to your organisation's own mail server, without signing in.",
        "It reaches people of your organisation only.",
    ),
    options.SMTP_RELAY: (
        "SMTP relay: a connector in your tenant knows the board, so that it need not sign in.",
        "It reaches anybody.",
    ),
    options.HIGH_VOLUME_EMAIL: (
        "High Volume Email: the board signs in as an account made for programs.",
        "It reaches people of your organisation only.",
    ),
    options.AZURE_COMMUNICATION_SERVICES: (
        "Azure Communication Services: an Azure service that mails to anybody, without Exchange.",
    ),
}
_POWERS = {
    "mains": '"battery" for a board that has to sleep between two readings',
    "battery": "it sleeps between two readings, and seldom turns the radio on",
}
_AUTHS = {
    options.OAUTH_DEVICE: "somebody signs in once, with a code that `mailmote provision` shows",
    options.OAUTH_APP: "the board signs in as an application, with its client secret",
    options.PASSWORD: "a password, which `mailmote provision` asks for",
    options.CERTIFICATE: "the connector sees the board's certificate in TLS",
    options.NO_AUTH: "nobody signs in",
}


def text(answers: Answers, to_do: Iterable[str]) -> str:
    """The file for answers that lack nothing. `to_do` is told at its top."""
    lines = [
        f"# The settings of {answers.name}. Change what you like, then run `mailmote check` on this file.",
        "# It holds no secret: `mailmote provision` asks for passwords and keeps them on the board.",
        "#",
        *(f"# {line}" for line in _HEADS[answers.option or ""]),
        "# Before the first mail, an administrator of the tenant does this:",
        *(line for number, step in enumerate(to_do, 1) for line in _step(number, step)),
        "",
        *_device(answers),
        "",
        *_mail(answers),
        "",
        *_sensor(answers),
        "",
        *_alarm(answers),
    ]
    return "\n".join(lines) + "\n"


def _step(number: int, step: str) -> list[str]:
    return textwrap.wrap(
        step,
        _WIDTH,
        initial_indent=f"#  {number}. ",
        subsequent_indent="#     ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _device(answers: Answers) -> Iterator[str]:
    yield "[device]"
    yield _line("name", answers.name, "begins the subject of each mail")
    if answers.site:
        yield _line("site", answers.site, "where it stands: the mails say so")
    yield _line(
        "utc_offset", answers.utc_offset, "local time in the mails; it does not follow daylight saving"
    )
    yield _line("power", answers.power, _POWERS[answers.power or ""])
    yield ""
    if answers.wifi:
        yield "[wifi]"
        yield _line("ssid", answers.wifi, "a 2.4 GHz network; its password is no part of this file")
    else:
        yield "# No [wifi] table: this board is on a wire. For Wi-Fi add [wifi] with ssid."


def _mail(answers: Answers) -> Iterator[str]:
    option = options.named(answers.option or "")
    auth = answers.auth()
    sender = answers.sender or ""
    yield "[mail]"
    server = answers.mx_host or option.host or options.mx_host(domain_of(sender))
    yield _line("option", option.name, f"by {server}, port {option.ports[0]}")
    yield _line("auth", auth, _AUTHS[auth])
    if answers.mx_host:
        yield _line("host", answers.mx_host, "the MX endpoint, as the Microsoft 365 admin center shows it")
    if option.signs_in and answers.mailbox != sender:
        yield _line(
            "username", answers.mailbox, "what signs in; it needs the right to Send As the address below"
        )
    words = (
        "the mailbox that signs in" if option.signs_in else "any address of your domain; it need not exist"
    )
    yield _line(
        "from", sender, words if answers.mailbox == sender else "the address that the mails come from"
    )
    yield _line("to", answers.to, "who gets every alarm; an alarm may name others")
    if option.inside_only:
        inside = () if answers.outside is not False else answers.to
        domains = list(dict.fromkeys(domain_of(one) for one in (sender, *inside)))
        yield _line("accepted_domains", domains, "the domains of your tenant: mail goes nowhere else")
    if auth in options.OAUTH:
        yield ""
        yield from _oauth(answers)


def _oauth(answers: Answers) -> Iterator[str]:
    yield "# Both stand on the Overview page of the application: entra.microsoft.com, App registrations."
    yield "[oauth]"
    yield _line("tenant", answers.tenant, "a domain of your tenant, or its Directory (tenant) ID")
    if answers.client_id == LATER:
        yield "# Still missing. Put the Application (client) ID here, and take the # away:"
        yield '# client_id = "00001111-aaaa-2222-bbbb-3333cccc4444"'
    else:
        yield _line("client_id", answers.client_id, "the Application (client) ID; it is no secret")


def _sensor(answers: Answers) -> Iterator[str]:
    yield "[[sensor]]"
    yield _line("name", answers.sensor, "the alarm below refers to it")
    yield _line("driver", answers.driver, "how it is read: see docs/settings.md")
    if answers.unit:
        yield _line("unit", answers.unit, "stands behind each value in the mails")
    yield _line("every", answers.every or "1min", "how often it is read")
    known: Mapping[str, Any] = sensors.options(answers.driver or "")
    for key, value in answers.driver_options.items():
        yield _line(key, value, known[key][2] if key in known else "")


def _alarm(answers: Answers) -> Iterator[str]:
    yield "[[alarm]]"
    yield _line("name", answers.alarm, "stands in the subject of its mails")
    yield _line("sensor", answers.sensor, "")
    if answers.above is not None:
        yield _line("above", answers.above, "alarm when a reading is greater")
    if answers.below is not None:
        yield _line("below", answers.below, "alarm when a reading is less")
    if answers.hold:
        yield _line("for", answers.hold, "and every reading for this long")
    if answers.clear is not None:
        yield _line("clear", answers.clear, "over once a reading is back here")
    if answers.no_reading_for:
        yield _line("no_reading_for", answers.no_reading_for, "alarm when the sensor is silent for this long")
    yield _line("severity", answers.severity, '"info", "warning" or "critical"')
    yield '# repeat_every = "4h"'.ljust(_COMMENT_COLUMN) + "# a reminder while it lasts"


def _line(key: str, value: Any, words: str) -> str:
    """JSON's texts, whole numbers and lists are TOML's too."""
    shown = repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
    line = f"{key} = {shown}"
    if not words:
        return line
    if len(line) > _COMMENT_COLUMN + 20:
        return f"# {words}\n{line}"
    return f"{line.ljust(_COMMENT_COLUMN - 1)} # {words}"
