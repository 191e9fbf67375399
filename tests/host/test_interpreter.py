"""Finding an interpreter: programs that answer as good and bad ones do. `make` tries the real download."""

import re
import shlex
import sys

import pytest

from mailmote_host.virtual import debian_packages, interpreter

GOOD = "micropython 1 24"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with nothing on its PATH, no $MICROPYTHON, no copy of mailmote's own, and no apt."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("MICROPYTHON", raising=False)
    monkeypatch.setattr(interpreter, "private_folder", lambda: tmp_path / "private")
    return tmp_path


def program(path, answer, exit_code=0):
    """A program that prints `answer`, whatever it is asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{answer}'\nexit {exit_code}\n")
    path.chmod(0o755)
    return str(path)


def text_of_failure():
    with pytest.raises(interpreter.InterpreterMissing) as caught:
        interpreter.find()
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_the_variable_goes_before_the_path_and_the_path_before_the_own_copy(machine, monkeypatch):
    own = program(machine / "private" / "micropython" / "micropython", GOOD)
    assert interpreter.find() == [own]
    on_path = program(machine / "bin" / "micropython", GOOD)
    assert interpreter.find() == [on_path]
    named = program(machine / "elsewhere" / "mp", GOOD)
    monkeypatch.setenv("MICROPYTHON", named)
    assert interpreter.find() == [named]


def test_the_variable_may_be_a_name_on_the_path_and_an_empty_one_is_none(machine, monkeypatch):
    on_path = program(machine / "bin" / "mp-dev", GOOD)
    monkeypatch.setenv("MICROPYTHON", "mp-dev")
    assert interpreter.find() == [on_path]
    own = program(machine / "private" / "micropython" / "micropython", GOOD)
    monkeypatch.setenv("MICROPYTHON", "")
    assert interpreter.find() == [own]


def test_a_bad_variable_is_an_error_though_a_good_one_is_on_the_path(machine, monkeypatch):
    program(machine / "bin" / "micropython", GOOD)
    monkeypatch.setenv("MICROPYTHON", str(machine / "absent"))
    text = text_of_failure()
    assert f"MICROPYTHON={machine / 'absent'} cannot be used: it cannot be started (No such file" in text
    assert text.endswith("set it to a MicroPython unix interpreter, or unset it")
    monkeypatch.setenv("MICROPYTHON", program(machine / "old", "micropython 1 23"))
    assert "it is version 1.23, and mailmote needs 1.24 or newer" in text_of_failure()


@pytest.mark.parametrize(
    ("answer", "exit_code", "fault"),
    [
        ("micropython 1 23", 0, "it is version 1.23, and mailmote needs 1.24 or newer"),
        ("micropython 0 99", 0, "it is version 0.99, and mailmote needs 1.24 or newer"),
        ("micropython 1 30 tls vfs.VfsLfs2", 0, "it was built without tls, vfs.VfsLfs2"),
        ("micropython 1 30 asyncio", 0, "it was built without asyncio"),
        ("cpython 3 14", 0, "it does not answer as MicroPython does"),
        ("hello", 0, "it does not answer as MicroPython does"),
        (GOOD, 1, "it does not answer as MicroPython does"),
    ],
)
def test_an_unfit_one_on_the_path_is_passed_over_for_the_next_and_told_at_the_end(
    machine, answer, exit_code, fault
):
    path = program(machine / "bin" / "micropython", answer, exit_code)
    assert f"({path}: {fault})" in text_of_failure()
    own = program(machine / "private" / "micropython" / "micropython", "micropython 2 0")
    assert interpreter.find() == [own]


def test_the_probe_finds_nothing_missing_in_the_real_one(micropython):
    assert interpreter.fault_of(micropython) is None


def test_the_probe_sees_what_a_real_one_lacks(micropython, tmp_path):
    """The real one, told before the probe runs to have no tls and a vfs without littlefs."""
    (tmp_path / "lacking.py").write_text(
        "import builtins, sys\n"
        "real = builtins.__import__\n"
        "def without_tls(name, *rest):\n"
        "    if name == 'tls':\n"
        "        raise ImportError(name)\n"
        "    return real(name, *rest)\n"
        "builtins.__import__ = without_tls\n"
        "sys.modules['vfs'] = builtins\n"
    )
    (tmp_path / "mp").write_text(
        f"#!/bin/sh\nexport MICROPYPATH={tmp_path}:.frozen\n"
        f'exec {shlex.join(micropython)} -c "import asyncio, lacking\n$2"\n'
    )
    (tmp_path / "mp").chmod(0o755)
    assert interpreter.fault_of([str(tmp_path / "mp")]) == "it was built without tls, vfs.VfsLfs2"


def test_cpython_is_told_apart_and_a_program_that_is_none_too(machine):
    assert interpreter.fault_of([sys.executable]) == "it does not answer as MicroPython does"
    (machine / "data").write_bytes(b"\x00\x01")
    (machine / "data").chmod(0o755)
    assert interpreter.fault_of([str(machine / "data")]).startswith("it cannot be started (")


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ("brew", "install it: brew install micropython; or set MICROPYTHON to the path of one"),
        ("dnf", "install it: sudo dnf install micropython; or set MICROPYTHON to the path of one"),
        ("pacman", "install it: sudo pacman -S micropython; or set MICROPYTHON to the path of one"),
        (None, "build MicroPython's unix port and set MICROPYTHON to its path"),
    ],
)
def test_the_error_says_how_to_install_on_this_system(machine, tool, words):
    if tool:
        program(machine / "bin" / tool, "")
    assert text_of_failure() == f"no MicroPython unix interpreter >= 1.24 was found; {words}"


@pytest.fixture
def apt(machine, monkeypatch):
    """A Debian whose apt tools are small scripts: what they do is set by files in `machine`."""
    for tool in ("cp", "mkdir", "touch", "cat", "grep", "chmod", "printf", "echo", "sh"):
        (machine / "bin" / tool).symlink_to(next(p for p in (f"/bin/{tool}", f"/usr/bin/{tool}")))
    (machine / "policy").write_text("micropython:\n  Candidate: 1.19.1+ds-1\n")
    (machine / "targets").write_text(
        "http://mirror.invalid/s trixie-security Debian\ncdrom:[x]/ trixie Debian\n"
        "http://third.invalid/x stable Third Party\nhttp://mirror.invalid/d bookworm Debian\n"
    )
    scripts = {
        "dpkg": "echo s390x",
        "apt-cache": f"cat {machine}/policy",
        # $2 is apt.conf in the private folder
        "apt-get": f"""
            case "$*" in
                indextargets*) cat {machine}/targets ;;
                *update) cp "$2" {machine}/apt.conf; cp "${{2%/*}}/sources.list" {machine}/sources.list
                         [ ! -f {machine}/offline ] || {{ cat {machine}/offline >&2; exit 100; }} ;;
                *install*) touch "${{2%/*}}/cache/archives/micropython.deb" ;;
            esac""",
        "dpkg-deb": f"""
            mkdir -p "$3/usr/bin" "$3/usr/lib/s390x-linux-gnu" "$3/etc/ld.so.conf.d"
            cp {machine}/loader "$3/usr/lib/s390x-linux-gnu/ld-linux-s390x.so.1"
            chmod 755 "$3/usr/lib/s390x-linux-gnu/ld-linux-s390x.so.1"
            touch "$3/usr/bin/micropython"
            """,
    }
    (machine / "loader").write_text(f"#!/bin/sh\necho $* > {machine}/started; echo {GOOD}\n")
    for name, script in scripts.items():
        (machine / "bin" / name).write_text("#!/bin/sh\n" + script + "\n")
        (machine / "bin" / name).chmod(0o755)
    return machine


def test_an_old_system_gets_the_package_of_a_newer_suite_from_its_own_mirror(apt):
    progress = []
    assert interpreter.find(progress.append) == [str(apt / "private" / "micropython" / "micropython")]
    assert re.fullmatch(
        r"deb \[arch=s390x( signed-by=/usr/share/keyrings/debian-archive-keyring\.\w+)?\] "
        r"http://mirror\.invalid/d trixie main\n",
        (apt / "sources.list").read_text(),
    )
    assert "fetching MicroPython from Debian trixie" in progress[0]
    started = (apt / "started").read_text().split()
    root = apt / "private" / "micropython" / "root"
    assert started[:3] == ["--library-path", f"{root}/usr/lib/s390x-linux-gnu", f"{root}/usr/bin/micropython"]


def test_a_system_whose_own_package_is_new_enough_gets_that(apt):
    (apt / "policy").write_text("micropython:\n  Candidate: 1:1.24.1-2\n")
    interpreter.find()
    assert (apt / "sources.list").read_text().endswith("http://mirror.invalid/d bookworm main\n")


def test_apt_works_on_private_state_and_runs_no_hook_of_the_system(apt):
    interpreter.find()
    conf = (apt / "apt.conf").read_text()
    for line in conf.splitlines():
        if line.startswith("Dir::"):
            assert "/mailmote-apt-" in line or '"/dev/null"' in line or '"lists/"' in line
    assert "#clear APT::Update::Post-Invoke;" in conf
    assert "#clear DPkg;" in conf
    assert 'APT::Update::Error-Mode "any";' in conf  # else apt ends well though no list came


def test_apt_lists_that_tell_no_origin_are_the_systems_own(apt, monkeypatch):
    monkeypatch.setattr(debian_packages.platform, "freedesktop_os_release", lambda: {"ID": "ubuntu"})
    (apt / "targets").write_text("http://mirror.invalid/u noble $(ORIGIN)\n")
    interpreter.find()
    assert (apt / "sources.list").read_text().endswith("http://mirror.invalid/u resolute main universe\n")


def test_no_mirror_and_a_dead_mirror_are_one_line_with_what_to_do(apt):
    (apt / "offline").write_text("W: something else\nE: Failed to fetch the list\nE: Some index failed\n")
    text = text_of_failure()
    assert "(apt-get failed: Failed to fetch the list); install it: sudo apt install micropython" in text
    assert not list(apt.glob("private/*"))
    (apt / "targets").write_text("http://third.invalid/x stable Third Party\n")
    assert "(apt is set up with no mirror of Debian or Ubuntu)" in text_of_failure()


def test_a_copy_that_does_not_work_is_told_and_the_next_try_replaces_it(apt):
    loader = (apt / "loader").read_text()
    (apt / "loader").write_text("#!/bin/sh\nexit 127\n")
    text = text_of_failure()
    assert f"({apt}/private/micropython/micropython: it does not answer as MicroPython does)" in text
    (apt / "loader").write_text(loader)
    assert interpreter.find() == [f"{apt}/private/micropython/micropython"]
    assert [path.name for path in (apt / "private").iterdir()] == ["micropython"]


def test_packages_that_cannot_be_unpacked_leave_nothing_behind(apt):
    (apt / "bin" / "dpkg-deb").write_text("#!/bin/sh\nmkdir -p $3/usr\necho 'no space left' >&2\nexit 2\n")
    assert "(dpkg-deb failed: no space left)" in text_of_failure()
    assert list((apt / "private").iterdir()) == []


def test_main_prints_the_command_or_the_one_line(machine, capsys):
    assert interpreter.main() == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("no MicroPython unix interpreter >= 1.24 was found; ")
    path = program(machine / "bin" / "micropython", GOOD)
    assert interpreter.main() == 0
    assert capsys.readouterr().out == path + "\n"
