"""The Makefile, the lock files, `.ci/run` and what the type checks are to find."""

import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mailmote_host import places

ROOT = Path(__file__).parents[2]


def pins(name):
    """Package -> requirement, of a lock file."""
    lines = (ROOT / name).read_text().splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"==[0-9.]+(post[0-9]+)?", str(pin.specifier)) for pin in found)
    return {canonicalize_name(pin.name): pin for pin in found}


def test_the_lock_pins_what_the_project_names_and_all_that_those_need():
    locked = pins("requirements.txt")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [
        Requirement(text)
        for text in (
            *project["build-system"]["requires"],
            *project["project"]["dependencies"],
            *project["project"]["optional-dependencies"]["dev"],
        )
    ]
    needed = set()
    for requirement in wanted:  # which grows meanwhile
        name = canonicalize_name(requirement.name)
        assert name in locked, f"{name} is not pinned in requirements.txt"
        assert requirement.specifier.contains(str(locked[name].specifier)[2:]), f"no {requirement}"
        if name not in needed or requirement.extras:
            wanted += brought_by(requirement)
        needed.add(name)
    assert {name for name, pin in locked.items() if pin.marker is None or pin.marker.evaluate()} == needed


def brought_by(requirement):
    """What a package needs on this system, with its extras."""
    for text in metadata.requires(requirement.name) or []:
        needs = Requirement(text)
        extras = ("", *requirement.extras)
        if needs.marker is None or any(needs.marker.evaluate({"extra": extra}) for extra in extras):
            yield needs


def test_the_stubs_are_pinned_apart_as_they_name_modules_of_the_library():
    assert set(pins("requirements-stubs.txt")) == {"micropython-esp32-stubs", "micropython-stdlib-stubs"}


@pytest.fixture
def checkout(tmp_path):
    """A folder with the Makefile and what it reads, and programs that stand in for Python and make."""
    for name in ("Makefile", "requirements.txt", "requirements-stubs.txt", "pyproject.toml", ".ci/run"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def program(path, script):
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return path


def make(folder, *arguments):
    done = subprocess.run(
        ["make", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    told = [line for line in done.stderr.splitlines() if "***" not in line]
    return done.returncode, done.stdout, told


def test_make_alone_lists_the_targets(checkout):
    code, listing, _ = make(checkout)
    assert code == 0
    assert re.findall(r"^  ([\w-]+) +\w", listing, re.MULTILINE) == [
        "demo",
        "demo-board",
        "test",
        "soak",
        "check",
        "format",
        "clean",
    ]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            None,
            "there is no {python}: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3",
        ),
        (
            'case "$2" in *version_info*) exit 1;; esac\n',
            "{python} is too old: install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3",
        ),
        (
            'case "$2" in *ensurepip*) echo trace >&2; exit 1;; esac\n',
            "{python} has no venv: on Debian and Ubuntu, install the package python3-venv",
        ),
    ],
)
def test_a_python_that_will_not_do_is_one_line_with_the_fix(checkout, script, words):
    python = checkout / "python"
    if script:
        program(python, script)
    code, _, told = make(checkout, "demo", f"PYTHON={python}")
    assert code != 0
    assert told == ["make: " + words.format(python=python)]
    assert not (checkout / ".venv").exists()


def test_a_failed_installation_leaves_no_stamp_and_is_tried_again(checkout):
    """The stand-in makes an environment whose own Python, and with it pip, fails when told to."""
    inner = (
        'case "$*" in *requirements.txt) [ ! -f fail ] || exit 1;; esac\n'
        'case "$*" in *install*) echo "$@" >> installed;; esac\n'
    )
    python = program(
        checkout / "python", "[ $2 != venv ] || mkdir -p .venv/bin && cp inner .venv/bin/python\n"
    )
    program(checkout / "inner", inner)
    (checkout / "fail").touch()
    code, _, told = make(checkout, ".venv/.ready", f"PYTHON={python}")
    assert code != 0
    assert told[-1].startswith("make: pip could not install the packages: ")
    assert not (checkout / ".venv" / ".ready").exists()
    (checkout / "fail").unlink()
    assert make(checkout, ".venv/.ready", f"PYTHON={python}")[0] == 0
    assert len((checkout / "installed").read_text().splitlines()) == 3
    assert make(checkout, ".venv/.ready", f"PYTHON={python}")[0] == 0
    assert len((checkout / "installed").read_text().splitlines()) == 3


@pytest.mark.parametrize(("failing", "status"), [("none", 0), ("test", 1), ("check", 1)])
def test_ci_runs_both_parts_and_fails_with_either(checkout, failing, status, monkeypatch):
    (checkout / "bin").mkdir()
    program(checkout / "bin" / "make", f'echo "$PWD: $1"\n[ "$1" != {failing} ]\n')
    monkeypatch.setenv("PATH", str(checkout / "bin"), prepend=":")
    done = subprocess.run(
        ["bash", str(checkout / ".ci" / "run")],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status
    assert done.stdout.splitlines() == [f"{checkout}: test", f"{checkout}: check"]


def test_the_firmwares_type_check_finds_what_micropython_would_swallow_or_lacks(tmp_path):
    shutil.copytree(ROOT / "firmware", tmp_path / "firmware", ignore=shutil.ignore_patterns("*.py"))
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "firmware" / "faulty.py").write_text(
        "import asyncio\n"
        "import time\n"
        "import machine\n"
        "async def work():\n"
        "    asyncio.sleep_ms(1)\n"
        "    await asyncio.sleep_ms(1)\n"
        "    work()\n"
        "    machine.sleep_well()\n"
        "    time.monotonic()\n"
        "    asyncio.TaskGroup()\n"
    )
    done = subprocess.run(
        [Path(sys.prefix, "bin", "basedpyright"), "--project", tmp_path / "firmware"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 1
    found = re.findall(r"faulty\.py:(\d+):\d+ - error: .*\((\w+)\)", done.stdout)
    assert found == [
        ("5", "reportUnusedCoroutine"),
        ("7", "reportUnusedCoroutine"),
        ("8", "reportAttributeAccessIssue"),
        ("9", "reportAttributeAccessIssue"),
        ("10", "reportAttributeAccessIssue"),
    ]


def test_what_mailmote_keeps_for_itself_is_in_the_environment_or_in_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    assert places.private_folder() == tmp_path / "mailmote"
    (tmp_path / "venv").mkdir()
    assert places.private_folder() == tmp_path / "venv" / "mailmote"
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert places.private_folder() == tmp_path / "mailmote"
