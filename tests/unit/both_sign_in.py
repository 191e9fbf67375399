"""What a board shows to sign in, and that none of it shows elsewhere."""

import asyncio

from expect import equal, raises

from mailmote import redaction, sign_in
from mailmote.errors import FixSettings
from mailmote.smtp.credentials import Credentials

SECRETS = {"mail.password": b"canary", "relay.cert": b"a chain", "relay.key": b"a key"}
PASSWORD = {"auth": "password", "username": "mote1", "password": "mail.password"}
CERTIFICATE = {"auth": "certificate", "certificate": "relay.cert", "key": "relay.key"}


class Store:
    """Stands for the secret store."""

    @staticmethod
    def get(name):
        if name not in SECRETS:
            raise FixSettings("no secret named " + name, "secret-missing")
        return SECRETS[name]


def with_store(test):
    before, hidden = sign_in.secrets, list(redaction._secrets)
    sign_in.secrets = Store
    try:
        return test()
    finally:
        sign_in.secrets = before
        redaction._secrets[:] = hidden


def shown(mail):
    """(credentials, identity) of a way to sign in."""
    one = sign_in.of(mail)
    return asyncio.run(one.credentials(None)), one.identity()


def test_the_password_is_hidden_before_it_is_used_in_each_form_that_goes_out():
    def check():
        credentials, identity = shown(PASSWORD)
        equal((type(credentials), credentials.password(), identity), (Credentials, b"canary", None))
        said = "canary Y2FuYXJ5 AG1vdGUxAGNhbmFyeQ=="  # as it is, for LOGIN, for PLAIN
        equal(redaction.redacted(said), "*** *** ***")

    with_store(check)


def test_without_a_sign_in_nothing_is_shown():
    with_store(lambda: equal(shown({"auth": "none"}), (None, None)))


def test_what_is_stored_is_never_to_be_renewed():
    equal(sign_in.of({"auth": "none"}).renewal_s(), 0)


def test_a_certificate_is_shown_to_tls_and_not_to_smtp():
    with_store(lambda: equal(shown(CERTIFICATE), (None, (b"a chain", b"a key"))))


def test_a_missing_secret_is_told():
    def check():
        for mail, name in ((PASSWORD, "password"), (CERTIFICATE, "certificate"), (CERTIFICATE, "key")):
            lacking = dict(mail)
            lacking[name] = "gone"
            equal(raises(FixSettings, shown, lacking).key, "secret-missing")

    with_store(check)


def test_what_is_stored_is_refused_for_good():
    equal(sign_in.of(PASSWORD).refused(FixSettings("no", "wrong-password")), False)
    equal(sign_in.of(PASSWORD).accepted(), None)
