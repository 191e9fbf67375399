"""The wheel: it carries firmware and boards, and the tools work outside the checkout."""

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with what the wheel holds, as an installer would lay it out."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in listed.stdout.decode().splitlines():
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "wheel"]
    built = subprocess.run(
        [*pip, "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), str(source)],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed, program, *words):
    """Run a program that finds mailmote there, and not in the checkout."""
    begin = (
        "import sys; "
        "sys.meta_path[:] = [one for one in sys.meta_path if 'editable' not in repr(one).lower()]; "
        f"sys.path.insert(0, {str(installed)!r}); "
    )
    return subprocess.run(
        [sys.executable, "-P", "-c", begin + program, *words],
        cwd=installed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def mailmote(installed, *words):
    return run(installed, "from mailmote_host.cli import main; sys.exit(main())", *words)


def test_every_package_is_named(installed):
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    for top, package in (("host_tools", "mailmote_host"), ("firmware", "mailmote")):
        folders = {path.parent for path in (ROOT / top / package).rglob("*.py")}
        for folder in folders:
            assert ".".join(folder.relative_to(ROOT / top).parts) in named


def test_it_carries_the_firmware_the_boards_and_the_recording(installed):
    for name in ("firmware/boot.py", "firmware/main.py", "firmware/umail.py", "firmware/package.json"):
        assert (installed / f"mailmote_{name}").read_bytes() == (ROOT / name).read_bytes()
    names = {path.name for path in (ROOT / "boards").glob("*.toml")}
    assert {path.name for path in (installed / "mailmote_boards").iterdir()} >= names
    assert list((installed / "mailmote_host" / "data").glob("*.csv"))
    assert not (installed / "tests").exists()


def test_the_tools_work_from_it(installed):
    listed = mailmote(installed, "boards", "--json")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "esp32-devkitc" in {board["name"] for board in json.loads(listed.stdout)}
    checked = mailmote(installed, "check", str(ROOT / "docs" / "examples" / "direct-send.toml"), "--json")
    assert checked.returncode == 0, checked.stderr
    done = run(
        installed,
        "import mailmote; from mailmote_host.board import firmware; "
        "print(mailmote.__file__); print(*firmware.files(compiled=False))",
    )
    where, files = done.stdout.splitlines()
    assert Path(where).is_relative_to(installed)
    assert {"boot.py", "main.py", "lib/umail.py", "lib/mailmote/agent.py"} <= set(files.split())
