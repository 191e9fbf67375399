"""When a TLS context is made and a handshake begun, and what each fault is called."""

import errno
import os
import sys

from expect import equal, raises
from flash_folder import on_flash

from mailmote import compat
from mailmote.civil import unix_time
from mailmote.errors import FixSettings, RetryLater
from mailmote.net import clock, tls

HOST = "mail.contoso.test"
NOW_S = unix_time(2026, 11, 5, 8, 30)
NO_PEM = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def with_clock(now_s, call, *arguments):
    before = compat.unix_time
    compat.unix_time = lambda: now_s
    try:
        return call(*arguments)
    finally:
        compat.unix_time = before


def with_ca(files, call):
    """Call with a folder ca of these files, and the clock set."""

    def check():
        os.mkdir("ca")
        for name, octets in files.items():
            with open("ca/" + name, "wb") as file:
                file.write(octets)
        return with_clock(NOW_S, call)

    return on_flash(check)


def with_contexts(make, call):
    """Call where `make` stands for compat.new_tls_context."""
    before, compat.new_tls_context = compat.new_tls_context, make
    try:
        return with_ca({"0.der": b"planned"}, call)
    finally:
        compat.new_tls_context = before


def test_no_certificate_is_judged_before_the_clock_is_set():
    for now_s in (0, 946684800, clock._NOT_AFTER_S):  # 1970, 2000, and what a broken NTP answer becomes
        error = with_clock(now_s, raises, RetryLater, tls.context)
        equal((error.key, "NTP" in str(error)), ("clock-not-set", True))


def test_without_a_ca_certificate_there_is_no_context():
    def check():
        for prepare in (lambda: None, lambda: os.mkdir("ca"), lambda: open("ca/README", "w").close()):
            prepare()
            equal(with_clock(NOW_S, raises, FixSettings, tls.context).key, "no-ca")

    on_flash(check)


def test_each_ca_certificate_is_taken_and_nothing_else():
    taken = []
    before, compat.new_tls_context = compat.new_tls_context, taken.extend
    try:
        with_ca({"1.der": b"one", "0.der": b"zero", "notes.txt": b"notes"}, tls.context)
    finally:
        compat.new_tls_context = before
    equal(sorted(bytes(octets) for octets in taken), [b"one", b"zero"])


def test_a_damaged_ca_certificate_is_told():
    for octets in (b"", b"no certificate", bytes(500)):
        error = with_ca({"0.der": octets}, lambda: raises(FixSettings, tls.context))
        equal((octets, error.key), (octets, "ca-unusable"))


def test_an_identity_that_is_none_is_told_with_the_fix():
    new_tls_context = compat.new_tls_context
    for identity in ((b"", b""), (NO_PEM, NO_PEM), (b"no chain", b"no key")):
        error = with_contexts(
            lambda certificates: new_tls_context(()),
            lambda identity=identity: raises(FixSettings, tls.context, identity),
        )
        equal((error.key, "Provision it again" in str(error)), ("identity-unusable", True))


def test_what_an_identity_is_made_of_shows_in_no_error():
    chain, key = b"canary chain", b"canary key"
    new_tls_context = compat.new_tls_context
    error = with_contexts(
        lambda certificates: new_tls_context(()), lambda: raises(FixSettings, tls.context, (chain, key))
    )
    equal("canary" in str(error) + repr(error), False)


def test_too_little_memory_for_a_context_is_no_fault_of_the_settings():
    def short_of_memory(*arguments):
        raise OSError(12)

    error = with_contexts(short_of_memory, lambda: raises(RetryLater, tls.context))
    equal(error.key, "no-memory")
    before, compat.show_certificate = compat.show_certificate, short_of_memory
    try:
        error = with_contexts(
            lambda certificates: None, lambda: raises(RetryLater, tls.context, ("chain", "key"))
        )
    finally:
        compat.show_certificate = before
    equal(error.key, "no-memory")


class Esp32:
    """The module `esp32` of a board whose ESP-IDF has these regions of memory."""

    HEAP_DATA = 4

    def __init__(self, *regions):
        self._regions = regions

    def idf_heap_info(self, capabilities):
        equal(capabilities, self.HEAP_DATA)
        return list(self._regions)


def on_board(esp32, call, *arguments):
    before = sys.modules.get("esp32")
    sys.modules["esp32"] = esp32
    try:
        return call(*arguments)
    finally:
        sys.modules.pop("esp32")
        if before:
            sys.modules["esp32"] = before


def test_a_handshake_wants_thirty_thousand_bytes_and_one_large_block():
    for regions in (
        ((166000, 30000, 16717, 0),),
        ((90000, 13283, 13283, 0), (90000, 16717, 16717, 0)),
        ((166000, 110000, 65536, 98000), (5000, 0, 0, 0)),
    ):
        equal(on_board(Esp32(*regions), tls.check_room), None)
    for regions, free, largest in (
        (((166000, 29999, 29999, 0),), 29999, 29999),
        (((166000, 99000, 16716, 0),), 99000, 16716),
        (((90000, 15000, 15000, 0), (90000, 15000, 9000, 0)), 30000, 15000),
    ):
        error = on_board(Esp32(*regions), raises, RetryLater, tls.check_room)
        equal(error.key, "tls-no-room")
        for number in (30000, 16717, free, largest):
            equal((number, " %d" % number in str(error)), (number, True))


def test_where_the_memory_cannot_be_asked_for_nothing_is_checked():
    class Older:
        """A port whose module lacks the function."""

    equal(on_board(Older(), tls.check_room), None)
    equal(on_board(None, tls.check_room), None)  # on CPython the import fails then


def test_garbage_is_collected_before_the_memory_is_looked_at():
    order = []

    class Board(Esp32):
        def idf_heap_info(self, capabilities):
            order.append("look")
            return Esp32.idf_heap_info(self, capabilities)

    before, compat.collect = compat.collect, lambda: order.append("collect")
    try:
        on_board(Board((166000, 110000, 65536, 98000)), tls.check_room)
    finally:
        compat.collect = before
    equal(order, ["collect", "look"])


# What the two libraries say, the key, and what the text must tell besides.
CERTIFICATES = (
    ("The certificate is not correctly signed by the trusted CA", "certificate-untrusted", "an intermediate"),
    ("self-signed certificate", "certificate-untrusted", "it signed itself"),
    ("self signed certificate", "certificate-untrusted", "it signed itself"),
    ("self-signed certificate in certificate chain", "certificate-untrusted", "the root it comes from"),
    ("unable to get local issuer certificate", "certificate-untrusted", "its issuer is unknown"),
    ("unable to get issuer certificate", "certificate-untrusted", "its issuer is unknown"),
    ("certificate signature failure", "certificate-untrusted", "another CA signed it"),
    ("invalid CA certificate", "certificate-untrusted", "its issuer is no CA"),
    ("The certificate is signed with an unacceptable hash.", "certificate-weak", "SHA-1"),
    ("CA signature digest algorithm too weak", "certificate-weak", "SHA-1"),
    (
        "The certificate is signed with an unacceptable key (eg bad curve, RSA too short).",
        "certificate-weak",
        "its key is too short",
    ),
    ("EE certificate key too weak", "certificate-weak", "its key is too short"),
    ("CA certificate key too weak", "certificate-weak", "its key is too short"),
    ("Usage does not match the extendedKeyUsage extension", "certificate-usage", "not one for a server"),
    ("Usage does not match the keyUsage extension", "certificate-usage", "not one for a server"),
    ("unsuitable certificate purpose", "certificate-usage", "not one for a server"),
    ("unsupported certificate purpose", "certificate-usage", "not one for a server"),
    ("The certificate validity has expired", "certificate-expired", "2026-11-05 08:30 UTC"),
    ("certificate has expired", "certificate-expired", "2026-11-05 08:30 UTC"),
    ("The certificate validity starts in the future", "certificate-not-yet-valid", "2026-11-05 08:30 UTC"),
    ("certificate is not yet valid", "certificate-not-yet-valid", "2026-11-05 08:30 UTC"),
    (
        "The certificate Common Name (CN) does not match with the expected CN",
        "certificate-wrong-host",
        "host in mote.toml",
    ),
    (
        "Hostname mismatch, certificate is not valid for 'mail.contoso.test'.",
        "certificate-wrong-host",
        "host in mote.toml",
    ),
    (
        "IP address mismatch, certificate is not valid for '192.0.2.7'.",
        "certificate-wrong-host",
        "host in mote.toml",
    ),
    (
        "The certificate has been revoked (is on a CRL)",
        "certificate-refused",
        "revoked (is on a CRL). Nothing",
    ),
)


def of_tls(error):
    return with_clock(NOW_S, tls.error_of, error, HOST)


def test_each_fault_of_a_certificate_is_told_apart():
    for text, key, words in CERTIFICATES:
        error = of_tls(ValueError("\n%s\n" % text))
        kind = RetryLater if key == "certificate-not-yet-valid" else FixSettings
        equal((text, type(error), error.key, words in str(error)), (text, kind, key, True))
        equal((text, HOST in str(error), "Nothing was sent" in str(error)), (text, True, True))


def test_of_several_faults_the_first_in_this_order_counts():
    order = (0, 8, 13, 17, 19, 21)
    for place, first in enumerate(order):
        texts = [CERTIFICATES[index][0] for index in reversed(order[place:])]
        equal(of_tls(ValueError("\n%s\n" % "\n".join(texts))).key, CERTIFICATES[first][1])


def test_each_number_of_mbedtls_has_words():
    for number, words in (
        (-29184, "does not speak TLS on this port"),
        (-28928, "may not speak TLS on this port"),
        (-30592, "has no TLS 1.2 with ECDHE and AES-GCM"),
        (-28288, "no TLS 1.2"),
        (-29312, "closed the connection"),
        (-26112, "RSA-PSS"),
        (-17000, "mbedTLS error (-17000)"),
    ):
        error = of_tls(OSError(number))
        equal((number, type(error), error.key), (number, RetryLater, "tls-failed"))
        equal((number, words in str(error), "Nothing was sent in clear" in str(error)), (number, True, True))
    equal("SSL - planned (-17000)" in str(of_tls(OSError(-17000, "SSL - planned"))), True)


def test_a_certificate_that_only_a_number_tells_of():
    equal((of_tls(OSError(-31232)).key, type(of_tls(OSError(-31232)))), ("certificate-usage", FixSettings))
    equal((of_tls(OSError(-9984)).key, type(of_tls(OSError(-9984)))), ("certificate-refused", FixSettings))


def test_too_little_memory_for_tls():
    for number in (12, -16, -32512):
        equal((of_tls(OSError(number)).key, type(of_tls(OSError(number)))), ("no-memory", RetryLater))


def test_an_error_of_the_socket_is_none_of_tls():
    for error in (OSError(), OSError(errno.ECONNRESET), OSError(-0x1000), OSError("text"), EOFError()):
        equal((error, tls.error_of(error, HOST)), (error, None))


def test_the_words_stay_in_memory_only_while_they_are_looked_up():
    of_tls(OSError(-29184))
    equal(tls.__name__ + "_errors" in sys.modules, False)
