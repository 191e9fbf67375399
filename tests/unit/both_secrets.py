"""Secrets: in a store that stands for the ESP32's NVS, and in files, with the same promises."""

import os
import sys

from expect import equal, raises
from flash_folder import on_flash

from mailmote.errors import FixSettings, MailmoteError, SettingsError, StorageError
from mailmote.store import secret_files, secrets

CANARY = b"canary-\x00\xff"


class Nvs:
    """One namespace, whose changes last once `commit` was called. `broken`: what fails, or goes wrong."""

    kept = {}
    broken = ""
    asked = 0

    def __init__(self, namespace):
        equal(namespace, "mailmote")
        self._blobs = dict(Nvs.kept)

    def get_blob(self, name, buffer):
        Nvs.asked += 1
        if name not in self._blobs:
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")
        blob = self._blobs[name]
        if len(blob) > len(buffer):
            raise OSError(-0x110C, "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[: len(blob)] = blob
        return len(blob)

    def set_blob(self, name, value):
        self._fail("set")
        self._blobs[name] = value[:-1] if Nvs.broken == "loses" else value

    def erase_key(self, name):
        self._fail("erase")
        del self._blobs[name]

    def commit(self):
        self._fail("commit")
        Nvs.kept = dict(self._blobs)

    def _fail(self, what):
        if Nvs.broken == what:
            raise OSError(-0x1105, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")


class Esp32:
    """The module `esp32`."""

    NVS = Nvs


def in_nvs(test):
    before = sys.modules.get("esp32")
    sys.modules["esp32"] = Esp32()
    Nvs.kept, Nvs.broken = {}, ""
    try:
        test()
    finally:
        sys.modules.pop("esp32")
        if before:
            sys.modules["esp32"] = before


def everywhere(test):
    """Run `test` with each medium, empty."""
    in_nvs(test)
    on_flash(test)


def test_a_secret_comes_back_as_it_was_stored():
    def check():
        for length in (1, 255, 256, 257, 2048, 2049, 6144):
            value = (CANARY * 700)[:length]
            secrets.put("oauth.refresh", value)
            equal(secrets.get("oauth.refresh"), value)
        secrets.put("oauth.refresh", bytearray(b"short"))
        equal(secrets.get("oauth.refresh"), b"short")

    everywhere(check)


def test_a_secret_that_is_not_there_is_named():
    def check():
        error = raises(FixSettings, secrets.get, "wifi.password")
        equal((error.key, "wifi.password" in str(error)), ("secret-missing", True))
        equal(raises(FixSettings, secrets.fingerprint, "wifi.password", b"salt").key, "secret-missing")

    everywhere(check)


def test_one_that_is_not_there_is_asked_for_once_and_takes_no_large_buffer():
    def check():
        Nvs.asked = 0
        equal((secrets.names(), Nvs.asked), ((), len(secrets.NAMES)))

    in_nvs(check)


def test_the_names_of_those_that_are_there():
    def check():
        equal(secrets.names(), ())
        secrets.put("relay.key", b"1")
        secrets.put("wifi.password", b"2")
        equal(secrets.names(), ("wifi.password", "relay.key"))
        equal((secrets.forget("relay.key"), secrets.forget("relay.key")), (True, False))
        equal(secrets.names(), ("wifi.password",))
        raises(FixSettings, secrets.get, "relay.key")

    everywhere(check)


def test_what_cannot_be_a_secret_is_refused_and_the_old_one_stays():
    def check():
        secrets.put("mail.password", b"old")
        for name, value, key in (
            ("mail.password", b"", "secret-size"),
            ("mail.password", b"x" * 6145, "secret-size"),
            ("settings", b"x", "secret-unknown"),
            ("../main.py", b"x", "secret-unknown"),
            ("", b"x", "secret-unknown"),
        ):
            error = raises(SettingsError, secrets.put, name, value)
            equal((error.key, "xx" in str(error)), (key, False))
        equal((secrets.get("mail.password"), secrets.names()), (b"old", ("mail.password",)))

    everywhere(check)


def test_a_fingerprint_tells_whether_two_are_the_same_and_nothing_else():
    def check():
        secrets.put("mail.password", b"canary")
        one = secrets.fingerprint("mail.password", b"salt")
        equal(one, secrets.fingerprint("mail.password", b"salt"))
        equal(one == secrets.fingerprint("mail.password", b"other"), False)
        secrets.put("mail.password", b"canary2")
        equal(one == secrets.fingerprint("mail.password", b"salt"), False)

    everywhere(check)


def test_a_fingerprint_is_the_sha_256_of_salt_and_secret():
    def check():
        secrets.put("mail.password", b"bc")
        equal(
            secrets.fingerprint("mail.password", b"a"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        )

    everywhere(check)


def test_a_store_that_fails_or_forgets_is_told_and_the_secret_is_not():
    def check():
        secrets.put("mail.password", b"old")
        for Nvs.broken in ("set", "commit", "loses"):
            error = raises(StorageError, secrets.put, "mail.password", b"canary")
            equal((error.key, "canary" in str(error)), ("secret-not-stored", False))
        for Nvs.broken in ("erase", "commit"):
            equal(raises(StorageError, secrets.forget, "mail.password").key, "secret-not-stored")

    in_nvs(check)


def test_a_full_flash_is_told_and_the_old_secret_stays():
    if sys.implementation.name != "micropython":
        return  # a folder of this computer does not get full; littlefs does, on MicroPython

    def check():
        secrets.put("oauth.refresh", b"old")
        for number in range(100):
            try:
                with open("filler%d" % number, "wb") as file:
                    file.write(b"x" * 4000)
            except OSError:
                break
        equal(raises(StorageError, secrets.put, "oauth.refresh", b"n" * 6000).key, "secret-not-stored")
        equal((secrets.get("oauth.refresh"), secrets.names()), (b"old", ("oauth.refresh",)))
        equal(os.listdir("secrets"), ["oauth.refresh"])

    on_flash(check, blocks=12)


class Forgetful:
    """A file that keeps one byte less than it is given."""

    def __init__(self, file):
        self._file = file

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()

    def write(self, data):
        self._file.write(data[:-1])


def forgetful_open(name, mode):
    file = open(name, mode)  # noqa: SIM115 - as open() does
    return Forgetful(file) if mode == "wb" else file


def test_what_reads_back_as_something_else_does_not_take_the_old_one_s_place():
    def check():
        secrets.put("oauth.refresh", b"old")
        secret_files.open = forgetful_open
        try:
            error = raises(StorageError, secrets.put, "oauth.refresh", b"canary")
        finally:
            del secret_files.open
        equal((error.key, "canary" in str(error)), ("secret-not-stored", False))
        equal((secrets.get("oauth.refresh"), os.listdir("secrets")), (b"old", ["oauth.refresh"]))

    on_flash(check)


class OpenToOthers:
    """Stands for `os` where a folder is open to a group or to everybody."""

    def __init__(self, mode):
        self._mode = mode

    def stat(self, path):
        return (0o40000 | self._mode,) + tuple(os.stat(path))[1:]

    def rename(self, old, new):
        raise AssertionError("it was written")


def test_a_folder_that_others_can_look_into_is_not_used():
    def check():
        secrets.put("mail.password", b"old")
        for mode in (0o755, 0o750, 0o701, 0o710, 0o770):
            secret_files.os = OpenToOthers(mode)
            try:
                for ask in (
                    lambda: secrets.get("mail.password"),
                    lambda: secrets.put("mail.password", b"canary"),
                ):
                    error = raises(MailmoteError, ask)
                    equal((error.key, "chmod 700" in str(error)), ("secrets-readable", True))
            finally:
                secret_files.os = os
        equal(secrets.get("mail.password"), b"old")

    on_flash(check)


def test_what_a_cut_left_unfinished_is_no_secret_and_goes_with_the_next():
    def check():
        secrets.put("mail.password", b"old")
        for change, left in (
            (lambda: secrets.put("mail.password", b"canary"), ["mail.password"]),
            (lambda: secrets.forget("mail.password"), []),
        ):
            kept = secrets.get("mail.password")
            with open("secrets/tmp", "wb") as file:
                file.write(b"canar")
            equal((secrets.names(), secrets.get("mail.password")), (("mail.password",), kept))
            change()
            equal(os.listdir("secrets"), left)

    on_flash(check)
