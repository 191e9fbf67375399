"""Where secrets come from: each source, their order, and what is refused before a board is touched."""

import json
import os
from pathlib import Path

import certificates
import keyring
import keyring.backend
import keyring.errors
import pytest

from mailmote_host import settings_file
from mailmote_host.board import secret_sources
from mailmote_host.errors import HostError, UsageError
from mailmote_host.tenant.ca import process_authority

CANARY = "canary-of-a-secret"
SETTINGS = {"device": {"name": "freezer-3"}, "mail": {"from": "alerts@contoso.com"}}


class Memory(keyring.backend.KeyringBackend):
    """A keyring in memory; `locked` as one whose owner does not open it."""

    priority = 1
    locked = False

    def __init__(self):
        super().__init__()
        self.kept = {}

    def get_password(self, service, username):
        if self.locked:
            raise keyring.errors.KeyringLocked
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password


@pytest.fixture
def memory():
    before, own = keyring.get_keyring(), Memory()
    keyring.set_keyring(own)
    yield own
    keyring.set_keyring(before)


def descriptor(content):
    """A file descriptor from which `content` can be read."""
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    return reading


def test_the_environment_has_texts_and_names_of_files(tmp_path):
    (tmp_path / "cert.pem").write_bytes(b"a certificate")
    source = secret_sources.Environment(
        {
            "MAILMOTE_WIFI_PASSWORD": "pä",
            "MAILMOTE_MAIL_PASSWORD": "",
            "MAILMOTE_RELAY_CERT_FILE": str(tmp_path / "cert.pem"),
            "MAILMOTE_RELAY_KEY_FILE": str(tmp_path / "none.pem"),
        }
    )
    assert source.get("wifi.password") == "pä".encode()
    assert source.get("mail.password") is source.get("oauth.secret") is None
    assert source.get("relay.cert") == b"a certificate"
    with pytest.raises(UsageError, match="MAILMOTE_RELAY_KEY_FILE: .*none.pem cannot be read: No such file"):
        source.get("relay.key")


def test_the_keyring_is_asked_for_the_device_then_for_the_sender(memory):
    source = secret_sources.chosen(["keyring"], SETTINGS, Path(), False)
    assert source.get("mail.password") is None
    keyring.set_password("mailmote", "alerts@contoso.com/mail.password", "shared")
    assert source.get("mail.password") == b"shared"
    keyring.set_password("mailmote", "freezer-3/mail.password", "own")
    assert source.get("mail.password") == b"own"
    memory.locked = True
    assert source.get("mail.password") is None


def test_the_keyring_is_asked_for_the_sender_that_a_secret_is_for(memory):
    fallback = {"from": "mote@contoso.com", "password": "mail.password"}
    source = secret_sources.chosen(["keyring"], SETTINGS | {"fallbacks": [fallback]}, Path(), False)
    keyring.set_password("mailmote", "alerts@contoso.com/mail.password", "of another mailbox")
    keyring.set_password("mailmote", "alerts@contoso.com/wifi.password", "of the Wi-Fi")
    assert source.get("mail.password") is None
    assert source.get("wifi.password") == b"of the Wi-Fi"
    keyring.set_password("mailmote", "mote@contoso.com/mail.password", "its own")
    assert source.get("mail.password") == b"its own"


def test_the_sign_in_is_that_of_the_way_that_needs_it(monkeypatch):
    asked = []

    def sign_in(oauth, user, console, bundle):
        asked.append((oauth, user, bundle))
        return b"a refresh token"

    monkeypatch.setattr("mailmote_host.sign_in.device_code.sign_in", sign_in)
    oauth = {"secret": "oauth.refresh"}
    settings = SETTINGS | {"fallbacks": [{"username": "mote@contoso.com", "oauth": oauth}]}
    source = secret_sources.chosen(["sign-in"], settings, Path("there"), True)
    assert source.get("oauth.refresh") == b"a refresh token"
    settings["mail"] = settings["mail"] | {"ca": "site.pem"}
    source = secret_sources.chosen(["sign-in"], settings, Path("there"), True)
    assert source.get("oauth.refresh") == b"a refresh token"
    assert asked == [(oauth, "mote@contoso.com", None), (oauth, "mote@contoso.com", Path("there/site.pem"))]
    assert secret_sources.chosen(["sign-in"], SETTINGS, Path(), True).get("oauth.refresh") is None


def test_a_descriptor_gives_all_of_them_once():
    values = {"mail.password": CANARY, "wifi.password": "ü"}
    number = descriptor(json.dumps(values).encode())
    source = secret_sources.chosen([f"fd:{number}"], SETTINGS, Path(), False)
    assert source.get("mail.password") == CANARY.encode()
    assert source.get("wifi.password") == "ü".encode()
    with pytest.raises(OSError):
        os.fstat(number)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (f'"{CANARY}"', "gives no JSON object of texts"),
        (f"{{{CANARY}", "gives no JSON object of texts"),
        (f'{{"mail.password": ["{CANARY}"]}}', "gives no JSON object of texts"),
        ("[" * 60000, "gives no JSON object of texts"),
        (f'{{"mail.passwort": "{CANARY}"}}', "mail.passwort: no such secret. There are wifi.password"),
    ],
    ids=["text", "damaged", "list", "deep", "unknown"],
)
def test_a_descriptor_that_gives_something_else(content, text):
    with pytest.raises(UsageError, match=text) as caught:
        secret_sources.from_descriptor(descriptor(content.encode()))
    assert CANARY not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_descriptor_that_is_none():
    with pytest.raises(UsageError, match="file descriptor 999 cannot be read: Bad file descriptor"):
        secret_sources.from_descriptor(999)


def test_the_first_that_has_it_gives_it_and_people_are_asked_last(memory, monkeypatch):
    monkeypatch.setenv("MAILMOTE_MAIL_PASSWORD", "of the environment")
    keyring.set_password("mailmote", "freezer-3/mail.password", "of the keyring")
    for words, value in ((["keyring", "env"], b"of the keyring"), ([], b"of the environment")):
        assert secret_sources.chosen(words, SETTINGS, Path(), False).get("mail.password") == value
    at_once, by_person = secret_sources.chosen([], SETTINGS, Path(), True).parted()
    assert (at_once.slow, by_person.slow) == (False, True)
    assert at_once.get("mail.password") == b"of the environment"


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("vault", "vault is no source of secrets. Give env, keyring, fd:N, prompt or sign-in"),
        ("fd:x", "fd:x is no source of secrets"),
        ("fd:99999999999999999999", "is no source of secrets"),
        ("prompt", "prompt needs a terminal. Take env, keyring or fd:N"),
        ("sign-in", "sign-in needs a terminal"),
    ],
)
def test_a_source_that_cannot_be_used(word, text):
    with pytest.raises(UsageError, match=text):
        secret_sources.chosen([word], SETTINGS, Path(), False)


def test_a_secret_that_is_no_text_is_told_without_it(monkeypatch):
    source = secret_sources.Environment({"MAILMOTE_WIFI_PASSWORD": "canary\udcff"})
    with pytest.raises(UsageError) as caught:
        source.get("wifi.password")
    assert str(caught.value) == "MAILMOTE_WIFI_PASSWORD is not UTF-8 text. Set it anew."


def test_a_certificate_and_the_key_of_another_are_refused():
    one, other = process_authority().identity(("mote.contoso.test",)), certificates.identity()
    secret_sources.check({"relay.cert": one.chain_pem, "relay.key": one.key_pem})
    with pytest.raises(HostError, match="relay.cert and relay.key: the key belongs to another certificate"):
        secret_sources.check({"relay.cert": one.chain_pem, "relay.key": other.key_pem})


def test_what_is_needed_follows_from_the_settings():
    mail = {"oauth": {"secret": "oauth.refresh"}, "certificate": "relay.cert", "key": "relay.key"}
    settings = {"wifi": {"ssid": "Plant", "password": "wifi.password"}, "mail": mail}
    assert settings_file.secrets_needed(settings) == (
        "wifi.password",
        "relay.cert",
        "relay.key",
        "oauth.refresh",
    )
    assert settings_file.secrets_needed({"mail": {}}) == ()
    other = {"from": "b@contoso.com", "password": "mail.password"}
    routes = {"mail": mail, "fallbacks": [other, {"from": "c@contoso.com"}]}
    assert settings_file.secrets_needed(routes) == (
        "relay.cert",
        "relay.key",
        "oauth.refresh",
        "mail.password",
    )
    assert settings_file.route_of(routes, "mail.password") is other
    assert settings_file.route_of(routes, "oauth.refresh") is mail
    assert settings_file.route_of(routes, "wifi.password") is mail


@pytest.mark.parametrize("backend", ["nowhere.Nonsense", "keyring.nonsense", "keyring.core.Nonsense"])
def test_a_keyring_that_cannot_be_loaded_is_told(monkeypatch, backend):
    monkeypatch.setattr(keyring.core, "_keyring_backend", None)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)
    source = secret_sources.Keyring(lambda name: ("freezer-3",))
    with pytest.raises(UsageError, match=r"keyring of this computer cannot be used \(\w+Error\)"):
        source.get("wifi.password")


def test_what_is_missing_is_told_with_every_way_to_give_it():
    text = str(secret_sources.missing(("mail.password", "relay.key")))
    for words in ("mail.password, relay.key", "MAILMOTE_MAIL_PASSWORD", "MAILMOTE_RELAY_KEY_FILE", "fd:N"):
        assert words in text
    assert text.endswith("use --secrets-from keyring, or fd:N; or run this in a terminal, to be asked.")
    text = str(secret_sources.missing(("mail.password",), option="--from"))
    assert "use --from keyring, or fd:N" in text
