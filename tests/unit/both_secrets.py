"""Secrets, from a store that stands for the ESP32's NVS."""

import sys

from expect import equal, raises

from mailmote.errors import FixSettings
from mailmote.store import secrets


class Nvs:
    """One namespace with one secret."""

    def __init__(self, namespace):
        equal(namespace, "mailmote")

    def get_blob(self, name, buffer):
        if name != "mail.password":
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")
        buffer[:6] = b"canary"
        return 6


class Esp32:
    """The module `esp32`."""

    NVS = Nvs


def get(name):
    before = sys.modules.get("esp32")
    sys.modules["esp32"] = Esp32()
    try:
        return secrets.get(name)
    finally:
        sys.modules.pop("esp32")
        if before:
            sys.modules["esp32"] = before


def test_a_secret_has_the_length_it_was_stored_with():
    equal(get("mail.password"), b"canary")


def test_a_secret_that_is_not_there_is_named():
    error = raises(FixSettings, get, "wifi.password")
    equal((error.key, "wifi.password" in str(error)), ("secret-missing", True))
