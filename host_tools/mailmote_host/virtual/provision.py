"""What stands around the image of a virtual board: NVS, RTC, and the modules that run under MicroPython."""

import base64
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..board import firmware

SECRETS_NAMESPACE = "mailmote"
_HERE = Path(__file__).parent


def write_nvs(path: Path, secrets: Mapping[str, bytes]) -> None:
    """A new NVS that holds `secrets`, as blobs, for this user alone to read."""
    blobs = {key: base64.b64encode(secret).decode() for key, secret in secrets.items()}
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump({SECRETS_NAMESPACE: blobs}, file)


def read_nvs(path: Path) -> dict[str, bytes]:
    """The secrets in an NVS, by name."""
    blobs = json.loads(path.read_text(encoding="ascii")).get(SECRETS_NAMESPACE, {})
    return {key: base64.b64decode(blob) for key, blob in blobs.items()}


def set_reset_cause(path: Path, cause: int) -> None:
    """Let the next start of a board have this cause; `path` is what its RTC has kept."""
    path.write_text(json.dumps(json.loads(path.read_text("ascii")) | {"cause": cause}), "ascii")


def write_launcher(folder: Path, names: Iterable[str], compiled: bool) -> None:
    """The modules of this package that run under MicroPython around the firmware, in a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in names:
        source = _HERE / (name + ".py")
        if compiled:
            source = firmware.compiled_module(source, name + ".py")
        shutil.copyfile(source, folder / (name + (".mpy" if compiled else ".py")))
