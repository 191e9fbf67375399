"""The questions of init, in plain words, for whatever the command line did not tell."""

from collections.abc import Callable
from typing import Any

import click

from mailmote import sensors
from mailmote.addresses import domain_of
from mailmote.policy import fields, options, rules
from mailmote.policy.problems import Findings

from . import advice
from .answers import LATER, Answers, utc_offset_here

_SIGN_INS = {
    "code": (options.OAUTH_DEVICE, "somebody signs in once, with a code in a browser (recommended)"),
    "application": (options.OAUTH_APP, "the board is an application of its own, with a client secret"),
    "password": (options.PASSWORD, "user name and password; Microsoft is ending it"),
    "address": (options.NO_AUTH, "not at all: the connector knows the site's static public address"),
    "certificate": (options.CERTIFICATE, "not at all: the connector knows the board's certificate"),
}
_MAILBOX_SIGN_INS = (options.OAUTH_DEVICE, options.OAUTH_APP, options.PASSWORD)
_OPTION_WORDS = {
    options.CLIENT_SUBMISSION: "sign in as a mailbox; reaches anybody",
    options.DIRECT_SEND: "no sign-in; your own organisation only",
    options.SMTP_RELAY: "no sign-in; a connector knows the board; reaches anybody",
    options.HIGH_VOLUME_EMAIL: "an account for programs; your own organisation only",
    options.AZURE_COMMUNICATION_SERVICES: "an Azure service, without Exchange; reaches anybody",
}
# What is on an analog pin: scale and offset of the adc driver, unit.
_ANALOG = {
    "tmp36": (0.1, -50.0, "°C", "a TMP36 thermometer: 10 mV a degree, 500 mV at zero"),
    "lm35": (0.1, 0.0, "°C", "an LM35 thermometer: 10 mV a degree"),
    "other": (
        1.0,
        0.0,
        "mV",
        "something else: the readings are millivolts, until you change scale and offset",
    ),
}


def ask(answers: Answers, say: Callable[[str], None]) -> None:
    """Fill in what `answers` lacks. Raises click.Abort for Ctrl-C."""
    say("\nThe board\n")
    answers.name = answers.name or _text("What is the device called?", fields.DEVICE, "name", "freezer-1")
    if answers.site is None:
        answers.site = _text("Where does it stand? (- for nothing)", fields.DEVICE, "site", "-", none="-")
    answers.utc_offset = answers.utc_offset or _text(
        "How far is its local time from UTC?", fields.DEVICE, "utc_offset", utc_offset_here()
    )
    if answers.power is None:
        on_battery = _yes("Does it run on a battery?", False)
        answers.power = rules.BATTERY if on_battery else "mains"
    if answers.wifi is None:
        words = "Name of the Wi-Fi network? (- for a board on a wire)"
        answers.wifi = _text(words, fields.WIFI, "ssid", none="-")
    say("\nThe mail\n")
    answers.sender = answers.sender or _text("Which address does it write from?", fields.MAIL, "from")
    if not answers.to:
        words = "Who gets the mail? (addresses, with commas between)"
        answers.to = _split(_ask(words, lambda value: _checked(fields.MAIL, "to", _split(value), value)))
    if answers.option is None:
        _ask_option(answers, say)
    _ask_details(answers, say)
    say("\nThe sensor and its alarm\n")
    _ask_sensor(answers, say)
    _ask_alarm(answers)


def _ask_option(answers: Answers, say: Callable[[str], None]) -> None:
    """Facts, a recommendation, and the person's choice."""
    told = answers.sign_in
    _ask_facts(answers)
    facts = answers.facts()
    assert facts is not None  # noqa: S101 - the questions above
    found = advice.recommend(facts)
    say(f"\nRecommended: {found.option}. {' '.join(found.reasons)}\n")
    if _yes("Take it?", True):
        answers.option = found.option
        answers.sign_in = told if told in options.named(found.option).auth else found.auth
        return
    for name, words in _OPTION_WORDS.items():
        say(f"  {name:<29} {words}")
    answers.option = click.prompt("Which one", type=click.Choice(options.NAMES), err=True)
    answers.sign_in = told


def _ask_facts(answers: Answers) -> None:
    if answers.outside is None:
        elsewhere = any(domain_of(one) != domain_of(answers.sender or "") for one in answers.to)
        answers.outside = _yes("Does mail go to people outside your organisation?", elsewhere)
    if answers.static is None:
        answers.static = _yes(
            "Does the site have a static public address of its own, shared with nobody? (no if unsure)", False
        )
    if answers.sign_in is None:
        signs_in = _yes("May the board sign in, and is there a licensed mailbox for it?", True)
        answers.sign_in = options.OAUTH_DEVICE if signs_in else options.NO_AUTH
    if answers.sign_in in _MAILBOX_SIGN_INS:
        answers.mailbox = answers.mailbox or _text(
            "Whose mailbox signs in?", fields.MAIL, "from", answers.sender
        )
        answers.strict = _yes(
            "Are Security Defaults or multifactor authentication on? (yes if unsure)", answers.strict
        )


def _ask_details(answers: Answers, say: Callable[[str], None]) -> None:
    """What the chosen option needs besides."""
    option = options.named(answers.option or "")
    if len(option.auth) > 1 and answers.sign_in not in option.auth:
        answers.sign_in = _ask_sign_in(option, say)
    facts = answers.facts()
    for objection in advice.objections(option.name, answers.auth(), facts) if facts else ():
        say(f"! Mind: {objection}.")
    if option.name == options.AZURE_COMMUNICATION_SERVICES:
        answers.mailbox = answers.mailbox or _text(
            "The SMTP username of the resource?", fields.MAIL, "username"
        )
    if answers.auth() in options.OAUTH:
        say("The application of the board: entra.microsoft.com, App registrations, its Overview page.")
        domain = domain_of(answers.mailbox if "@" in (answers.mailbox or "") else answers.sender or "")
        answers.tenant = answers.tenant or _text(
            "Which tenant? (a domain of it, or its Directory ID)", fields.OAUTH, "tenant", domain
        )
        answers.client_id = answers.client_id or _ask(
            f'Its Application (client) ID? ("{LATER}" if there is none yet)', _client_id, LATER
        )
    if answers.needs_mx_host():
        say("The MX endpoint does not follow from this domain: see Settings, Domains in admin.microsoft.com.")
        answers.mx_host = _text("The MX value of the domain?", fields.MAIL, "host")


def _ask_sign_in(option: options.Option, say: Callable[[str], None]) -> str:
    ways = {word: way for word, way in _SIGN_INS.items() if way[0] in option.auth}
    say("How does it sign in?")
    for word, (_, words) in ways.items():
        say(f"  {word:<12} {words}")
    default = next(word for word, (auth, _) in ways.items() if auth == option.auth[0])
    word = click.prompt("Way", type=click.Choice(list(ways)), default=default, err=True)
    return ways[word][0]


def _ask_sensor(answers: Answers, say: Callable[[str], None]) -> None:
    if not answers.driver:
        answers.driver = click.prompt(
            "How is the sensor read?", type=click.Choice(sensors.names()), default="adc", err=True
        )
    assert answers.driver is not None  # noqa: S101
    answers.sensor = answers.sensor or _text(
        "What does it measure? (a name)", fields.SENSOR, "name", "temperature"
    )
    for key, (kind, default, words) in sensors.options(answers.driver).items():
        if default is ... and key not in answers.driver_options:
            question = f"{key}: {words}?"
            answers.driver_options[key] = click.prompt(question, type=kind, err=True)
    if answers.driver == "adc" and not {"scale", "offset"} & answers.driver_options.keys():
        for word, (_, _, _, words) in _ANALOG.items():
            say(f"  {word:<6} {words}")
        word = click.prompt("What is on the pin", type=click.Choice(list(_ANALOG)), default="tmp36", err=True)
        scale, offset, unit, _ = _ANALOG[word]
        answers.driver_options |= {"scale": scale, "offset": offset}
        answers.unit = answers.unit or unit


def _ask_alarm(answers: Answers) -> None:
    if answers.above is None and answers.below is None and answers.no_reading_for is None:
        side = click.prompt(
            "Alarm when it is", type=click.Choice(["above", "below"]), default="above", err=True
        )
        default = 0.5 if answers.driver == "digital" else None
        setattr(answers, side, click.prompt("Which limit?", type=float, default=default, err=True))
        answers.hold = answers.hold or _text("For how long?", fields.ALARM, "for", "5min")
    answers.alarm = answers.alarm or _text(
        "What is the alarm called?",
        fields.ALARM,
        "name",
        "too high" if answers.above is not None else "too low",
    )


def _yes(question: str, default: bool) -> bool:
    return click.confirm(question, default=default, err=True)


def _text(
    question: str, rows: tuple[Any, ...], key: str, default: str | None = None, none: str | None = None
) -> str:
    """An answer that the settings take; asked again until it is one. `none` stands for an empty one."""
    return _ask(question, lambda value: "" if value == none else _checked(rows, key, value, value), default)


def _ask(question: str, check: Callable[[str], str], default: str | None = None) -> str:
    return click.prompt(
        question, default=default, value_proc=lambda value: check(str(value).strip()), err=True
    )


def _split(text: str) -> list[str]:
    return [part for part in text.replace(",", " ").split(" ") if part]


def _client_id(value: str) -> str:
    return value if value == LATER else _checked(fields.OAUTH, "client_id", value, value)


def _checked(rows: tuple[Any, ...], key: str, value: Any, told: str) -> str:
    """`told`, where the rule of that key of mote.toml takes `value`. Raises click.UsageError."""
    findings = Findings()
    fields.read({key: value}, [row for row in rows if row[0] == key], (), findings)
    for problem in findings.problems:
        raise click.UsageError(problem.text)
    return told
