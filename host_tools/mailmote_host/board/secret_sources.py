"""Where the secrets of a board come from: the environment, the keyring, a file descriptor, or a person.

None is ever an argument of a command line, which other users of the computer can read.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from mailmote.store import secrets as store

from .. import settings_file
from ..errors import HostError, UsageError
from . import identity

_VARIABLES = {
    "wifi.password": "MAILMOTE_WIFI_PASSWORD",
    "mail.password": "MAILMOTE_MAIL_PASSWORD",
    "oauth.refresh": "MAILMOTE_OAUTH_REFRESH",
    "oauth.secret": "MAILMOTE_OAUTH_SECRET",
    "relay.cert": "MAILMOTE_RELAY_CERT_FILE",
    "relay.key": "MAILMOTE_RELAY_KEY_FILE",
}
_IN_FILES = ("relay.cert", "relay.key")
_WORDS = {
    "wifi.password": "Password of the Wi-Fi",
    "mail.password": "Password of the mailbox",
    "oauth.refresh": "Refresh token",
    "oauth.secret": "Client secret of the application",
    "relay.cert": "File with the board's certificate and its chain (PEM)",
    "relay.key": "File with its private key (PEM)",
}
_REFRESH = "oauth.refresh"
_SERVICE = "mailmote"
_MAX_DESCRIPTOR_BYTES = 65536
_MAX_DESCRIPTOR_WORD = 10  # fd:1048576 is the largest that Linux gives

WORDS = "env, keyring, fd:N, prompt or sign-in"
IN_A_TERMINAL = "or run this in a terminal, to be asked"


class Source(Protocol):
    """`slow` means that a person is asked, who takes a while."""

    slow: bool

    def get(self, name: str) -> bytes | None:
        """The secret, or None where this source has none of that name. Raises HostError."""
        ...


class Given:
    """Secrets that are there already."""

    slow = False

    def __init__(self, values: Mapping[str, bytes]):
        self._values = values

    def get(self, name: str) -> bytes | None:
        return self._values.get(name)


class Environment:
    """Variables such as MAILMOTE_WIFI_PASSWORD; those of the relay name files."""

    slow = False

    def __init__(self, variables: Mapping[str, str] = os.environ):
        self._variables = variables

    def get(self, name: str) -> bytes | None:
        value = self._variables.get(_VARIABLES.get(name, ""))
        if not value:
            return None
        return _read_file(value, _VARIABLES[name]) if name in _IN_FILES else _octets(value, _VARIABLES[name])


class Keyring:
    """The keyring of the system: service mailmote, user `<device>/<secret>` or `<sender>/<secret>`."""

    slow = False

    def __init__(self, owners: Callable[[str], Sequence[str]]):
        """`owners(name)`: whose secret of that name it may be, the nearest first."""
        self._owners = owners

    def get(self, name: str) -> bytes | None:
        import keyring
        import keyring.errors

        for owner in self._owners(name):
            value, trouble = None, ""
            try:
                value = keyring.get_password(_SERVICE, f"{owner}/{name}")
            except keyring.errors.KeyringError:  # there is none, or it stays locked
                return None
            except Exception as error:  # a backend may be anything; what it says may quote what it keeps
                trouble = type(error).__name__
            if trouble:
                raise UsageError(
                    f"The keyring of this computer cannot be used ({trouble}). Look with `keyring diagnose`, "
                    "or name other sources of secrets: env, fd:N or prompt."
                )
            if value:
                return value.encode()
        return None


class Prompt:
    """Asks on the terminal, without echo for what is secret in itself. `whose(name)` is told with it."""

    slow = True

    def __init__(self, whose: Callable[[str], str]):
        self._whose = whose

    def get(self, name: str) -> bytes | None:
        import click

        if name == _REFRESH or name not in _WORDS:  # nobody can type it
            return None
        if name in _IN_FILES:
            return _read_file(click.prompt(self._question(name), err=True), _WORDS[name])
        return click.prompt(self._question(name), hide_input=True, err=True).encode()

    def _question(self, name: str) -> str:
        return f"{_WORDS[name]} {self._whose(name)}".rstrip()


class SignIn:
    """A person signs the board in, with a code in a browser.

    `mail` is the mail table that needs it, `bundle` the file with the user's own CA certificates.
    """

    slow = True

    def __init__(self, mail: Mapping[str, Any], bundle: Path | None):
        self._mail = mail
        self._bundle = bundle

    def get(self, name: str) -> bytes | None:
        if name != _REFRESH or "oauth" not in self._mail:
            return None
        from rich.console import Console

        from ..sign_in.device_code import sign_in

        return sign_in(self._mail["oauth"], self._mail["username"], Console(stderr=True), bundle=self._bundle)


class Chain:
    """One source after the other, until one has it. `asked` says how a person would be asked."""

    def __init__(self, sources: Sequence[Source], asked: str = IN_A_TERMINAL):
        self._sources = sources
        self.asked = asked
        self.slow = any(source.slow for source in sources)

    def get(self, name: str) -> bytes | None:
        return next((value for source in self._sources if (value := source.get(name))), None)

    def parted(self) -> tuple["Chain", "Chain"]:
        """Those that answer at once, and those that ask a person."""
        return (
            Chain([source for source in self._sources if not source.slow]),
            Chain([source for source in self._sources if source.slow]),
        )


def owner(settings: Mapping[str, Any], name: str) -> str:
    """Whom a secret lets in: the network, or the sender of the mail that it is for."""
    if name == "wifi.password":
        return settings.get("wifi", {}).get("ssid", "")
    return settings_file.route_of(settings, name)["from"]


def chosen(
    words: Sequence[str],
    settings: Mapping[str, Any],
    folder: Path,
    has_terminal: bool,
    read: dict[str, Source] | None = None,
) -> Chain:
    """The sources of `--secrets-from`; without any, all that there are. Raises UsageError.

    `read` keeps what descriptors gave, for the next call: each can be read only once.
    """
    read = {} if read is None else read
    ca = settings_file.ca_file(settings)
    made: dict[str, Callable[[], Source]] = {
        "env": Environment,
        "keyring": lambda: Keyring(
            lambda name: (settings["device"]["name"], settings_file.route_of(settings, name)["from"])
        ),
        "prompt": lambda: Prompt(lambda name: owner(settings, name)),
        "sign-in": lambda: SignIn(settings_file.route_of(settings, _REFRESH), folder / ca if ca else None),
    }
    if not words:
        words = ("env", "keyring", "sign-in", "prompt") if has_terminal else ("env", "keyring")
    sources: list[Source] = []
    for word in words:
        if word.startswith("fd:") and word[3:].isdecimal() and len(word) <= _MAX_DESCRIPTOR_WORD:
            if word not in read:
                read[word] = Given(from_descriptor(int(word[3:])))
            sources.append(read[word])
        elif word not in made:
            raise UsageError(f"{word} is no source of secrets. Give {WORDS}.")
        elif word in ("prompt", "sign-in") and not has_terminal:
            raise UsageError(f"{word} needs a terminal. Take env, keyring or fd:N.")
        else:
            sources.append(made[word]())
    return Chain(sources)


def from_descriptor(number: int) -> dict[str, bytes]:
    """The secrets in a JSON object, name -> text, that is read from a file descriptor. Raises UsageError."""
    try:
        with os.fdopen(number, "rb", closefd=number > 2) as file:
            data = file.read(_MAX_DESCRIPTOR_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"file descriptor {number} cannot be read: {error.strerror}. Open it, as in 3< FILE."
        ) from None
    try:
        values = json.loads(data) if len(data) <= _MAX_DESCRIPTOR_BYTES else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise UsageError(
            f'file descriptor {number} gives no JSON object of texts. Write such as {{"mail.password": "…"}}.'
        )
    unknown = sorted(values.keys() - set(store.NAMES))
    if unknown:
        raise UsageError(f"{', '.join(unknown)}: no such secret. There are {', '.join(store.NAMES)}.")
    return {name: _octets(value, name) for name, value in values.items()}


def check(values: Mapping[str, bytes], domains: Sequence[str] = ()) -> None:
    """Raise HostError for a secret that a board would not take, or that could not be right.

    `domains` are the accepted ones of the tenant, in which a connector's certificate has to have a name.
    """
    for name, value in values.items():
        if not 0 < len(value) <= store.MAX_BYTES:
            raise HostError(
                f"The secret {name} has {len(value)} bytes, and can have 1 to {store.MAX_BYTES}. See that "
                "all of it, and nothing else, was handed over."
            )
    if all(name in values for name in _IN_FILES):
        try:
            identity.check(values["relay.cert"], values["relay.key"], domains)
        except identity.IdentityError as error:
            raise HostError(f"relay.cert and relay.key: {error}") from None


def domains_of(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """What `check` is to hold a certificate against, where the settings tell it."""
    return tuple(settings_file.route_of(settings, _IN_FILES[0]).get("accepted_domains", ()))


def missing(names: Sequence[str], asked: str = IN_A_TERMINAL, option: str = "--secrets-from") -> UsageError:
    """What to say where nothing gives these. `option` names the sources; `asked` is that of the Chain."""
    ways = ", ".join(_VARIABLES[name] for name in names if name in _VARIABLES)
    return UsageError(
        f"The board needs {', '.join(names)}, and nothing gives {'it' if len(names) == 1 else 'them'}. "
        f"Nothing was changed. Set {ways}; or use {option} keyring, or fd:N; {asked}."
    )


def _octets(text: str, name: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{name} is not UTF-8 text. Set it anew.") from None


def _read_file(path: str, what: str) -> bytes:
    try:
        with Path(path).expanduser().open("rb") as file:
            return file.read(_MAX_DESCRIPTOR_BYTES)
    except OSError as error:
        raise UsageError(
            f"{what}: {path} cannot be read: {error.strerror}. Check its name and permissions."
        ) from None
