"""Putting mailmote on a board, over its serial port: all of it, or the firmware alone.

Nothing here asks or prints. What a person has to be asked for is asked while the board runs on, between two
visits to it: secrets that are missing, and whether a program of somebody else's may be replaced. Only then
is anything changed on the board, in this order: files are staged and proven, secrets put, the switch made,
the clock set; the board restarts, and says that it is ready.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import mailmote

from .. import settings_file
from ..errors import HostError, UsageError
from . import clock, contents, link, pins, readiness, returning, secret_sources, secrets, staging, survey
from .log_lines import Line

READY_WITHIN_S = 90.0
ASKING = "waiting for an answer"  # a step, in which a person is asked
_OURS = b'"""mailmote: '
_SCRIPTS = ("boot.py", "main.py")
_MOST_NAMED = 4

Tell = Callable[[str, float], None]
# Gets path -> content of files that are somebody else's. Raises HostError if they are not to be replaced.
Replace = Callable[[Mapping[str, bytes]], None]


class Result(NamedTuple):
    """`ready` is the line in which the board said so, or "" where it was not waited for.

    `board_id` is the chip's own number, in hexadecimal; "" where it tells none.
    """

    copied: tuple[str, ...]
    removed: tuple[str, ...]
    bytes: int
    secrets: tuple[str, ...]
    version: str
    ready: str
    notice: str
    board_id: str


def refuse(foreign: Mapping[str, bytes]) -> None:
    """The Replace that never does."""
    it = "it" if len(foreign) == 1 else "them"
    raise UsageError(
        f"There is somebody else's {listed(foreign)} on the board. Nothing was changed. To replace {it}, and "
        "keep a copy on this computer: --replace."
    )


def listed(foreign: Iterable[str]) -> str:
    """Their names, of many the first."""
    names = sorted(foreign, key=lambda path: (path not in _SCRIPTS, path))
    if len(names) > _MOST_NAMED:
        names[_MOST_NAMED:] = [f"{len(names) - _MOST_NAMED} more"]
    return " and ".join([*([", ".join(names[:-1])] if names[1:] else []), names[-1]])


@dataclass
class Job:
    """What a board is to get: `wanted(facts)` are its files, `needed` names secrets, which are checked
    against `domains`.

    `hear` gets each line of the board's log at the end; with `wait_ready_s` 0 its ready line is not awaited.
    """

    wanted: Callable[[survey.Facts], contents.Contents]
    needed: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    source: secret_sources.Chain = field(default_factory=lambda: secret_sources.Chain([]))
    renew: bool = False
    sets_clock: bool = False
    replace: Replace = refuse
    tell: Tell = lambda step, share: None
    hear: Callable[[Line], None] = lambda line: None
    wait_ready_s: float = READY_WITHIN_S


def provision(
    port: str,
    settings: Mapping[str, Any],
    folder: Path,
    *,
    source: secret_sources.Chain,
    renew_secrets: bool = False,
    replace: Replace = refuse,
    tell: Tell = lambda step, share: None,
    hear: Callable[[Line], None] = lambda line: None,
    wait_ready_s: float = READY_WITHIN_S,
) -> Result:
    """Put firmware, settings, CA certificates, clock and secrets on the board. Raises HostError.

    `settings` are those of a mote.toml that was found right, `folder` is its folder.
    """
    own = contents.settings_for(settings, folder)
    clock.check()

    def wanted(facts: survey.Facts) -> contents.Contents:
        doubts = contents.Contents({}, (), pins.doubts(settings, facts))
        return contents.joined(contents.firmware_for(facts), own, doubts)

    return run(
        port,
        Job(
            wanted=wanted,
            needed=settings_file.secrets_needed(settings),
            domains=secret_sources.domains_of(settings),
            source=source,
            renew=renew_secrets,
            sets_clock=True,
            replace=replace,
            tell=tell,
            hear=hear,
            wait_ready_s=wait_ready_s,
        ),
    )


def update(
    port: str,
    *,
    replace: Replace = refuse,
    tell: Tell = lambda step, share: None,
    hear: Callable[[Line], None] = lambda line: None,
    wait_ready_s: float = READY_WITHIN_S,
) -> Result:
    """Renew the firmware on the board, and nothing else. Raises HostError."""
    return run(
        port,
        Job(contents.firmware_for, replace=replace, tell=tell, hear=hear, wait_ready_s=wait_ready_s),
    )


@dataclass
class _Visit:
    """What a visit to the board has found. `has` names its secrets, None where no firmware could tell."""

    plan: staging.Plan
    notice: str
    board_id: str
    has: tuple[str, ...] | None
    missing: tuple[str, ...]
    foreign: dict[str, bytes]


def run(port: str, job: Job) -> Result:
    """Do it. Raises HostError."""
    at_once, by_person = job.source.parted()
    values = _gathered(job.needed, at_once)
    if job.renew:
        job.tell(ASKING, 0)
        values |= _asked(job, [name for name in job.needed if name not in values], by_person)
    secret_sources.check(values, job.domains)
    settled: dict[str, bytes] = {}
    place = returning.Place(port)
    while True:
        with place.open() as board:
            job.tell("looking at the board", 0)
            visit = _visit(board, job, values, settled)
            if not visit.missing and not visit.foreign:
                return _work(board, job, visit, values)
        job.tell(ASKING, 0)
        if visit.missing:
            values |= _asked(job, visit.missing, by_person)
            secret_sources.check(values, job.domains)
        if visit.foreign:
            job.replace(visit.foreign)
            settled |= visit.foreign


def _gathered(names: Iterable[str], source: secret_sources.Chain) -> dict[str, bytes]:
    return {name: value for name in names if (value := source.get(name))}


def _asked(job: Job, names: Sequence[str], source: secret_sources.Chain) -> dict[str, bytes]:
    """All of these secrets. Raises UsageError for those that nothing gives."""
    found = _gathered(names, source)
    if lacking := [name for name in names if name not in found]:
        raise secret_sources.missing(lacking, job.source.asked)
    return found


def _visit(board: link.Link, job: Job, values: Mapping[str, bytes], settled: Mapping[str, bytes]) -> _Visit:
    staging.finish(board)
    facts = survey.facts(board)
    wanted = job.wanted(facts)
    plan = staging.plan(board, wanted)
    has = _secrets_on(board) if job.needed else ()
    missing = tuple(name for name in job.needed if name not in values and name not in (has or ()))
    return _Visit(plan, wanted.notice, facts.board_id, has, missing, _foreign(board, plan, settled))


def _secrets_on(board: link.Link) -> tuple[str, ...] | None:
    """The names of the board's secrets, or None where it has no firmware that could tell."""
    try:
        return secrets.names(board)
    except (link.CodeError, secrets.SecretError):
        return None


def _foreign(board: link.Link, plan: staging.Plan, settled: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files on the board that would be lost, and are not mailmote's.

    Where a script is mailmote's, so is all that has its place in it: but for a script of somebody else's.
    """
    scripts = {path: survey.read(board, path) or b"" for path in _SCRIPTS if path in plan.copy}
    theirs = {path: content for path, content in scripts.items() if not content.startswith(_OURS)}
    found = {path: content for path, content in theirs.items() if _does_something(content)}
    if theirs.keys() == set(_SCRIPTS):
        others = [path for path in plan.lost if path not in _SCRIPTS]
        found |= {path: content for path in others if (content := survey.read(board, path))}
    return {path: content for path, content in found.items() if settled.get(path) != content}


def _does_something(script: bytes) -> bool:
    """Not so the boot.py that comes with MicroPython, all of it comments."""
    return any(line.strip() and not line.lstrip().startswith(b"#") for line in script.splitlines())


def _work(board: link.Link, job: Job, visit: _Visit, values: Mapping[str, bytes]) -> Result:
    plan, sent = visit.plan, 0
    due = {name: value for name, value in values.items() if job.renew or name not in (visit.has or ())}
    if plan.changes:
        sent = staging.stage(board, plan, job.tell)
    elif plan.staged:
        staging.clear(board)
    if visit.has is not None:
        _put(board, due, job.tell)
    if plan.changes:
        job.tell("putting the files in their places", 1)
        staging.switch(board, plan)
        board.renew()  # it may have imported what was there before
        if staging.plan(board, job.wanted(survey.facts(board))).changes:
            raise HostError(
                f"The board on {board.port} has other files than it was given. Run this again; if it lasts, "
                "its flash is failing."
            )
    if visit.has is None:  # the first firmware of this board: nothing else could store them
        _put(board, due, job.tell)
    if job.sets_clock:
        clock.set_on(board)
    ready = ""
    if job.wait_ready_s:
        ready = readiness.restart(
            board, job.wait_ready_s, job.hear, lambda: job.tell("waiting until the board is ready", 1)
        )
    return Result(
        copied=tuple(sorted(plan.copy)),
        removed=plan.remove,
        bytes=sent,
        secrets=tuple(due),
        version=mailmote.__version__,
        ready=ready,
        notice=visit.notice,
        board_id=visit.board_id,
    )


def _put(board: link.Link, values: Mapping[str, bytes], tell: Tell) -> None:
    for name, value in values.items():
        tell(f"storing {name}", 1)
        secrets.put(board, name, value)
