"""A private copy of MicroPython from the packages of Debian or Ubuntu.

No root is needed and nothing of the system is touched. apt runs with state, cache and sources of its own,
in a folder that goes away. The packages come from the mirror that the machine is set up with, and apt checks
their signatures as always. They bring their own C library, so that a package of a newer release runs on an
older system.
"""

import contextlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

# The oldest release of each whose micropython is new enough, for systems that are older than it.
_NEWER_SUITES = {"debian": "trixie", "ubuntu": "resolute"}
_COMPONENTS = {"debian": "main", "ubuntu": "main universe"}
_NEEDED = (1, 24)
_TIMEOUT_S = 600  # about 14 MB are fetched; a slow line gets its time, a dead one ends here

_APT_CONF = """\
Dir::State "{folder}/state/";
Dir::State::lists "lists/";
Dir::State::status "{folder}/dpkg/status";
Dir::Cache "{folder}/cache/";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "{folder}/none";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "{folder}/none";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "2";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg;
"""

# --library-path reaches this one program: what it starts gets the system's libraries again.
_WRAPPER = """\
#!/bin/sh
root="${{0%/*}}/root"
exec "$root/{loader}" --library-path "{libraries}" "$root/usr/bin/micropython" "$@"
"""


class PackagesError(Exception):
    """The packages could not be had. The text is one line: what failed and why."""


def available():
    """True where the system has apt and dpkg."""
    return all(shutil.which(tool) for tool in ("apt-get", "apt-cache", "dpkg", "dpkg-deb"))


def install(target, progress):
    """Fetch MicroPython and its libraries into the folder `target`; return the program to start.

    `target` appears whole, by one rename, or not at all. Raises PackagesError.
    """
    distribution, site, suite = _source()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mailmote-apt-") as apt_folder:
        progress(f"fetching MicroPython from {distribution.capitalize()} {suite}, for mailmote alone (14 MB)")
        packages = _download(Path(apt_folder), distribution, site, suite)
        progress("unpacking %d packages" % len(packages))
        with tempfile.TemporaryDirectory(prefix=target.name + "-", dir=target.parent) as unpack_folder:
            made = Path(unpack_folder, "made")
            made.mkdir()
            for package in packages:
                _run("dpkg-deb", "-x", str(package), str(made / "root"))
            _write_wrapper(made)
            _put_in_place(made, target, old=Path(unpack_folder, "old"))
    return target / "micropython"


def _source():
    """(distribution, site, suite): the machine's own mirror, and its own suite where that is new enough."""
    listing = _run(
        "apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(ORIGIN)", "Created-By: Packages"
    )
    for line in listing.splitlines():
        site, suite, origin = line.split(" ", 2)
        distribution = _system_id() if origin.startswith("$(") else origin.lower()
        is_main_suite = "-" not in suite and "/" not in suite and not site.startswith("cdrom:")
        if is_main_suite and distribution in _NEWER_SUITES:
            if not _own_suite_is_new_enough():
                suite = _NEWER_SUITES[distribution]
            return distribution, site, suite
    raise PackagesError("apt is set up with no mirror of Debian or Ubuntu")


def _system_id():
    """`debian` or `ubuntu`, for apt lists that were never updated and so tell no origin."""
    try:
        return platform.freedesktop_os_release().get("ID", "")
    except OSError:
        return ""


def _own_suite_is_new_enough():
    found = re.search(r"Candidate: (?:\d+:)?(\d+)\.(\d+)", _run("apt-cache", "policy", "micropython"))
    return bool(found) and (int(found[1]), int(found[2])) >= _NEEDED


def _download(folder, distribution, site, suite):
    """The package files of micropython and of all that it depends on."""
    for name in ("state/lists/partial", "cache/archives/partial", "dpkg", "none"):
        (folder / name).mkdir(parents=True)
    (folder / "dpkg" / "status").touch()
    architecture = _run("dpkg", "--print-architecture").strip()
    keyrings = sorted(Path("/usr/share/keyrings").glob(distribution + "-archive-keyring.[gp]*"))
    signed_by = " signed-by=%s" % keyrings[0] if keyrings else ""
    (folder / "sources.list").write_text(
        f"deb [arch={architecture}{signed_by}] {site} {suite} {_COMPONENTS[distribution]}\n"
    )
    conf = folder / "apt.conf"
    conf.write_text(_APT_CONF.format(folder=folder))
    _run("apt-get", "-c", str(conf), "update")
    _run(
        "apt-get",
        "-c",
        str(conf),
        "install",
        "--yes",
        "--download-only",
        "--no-install-recommends",
        "micropython",
    )
    return sorted((folder / "cache" / "archives").glob("*.deb"))


def _write_wrapper(made):
    """The program `micropython`, which starts the real one with the loader and the libraries beside it."""
    root = made / "root"
    libraries = sorted(path for path in root.rglob("*.so.*") if path.is_file() and not path.is_symlink())
    loaders = [path for path in libraries if path.name.startswith("ld-linux")]
    if not loaders or not (root / "usr" / "bin" / "micropython").is_file():
        raise PackagesError("the packages hold no micropython, or no loader for it")
    folders = sorted({path.parent.relative_to(root) for path in libraries})
    wrapper = made / "micropython"
    wrapper.write_text(
        _WRAPPER.format(
            loader=loaders[0].relative_to(root),
            libraries=":".join(f"$root/{folder}" for folder in folders),
        )
    )
    wrapper.chmod(0o755)


def _put_in_place(made, target, old):
    """Rename to `target`, and what was there to `old`. Whoever comes between has made the same."""
    with contextlib.suppress(FileNotFoundError):
        target.rename(old)
    try:
        made.rename(target)
    except OSError as error:
        if not (target / "micropython").is_file():
            raise PackagesError(f"{target} cannot be written: {error.strerror}") from error


def _run(*command):
    """The standard output of a command. Raises PackagesError with the first line that tells the fault."""
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PackagesError(f"{command[0]} did not end within {_TIMEOUT_S} s") from error
    except OSError as error:
        raise PackagesError(f"{command[0]} cannot be started: {error.strerror}") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["exit code %d" % done.returncode]
        fault = next((line for line in lines if line.startswith("E: ")), lines[-1])
        raise PackagesError(f"{command[0]} failed: {fault.removeprefix('E: ')}")
    return done.stdout
