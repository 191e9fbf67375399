"""The CA certificates for a board: the right roots, and no bundle of the user's that a board cannot use."""

import datetime
import hashlib
import ssl
import subprocess
import textwrap

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from mailmote_host.board import trust

ROOTS = {
    "ca/digicert-g2.der": "DigiCert Global Root G2",
    "ca/digicert-g3.der": "DigiCert Global Root G3",
    "ca/digicert-rsa-g5.der": "DigiCert TLS RSA4096 Root G5",
    "ca/microsoft-ecc.der": "Microsoft ECC Root Certificate Authority 2017",
    "ca/microsoft-rsa.der": "Microsoft RSA Root Certificate Authority 2017",
}
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def made(key=None, days=(-1, 90), ca: bool | None = True, usage=("key_cert_sign", "crl_sign")):
    """A self-signed certificate. `ca` and `usage` None leave out the extension."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Site CA")])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=days[0]))
        .not_valid_after(now + datetime.timedelta(days=days[1]))
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    if usage is not None:
        flags = x509.KeyUsage(**{one: one in usage for one in USAGES})
        builder = builder.add_extension(flags, critical=True)
    return builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def pem(certificate):
    return certificate.public_bytes(Encoding.PEM).decode()


def der(certificate):
    return certificate.public_bytes(Encoding.DER)


@pytest.fixture
def bundle(tmp_path):
    def write(*parts):
        path = tmp_path / "site-ca.pem"
        path.write_text("".join(parts))
        return path

    return write


def test_the_roots_are_those_of_microsoft_365():
    found = trust.microsoft_roots()
    assert {name: _common_name(content) for name, content in found.items()} == ROOTS


def _common_name(content):
    (name,) = x509.load_der_x509_certificate(content).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return name.value


def test_a_certifi_without_one_of_them_is_an_error_with_the_fix(bundle, monkeypatch):
    whole = trust.microsoft_roots()
    left_out = ssl.DER_cert_to_PEM_cert(whole["ca/microsoft-ecc.der"])
    others = [ssl.DER_cert_to_PEM_cert(content) for content in whole.values()]
    others.remove(left_out)
    path = bundle(*others)
    monkeypatch.setattr(certifi, "where", lambda: str(path))
    with pytest.raises(
        trust.TrustError,
        match=r"^certifi .* lacks Microsoft ECC Root Certificate Authority 2017, .*--upgrade certifi$",
    ):
        trust.files()


def test_a_root_of_the_same_name_is_not_taken_for_it(bundle, monkeypatch):
    """They are known by fingerprint."""
    name = "DigiCert Global Root G2"
    genuine = {_common_name(content): content for content in trust.microsoft_roots().values()}
    del genuine[name]
    path = bundle(*map(ssl.DER_cert_to_PEM_cert, genuine.values()), f"# {name}\n", pem(made()))
    monkeypatch.setattr(certifi, "where", lambda: str(path))
    with pytest.raises(trust.TrustError, match=f"lacks {name}, and"):
        trust.microsoft_roots()


def test_a_bundle_is_taken_in_its_order_with_text_around_it(bundle):
    first, second = made(), made(rsa.generate_private_key(65537, 2048))
    path = bundle("subject=/CN=Site CA\r\n", pem(first), "\n# and\n", pem(second).replace("\n", "\r\n"))
    found = trust.files(path)
    assert sorted(found) == sorted([*ROOTS, "ca/site-1.der", "ca/site-2.der"])
    assert found["ca/site-1.der"] == der(first)
    assert found["ca/site-2.der"] == der(second)
    assert sorted(trust.files()) == sorted(ROOTS)


def test_a_ca_without_key_usage_may_sign(bundle):
    assert len(trust.site_certificates(bundle(pem(made(usage=None))))) == 1


@pytest.mark.parametrize(
    ("second", "text"),
    [
        (lambda: pem(made(days=(-90, -1))), "it expired on 20.*current certificate"),
        (lambda: pem(made(days=(1, 90))), "it is not valid before 20.*clock"),
        (lambda: pem(made(ca=False)), "it is no certificate of a CA"),
        (lambda: pem(made(ca=None)), "it is no certificate of a CA"),
        (lambda: pem(made(usage=("digital_signature",))), "it is no certificate of a CA"),
        (
            lambda: pem(made(rsa.generate_private_key(65537, 1024))),
            "its RSA key has only 1024 bits. A board takes RSA from 2048",
        ),
        (lambda: pem(made(ed25519.Ed25519PrivateKey.generate())), "its key is neither RSA nor elliptic"),
        (lambda: pem(made()).replace("MII", "AAA", 1), "it is damaged"),
        (lambda: pem(made())[:200], "it is damaged"),
        (lambda: pem(made())[:200] + "\n" + pem(made()), "it is damaged"),
        (lambda: "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "it is damaged"),
        (lambda: "-----BEGIN CERTIFICATE-----", "it is damaged"),
    ],
    ids=lambda value: None if callable(value) else value[:20],
)
def test_a_certificate_that_is_no_use_is_named_by_file_and_number(bundle, second, text):
    path = bundle(pem(made()), second())
    with pytest.raises(trust.TrustError, match=f"^{path}, certificate 2: {text}"):
        trust.files(path)


def test_files_that_are_no_bundle(bundle, tmp_path):
    with pytest.raises(trust.TrustError, match="holds no certificate .*Export the CA as PEM"):
        trust.files(bundle("-----BEGIN RSA PRIVATE KEY-----"))
    with pytest.raises(trust.TrustError, match="absent.pem cannot be read: No such file .*Check its name"):
        trust.files(tmp_path / "absent.pem")
    with pytest.raises(trust.TrustError, match="cannot be read: Is a directory"):
        trust.files(tmp_path)
    with pytest.raises(trust.TrustError, match="holds 9 certificates, and a board has room for 8"):
        trust.files(bundle(*[pem(made())] * 9))
    assert len(trust.site_certificates(bundle(*[pem(made())] * 8))) == 8


def test_real_micropython_loads_all_of_them_into_one_context(bundle, tmp_path, micropython):
    """Five roots and a bundle, by the firmware's own code, with the names they have on a board."""
    found = trust.files(bundle(pem(made()), pem(made(rsa.generate_private_key(65537, 4096)))))
    (tmp_path / "ca").mkdir()
    for name, content in found.items():
        (tmp_path / name).write_bytes(content)
    program = textwrap.dedent(
        """
        import hashlib, os, sys
        sys.path.insert(0, sys.argv[1])
        from mailmote import compat
        from mailmote.net import clock, tls
        loaded = []
        plain = compat.new_tls_context
        def noted(certificates):
            def each():
                for content in certificates:
                    loaded.append(hashlib.sha256(content).digest().hex())
                    yield content
            return plain(each())
        compat.new_tls_context = noted
        clock.is_set = lambda: True
        context = tls.context()
        print(*sorted(loaded))
        """
    )
    (tmp_path / "program.py").write_text(program)
    firmware = trust.Path(trust.__file__).parents[3] / "firmware"
    done = subprocess.run(
        [*micropython, "-X", "heapsize=256K", "program.py", firmware],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr + done.stdout.split("Traceback")[0] == done.stdout
    assert done.stdout.split() == sorted(hashlib.sha256(content).hexdigest() for content in found.values())
