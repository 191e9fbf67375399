"""Passwords, apart from the settings: in the ESP32's NVS, by name.

NVS is not encrypted on a stock board: whoever holds the board can read it. Give each board a credential of
its own, with the least rights, that can be revoked.
"""

from ..errors import FixSettings
from ..explanations import failure

_NAMESPACE = "mailmote"
_MAX_BYTES = 512


def get(name):
    """The secret, as bytes. Raises FixSettings if there is none."""
    from esp32 import NVS

    buffer = bytearray(_MAX_BYTES)
    try:
        length = NVS(_NAMESPACE).get_blob(name, buffer)
    except OSError:
        raise failure(FixSettings, "secret-missing", name)
    return bytes(buffer[:length])
