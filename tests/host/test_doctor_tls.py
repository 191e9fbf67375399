"""What `mailmote doctor` says of a server's certificate, of the board's own, and of connections that fail."""

import datetime
import json
import socket
import ssl
from dataclasses import replace

import certificates
import pytest
from certificates import HOST
from doctor_patient import Patient, tenant_with
from rich.console import Console

from mailmote_host import cli
from mailmote_host.doctor import credentials, tls_probe, visit
from mailmote_host.doctor.plan import plans
from mailmote_host.doctor.smtp_client import connect, unconnected
from mailmote_host.doctor.steps import Trouble
from mailmote_host.doctor.visit import Means, Visit
from mailmote_host.tenant.ca import Authority
from mailmote_host.tenant.faults import Fault, Reply, Stage
from mailmote_host.tenant.model import Connector
from mailmote_host.tenant.service import serve


class Faulty(Authority):
    """An authority whose servers show a certificate with a fault."""

    def __init__(self, fault):
        super().__init__()
        self._fault = fault

    @property
    def root_pem(self):
        return ssl.DER_cert_to_PEM_cert(certificates.root_der())

    def server_context(self, names, asks_client_certificate=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        certificates.identity(self._fault).load_into(context)
        return context


@pytest.fixture
def patient(tmp_path, capsys, monkeypatch):
    return Patient(tmp_path, capsys, monkeypatch)


@pytest.mark.parametrize(
    ("fault", "key", "words"),
    [
        ("expired", "certificate-expired", "renew it"),
        ("not yet valid", "certificate-not-yet-valid", "clock"),
        ("wrong host", "certificate-wrong-host", "Set host in mote.toml"),
        ("other CA with the same name", "certificate-untrusted", "set ca in mote.toml"),
        ("self-signed", "certificate-untrusted", "set ca in mote.toml"),
        ("missing intermediate", "certificate-untrusted", "set ca in mote.toml"),
        ("issuer is no CA", "certificate-untrusted", "set ca in mote.toml"),
        ("for clients only", "certificate-usage", "key usage"),
        ("SHA-1", "certificate-weak", "SHA-256"),
        ("RSA 1024", "certificate-weak", "RSA 2048"),
    ],
)
def test_a_certificate_with_a_fault(patient, fault, key, words):
    found = patient.examine(
        "smtp-relay", mail={"host": HOST, "tls": "required"}, authority=Faulty(fault), expect=1
    )
    assert (found["tls"]["ok"], found["tls"]["key"]) == ("fail", key)
    assert words in found["tls"]["fix"]
    assert "It shows " in found["tls"]["found"]
    shown = "mail.fabrikam.test" if fault == "wrong host" else HOST
    assert f"It shows {shown}, valid from " in found["tls"]["found"]
    assert found["sender"]["ok"] == "skip"
    for session in patient.service.sessions:
        assert not [line for _, line in session.transcript if line.startswith(("AUTH", "MAIL"))]


def test_a_server_that_takes_one_connection_hides_no_fault(patient, monkeypatch):
    """What it shows is looked at over a second one, and is left out then."""
    hosts = []

    def connect_once(host, port, timeout_s):
        hosts.append(host)
        if len(hosts) == 2:
            with socket.create_server(("127.0.0.1", 0)) as closed:
                port = closed.getsockname()[1]
        return connect(host, port, timeout_s)

    monkeypatch.setattr(visit, "connect", connect_once)
    found = patient.examine("smtp-relay", mail={"host": HOST}, authority=Faulty("expired"), expect=1)
    assert len(hosts) == 2
    assert (found["tls"]["ok"], found["tls"]["key"]) == ("fail", "certificate-expired")
    assert "It shows" not in found["tls"]["found"]


def test_the_good_one_passes_and_names_its_root(patient):
    found = patient.examine("smtp-relay", mail={"host": HOST}, authority=Faulty("none, with ECDSA"))
    assert found["certificate"]["ok"] == "pass"
    assert "root mailmote test root, of the file in ca" in found["certificate"]["found"]


def test_a_certificate_that_ends_soon_is_a_warning(tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text(ssl.DER_cert_to_PEM_cert(certificates.root_der()))
    chain = certificates.x509.load_pem_x509_certificates(certificates.identity().chain_pem)
    chain.append(certificates.root().certificate)
    end = min(one.not_valid_after_utc for one in chain)
    roots = tls_probe.Roots(bundle)

    def at(days):
        return tls_probe.certificate_result("certificate", chain, HOST, roots, end - datetime.timedelta(days))

    assert at(31).ok == "pass"
    assert at(29).ok == "warn"
    assert "ends in 29 days" in at(29).found
    assert at(29).fix


def test_a_public_root_is_told_from_one_of_the_site(tmp_path):
    roots = tls_probe.Roots(None)
    der = next(iter(tls_probe.trust.microsoft_roots().values()))
    root = certificates.x509.load_der_x509_certificate(der)
    assert roots.whose(root) == "DigiCert Global Root G2, one of those for Microsoft 365"


def test_a_server_with_nothing_but_old_tls(patient):
    class Old(Faulty):
        def server_context(self, names, asks_client_certificate=False):
            context = super().server_context(names)
            context.set_ciphers("AES128-SHA:@SECLEVEL=0")
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            return context

    found = patient.examine("smtp-relay", mail={"host": HOST}, authority=Old("none"), expect=1)
    assert (found["tls"]["ok"], found["tls"]["key"]) == ("fail", "tls-failed")
    assert "TLS 1.2 or newer" in found["tls"]["found"]


def test_what_follows_the_reply_to_starttls_in_clear_is_an_attack(patient):
    fault = Fault(Stage("starttls"), Reply(b"220 2.0.0 ready\r\n250-injected\r\n"))
    found = patient.examine("direct-send", faults=[fault], expect=1)
    assert (found["tls"]["ok"], found["tls"]["key"]) == ("fail", "starttls-injection")


def test_no_secret_is_shown_without_tls(tmp_path):
    """The settings do not allow it; should they ever, the visit does not."""
    with serve(tenant_with()) as service:
        mail = {**_plan("smtp.office365.com").mail, "tls": "none"}
        plan = replace(_plan("smtp.office365.com"), mail=mail, dial=tuple(service.submission))
        handed = credentials.Secrets("canary-password-of-a-mailbox")
        means = Means(handed, tls_probe.Roots(None), Console(), 5, lambda count: False)
        found = {result.step: result for result in Visit(plan, means).results()}
        [session] = service.wait_for_endings(1)
    assert (found["sign-in"].ok, found["sign-in"].key) == ("fail", "auth-needs-tls")
    assert not [line for _, line in session.transcript if line.startswith("AUTH")]


# Relay by certificate


@pytest.fixture
def relay(patient, tmp_path):
    """Examine a relay by certificate; the board's has these names, or is not given."""

    def examine(*names, only_own=False, expect=0, connector="mote.contoso.com"):
        authority = Authority()
        arguments = []
        if names:
            identity = authority.identity(names)
            chain = identity.chain_pem
            if only_own:
                chain = chain[: chain.index(b"-----END") + len("-----END CERTIFICATE-----\n")]
            (tmp_path / "mote.pem").write_bytes(chain)
            (tmp_path / "mote.key").write_bytes(identity.key_pem)
            arguments = ["--certificate", str(tmp_path / "mote.pem"), "--key", str(tmp_path / "mote.key")]
        return patient.examine(
            "smtp-relay",
            *arguments,
            mail={"auth": "certificate", "to": ["out@fabrikam.com"]},
            tenant=tenant_with(connectors=[Connector(certificate_name=connector)]),
            authority=authority,
            expect=expect,
        )

    return examine


def test_a_relay_knows_the_board_by_its_certificate(relay):
    found = relay("mote.contoso.com")
    assert (found["client-certificate"]["ok"], found["recipients"]["ok"]) == ("pass", "pass")
    assert "mote.contoso.com, 2 in the chain" in found["client-certificate"]["found"]


def test_a_certificate_without_its_chain_is_warned_of_and_not_known(relay):
    found = relay("mote.contoso.com", only_own=True, expect=1)
    assert found["client-certificate"]["ok"] == "warn"
    assert "whole chain" in found["client-certificate"]["fix"]
    assert found["recipients"]["key"] == "relay-denied"


def test_a_certificate_of_another_domain(relay):
    found = relay("mote.fabrikam.com", expect=1)
    assert (found["client-certificate"]["ok"], found["client-certificate"]["key"]) == (
        "fail",
        "relay-denied-domain",
    )
    assert found["recipients"]["key"] == "relay-denied"


def test_a_certificate_that_is_not_given(relay, patient):
    found = relay()
    assert found["client-certificate"]["ok"] == "skip"
    assert "--certificate" in found["client-certificate"]["fix"]
    assert found["certificate"]["ok"] == "pass"
    assert found["recipients"]["ok"] == "skip"


def test_a_key_of_another_certificate_is_wrong_usage(patient, tmp_path):
    first, second = Authority().identity(["mote.contoso.com"]), certificates.identity()
    (tmp_path / "a.pem").write_bytes(first.chain_pem)
    (tmp_path / "b.key").write_bytes(second.key_pem)
    with serve(tenant_with()) as service:
        patient.write("smtp-relay", service.mx, service, {"auth": "certificate"})
        patient.run("--certificate", str(tmp_path / "a.pem"), "--key", str(tmp_path / "b.key"), expect=2)
    assert "cannot be used together" in patient.said


# Connections that do not come about


def test_silence_on_port_25_is_the_provider_s():
    told = unconnected(TimeoutError(), "mx.contoso.com", 25, 20)
    assert told.key == "no-answer"
    assert "block port 25" in told.fix
    assert "client-submission" in told.fix
    assert "block port 25" not in unconnected(TimeoutError(), "mx.contoso.com", 587, 20).fix


def test_a_connection_that_is_dropped():
    """A queue that is full drops what comes, as a firewall does."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = []
        try:
            for _ in range(3):
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex(listening.getsockname())
                waiting.append(one)
            with pytest.raises(Trouble, match="did not answer within 0.2 s") as caught:
                connect(*listening.getsockname(), 0.2)
            assert caught.value.key == "no-answer"
        finally:
            for one in waiting:
                one.close()


def test_a_host_with_two_addresses_is_told_by_the_more_telling_failure(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    both = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", port, 0, 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **more: both)
    with pytest.raises(Trouble) as caught:
        connect("mx.contoso.com", port, 5)
    assert caught.value.key == "connection-refused"


# The end of passwords


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (datetime.date(2026, 11, 26), "in 36 days"),
        (datetime.date(2026, 12, 31), "in 1 day."),
        (datetime.date(2027, 1, 1), "is off by default since the end of December 2026"),
    ],
)
def test_the_dates_of_the_end_of_passwords(day, words):
    result = credentials.retirement(_plan("smtp.office365.com"), day)
    assert result is not None
    assert words in result.found
    assert "second half of 2027" in result.found
    assert credentials.retirement(_plan("mail.contoso.com"), day) is None


def _plan(host):
    mail = {
        "option": "client-submission", "from": "a@contoso.com", "to": ["b@contoso.com"], "host": host,
        "port": 587, "tls": "required", "auth": "password", "username": "a@contoso.com",
    }  # fmt: skip
    settings = {"device": {"name": "x"}, "mail": mail, "alarms": []}
    return next(plans(settings, {}, False, False))


def test_json_is_all_that_is_on_stdout(patient):
    with serve(tenant_with()) as service:
        patient.write(
            "direct-send", service.mx, service, {"from": "m@contoso.example", "to": ["o@contoso.example"]}
        )
        cli.main(["doctor", str(patient.toml), "--json", "--no-blocklists"])
    out = patient.capsys.readouterr().out
    assert {tuple(sorted(set(result) - {"copy"})) for result in json.loads(out)} == {
        ("fix", "found", "key", "ok", "step")
    }
