"""Relay by TLS client certificate, option 3: which certificates a connector knows, through smtplib."""

import smtplib
import ssl
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tenant_client import MOTE, OPS, OUTSIDE, contoso

from mailmote_host.tenant import Authority, Connector, Service, serve
from mailmote_host.tenant.ca import Identity

NAME = "relay.contoso.example"
DENIED = "5.7.64 TenantAttribution; Relay Access Denied"


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture
def show(authority, tmp_path):
    """Send a mail with that identity to someone, over TLS; returns the running service."""

    def send(service: Service, identity: Identity | None, to: str = OUTSIDE) -> None:
        context = ssl.create_default_context(cadata=service.ca_pem)
        if identity is not None:
            path = tmp_path / "identity.pem"
            path.write_bytes(identity.key_pem + identity.chain_pem)
            context.load_cert_chain(path)
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = MOTE, to, "Freezer"
        message.set_content("4.9 degrees")
        with smtplib.SMTP(*service.mx, timeout=20) as client:
            client.starttls(context=context)
            client.send_message(message)

    return send


def relaying(authority: Authority, name: str = NAME):
    tenant = contoso(connectors=[Connector(certificate_name=name)])
    return serve(tenant, authority=authority, patience_s=0.001)


def without_intermediate(identity: Identity) -> Identity:
    end = b"-----END CERTIFICATE-----\n"
    return Identity(identity.chain_pem.split(end)[0] + end, identity.key_pem)


def with_common_name_only(authority: Authority, name: str) -> Identity:
    """A certificate as people make with openssl: the name in its subject, and nowhere else."""
    _, intermediate = x509.load_pem_x509_certificates(authority.identity([name]).chain_pem)
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(intermediate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(authority._intermediate_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return Identity(
        leaf.public_bytes(pem) + intermediate.public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def test_the_whole_chain_with_the_connectors_name_relays(authority, show):
    with relaying(authority) as service:
        show(service, authority.identity([NAME]))
        [message] = service.messages
        assert message.recipients == [OUTSIDE]
        assert message.session.certificate_names == (NAME,)
        assert message.tls == "TLSv1.3"


def test_the_name_may_be_one_of_several_and_in_any_case(authority, show):
    with relaying(authority, NAME.upper()) as service:
        show(service, authority.identity(["other.example", NAME]))
        assert len(service.messages) == 1


def test_the_common_name_counts_where_there_is_no_other(authority, show):
    with relaying(authority) as service:
        show(service, with_common_name_only(authority, NAME))
        assert len(service.messages) == 1


def test_a_certificate_without_its_intermediate_proves_nothing(authority, show):
    with relaying(authority) as service:
        with pytest.raises(smtplib.SMTPRecipientsRefused, match=DENIED):
            show(service, without_intermediate(authority.identity([NAME])))
        assert service.sessions[0].certificate_names == ()


def test_another_name_and_no_certificate_are_denied(authority, show):
    with relaying(authority) as service:
        for identity in (authority.identity(["other.contoso.example"]), None):
            with pytest.raises(smtplib.SMTPRecipientsRefused, match=DENIED):
                show(service, identity)
        assert service.messages == []


@pytest.mark.parametrize(
    "name", ["relay.fabrikam.example", "notcontoso.example", "contoso.example.evil.example"]
)
def test_a_name_outside_the_accepted_domains_is_denied_though_the_connector_has_it(authority, show, name):
    with (
        relaying(authority, name) as service,
        pytest.raises(smtplib.SMTPRecipientsRefused, match=DENIED),
    ):
        show(service, authority.identity([name]))


def test_the_accepted_domain_itself_is_a_good_name(authority, show):
    with relaying(authority, "contoso.example") as service:
        show(service, authority.identity(["contoso.example"]))
        assert len(service.messages) == 1


def test_a_denied_certificate_still_delivers_inside_the_organisation(authority, show):
    with relaying(authority) as service:
        show(service, authority.identity(["relay.fabrikam.example"]), to=OPS)
        assert service.messages[0].recipients == [OPS]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_that_resumes_its_session_is_known_again(authority, tmp_path, version):
    identity = authority.identity([NAME])
    (tmp_path / "identity.pem").write_bytes(identity.key_pem + identity.chain_pem)
    context = ssl.create_default_context(cadata=authority.root_pem)
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(tmp_path / "identity.pem")
    earlier = None
    with relaying(authority) as service:
        for _ in range(2):
            with smtplib.SMTP(*service.mx, timeout=20) as client:
                client.docmd("EHLO", "mote")
                assert client.docmd("STARTTLS")[0] == 220
                client.sock = context.wrap_socket(client.sock, server_hostname="localhost", session=earlier)
                client.file = None
                client.ehlo()
                earlier = client.sock.session
        assert [session.certificate_names for session in service.sessions] == [(NAME,), (NAME,)]
