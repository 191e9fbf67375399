"""mote.toml: read it, check it, say what is wrong and on which line, and turn it into settings.json.

Nothing here writes: whoever writes does so only with `Loaded.settings` in hand, which no broken file gives.
"""

import json
import re
import tomllib
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mailmote.policy import problems as policy_problems
from mailmote.policy.settings import validate

from . import toml_lines

MAX_FILE_BYTES = 64 * 1024  # sixteen sensors and thirty-two alarms with comments take a tenth of it
MAX_CA_BYTES = 64 * 1024  # a bundle of thirty certificates; a board has room for a handful
MAX_SETTINGS_BYTES = 8 * 1024  # settings.json: parsed, it takes about twice that of the board's heap

_POSITION = re.compile(r" \(at line (\d+), column (\d+)\)$")
_TWICE = re.compile(r"cannot (declare|overwrite|mutate)")
_SHOWN_KEY = 40


@dataclass(frozen=True)
class Problem:
    """`line` counts from 1; None: no line is to blame. `key` is a path as in `alarm[0].for`, or empty."""

    file: str
    line: int | None
    level: str
    key: str
    text: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f"{self.key}: " if self.key else ""
        return f"{place}: {self.level}: {key}{self.text}"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Loaded:
    """`settings` is None where a problem is an error. `found` is False where there was no file to read."""

    settings: dict[str, Any] | None
    problems: list[Problem]
    found: bool = True

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": self.settings is not None,
            "problems": [problem.to_json() for problem in self.problems],
            "settings": self.settings,
        }


def load(
    path: str | Path,
    drivers: Mapping[str, Mapping[str, tuple[type, Any, str]]],
    change: Callable[[dict[str, Any]], None] = lambda document: None,
) -> Loaded:
    """Read and check a settings file. Raises nothing about the file: all of it is in `problems`, by line.

    `change` may put other values into what was read, before it is checked.
    """
    name = str(path)
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return _unreadable(name, "there is no such file. Make one with `mailmote init`")
    except IsADirectoryError:
        return _unreadable(name, "this is a folder. Name the mote.toml in it")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return _unreadable(name, f"it cannot be read: {reason}. Check its permissions")
    if len(data) > MAX_FILE_BYTES:
        return _broken(
            name,
            None,
            f"is larger than {MAX_FILE_BYTES // 1024} KiB, and a settings file has few. Is it the right one?",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _broken(name, line, "is not UTF-8 text. Save it as UTF-8 in your editor")
    return check(name, text, drivers, change)


def check(
    name: str,
    text: str,
    drivers: Mapping[str, Any],
    change: Callable[[dict[str, Any]], None] = lambda document: None,
) -> Loaded:
    """As `load`, of the text of a file that has that name, or would get it."""
    try:
        document = tomllib.loads(text)
        lines = toml_lines.locate(text)
    except tomllib.TOMLDecodeError as error:
        return _syntax_error(name, text, str(error))
    except RecursionError:
        return _broken(name, None, "has lists or tables nested too deeply. Start anew with `mailmote init`")
    except ValueError:
        return _broken(name, None, "has a number of thousands of digits. Take it out")
    change(document)
    settings, found = validate(document, drivers)
    problems = [Problem(name, _line(lines, one.path), one.level, _key(one.path), one.text) for one in found]
    for path, fault in _ca_faults(Path(name).parent, document, [one.path for one in found]):
        problems.append(Problem(name, _line(lines, path), policy_problems.ERROR, _key(path), fault))
        settings = None
    if settings is not None:
        for path, doubt in _never_raised(settings):
            problems.append(Problem(name, _line(lines, path), policy_problems.WARNING, _key(path), doubt))
    problems.sort(key=lambda problem: problem.line or 0)
    if settings is not None:
        size = len(compact(settings))
        if size > MAX_SETTINGS_BYTES:
            settings = None
            problems.append(
                Problem(
                    name,
                    1,
                    policy_problems.ERROR,
                    "",
                    f"the settings take {size} bytes on the board, and {MAX_SETTINGS_BYTES} fit its memory. "
                    "Use fewer alarms, or a distribution group in place of long lists of recipients",
                )
            )
    return Loaded(settings, problems)


def compact(settings: Mapping[str, Any]) -> bytes:
    """settings.json for the board: the same bytes for the same settings."""
    return json.dumps(
        settings, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def routes(settings: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The mail tables, in order of preference. Those after the first have no recipients of their own."""
    return (settings["mail"], *settings.get("fallbacks", ()))


def ca_file(settings: Mapping[str, Any]) -> str | None:
    """The name of the user's own CA certificates, which one of the mail tables may have."""
    return next((route["ca"] for route in routes(settings) if "ca" in route), None)


def secrets_needed(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the secrets that a board with these settings will ask its store for."""
    found = [*_secrets_in(settings.get("wifi", {}))]
    for route in routes(settings):
        found += _secrets_of(route)
    return tuple(found)


def route_of(settings: Mapping[str, Any], secret: str) -> Mapping[str, Any]:
    """The mail table that needs a secret; the first for one that none needs, such as that of the Wi-Fi."""
    return next((route for route in routes(settings) if secret in _secrets_of(route)), settings["mail"])


def _secrets_of(route: Mapping[str, Any]) -> tuple[str, ...]:
    return (*_secrets_in(route), *_secrets_in(route.get("oauth", {})))


def _secrets_in(table: Mapping[str, Any]) -> Iterator[str]:
    return (table[key] for key in ("password", "certificate", "key", "secret") if key in table)


def _ca_faults(
    folder: Path, document: Mapping[str, Any], told: Container[toml_lines.Path]
) -> Iterator[tuple[toml_lines.Path, str]]:
    """What is wrong with the user's own CA certificates, and what to do: the path of their key, and a text.

    Where the name or the tables are at fault already, by the paths in `told`, there is nothing to add.
    """
    if ("mail",) in told:
        return
    mail = document.get("mail")
    tables = list(enumerate(mail)) if isinstance(mail, list) else [(None, mail)]
    for index, table in tables:
        path: toml_lines.Path = ("mail", "ca") if index is None else ("mail", index, "ca")
        if isinstance(table, dict) and "ca" in table and path not in told:
            fault = _ca_fault(folder / table["ca"])
            if fault:
                yield path, fault


def _ca_fault(path: Path) -> str | None:
    from .board import trust  # few files have one, and its libraries take a moment

    try:
        with path.open("rb") as file:
            data = file.read(MAX_CA_BYTES + 1)
    except FileNotFoundError:
        return f"there is no file {path}. Put the certificate of the CA there, as PEM"
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}. Check its permissions"
    if len(data) > MAX_CA_BYTES:
        return f"{path} is larger than {MAX_CA_BYTES // 1024} KiB. Take the CA of your server alone"
    if b"PRIVATE KEY-----" in data:
        return f"{path} holds a private key, which has no place here. Take it out; the certificate is enough"
    try:
        trust.site_certificates(path)
    except trust.TrustError as error:
        return str(error)
    return None


def _never_raised(settings: Mapping[str, Any]) -> Iterator[tuple[toml_lines.Path, str]]:
    """The limits that no reading of their sensor can pass."""
    digital = {sensor["name"] for sensor in settings["sensors"] if sensor["driver"] == "digital"}
    for index, alarm in enumerate(settings["alarms"]):
        if alarm["sensor"] in digital and (alarm.get("above", 0) >= 1 or alarm.get("below", 1) <= 0):
            side = "above" if "above" in alarm else "below"
            yield (
                ("alarm", index, side),
                f"this alarm is never raised: a digital input reads 0 or 1, and neither is {side} "
                f"{alarm[side]:g}. Set it to 0.5",
            )


def _syntax_error(name: str, text: str, message: str) -> Loaded:
    """tomllib's message names a line, or says that the end came too soon."""
    position = _POSITION.search(message)
    if position is None:
        line = text.rstrip("\n").count("\n") + 1
        cause, column = message.removesuffix(" (at end of document)"), ""
    else:
        line = int(position[1])
        cause, column = message[: position.start()], f" at column {position[2]}"
    cause = cause[:1].lower() + cause[1:]
    fix = "Text stands in quotes, and a key and its value on one line"
    if _TWICE.search(cause):
        fix = "A table and a key stand once: put the keys of both together"
    return _broken(
        name,
        line,
        f"is not TOML{column}: {cause}. {fix}",
    )


def _unreadable(name: str, text: str) -> Loaded:
    return Loaded(None, [Problem(name, None, policy_problems.ERROR, "", text)], found=False)


def _broken(name: str, line: int | None, text: str) -> Loaded:
    return Loaded(None, [Problem(name, line, policy_problems.ERROR, "", text)])


def _line(lines: Mapping[toml_lines.Path, int], path: toml_lines.Path) -> int:
    """The line of a key, or of the table that lacks it: the top of the file for a table that is not there."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


def _key(path: toml_lines.Path) -> str:
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        shown = "".join(f"\\x{ord(one):02x}" if policy_problems.controls(one) else one for one in part)
        if len(shown) > _SHOWN_KEY:
            shown = shown[: _SHOWN_KEY - 3] + "..."
        text += f".{shown}" if text else shown
    return text
