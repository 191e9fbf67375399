"""The firmware's session against the tenant, over real connections, on both runtimes."""

import email
import email.policy
from email.header import decode_header, make_header

import pytest
from sessions import RUNTIMES, anonymous, message, run_jobs, submission

from mailmote_host.tenant.ca import Authority
from mailmote_host.tenant.faults import RST, Fault, InData, Replied, Reply, Stage
from mailmote_host.tenant.model import Connector, Mailbox, Tenant
from mailmote_host.tenant.service import serve

FIVE = tuple(f"{name}@contoso.test" for name in ("a", "b", "c", "d", "e"))
OUTSIDE = "oncall@fabrikam.test"
TEXTS = {
    "Greek": "Ψυγείο: −18,5 °C\nπολύ ζεστό",
    "Japanese": "冷凍庫の温度が高すぎます。\n" * 40,
    "emoji": "🧊🔥 " * 300,
    "a line of 2,000 characters": "x" * 2000 + "\nafter\n",
    "leading dots": ".\n..\n.hidden\n...\n",
    "bare CR and LF": "one\rtwo\nthree\r\nfour\n\rfive",
    "a smuggled command": "hi\r\n.\r\nMAIL FROM:<x@y.test>\r\nRCPT TO:<z@y.test>\r\n",
}


@pytest.fixture(params=RUNTIMES)
def runtime(request):
    return request.param


def tenant():
    return Tenant(
        accepted_domains=("contoso.test",),
        mailboxes=[Mailbox("mote@contoso.test", "canary-password")],
        contacts={"facilities@contoso.test", *FIVE},
    )


def delivered(outcome):
    """True for a job whose every message went to every recipient."""
    return outcome["failure"] is None and all(error is None for row in outcome["results"] for error in row)


@pytest.mark.parametrize("recipients", [FIVE[:1], FIVE], ids=["1 recipient", "5 recipients"])
@pytest.mark.parametrize(
    ("make", "hide", "round_trips"),
    [
        (anonymous, (), [3, 1]),
        (anonymous, ("CHUNKING",), [4, 2]),
        (submission, (), [7, 1]),
        (submission, ("CHUNKING",), [8, 2]),
    ],
    ids=["direct send", "direct send without CHUNKING", "submission", "submission without CHUNKING"],
)
def test_round_trips(runtime, tmp_path, make, hide, round_trips, recipients):
    with serve(tenant(), hide=hide) as service:
        job = make(service, message(*recipients), message(*recipients, id="3.4@contoso.test"))
        (outcome,) = run_jobs(runtime, tmp_path, [job], service.ca_der)
        assert delivered(outcome), outcome
        assert [one.round_trips for one in service.messages] == round_trips
        assert [one.recipients for one in service.messages] == [list(recipients)] * 2


@pytest.mark.parametrize("hide", [(), ("CHUNKING",), ("CHUNKING", "PIPELINING"), ("PIPELINING",), ("EHLO",)])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_arrives_is_what_was_meant(runtime, tmp_path, text, hide):
    subject = text[:60].replace("\r", " ").replace("\n", " ")
    with serve(tenant(), hide=hide) as service:
        job = anonymous(service, message(text=text, subject=subject, name="冷凍庫 Ψ 🧊"))
        (outcome,) = run_jobs(runtime, tmp_path, [job], service.ca_der)
        assert delivered(outcome), outcome
        (received,) = service.messages
    mail = email.message_from_bytes(received.data, policy=email.policy.default)
    assert not mail.defects
    assert not any(part.defects for part in mail.walk())
    assert str(make_header(decode_header(mail["Subject"]))).strip() == subject.strip()
    assert mail["From"].addresses[0].addr_spec == "mote@contoso.test"
    lines = mail.get_content().replace("\r\n", "\n").rstrip("\n").split("\n")
    assert lines == text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    assert max(len(line) for line in received.data.split(b"\r\n")) <= 998
    assert b"\n" not in received.data.replace(b"\r\n", b"")


def test_8bit_only_where_the_server_takes_it(runtime, tmp_path):
    with serve(tenant()) as able, serve(tenant(), hide=("8BITMIME",)) as unable:
        jobs = [anonymous(service, message(text="−18,5 °C\n")) for service in (able, unable)]
        assert all(delivered(outcome) for outcome in run_jobs(runtime, tmp_path, jobs, able.ca_der))
        assert able.messages[0].parameters.get("BODY") == "8BITMIME"
        assert "BODY" not in unable.messages[0].parameters
        assert "−".encode() in able.messages[0].data
        assert unable.messages[0].data.isascii()


def test_one_refused_recipient_does_not_touch_the_others(runtime, tmp_path):
    with serve(tenant()) as service:
        job = anonymous(service, message(FIVE[0], "nobody@contoso.test", FIVE[1]))
        (outcome,) = run_jobs(runtime, tmp_path, [job], service.ca_der)
        ((first, second, third),) = outcome["results"]
        assert (first, third) == (None, None)
        assert (second["class"], second["key"]) == ("GiveUp", "unknown-recipient")
        assert service.messages[0].recipients == [FIVE[0], FIVE[1]]


@pytest.mark.parametrize("hide", [(), ("CHUNKING",), ("CHUNKING", "PIPELINING")])
def test_a_message_that_nobody_takes_leaves_the_connection_usable(runtime, tmp_path, hide):
    with serve(tenant(), hide=hide) as service:
        job = anonymous(service, message("nobody@contoso.test"), message(FIVE[0], id="3.4@contoso.test"))
        (outcome,) = run_jobs(runtime, tmp_path, [job], service.ca_der)
        assert outcome["results"][0][0]["key"] == "unknown-recipient"
        assert outcome["results"][1] == [None]
        assert len(service.messages) == 1
        assert len(service.sessions) == 1


@pytest.mark.parametrize("hide", [(), ("CHUNKING",)], ids=["BDAT", "DATA"])
def test_a_megabyte_through_a_heap_of_256K(tmp_path, hide):
    with serve(tenant(), hide=hide) as service:
        job = submission(service, message(attachment_octets=1024 * 1024))
        (outcome,) = run_jobs("micropython", tmp_path, [job], service.ca_der, "256K")
        assert delivered(outcome), outcome
        (received,) = service.messages
    mail = email.message_from_bytes(received.data, policy=email.policy.default)
    (attachment,) = mail.iter_attachments()
    assert attachment.get_content() == bytes(range(256)) * 4096


def test_the_relay_takes_mail_for_outside(runtime, tmp_path):
    allowed = tenant()
    allowed.connectors.append(Connector(networks=("127.0.0.1/32",)))
    with serve(allowed) as with_connector, serve(tenant()) as without:
        jobs = [anonymous(service, message(OUTSIDE)) for service in (with_connector, without)]
        taken, denied = run_jobs(runtime, tmp_path, jobs, without.ca_der)
        assert delivered(taken)
        assert denied["results"][0][0]["key"] == "relay-denied"


def test_opportunistic_tls_is_used_where_it_is_offered(runtime, tmp_path):
    more = {
        "tls": "opportunistic",
        "connect_to": "127.0.0.1",
        "host": "contoso-test.mail.protection.outlook.com",
    }
    with serve(tenant()) as offered, serve(tenant(), hide=("STARTTLS",)) as not_offered:
        jobs = [anonymous(service, message(), **more) for service in (offered, not_offered)]
        assert all(delivered(outcome) for outcome in run_jobs(runtime, tmp_path, jobs, offered.ca_der))
        assert offered.messages[0].tls
        assert not_offered.messages[0].tls is None


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        (Fault(Stage("starttls"), Reply("454 4.7.0 TLS not available")), "starttls-unavailable"),
        (Fault(Stage("starttls"), Reply(b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n")), "starttls-injection"),
        (Fault(Stage("greeting"), Reply(b"220-one\r\n250 two\r\n")), "malformed-reply"),
        (Fault(Stage("greeting"), Reply(b"220 " + b"x" * 100000)), "reply-too-long"),
        (Fault(Stage("auth"), RST), "connection-reset"),
    ],
    ids=["STARTTLS refused", "injection", "two codes", "no end", "reset"],
)
def test_a_hostile_server_gets_no_password_and_no_mail(runtime, tmp_path, fault, key):
    with serve(tenant(), faults=[fault]) as service:
        (outcome,) = run_jobs(runtime, tmp_path, [submission(service, message())], service.ca_der)
        assert outcome["failure"]["key"] == key
        assert outcome["results"] == []
        assert service.messages == []


def test_nothing_is_sent_in_clear_when_starttls_is_stripped(runtime, tmp_path):
    with serve(tenant(), hide=("STARTTLS",)) as service:
        (outcome,) = run_jobs(runtime, tmp_path, [submission(service, message())], service.ca_der)
        assert (outcome["failure"]["class"], outcome["failure"]["key"]) == ("FixSettings", "starttls-missing")
        said = [line for direction, line in service.sessions[0].transcript if direction == "C"]
        assert said == ["EHLO mote.contoso.test"]


def test_a_certificate_of_another_authority_or_another_name_is_refused(runtime, tmp_path):
    with serve(tenant()) as service:
        jobs = [submission(service, message()), submission(service, message(), host="mail.fabrikam.test")]
        stranger, _ = run_jobs(runtime, tmp_path / "stranger", jobs, Authority().root_der)
        known, misnamed = run_jobs(runtime, tmp_path / "known", jobs, service.ca_der)
        assert delivered(known)
        assert stranger["failure"]["key"] == "certificate-untrusted"
        assert misnamed["failure"]["key"] == "certificate-wrong-host"
        assert len(service.messages) == 1


@pytest.mark.parametrize("hide", [(), ("CHUNKING",)], ids=["BDAT", "DATA"])
def test_a_cut_in_the_message_is_no_success(runtime, tmp_path, hide):
    with serve(tenant(), hide=hide, faults=[Fault(InData(100), RST)]) as service:
        (outcome,) = run_jobs(runtime, tmp_path, [anonymous(service, message())], service.ca_der)
        assert outcome["failure"]["class"] in ("ProtocolError", "RetryLater")
        assert outcome["results"] == []


def test_a_cut_at_each_octet_of_the_last_replies_is_no_success(runtime, tmp_path):
    with serve(tenant()) as service:
        run_jobs(runtime, tmp_path, [anonymous(service, message())], service.ca_der)
        whole = service.sessions[0].sent_octets
        goodbye = len("221 2.0.0 Service closing transmission channel\r\n")
    for octets in range(whole - goodbye - 60, whole - goodbye, 7):
        with serve(tenant(), faults=[Fault(Replied(octets), RST)]) as service:
            (outcome,) = run_jobs(runtime, tmp_path, [anonymous(service, message())], service.ca_der)
            assert outcome["failure"], f"success after {octets} octets of {whole - goodbye}"
            assert outcome["results"] == []


def test_nobody_there_is_told_with_the_fix(runtime, tmp_path):
    with serve(tenant()) as service:
        jobs = [anonymous(service, message())]
    (outcome,) = run_jobs(runtime, tmp_path, jobs, service.ca_der)
    assert (outcome["failure"]["class"], outcome["failure"]["key"]) == ("RetryLater", "connection-refused")
    assert "Check host and port" in outcome["failure"]["text"]
