"""The folders that come with this program: in a checkout where they are written, in a wheel as packages.

The wheel has `firmware` (its scripts and lists) as mailmote_firmware and `boards` as mailmote_boards; the
package `mailmote` is the same in both.
"""

from pathlib import Path

from .errors import HostError

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]
_INSTALLED = _PACKAGE.parent


def firmware() -> Path:
    """The folder with boot.py, main.py, umail.py and the list package.json. Raises HostError."""
    return _folder("firmware", "boot.py")


def boards() -> Path:
    """The folder with one TOML file a board. Raises HostError."""
    return _folder("boards", "*.toml")


def _folder(name: str, holds: str) -> Path:
    for folder in (_INSTALLED / f"mailmote_{name}", _CHECKOUT / name):
        if next(folder.glob(holds), None) is not None:
            return folder
    raise HostError(
        f"the folder {name} of mailmote is missing. Install mailmote anew, in a checkout of its repository: "
        "pipx install --force ."
    )
