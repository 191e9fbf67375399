"""The sign-in endpoint on the wire: HTTPS, scripted faults, the journal, the page for the person, secrets."""

import http.client
import json
import os
import socket
import ssl
from urllib.parse import urlencode

import pytest
from entra_client import (
    CLIENT_SECRET,
    DELEGATED_SCOPE,
    DEVICE_CODE,
    Answer,
    app_only,
    connection,
    directory,
    poll,
    refresh,
    request,
    start,
    token,
)
from tenant_client import CLIENT_ID, DOMAIN, MOTE, PASSWORD, TIMEOUT_S, contoso

from mailmote_host.tenant import FIN, RST, Broken, HttpAnswer, Refused, SignInAttempt, serve
from mailmote_host.tenant.entra import Entra

TOKEN_PATH = f"/{DOMAIN}/oauth2/v2.0/token"


@pytest.fixture
def service():
    tenant, *_ = directory()
    with serve(tenant) as running:
        yield running


def held(service) -> str:
    return service.tenant.issue(MOTE, service.tenant.applications[0]).refresh


def secured(service) -> ssl.SSLSocket:
    """A connection that tells an end of TCP alone by an SSLEOFError."""
    context = ssl.create_default_context(cadata=service.ca_pem)
    return context.wrap_socket(
        socket.create_connection(service.sign_in, TIMEOUT_S),
        server_hostname="login.microsoftonline.com",
        suppress_ragged_eofs=False,
    )


def raw(service, octets: bytes) -> bytes:
    """All that the server says to these octets, until it closes. Raises OSError."""
    with secured(service) as client:
        client.sendall(octets)
        answer = b""
        while piece := client.recv(65536):
            answer += piece
        return answer


def drain(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def posted(form: dict[str, str], extra: str = "Connection: close\r\n", target: str = TOKEN_PATH) -> bytes:
    body = urlencode(form)
    return (
        f"POST {target} HTTP/1.1\r\nHost: login.microsoftonline.com\r\n{extra}"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


# HTTP


def test_the_certificate_is_for_the_real_name(service):
    answer = raw(service, posted({"grant_type": "password", "client_id": CLIENT_ID}))
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"AADSTS70003" in answer


def test_an_answer_has_the_headers_of_entra_and_the_clients_correlation_id(service):
    wanted = "0f0f0f0f-1111-2222-3333-444444444444"
    answer = request(
        service,
        "POST",
        TOKEN_PATH,
        {"grant_type": "x", "client_id": CLIENT_ID},
        {"client-request-id": wanted},
    )
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store, no-cache"
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    assert answer.json["correlation_id"] == answer.headers["client-request-id"] == wanted


def test_a_connection_serves_more_than_one_request(service):
    client = connection(service)
    for _ in range(2):
        client.request("GET", f"/{DOMAIN}/v2.0/.well-known/openid-configuration")
        assert client.getresponse().read().startswith(b'{"token_endpoint"')
    client.close()


def test_a_body_that_is_no_form_has_no_parameters(service):
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID}
    answer = request(service, "POST", TOKEN_PATH, form, {"Content-Type": "application/json"})
    assert "parameter: 'grant_type'" in answer.json["error_description"]


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"POST /x HTTP/1.1\r\nContent-Length: 12x\r\n\r\n", b"400"),
        (b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"411"),
        (b"POST /x HTTP/1.1\r\nContent-Length: 65537\r\n\r\n", b"413"),
        (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /common/oauth2/v2.0/authorize HTTP/1.1\r\nConnection: close\r\n\r\n", b"404"),
    ],
)
def test_what_cannot_be_read_or_is_not_there(service, octets, status):
    assert raw(service, octets).split(b" ")[1] == status


def test_a_client_that_leaves_in_the_middle_of_its_request_is_no_failure(service):
    with secured(service) as client:
        client.sendall(posted({"client_id": CLIENT_ID})[:-3])
    assert start(service).status == 200


def test_a_failure_of_the_tenant_itself_is_not_silent(monkeypatch):
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Entra, "device_code", fail)
    with pytest.raises(RuntimeError) as caught:
        _provoke()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def _provoke() -> None:
    with serve(contoso()) as service, pytest.raises(http.client.RemoteDisconnected):
        start(service)


def test_the_service_stops_under_a_silent_and_an_idle_connection():
    with serve(contoso(), sign_in_faults=[Broken(5)]) as service:
        idle, silent = secured(service), secured(service)
        silent.sendall(posted({"client_id": CLIENT_ID}))
        service.wait_for(lambda seen: len(seen.sign_ins) == 1)
    assert silent.recv(100) == b"HTTP/"
    for client in (idle, silent):
        with client, socket.socket(fileno=os.dup(client.fileno())) as under_tls:
            under_tls.settimeout(TIMEOUT_S)
            drain(under_tls)


# Scripted faults


def test_canned_answers_come_in_their_order_and_have_no_effect(service):
    busy = HttpAnswer(429, b'{"error":"temporarily_unavailable"}', {"Retry-After": "17"})
    down = HttpAnswer(503, b"<html>", {"Retry-After": "120", "Content-Type": "text/html"})
    service.sign_in_faults.extend([busy, None, down])
    answers: list[Answer] = [start(service) for _ in range(4)]
    assert [answer.status for answer in answers] == [429, 200, 503, 200]
    assert answers[0].headers["Retry-After"] == "17"
    assert answers[0].json == {"error": "temporarily_unavailable"}
    assert (answers[2].headers["Content-Type"], answers[2].body) == ("text/html", b"<html>")
    assert len(service.tenant.vault.devices) == 2


def test_a_raw_answer_goes_out_octet_for_octet():
    octets = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    with serve(contoso(), sign_in_faults=[HttpAnswer(raw=octets)]) as service:
        assert raw(service, posted({})) == octets


@pytest.mark.parametrize("after", [0, 1, 40, 1000])
def test_an_answer_that_breaks_off_took_effect(service, after):
    first = held(service)
    known = len(service.tenant.vault.refresh)
    service.sign_in_faults.append(Broken(after, FIN))
    form = {"grant_type": "refresh_token", "client_id": CLIENT_ID, "refresh_token": first}
    with pytest.raises(ssl.SSLEOFError):  # TLS was not closed
        raw(service, posted(form))
    assert len(service.tenant.vault.refresh) == known + 1
    assert refresh(service, first).status == 200


def test_of_an_answer_that_breaks_off_just_so_much_arrives(service):
    service.sign_in_faults.append(Broken(40, FIN))
    with secured(service) as client:
        client.sendall(posted({"client_id": CLIENT_ID}))
        assert client.recv(100) == b"HTTP/1.1 400 Bad Request\r\nCache-Control:"
        with pytest.raises(ssl.SSLEOFError):
            client.recv(100)


def test_a_reset_before_the_answer(service):
    service.sign_in_faults.append(Broken(0, RST))
    with secured(service) as client, socket.socket(fileno=os.dup(client.fileno())) as under_tls:
        client.sendall(posted({"client_id": CLIENT_ID}))
        under_tls.settimeout(TIMEOUT_S)
        with pytest.raises(ConnectionResetError):
            drain(under_tls)


def test_silence_inside_the_answer(service):
    service.sign_in_faults.append(Broken(20, answer=HttpAnswer(200, b"{}")))
    with secured(service) as client:
        client.sendall(posted({"client_id": CLIENT_ID}))
        assert client.recv(100) == b"HTTP/1.1 200 OK\r\nCon"
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(100)


def test_what_is_no_sign_in_uses_up_no_fault(service):
    service.sign_in_faults.append(HttpAnswer(503))
    assert request(service, "GET", f"/{DOMAIN}/v2.0/.well-known/openid-configuration").status == 200
    assert request(service, "GET", "/devicelogin").status == 200
    assert start(service).status == 503


# The journal


def test_the_journal_tells_each_request_and_its_outcome(service):
    begun = start(service)
    poll(service, begun)
    service.tenant.approve(begun.json["user_code"], MOTE)
    renewable = poll(service, begun).json["refresh_token"]
    refresh(service, renewable)
    service.tenant.revoke(MOTE)
    refresh(service, renewable)
    app_only(service)
    token(service, grant_type="password", client_id="canary in a client id")
    service.sign_in_faults.append(Broken(0, FIN))
    with pytest.raises(http.client.RemoteDisconnected):
        app_only(service, client_secret="canary-wrong")
    service.sign_in_faults.append(HttpAnswer(503))
    app_only(service)
    assert service.sign_ins == [
        SignInAttempt("devicecode", CLIENT_ID, None, None, None),
        SignInAttempt("device_code", CLIENT_ID, None, "authorization_pending", 70016),
        SignInAttempt("device_code", CLIENT_ID, MOTE, None, None),
        SignInAttempt("refresh_token", CLIENT_ID, MOTE, None, None),
        SignInAttempt("refresh_token", CLIENT_ID, MOTE, "invalid_grant", 50173),
        SignInAttempt("client_credentials", CLIENT_ID, None, None, None),
        SignInAttempt("unknown", "***", None, "unsupported_grant_type", 70003),
        SignInAttempt("client_credentials", CLIENT_ID, None, "invalid_client", 7000215, scripted=True),
        SignInAttempt("client_credentials", CLIENT_ID, None, None, None, scripted=True),
    ]
    assert "sign-in: SignInAttempt(grant='refresh_token'" in service.account()


def test_an_attempt_is_in_the_journal_before_the_client_hears_so(service):
    for number in range(1, 20):
        start(service)
        assert len(service.sign_ins) == number


def test_no_secret_is_in_what_can_be_printed(service):
    spent = start(service)
    service.tenant.approve(spent.json["user_code"], MOTE)
    granted = poll(service, spent).json
    waiting = start(service).json
    application_token = app_only(service).json["access_token"]
    refresh(service, granted["refresh_token"] + "-canary")
    secrets = [
        PASSWORD,
        CLIENT_SECRET,
        granted["access_token"],
        granted["refresh_token"],
        spent.json["device_code"],
        waiting["device_code"],
        application_token,
    ]
    assert set(secrets) <= set(service.tenant.secrets())
    tenant = service.tenant
    kept = [
        *tenant.vault.access.values(),
        *tenant.vault.refresh.values(),
        *tenant.vault.devices.values(),
    ]
    tokens = tenant.issue(MOTE, tenant.applications[0])
    printed = "\n".join(
        [
            repr(tenant),
            repr(tenant.applications),
            repr(kept),
            repr(tokens),
            repr(service.sign_ins),
            service.account(),
        ]
    )
    assert MOTE in printed
    for secret in [*secrets, tokens.access, tokens.refresh]:
        for part in secret.split("."):
            assert len(part) < 10 or part not in printed
    assert "canary" not in printed


# The page for the person


def test_a_person_approves_on_the_page(service):
    begun = start(service)
    page = request(service, "GET", "/devicelogin")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert f"<option>{MOTE}</option>" in page.body.decode()
    form = {"code": "wrong", "account": MOTE, "answer": "approve"}
    refused = request(service, "POST", "/devicelogin", form).body.decode()
    assert "AADSTS70018" in refused
    assert 'name="code"' in refused
    form["code"] = begun.json["user_code"]
    assert "You have signed in." in request(service, "POST", "/devicelogin", form).body.decode()
    assert poll(service, begun).status == 200


def test_a_person_refuses_on_the_page(service):
    begun = start(service)
    form = {"code": begun.json["user_code"], "account": MOTE, "answer": "decline"}
    assert "You have refused." in request(service, "POST", "/devicelogin", form).body.decode()
    assert poll(service, begun).json["error"] == "authorization_declined"


def test_the_page_shows_names_as_text():
    tenant, application, mailbox, _ = directory(user_consent=False)
    mailbox.address, application.name = "<b>@contoso.example", "<i>mote</i>"
    application.delegated.clear()
    with serve(tenant) as service:
        assert b"&lt;b&gt;@contoso.example" in request(service, "GET", "/devicelogin").body
        form = {"code": start(service).json["user_code"], "account": mailbox.address, "answer": "approve"}
        page = request(service, "POST", "/devicelogin", form).body
    assert b"&lt;i&gt;mote&lt;/i&gt; needs permission" in page


def test_issuing_by_hand_heeds_the_account():
    tenant, application, mailbox, _ = directory()
    mailbox.disabled = True
    with pytest.raises(Refused, match="AADSTS50057"):
        tenant.issue(MOTE, application)


def test_a_token_is_as_long_as_wanted():
    tenant, *_ = directory(access_token_octets=4000, approves_as=MOTE)
    with serve(tenant) as service:
        begun = start(service, scope=f"{DELEGATED_SCOPE} openid profile")
        granted = token(
            service, grant_type=DEVICE_CODE, device_code=begun.json["device_code"], client_info="1"
        ).json
    assert 4000 <= len(granted["access_token"]) < 4016
    assert granted["scope"] == "https://outlook.office.com/SMTP.Send openid profile"
    assert granted["id_token"].count(".") == 2
    assert len(json.dumps(granted)) < 16384
