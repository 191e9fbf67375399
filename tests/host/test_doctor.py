"""`mailmote doctor` against the fake tenant with each of its switches, and a DNS server on loopback."""

import socket

import pytest
from dns_server import SERVFAIL, SILENCE, DnsServer
from doctor_patient import DOMAIN, GOOD, LISTED, MAILBOX, MX, SECRET, SITE, Patient, tenant_with

from mailmote_host import cli
from mailmote_host.doctor.dns import LookupFailed, Names
from mailmote_host.tenant.faults import FIN, Fault, Reply, Stage
from mailmote_host.tenant.model import Connector, Tenant
from mailmote_host.tenant.service import serve


@pytest.fixture
def patient(tmp_path, capsys, monkeypatch):
    for name in ("MAILMOTE_MAIL_PASSWORD", "MAILMOTE_OAUTH_SECRET"):
        monkeypatch.delenv(name, raising=False)
    return Patient(tmp_path, capsys, monkeypatch)


# All is well


def test_direct_send_that_is_all_right(patient):
    found = patient.examine("direct-send", "--send-test-mail")
    assert set(patient.ok().values()) == {"pass"}
    assert list(found) == [
        "host", "mx", "port", "greeting", "ehlo", "tls", "certificate", "sender", "recipients", "test-mail",
        "spf", "blocklist",
    ]  # fmt: skip
    assert "TLSv1." in found["tls"]["found"]
    assert "mailmote sandbox root, of the file in ca" in found["certificate"]["found"]
    [message] = patient.service.messages
    assert message.recipients == ["ops@contoso.com"]
    assert b"test mail" in message.data
    assert message.helo == "freezer-3.contoso.com"


def test_client_submission_with_a_password_warns_of_its_end_only(patient):
    patient.with_password()
    found = patient.examine("client-submission", "--send-test-mail", mail={"auth": "password"})
    assert {step for step, ok in patient.ok().items() if ok != "pass"} == {"password"}
    assert "December 2026" in found["password"]["found"]
    assert "2027" in found["password"]["found"]
    assert "oauth-device" in found["password"]["fix"]
    assert found["sign-in"]["found"].startswith(f"LOGIN as {MAILBOX}: 235 2.7.0")
    assert len(patient.service.messages) == 1


def test_no_mail_is_sent_unasked(patient):
    found = patient.examine("direct-send")
    assert found["test-mail"]["ok"] == "skip"
    assert "--send-test-mail" in found["test-mail"]["fix"]
    assert patient.service.messages == []
    [session] = patient.service.sessions
    assert not [line for _, line in session.transcript if line.startswith(("DATA", "BDAT"))]


def test_client_submission_with_an_application(patient):
    patient.monkeypatch.setenv("MAILMOTE_OAUTH_SECRET", SECRET)
    found = patient.examine("client-submission", "--send-test-mail", mail={"auth": "oauth-app"}, oauth={})
    assert set(patient.ok().values()) == {"pass"}
    assert found["sign-in"]["found"].startswith("XOAUTH2 as")
    assert "login.microsoftonline.com" in found["sign-in-host"]["found"]


def test_relay_by_address(patient):
    tenant = tenant_with(connectors=[Connector(("127.0.0.0/8",))])
    found = patient.examine("smtp-relay", mail={"to": ["ops@contoso.com", "out@fabrikam.com"]}, tenant=tenant)
    assert found["recipients"]["ok"] == "pass"
    assert "out@fabrikam.com" in found["recipients"]["found"]


def test_relay_to_inside_only_says_that_it_proves_no_connector(patient):
    found = patient.examine("smtp-relay")
    assert found["recipients"]["ok"] == "pass"
    assert "does not show whether a connector" in found["recipients"]["found"]
    patient.examine("smtp-relay", mail={"to": ["ops@contoso.com", "out@fabrikam.com"]}, expect=1)
    assert "does not show whether a connector" not in patient.said


# Each switch of the tenant


def test_reject_direct_send(patient):
    found = patient.examine("direct-send", tenant=tenant_with(reject_direct_send=True), expect=1)
    refused = found["recipients"]
    assert (refused["ok"], refused["key"]) == ("fail", "direct-send-rejected")
    assert "550 5.7.68" in refused["found"]
    assert "RejectDirectSend" in refused["found"]
    assert "Set-OrganizationConfig -RejectDirectSend $false" in refused["fix"]
    assert found["test-mail"]["ok"] == "skip"


def test_relay_denied_names_the_address_for_the_connector(patient):
    fault = Fault(Stage("ehlo"), Reply(b"250-mx Hello [198.51.100.9]\r\n250-SIZE 100\r\n250 STARTTLS\r\n"))
    found = patient.examine(
        "smtp-relay", mail={"to": ["out@fabrikam.com"]}, expect=1, faults=[fault], address=None
    )
    refused = found["recipients"]
    assert (refused["ok"], refused["key"]) == ("fail", "relay-denied")
    assert "550 5.7.64" in refused["found"]
    assert "-SenderIPAddresses 198.51.100.9" in refused["fix"]
    assert any("-SenderIPAddresses 198.51.100.9" in line for line in refused["copy"])


@pytest.mark.parametrize(
    ("switches", "mailbox", "key", "fix"),
    [
        ({"smtp_auth_disabled": True}, {}, "smtp-auth-disabled-tenant", "AuthenticationDisabled $false"),
        ({}, {"smtp_auth": False}, "smtp-auth-disabled-mailbox", "AuthenticationDisabled $false"),
        ({"security_defaults": True}, {}, "security-defaults", "Use OAuth"),
        ({"basic_auth_disabled": True}, {}, "basic-auth-disabled", "Use OAuth"),
        ({"basic_auth_retired": True}, {}, "basic-auth-retired", "Use OAuth"),
        ({}, {"account_locked": True}, "account-locked", "wait until the lock ends"),
        ({}, {"conditional_access_blocks": True}, "conditional-access", "sign-in logs"),
    ],
)  # fmt: skip
def test_a_sign_in_that_the_tenant_refuses(patient, switches, mailbox, key, fix):
    patient.with_password()
    tenant = tenant_with(mailbox, **switches)
    found = patient.examine("client-submission", mail={"auth": "password"}, tenant=tenant, expect=1)
    assert (found["sign-in"]["ok"], found["sign-in"]["key"]) == ("fail", key)
    assert fix in found["sign-in"]["fix"]
    for later in ("sender", "recipients", "test-mail"):
        assert found[later]["ok"] == "skip"
        assert "since sign-in failed" in found[later]["found"]
    assert [result["ok"] for result in patient.results].count("fail") == 1


def test_a_wrong_password_is_tried_once(patient):
    patient.with_password("wrong-canary-password")
    found = patient.examine("client-submission", "--all-options", mail={"auth": "password"}, expect=1)
    assert patient.service is not None
    tries = [
        line for session in patient.service.sessions for _, line in session.transcript if "AUTH " in line
    ]
    assert len([line for line in tries if line.startswith("AUTH LOGIN")]) == 1
    assert "wrong-password" in {result["key"] for result in patient.results}
    assert found is not None


def test_smtp_auth_off_refuses_a_token_too(patient):
    patient.monkeypatch.setenv("MAILMOTE_OAUTH_SECRET", SECRET)
    tenant = tenant_with(smtp_auth_disabled=True)
    found = patient.examine(
        "client-submission", mail={"auth": "oauth-app"}, oauth={}, tenant=tenant, expect=1
    )
    assert found["sign-in"]["key"] == "smtp-auth-disabled-tenant"


def test_a_token_that_is_refused_with_a_challenge(patient):
    patient.monkeypatch.setenv("MAILMOTE_OAUTH_SECRET", SECRET)
    tenant = tenant_with(mailbox={"smtp_auth": False})
    found = patient.examine(
        "client-submission",
        mail={"auth": "oauth-app"},
        oauth={},
        tenant=tenant,
        expect=1,
        xoauth2_challenge=True,
    )
    assert found["sign-in"]["key"] == "smtp-auth-disabled-mailbox"


def test_a_wrong_client_secret_is_the_sign_in_service_s_to_refuse(patient):
    patient.monkeypatch.setenv("MAILMOTE_OAUTH_SECRET", "wrong~canary.secret")
    found = patient.examine("client-submission", mail={"auth": "oauth-app"}, oauth={}, expect=1)
    assert (found["token"]["ok"], found["token"]["key"]) == ("fail", "aadsts-7000215")
    assert "AADSTS7000215" in found["token"]["found"]
    assert found["token"]["fix"]
    assert (found["tls"]["ok"], found["sign-in"]["ok"]) == ("pass", "skip")
    assert found["sign-in-host"]["ok"] == "pass"


def test_an_unknown_recipient_spoils_no_other(patient):
    mail = {"to": ["ops@contoso.com", "nobody@contoso.com"]}
    patient.examine("direct-send", "--send-test-mail", mail=mail, expect=1)
    good, bad = [result for result in patient.results if result["step"] == "recipients"]
    assert good["ok"] == "pass"
    assert (bad["ok"], bad["key"]) == ("fail", "unknown-recipient")
    assert bad["found"].startswith("nobody@contoso.com: ")
    assert patient.found["test-mail"]["ok"] == "pass"
    assert patient.service.messages[0].recipients == ["ops@contoso.com"]


@pytest.mark.parametrize(
    ("reply", "key"),
    [
        ("550 5.7.606 Access denied, banned sending IP [203.0.113.7].", "address-banned"),
        ("550 5.7.1 Client host [203.0.113.7] blocked using Spamhaus.", "address-blocklisted"),
        ("451 4.7.500 Server busy. Please try again later from [203.0.113.7].", "server-busy"),
        ("450 4.7.1 Unable to Relay. ATTR14 [host]", "unable-to-relay"),
    ],
)  # fmt: skip
def test_what_the_mx_endpoint_says_of_the_site(patient, reply, key):
    fault = Fault(Stage("rcpt"), Reply(reply))
    found = patient.examine("direct-send", faults=[fault], expect=1)
    assert (found["recipients"]["ok"], found["recipients"]["key"]) == ("fail", key)


def test_send_as_is_refused_after_the_content(patient):
    patient.with_password()
    mail = {"auth": "password", "from": "freezer@contoso.com", "username": MAILBOX}
    found = patient.examine("client-submission", "--send-test-mail", mail=mail, expect=1)
    assert found["recipients"]["ok"] == "pass"
    assert (found["test-mail"]["ok"], found["test-mail"]["key"]) == ("fail", "send-as-denied")


def test_a_secret_that_is_missing_is_asked_for_in_words(patient):
    found = patient.examine("client-submission", mail={"auth": "password"})
    assert found["sign-in"]["ok"] == "skip"
    assert "MAILMOTE_MAIL_PASSWORD" in found["sign-in"]["fix"]
    assert found["sender"]["ok"] == "skip"
    patient.examine("client-submission", mail={"auth": "oauth-app"}, oauth={})
    assert "MAILMOTE_OAUTH_SECRET" in patient.found["token"]["fix"]
    patient.examine("client-submission", mail={"auth": "oauth-device"}, oauth={})
    assert "--sign-in" in patient.found["token"]["fix"]
    assert patient.found["sign-in-host"]["ok"] == "pass"


# DNS


@pytest.mark.parametrize(
    ("zone", "ok", "words"),
    [
        ({"MX": ["0 "
         "contoso0.mail.protection.outlook.com."]}, "fail", '"contoso0.mail.protection.outlook.com"'),
        ({"MX": ["0 contoso-com.a-v1.mx.microsoft."]}, "fail", 'host = "contoso-com.a-v1.mx.microsoft"'),
        ({"MX": ["10 filter.example.net."]}, "warn", "connector"),
        ({"MX": ["0 ."]}, "fail", "Publish the MX record"),
        ({}, "warn", "Publish the MX record"),
        (None, "fail", "Correct from"),
        (SERVFAIL, "warn", "--dns-server"),
    ],
)  # fmt: skip
def test_the_mx_record(patient, zone, ok, words):
    if zone is None:
        del patient.zones[DOMAIN]
    else:
        patient.zones[DOMAIN] = zone if zone == SERVFAIL else {"TXT": [f'"{GOOD}"'], **zone}
    found = patient.examine("direct-send", expect=int(ok == "fail"))
    assert found["mx"]["ok"] == ok
    assert words in found["mx"]["fix"]


def test_the_host_that_is_dialled(patient):
    where = "mx.contoso.com"
    patient.zones[where] = {"A": ["127.0.0.1"], "AAAA": ["2001:db8::1"]}
    # The look-up of the connection itself is the system's, which knows localhost only.
    found = patient.examine("direct-send", "--dial", f"{MX}={where}:1", expect=1)
    assert found["host"]["ok"] == "pass"
    assert "127.0.0.1, 2001:db8::1" in found["host"]["found"]
    assert found["port"]["ok"] == "fail"
    del patient.zones[where]
    found = patient.examine("direct-send", "--dial", f"{MX}={where}:1", expect=1)
    assert "does not exist" in found["host"]["found"]


def test_a_dns_server_that_is_silent(patient):
    patient.zones[MX] = SILENCE
    with serve(tenant_with()) as service, DnsServer(patient.zones) as names:
        patient.write("direct-send", service.mx, service, {"connect_to": None, "port": 25})
        patient.run(
            "--dns-server",
            names.address,
            "--timeout",
            "0.2",
            "--dial",
            f"{MX}={MX}:{service.mx.port}",
            expect=1,
        )
    assert "no dns server answered" in patient.found["host"]["found"].lower()


def test_a_name_for_examples_is_not_looked_up(patient):
    with serve(Tenant(("contoso.example",), contacts={"ops@contoso.example"})) as service:
        mail = {"from": "mote@contoso.example", "to": ["ops@contoso.example"]}
        patient.write("direct-send", service.mx, service, mail)
        patient.run("--public-address", SITE, "--no-blocklists")
    assert (patient.found["mx"]["ok"], patient.found["spf"]["ok"]) == ("skip", "skip")


# SPF and blocklists


@pytest.mark.parametrize(
    ("texts", "ok", "publish"),
    [
        (["v=spf1 include:spf.protection.outlook.com -all"], "fail",
         "v=spf1 ip4:203.0.113.7 include:spf.protection.outlook.com -all"),
        (["v=spf1 mx ~all"], "fail", "v=spf1 ip4:203.0.113.7 mx include:spf.protection.outlook.com ~all"),
        (["v=spf1 -all", "v=spf1 mx ~all"], "fail",
         "v=spf1 ip4:203.0.113.7 mx include:spf.protection.outlook.com ~all"),
        ([], "warn", "v=spf1 ip4:203.0.113.7 include:spf.protection.outlook.com ~all"),
    ],
)  # fmt: skip
def test_an_spf_record_that_does_not_pass(patient, texts, ok, publish):
    patient.zones[DOMAIN] = {"MX": [f"0 {MX}."], "TXT": [f'"{text}"' for text in ["MS=ms1", *texts]]}
    patient.zones["mx.contoso.com"] = {"A": ["198.51.100.1"]}
    patient.zones[MX] = {"A": ["198.51.100.2"]}
    found = patient.examine("direct-send", expect=int(ok == "fail"))
    assert found["spf"]["ok"] == ok
    assert found["spf"]["copy"] == [f'contoso.com. TXT "{publish}"']
    assert "Publish" in found["spf"]["fix"]


def test_terms_that_nobody_can_read_are_named_where_the_record_is_made_without_them(patient):
    record = "v=spf1 ipv4:198.51.100.3 include: spf.mailer.example a -all"
    patient.zones[DOMAIN] = {"MX": [f"0 {MX}."], "TXT": [f'"{record}"']}
    found = patient.examine("direct-send", expect=1)["spf"]
    assert "without ipv4:198.51.100.3 and include: and spf.mailer.example, which no receiver" in found["fix"]
    assert found["copy"] == [
        'contoso.com. TXT "v=spf1 ip4:203.0.113.7 a include:spf.protection.outlook.com -all"'
    ]


def test_an_include_that_can_be_no_name_is_an_error_of_the_record(patient):
    record = "v=spf1 include:spf..mailer.example -all"
    patient.zones[DOMAIN] = {"MX": [f"0 {MX}."], "TXT": [f'"{record}"']}
    found = patient.examine("direct-send", expect=1)["spf"]
    assert "permerror" in found["found"]


def test_an_spf_record_for_everybody(patient):
    patient.zones[DOMAIN] = {"MX": [f"0 {MX}."], "TXT": ['"v=spf1 +all"']}
    assert patient.examine("direct-send")["spf"]["ok"] == "warn"


def test_spf_does_not_matter_for_client_submission(patient):
    patient.zones[DOMAIN] = {"TXT": ['"v=spf1 -all"']}
    found = patient.examine("client-submission", mail={"auth": "password"})
    assert found["spf"]["ok"] == "pass"
    assert "Does not matter" in found["spf"]["found"]


@pytest.mark.parametrize(
    ("answers", "ok", "words"),
    [
        (["127.0.0.10"], "warn", "home or mobile"),
        (["127.0.0.11"], "warn", "home or mobile"),
        (["127.0.0.4", "127.0.0.11"], "fail", "spam or malware"),
        (["127.255.255.254"], "warn", "does not answer this DNS server"),
        (["198.105.244.11"], "warn", "makes answers up"),
    ],
)
def test_the_blocklist(patient, answers, ok, words):
    patient.zones[LISTED] = {"A": answers}
    found = patient.examine("direct-send", expect=int(ok == "fail"))
    assert found["blocklist"]["ok"] == ok
    assert words in found["blocklist"]["found"]
    if ok == "fail" or "home" in words:
        assert "client-submission" in found["blocklist"]["fix"]


def test_the_blocklist_is_asked_with_leave_only_and_does_not_matter_to_a_mailbox(patient):
    patient.zones[LISTED] = {"A": ["127.0.0.10"]}
    assert "blocklist" not in patient.examine("direct-send", "--no-blocklists")
    assert not [name for name, _, _ in patient.asked if "spamhaus" in name]
    found = patient.examine("client-submission", mail={"auth": "password"})
    assert found["blocklist"]["ok"] == "pass"


def test_the_public_address_is_learned_from_ehlo(patient):
    fault = Fault(Stage("ehlo"), Reply(b"250-mx Hello [203.0.113.7]\r\n250-SIZE 100\r\n250 STARTTLS\r\n"))
    found = patient.examine("direct-send", address=None, faults=[fault])
    assert "It sees 203.0.113.7" in found["ehlo"]["found"]
    assert found["spf"]["ok"] == "pass"
    assert "for 203.0.113.7: pass (ip4:203.0.113.7)" in found["spf"]["found"]


def test_an_address_that_is_not_public_is_not_checked(patient):
    found = patient.examine("direct-send", address=None)
    assert found["public-address"]["ok"] == "skip"
    assert "127.0.0.1" in found["public-address"]["found"]
    assert "--public-address" in found["public-address"]["fix"]


# Ports and servers


def test_a_port_that_refuses(patient):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    found = patient.examine("direct-send", "--dial", f"{MX}=127.0.0.1:{port}", expect=1)
    assert (found["port"]["ok"], found["port"]["key"]) == ("fail", "connection-refused")
    assert [result["ok"] for result in patient.results].count("fail") == 1
    assert found["greeting"]["found"] == "Not checked, since port failed."


def test_a_server_that_says_nothing(patient):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        found = patient.examine(
            "direct-send", "--dial", f"{MX}=127.0.0.1:{port}", "--timeout", "0.2", expect=1
        )
    assert (found["greeting"]["ok"], found["greeting"]["key"]) == ("fail", "timeout")


@pytest.mark.parametrize(
    ("fault", "step", "key"),
    [
        (Fault(Stage("greeting"), Reply("554 5.7.1 No")), "greeting", "greeting-refused"),
        (Fault(Stage("greeting"), Reply("SSH-2.0-OpenSSH_9.2")), "greeting", "malformed-reply"),
        (Fault(Stage("greeting"), FIN), "greeting", "connection-closed"),
        (Fault(Stage("ehlo"), Reply("550 5.7.506 Access Denied, Bad HELO")), "ehlo", "bad-helo"),
        (Fault(Stage("starttls"), Reply("454 4.7.0 TLS not available")), "tls", "starttls-unavailable"),
        (Fault(Stage("mail"), Reply("451 4.7.650 rate limited due to IP "
         "reputation")), "sender", "rate-limited"),
    ],
)  # fmt: skip
def test_a_server_that_refuses_earlier(patient, fault, step, key):
    found = patient.examine("direct-send", faults=[fault], expect=1)
    assert (found[step]["ok"], found[step]["key"]) == ("fail", key)
    assert found["recipients"]["ok"] == "skip"


def test_starttls_that_is_not_there(patient):
    found = patient.examine("direct-send", hide=["STARTTLS"])
    assert found["tls"]["ok"] == "warn"
    assert found["recipients"]["ok"] == "pass"
    found = patient.examine("direct-send", hide=["STARTTLS"], mail={"tls": "required"}, expect=1)
    assert (found["tls"]["ok"], found["tls"]["key"]) == ("fail", "starttls-missing")
    found = patient.examine("direct-send", mail={"tls": "none", "ca": None})
    assert found["tls"]["ok"] == "warn"
    assert "anyone on the way" in found["tls"]["found"]


# All options


def test_all_options(patient):
    patient.with_password()
    with serve(tenant_with()) as service, DnsServer(patient.zones) as names:
        patient.write(
            "client-submission", service.submission, service, {"auth": "password", "to": ["o@fabrikam.com"]}
        )
        patient.run(
            "--all-options", "--dns-server", names.address, "--public-address", SITE,
            "--dial", f"{MX}=127.0.0.1:{service.mx.port}", expect=1,
        )  # fmt: skip
    by = {(result["option"], result["step"]): result for result in patient.results}
    assert by["client-submission", "recipients"]["ok"] == "pass"
    assert by["direct-send", "recipients"]["ok"] == "fail"
    assert "own organisation only" in by["direct-send", "recipients"]["found"]
    assert "o@fabrikam.com" in by["direct-send", "recipients"]["found"]
    assert by["smtp-relay", "recipients"]["key"] == "relay-denied"
    assert len(service.sessions) == 3


def test_each_way_to_send_of_the_settings_is_checked(patient):
    patient.with_password()
    with serve(tenant_with(reject_direct_send=True)) as service, DnsServer(patient.zones) as names:
        patient.write("client-submission", service.submission, service, {"auth": "password"})
        second = (
            f'[[mail]]\noption = "direct-send"\nfrom = "other@{DOMAIN}"\nconnect_to = "127.0.0.1"\n'
            f"port = {service.mx.port}\n[[sensor]]"
        )
        text = patient.toml.read_text().replace("[mail]", "[[mail]]").replace("[[sensor]]", second)
        patient.toml.write_text(text)
        patient.run("--dns-server", names.address, "--public-address", SITE, expect=1)
        by = {(result["option"], result["step"]): result for result in patient.results}
        assert by["client-submission", "recipients"]["ok"] == "pass"
        assert "mote@contoso.com" in by["client-submission", "sign-in"]["found"]
        assert by["direct-send", "certificate"]["ok"] == "pass"  # the site's CA stands in the first
        assert by["direct-send", "recipients"]["key"] == "direct-send-rejected"
        assert len(service.sessions) == 2
        patient.run(
            "--all-options", "--dns-server", names.address, "--public-address", SITE,
            "--dial", f"{MX}=127.0.0.1:{service.mx.port}", expect=1,
        )  # fmt: skip
        ways = [result["option"] for result in patient.results if result["step"] == "host"]
        assert ways == ["client-submission", "direct-send", "smtp-relay"]


def test_all_options_from_the_mx_endpoint_signs_in_only_with_a_password(patient):
    with serve(tenant_with()) as service, DnsServer(patient.zones) as names:
        patient.write("direct-send", service.mx, service, {})
        arguments = (
            "--all-options", "--dns-server", names.address, "--public-address", SITE,
            "--dial", f"smtp.office365.com=127.0.0.1:{service.submission.port}",
        )  # fmt: skip
        patient.run(*arguments)
        by = {(result["option"], result["step"]): result for result in patient.results}
        assert by["client-submission", "sign-in"]["ok"] == "skip"
        assert "[oauth]" in by["client-submission", "sign-in"]["fix"]
        patient.with_password()
        patient.run(*arguments)
        by = {(result["option"], result["step"]): result for result in patient.results}
        assert by["client-submission", "sign-in"]["ok"] == "pass"


# The command


def test_a_file_with_errors_is_wrong_usage(patient):
    patient.toml.write_text('[device]\nname = "x"\n[mail]\noption = "direct-sendd"\n')
    patient.run(expect=2)
    assert "mote.toml:4: error: mail.option:" in patient.said
    patient.toml.unlink()
    patient.run(expect=2)
    assert "there is no such file" in patient.said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dns-server", "dns.contoso.com"], "is no IP address"),
        (["--dns-server", "192.0.2.1:x"], "has no port"),
        (["--public-address", "home"], "is no IP address"),
        (["--dial", "nowhere"], "NAME=HOST:PORT"),
        (["--certificate", "a.pem"], "belong together"),
        (["--certificate", "a.pem", "--key", "b.pem"], "cannot be read"),
        (["--sign-in"], "needs a terminal"),
        (["--timeout", "0"], "--timeout"),
    ],
)
def test_wrong_usage(patient, arguments, words):
    with serve(tenant_with()) as service:
        patient.write("direct-send", service.mx, service, {})
        patient.run(*arguments, expect=2)
        assert service.sessions == []
    assert words in patient.said


def test_the_report_for_people(patient):
    with serve(tenant_with(reject_direct_send=True)) as service, DnsServer(patient.zones) as names:
        patient.write("direct-send", service.mx, service, {})
        arguments = ["--dns-server", names.address, "--public-address", SITE]
        assert cli.main(["doctor", str(patient.toml), *arguments]) == 1
    said = patient.capsys.readouterr().out
    assert " \u2713  host" in said
    assert " \u2717  recipients" in said
    assert "Set-OrganizationConfig -RejectDirectSend $false" in said
    assert "More: mailmote explain direct-send-rejected" in said
    assert "1 failed" in said
    assert all(len(line) <= 120 for line in said.splitlines() if "Connector" not in line)


def test_what_was_not_reached_is_one_line(patient):
    with serve(tenant_with()) as service, DnsServer(patient.zones) as names:
        patient.write("direct-send", service.mx, service, {})
        dial = ["--dial", f"{MX}=127.0.0.1:1", "--dns-server", names.address]
        assert cli.main(["doctor", str(patient.toml), *dial]) == 1
    said = patient.capsys.readouterr().out
    assert said.count("since port failed") == 1
    assert "greeting, ehlo, tls, sender, recipients, test-mail: not checked" in " ".join(said.split())


def test_what_others_wrote_cannot_steer_the_terminal(patient):
    patient.zones[DOMAIN] = {"MX": [f"0 {MX}."], "TXT": ['"v=spf1 include:\\027[2Jx.com -all"']}
    fault = Fault(Stage("greeting"), Reply("220 \u009b2J hello".encode() + b"\r\n"))
    with serve(tenant_with(), faults=[fault]) as service, DnsServer(patient.zones) as names:
        patient.write("direct-send", service.mx, service, {})
        arguments = ["--dns-server", names.address, "--public-address", SITE]
        assert cli.main(["doctor", str(patient.toml), *arguments]) == 1
    said = patient.capsys.readouterr().out
    assert "?2J hello" in said
    assert "?[2Jx.com" in said
    assert all(one.isprintable() for one in said.replace("\n", ""))


def test_a_relay_of_the_site_is_not_asked_for_its_reputation(patient):
    found = patient.examine("smtp-relay", mail={"host": "localhost"}, address=None)
    assert list(found)[-1] == "test-mail"
    assert "mx" not in found


def test_a_dns_server_that_fails_for_ipv6_only():
    names = Names("127.0.0.1", 1)
    answers = {"A": ["192.0.2.1"]}

    def look_up(name, kind):
        if kind not in answers:
            raise LookupFailed(name)
        return answers[kind]

    names.look_up = look_up
    assert names.addresses("mx.contoso.com") == ["192.0.2.1"]
    answers["A"] = []
    with pytest.raises(LookupFailed):
        names.addresses("mx.contoso.com")
