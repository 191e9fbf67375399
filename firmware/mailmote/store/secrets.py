"""Passwords, tokens and keys, apart from the settings, by name: in the ESP32's NVS, elsewhere in files.

Nothing here is encrypted on a stock board: whoever holds the board can read it. Give each board a credential
of its own, with the least rights, that can be revoked.

What is written is read back and compared. A power cut during a write leaves the old value or the new one:
ESP-IDF promises that of NVS ("Non-volatile Storage Library", docs.espressif.com), littlefs of a rename.
"""

import binascii
import hashlib

from ..errors import FixSettings, SettingsError, StorageError
from ..explanations import failure

NAMES = ("wifi.password", "mail.password", "oauth.refresh", "oauth.secret", "relay.cert", "relay.key")
MAX_BYTES = 6144  # a certificate with its chain, as PEM; refresh tokens have 1 to 2 kB


def get(name):
    """The secret, as bytes. Raises FixSettings if there is none."""
    value = _medium().get(name)
    if value is None:
        raise failure(FixSettings, "secret-missing", name)
    return value


def put(name, value):
    """Keep `value` (bytes), in place of an older one. Raises SettingsError, StorageError.

    After a StorageError the older one is still there, unless the flash is at its end.
    """
    if name not in NAMES:
        raise failure(SettingsError, "secret-unknown", name)
    if not 0 < len(value) <= MAX_BYTES:
        raise failure(SettingsError, "secret-size", name, len(value), MAX_BYTES)
    medium = _medium()
    try:
        medium.put(name, value)
        kept = medium.get(name)
    except OSError as error:
        raise failure(StorageError, "secret-not-stored", name, error)
    if kept != value:
        raise failure(StorageError, "secret-not-stored", name, "it reads back as something else")


def forget(name):
    """Remove it. False if there was none. Raises StorageError."""
    medium = _medium()
    if medium.get(name) is None:
        return False
    try:
        medium.forget(name)
    except OSError as error:
        raise failure(StorageError, "secret-not-stored", name, error)
    return True


def names():
    """The names of the secrets that are there."""
    medium = _medium()
    return tuple(name for name in NAMES if medium.get(name) is not None)


def fingerprint(name, salt):
    """SHA-256 of `salt` (bytes) and the secret, in hexadecimal: it can be compared, and tells nothing else.

    Raises FixSettings if there is no such secret.
    """
    digest = hashlib.sha256(salt)
    digest.update(get(name))
    return binascii.hexlify(digest.digest()).decode()


def _medium():
    try:
        import esp32
    except ImportError:
        from . import secret_files

        return secret_files
    from . import secret_blobs

    return secret_blobs.Blobs(esp32)
