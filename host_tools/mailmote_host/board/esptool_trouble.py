"""What the errors of esptool mean: what happened, and the fix.

It tells them as text alone. The texts are those of esptool 5 (github.com/espressif/esptool: loader.py,
cmds.py); its own page on trouble is docs.espressif.com/projects/esptool, "Troubleshooting".
"""

import re
from typing import Literal

from ..errors import HostError
from . import ports

Reason = Literal["not in loader", "noise", "verify", "wrong chip", "too small", "secured", "other"]

TOO_SILENT = "\nmailmote: no word for too long"
HOW_TO_LOAD = "hold BOOT (also: IO0, 0), press and let go of EN (also: RST, RESET), then let go of BOOT"

_MAX_QUOTED = 200

# The first that is found is meant: the more exact come first.
_PORT_UNUSABLE = re.compile(
    r"Could not open .*, the port is busy or doesn't exist|Port not found|No such file"
)
_PORT_GONE = re.compile(
    r"A serial exception error occurred|ClearCommError|Device not configured|device disconnected"
    r"|returned no data|Input/output error|reader thread died|connection (?:lost|closed|reset)"
    r"|Broken pipe|Connection reset|port that is not open|WinError|termios\.error",
    re.IGNORECASE,
)
_ROWS: tuple[tuple[Reason, re.Pattern[str], str], ...] = (
    (
        "wrong chip",
        re.compile(
            r"Unexpected chip ID|is not an? ESP\S+ image|Wrong chip argument|not compatible", re.IGNORECASE
        ),
        "The image is not for the chip on {port}. Give the board: --board, with a name of `mailmote boards`.",
    ),
    (
        "too small",
        re.compile(r"will not fit in|exceeds flash size", re.IGNORECASE),
        "The image does not fit into the flash of the board on {port}. Take the image of a board with that "
        "flash: see `mailmote boards`.",
    ),
    (
        "secured",
        re.compile(
            r"Secure Boot|flash encryption|secure download mode|Active security features", re.IGNORECASE
        ),
        "The chip on {port} is locked by its maker (secure boot or flash encryption) and takes no other "
        "program. Use another board.",
    ),
    (
        "verify",
        re.compile(
            r"MD5 of file does not match|Verification failed|written flash region is empty", re.IGNORECASE
        ),
        "What is in the flash of the board on {port} is not what was written. Try again with another cable, "
        "plugged into the computer itself; if it fails each time, the flash is worn out or damaged.",
    ),
    (
        "not in loader",
        re.compile(
            r"Wrong boot mode|no sync reply|Failed to autodetect|Failed to connect to",
            re.IGNORECASE,
        ),
        "The chip on {port} is not in its loader. Bring it there: {how}. Then run the same command again. If "
        "that does not help: see that this is the board's port, that the cable carries data, and that "
        "nothing is wired to the pins that decide how the chip boots (`mailmote boards NAME`).",
    ),
    (
        "noise",
        re.compile(
            r"timed out|timeout|stopped|No serial data|corrupt|packet|No more data|Response doesn't match"
            r"|Failed to \w+|Only got|baud rate|no word for too long",
            re.IGNORECASE,
        ),
        "The chip on {port} stopped answering, or what came was damaged. Try again with a short cable, "
        "plugged into the computer itself, and with nothing else on the board's pins.",
    ),
)
_FATAL = re.compile(r"A fatal error occurred: (.+)")
_ERROR = re.compile(r"^(?:ERROR|Usage|Error|Traceback|mailmote)\b", re.MULTILINE)
_NO_ESPTOOL = "No module named esptool"


class EsptoolError(HostError):
    """esptool did not do it. The text says why, and the fix; `reason` is for programs."""

    def __init__(self, text: str, reason: Reason):
        super().__init__(text)
        self.reason: Reason = reason

    @property
    def may_pass(self) -> bool:
        """Whether it may work at a lower speed."""
        return self.reason in ("noise", "verify", "other")


def converted(port: str, output: str) -> HostError:
    """The error for what esptool printed before it ended with one: an EsptoolError or a PortError."""
    if _NO_ESPTOOL in output:
        return EsptoolError("esptool is missing. Install mailmote anew: `pipx install --force .`.", "other")
    if _PORT_UNUSABLE.search(output):
        return ports.unopened(port)
    if _PORT_GONE.search(output):
        return ports.gone(port)
    fatal = _FATAL.search(output)
    if not fatal and not _ERROR.search(output):  # it lost the port, and its words with it
        return ports.gone(port)
    told = output[fatal.start() :] if fatal else output
    for reason, texts, words in _ROWS:
        if texts.search(told):
            return EsptoolError(words.format(port=port, how=HOW_TO_LOAD), reason)
    said = fatal[1] if fatal else output.strip().rpartition("\n")[2]
    shown = "".join(sign if sign.isprintable() else "?" for sign in said)[:_MAX_QUOTED]
    return EsptoolError(f"esptool could not do it on {port}: {shown} Try again.", "other")
