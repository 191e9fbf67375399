"""What the doctor's checks find: one Result for each line of its report.

A step that failed is told once: those that depend on it are skipped. Their names, in the order of a report:
password, host, mx, client-certificate, sign-in-host, token, port, greeting, ehlo, tls, certificate, sign-in,
sender, recipients, test-mail, public-address, spf, blocklist.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

PASS = "pass"  # noqa: S105 - no password
WARN = "warn"
FAIL = "fail"
SKIP = "skip"


@dataclass(frozen=True)
class Result:
    """`ok` is one of PASS, WARN, FAIL and SKIP. `key` is what `mailmote explain` takes, or empty.

    `copy` are lines to be copied as they stand: a DNS record, commands for PowerShell. `blame` is the step
    because of which this one was skipped, or empty.
    """

    step: str
    ok: str
    found: str
    fix: str = ""
    key: str = ""
    copy: tuple[str, ...] = ()
    blame: str = ""

    def to_json(self) -> dict[str, Any]:
        told = {"step": self.step, "ok": self.ok, "found": self.found, "fix": self.fix, "key": self.key}
        return told | ({"copy": list(self.copy)} if self.copy else {})


class Trouble(Exception):
    """A check that cannot go on: what it found, and the fix, for a Result."""

    def __init__(self, found: str, fix: str = "", key: str = "", copy: tuple[str, ...] = ()) -> None:
        super().__init__(found)
        self.found = found
        self.fix = fix
        self.key = key
        self.copy = copy

    def result(self, step: str, ok: str = FAIL) -> Result:
        return Result(step, ok, self.found, self.fix, self.key, self.copy)


def passed(step: str, found: str) -> Result:
    return Result(step, PASS, found)


def skipped(steps: tuple[str, ...], because: Result) -> Iterator[Result]:
    """Those steps, which need what the step of `because` did not come to."""
    how = "failed" if because.ok == FAIL else "was not done"
    for step in steps:
        yield Result(step, SKIP, f"Not checked, since {because.step} {how}.", blame=because.step)
