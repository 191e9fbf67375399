"""No secret shows, whatever fails: secrets go through the failures of the suites, and are then looked for.

What is searched: the console, the last lines of the log and the notes that mails tell, the mails themselves,
exceptions with their tracebacks and what they came from, objects as a debugger shows them, files outside the
store, the command lines of processes. The run ends with a count of it all (tests/canary.py).
"""

import base64
import json
import quopri
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import hostile_smtp
import hostile_tls
import https_server
import pytest
from canary import PIECE, Search
from canary_servers import ECHOES, answer, first, mail_server, raw_echoes, reply, said_at_last, token_server
from certificates import _FAULTS, HOST, identity, root_der
from hostile_behaviours import LIMIT_S
from hostile_case import over_tls as smtp_over_tls
from hostile_server import STAGES, Server, serve
from https_server import over_tls as https_over_tls
from sessions import FIRMWARE, HERE, RUNTIMES
from test_https import FAULTS, NO_TLS

from mailmote_host.board import firmware
from mailmote_host.tenant import aadsts, tokens
from mailmote_host.tenant.texts import ROWS as REPLIES
from mailmote_host.virtual import interpreter
from mailmote_host.virtual.image import Image

PASSWORD = "Kanarie/Vogel+Gelb&7=Zang~vrij"
WIFI_PASSWORD = "kanaal-6?Geel%Vogeltje+Zaal"
CLIENT_SECRET = "kUx8Q~canary.Zr5T_wLq0vYh3nBd-Jm9sPfAeGc"
REFRESH = tokens.refresh_text()
RENEWED = tokens.refresh_text()
ACCESS = tokens.signed_text({"aud": "https://outlook.office.com", "upn": "mote@contoso.test"}, 2048)
CHAIN, KEY = (part.decode() for part in identity())
SECRETS = {
    "the password": PASSWORD,
    "the Wi-Fi password": WIFI_PASSWORD,
    "the client secret": CLIENT_SECRET,
    "the refresh token": REFRESH,
    "the renewed refresh token": RENEWED,
    "the access token": ACCESS,
    "the private key": "".join(KEY.splitlines(keepends=True)[1:-1]),
}
HANDED = {
    "mail.password": PASSWORD,
    "wifi.password": WIFI_PASSWORD,
    "oauth.secret": CLIENT_SECRET,
    "oauth.refresh": REFRESH,
    "relay.cert": CHAIN,
    "relay.key": KEY,
    "access": ACCESS,
}
GRANTED = answer({"access_token": ACCESS, "refresh_token": RENEWED, "expires_in": 3599})
ROUNDS = 2  # the first fails, the second mails what the first left to tell
TIMEOUT_S = 100
PROCESSES = 4
PATIENCE_S = 30

pytestmark = pytest.mark.timeout(240)


def new_search():
    return Search({name: secret.encode() for name, secret in SECRETS.items()})


@pytest.fixture
def search(record_property):
    """It looks for all secrets; what it comes to is told at the end of the run."""
    made = new_search()
    yield made
    record_property("canary", [made.places, made.octets, len(made.finds)])


# The search itself


LEAKS = {
    "plain": lambda secret: f"Bad: {secret}!",
    "a piece of it": lambda secret: secret[3 : 3 + PIECE],
    "base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "base64, one octet later": lambda secret: base64.b64encode(b"\0" + secret.encode() + b"\1").decode(),
    "base64, two octets later": lambda secret: base64.b64encode(b"ab" + secret.encode() + b"\1").decode(),
    "base64url, one octet later": lambda secret: base64.urlsafe_b64encode(b"\0" + secret.encode()).decode(),
    "in a URL": lambda secret: f"https://portal.test/?p={quote(secret, safe='')}",
    "in two lines": lambda secret: f"{secret[:15]}\r\n  {secret[15:]}",
    "as repr has it": lambda secret: repr(secret.encode()),
}


@pytest.mark.parametrize("how", LEAKS)
@pytest.mark.parametrize("name", SECRETS)
def test_a_planted_leak_is_found(name, how):
    found = new_search().look("here", LEAKS[how](SECRETS[name]))
    assert {find.secret for find in found} == {name}


def test_each_piece_of_a_token_is_found_and_a_shorter_one_is_not():
    search = new_search()
    for start in range(0, len(REFRESH) - PIECE, 7):
        assert search.look("here", f"# {REFRESH[start : start + PIECE]} #"), start
        assert not search.look("here", f"# {REFRESH[start : start + PIECE - 1]} #"), start


def test_a_leak_is_found_in_a_file_in_its_name_and_in_an_image(tmp_path):
    search = new_search()
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "kept").write_text(REFRESH)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "log").write_bytes(b"\0\xff" * 500 + PASSWORD.encode())
    (tmp_path / "deep" / REFRESH[100:130]).write_bytes(b"")
    search.look_in_folder(tmp_path, but=["store"])
    assert sorted((find.place.split()[0], find.secret) for find in search.finds) == [
        ("file", "the password"),
        ("name", "the refresh token"),
    ]
    image = Image.create(tmp_path / "flash.img", {"lib/a.py": b"#" * 5000, "note": b"x" + ACCESS.encode()})
    assert {find.secret for find in search.look("image", image.path.read_bytes())} == {"the access token"}


def test_a_leak_is_found_in_what_an_exception_came_from():
    search = new_search()
    try:
        try:
            json.loads(f'{{"a": "{REFRESH}')
        except ValueError as error:
            raise OSError("it failed") from UnicodeDecodeError("utf-8", PASSWORD.encode(), 0, 1, str(error))
    except OSError as error:
        search.look_at_exception("here", error)
    assert {find.secret for find in search.finds} == {"the password"}
    assert search.places == 3


def test_a_leak_in_an_object_is_found():
    search = new_search()
    search.look_at_repr("here", {"password": PASSWORD})
    assert search.finds


# What the firmware shows


def mail(port, auth="password", **more):
    """The settings' mail table for a server of these tests."""
    settings = {
        "option": "client-submission",
        "host": HOST,
        "connect_to": "127.0.0.1",
        "port": port,
        "tls": "required",
        "auth": auth,
        "username": "mote@contoso.test",
        "from": "mote@contoso.test",
        "to": ["facilities@contoso.test"],
        "password": "mail.password",
        "certificate": "relay.cert",
        "key": "relay.key",
    }
    return settings | more


def oauth(port, auth="oauth-device"):
    """Its table on tokens."""
    return {
        "host": HOST,
        "connect_to": "127.0.0.1",
        "port": port,
        "path": "/contoso.test/oauth2/v2.0/token",
        "client_id": "6f1c2f9e-3d57-4a0b-9c1e-0f6f4f5a7b21",
        "scope": "https://outlook.office.com/SMTP.Send offline_access",
        "secret": "oauth.secret" if auth == "oauth-app" else "oauth.refresh",
    }


@pytest.fixture(scope="module")
def modules(tmp_path_factory):
    """Where each runtime finds the firmware: for MicroPython compiled, which it loads in a moment."""
    folder = tmp_path_factory.mktemp("modules")
    for name, content in firmware.files(compiled=True).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return {"cpython": FIRMWARE, "micropython": folder / "lib"}


@pytest.fixture
def run_jobs(modules, tmp_path, search):
    """Runs canary_client.py and searches all that it shows and leaves; the keys of each job's failures."""

    def run_part(runtime, part, jobs):
        folder = tmp_path / f"client-{part}"
        (folder / "ca").mkdir(parents=True)
        (folder / "ca" / "0.der").write_bytes(root_der())
        command = [*interpreter.find(), "-X", "heapsize=512K"]
        arguments = [
            *([sys.executable] if runtime == "cpython" else command),
            str(HERE / "canary_client.py"),
            str(modules[runtime]),
            str(folder),
        ]
        return folder, subprocess.run(
            arguments,
            input="".join(json.dumps(line) + "\n" for line in (HANDED, *jobs)),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            umask=0o077,
        )

    def searched(folder, done):
        search.look("command line", " ".join(done.args))
        search.look("standard error", done.stderr)
        outcomes = []
        for part in done.stdout.split("\x1e"):
            place, _, text = part.partition("\n")
            search.look(place or "console", text)
            if place == "done":
                outcomes.append(text.split("\n")[0])
        search.look_in_folder(folder, but=["secrets"])
        assert (folder / "secrets" / "mail.password").read_bytes() == PASSWORD.encode()
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
        return outcomes

    def run(runtime, jobs):
        """In several processes: a client waits most of the time."""
        jobs = [{"rounds": ROUNDS, "limit_s": PATIENCE_S} | job for job in jobs]
        with ThreadPoolExecutor(PROCESSES) as pool:
            parts = [jobs[start::PROCESSES] for start in range(PROCESSES)]
            done = list(pool.map(run_part, [runtime] * PROCESSES, range(PROCESSES), parts))
        lists = [searched(folder, one) for folder, one in done]
        assert [len(one) for one in lists] == [len(part) for part in parts]
        return [lists[number % PROCESSES][number // PROCESSES] for number in range(len(jobs))]

    return run


def look_at_mails(server: Server, search):
    """The messages that came, as they are and decoded."""
    for peer in server.peers:
        search.look("heard in clear", bytes(peer.heard))
        for octets in peer.messages:
            search.look("mail", octets)
            search.look("mail, decoded", quopri.decodestring(octets))


@pytest.fixture
def run_servers(run_jobs, search):
    """Runs a job for each mail server, and for OAuth with a token endpoint that says `answers` first."""

    def run(runtime, behaviours, auth="password", answers=None):
        endpoints = [
            token_server(*([one] if one else []), then=GRANTED) for one in answers or [None] * len(behaviours)
        ]
        with serve(*behaviours) as servers, serve(*endpoints) as endpoints:
            jobs = [
                {"mail": mail(server.port, auth, oauth=oauth(endpoint.port, auth))}
                for server, endpoint in zip(servers, endpoints, strict=True)
            ]
            outcomes = run_jobs(runtime, jobs)
        for server in servers:
            look_at_mails(server, search)
        return outcomes, servers

    return run


GOOD = {sign_in: mail_server({}, sign_in) for sign_in in ("password", "plain", "oauth")}
AUTH = {"password": "password", "plain": "password", "oauth": "oauth-device"}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_refusals_of_exchange_online_with_the_password_in_them(runtime, run_servers, search):
    behaviours = []
    for number, row in enumerate(row for row in REPLIES if row.refuses):
        stage = {"auth": "password", "content": "content"}.get(row.stage, row.stage.upper())
        lines = [row.text[4:], *ECHOES[number % len(ECHOES)].lines(PASSWORD)]
        evil = mail_server({stage: reply(int(row.text[:3]), lines, "")})
        behaviours.append(first(1, evil, GOOD["password"]))
    outcomes, servers = run_servers(runtime, behaviours)
    assert all(outcomes)
    assert all(told_by_mail(server) for server in servers)
    search.assert_clean(at_least=600)


def told_by_mail(server):
    """Whether the mail after a failure has a note of it."""
    return any(b"Please note:" in message for peer in server.peers for message in peer.messages)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("sign_in", ["password", "plain", "oauth"])
def test_a_secret_that_is_said_back(runtime, sign_in, run_servers, search):
    """At each stage; in all ways, of which each test takes a third, but for the sign-in, that takes all."""
    secret = ACCESS if sign_in == "oauth" else PASSWORD
    behaviours = []
    for number, echo in enumerate(ECHOES):
        for place, stage in enumerate(STAGES):
            if (number + place) % 3 == list(GOOD).index(sign_in) or stage == "password":
                evil = mail_server({stage: reply(535, echo.lines(secret))}, sign_in)
                behaviours.append(first(1, evil, GOOD[sign_in]))
    outcomes, _ = run_servers(runtime, behaviours, AUTH[sign_in])
    assert all(outcomes)
    search.assert_clean(at_least=400)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("sign_in", ["password", "oauth"])
def test_a_secret_in_what_is_no_reply(runtime, sign_in, run_servers, search):
    secret = ACCESS if sign_in == "oauth" else PASSWORD
    behaviours = [
        first(1, mail_server({stage: said_at_last(octets)}, sign_in), GOOD[sign_in])
        for octets in raw_echoes(secret).values()
        for stage in ("greeting", "AUTH", "password", "RCPT", "content")
    ]
    outcomes, _ = run_servers(runtime, behaviours, AUTH[sign_in])
    assert sum(map(bool, outcomes)) > len(outcomes) // 2, outcomes
    search.assert_clean(at_least=400)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_what_a_client_must_survive(runtime, run_jobs, search):
    """The hostile matrix, but for what is about the content of a mail; of many connections a few."""
    jobs, behaviours = [], []
    cases = [case for rows in (hostile_tls.ROWS, hostile_smtp.ROWS) for row in rows.values() for case in row]
    for case in cases:
        known = [job for job in case.jobs if set(job) <= {"mail", "limit_s", "clock_s"}]
        if runtime in case.not_on or not known:
            continue
        behaviours.append(spread(case.behave, len(known)))
        jobs.append(known[:: max(1, len(known) // 6)])
    with serve(*behaviours) as servers:
        wanted = []
        for server, own in zip(servers, jobs, strict=True):
            for job in own:
                changed = mail(server.port, **dict(job.get("mail", {})))
                if changed["tls"] == "none":
                    changed["auth"] = "none"
                wanted.append({"rounds": 1} | dict(job) | {"mail": changed})
        outcomes = run_jobs(runtime, wanted)
    assert sum(map(bool, outcomes)) > len(outcomes) // 2, outcomes
    search.assert_clean(at_least=60 * 4)


def spread(behave, connections):
    """Of so many connections every so manyth is met."""
    step = max(1, connections // 6)

    def numbered(peer):
        peer.number *= step
        behave(peer)

    return numbered


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_bad_certificates(runtime, run_jobs, search):
    """Of the mail server, with a password and with a certificate of the board's own, and of the endpoint."""
    with serve(*(smtp_over_tls(fault) for fault in _FAULTS)) as servers:
        jobs = [
            {"mail": mail(server.port, auth), "rounds": 1, "limit_s": LIMIT_S}
            for server in servers
            for auth in ("password", "certificate")
        ]
        with serve(*(https_over_tls(lambda peer: None, fault) for fault in _FAULTS)) as endpoints:
            jobs += [
                {
                    "mail": mail(1, "oauth-app", oauth=oauth(one.port, "oauth-app")),
                    "rounds": 1,
                    "limit_s": LIMIT_S,
                }
                for one in endpoints
            ]
            outcomes = run_jobs(runtime, jobs)
    assert sum(map(bool, outcomes)) > 2 * len(_FAULTS)
    search.assert_clean(at_least=30 * 4)


def token_answers(secret):
    """Answers of the token endpoint that hold a secret."""
    page = f"<html><p>You sent grant_type=x&amp;client_secret={quote(secret, safe='')}</p>{secret}</html>"
    made = {}
    for code, row in aadsts.ROWS.items():
        texts = (
            f"AADSTS{code}: {row.template} You sent {secret}",
            f"AADSTS{code}: The value '{secret}' is not valid. Trace ID: 1",
            f"AADSTS{code}: {'x ' * 75}{secret}",  # over the end of what is shown
        )
        body = {"error": row.error, "error_description": texts[len(made) % 3], "error_codes": [code]}
        made[f"AADSTS{code}"] = answer(body, row.status)
    made |= {
        "as its name": answer({"error": secret}, 400),
        "as a number": answer({"error": "invalid_grant", "error_codes": [secret]}, 400),
        "in lines": answer(
            {
                "error": "x",
                "error_description": "\r\n".join(secret[n : n + 50] for n in range(0, len(secret), 50)),
            },
            400,
        ),
        "a page": answer(page.encode(), 400),
        "a page, 200": answer(page.encode()),
        "a page, 503": answer(page.encode(), 503),
        "no object": answer(json.dumps([secret]).encode()),
        "half an object": answer(json.dumps({"access_token": secret}).encode()[:-2]),
        "not UTF-8": answer(b'{"access_token": "\xff' + secret.encode() + b'"}'),
        "a token with a blank": answer({"access_token": f"{secret} {secret}"}),
        "a token that is none": answer({"access_token": [secret]}),
        "a token for ever": answer({"access_token": secret, "expires_in": secret}),
        "a refresh token that is none": answer({"access_token": ACCESS, "refresh_token": {"is": secret}}),
        "a refresh token too long": answer({"access_token": ACCESS, "refresh_token": secret * 8}),
        "16 kB": answer((secret * 400)[:16384].encode(), 400),
        "17 kB": answer((secret * 500)[:17000].encode(), 400),
        "a redirect's query": answer(b"", 302, Location=f"https://portal.test/?code={secret}"),
        "a redirect's path": answer(b"", 302, Location=f"https://portal.test/{secret}"),
        "a redirect's user": answer(b"", 302, Location=f"https://mote:{secret}@portal.test/"),
        "a redirect's host": answer(b"", 302, Location=f"https://{secret[:70]}.portal.test/"),
        "a redirect's fragment": answer(b"", 302, Location=f"https://portal.test#{secret}"),
        "a cookie": answer(b"", 400, Set_Cookie=secret),
        "a status": b"HTTP/1.1 400 " + secret.encode() + b"\r\nContent-Length: 0\r\n\r\n",
        "no HTTP": secret.encode() + b"\r\n\r\n",
        "a header": answer(b"", 400, **{secret[:200]: "x"}),
        "a length": answer(b"", 400, Content_Length=secret[:100]),
        "a coding": answer(b"", 400, Transfer_Encoding=secret[:200]),
        "a wait": answer(b"", 429, Retry_After=secret[:200]),
    }
    return made


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("auth", ["oauth-device", "oauth-app"])
def test_answers_of_the_token_endpoint_with_the_secret_in_them(runtime, auth, run_servers, search):
    answers = token_answers(CLIENT_SECRET if auth == "oauth-app" else REFRESH)
    mails = [GOOD["oauth"]] * len(answers)
    outcomes, servers = run_servers(runtime, mails, auth, answers.values())
    assert sum(map(bool, outcomes)) > len(aadsts.ROWS)
    assert all(any(peer.messages for peer in server.peers) for server in servers)
    search.assert_clean(at_least=50 * 6)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_faults_of_https(runtime, run_jobs, search, monkeypatch):
    monkeypatch.setattr(https_server, "_END_OF_BODY", b"&client_secret=")
    cases = FAULTS | NO_TLS
    with serve(GOOD["oauth"], *(case[0] for case in cases.values())) as (good, *servers):
        jobs = [
            {"mail": mail(good.port, "oauth-app", oauth=oauth(server.port, "oauth-app")), "rounds": 1}
            | ({"limit_s": LIMIT_S} if "timeout" in case else {})
            for server, case in zip(servers, cases.values(), strict=True)
        ]
        outcomes = run_jobs(runtime, jobs)
    assert all(outcomes)
    search.assert_clean(at_least=len(cases) * 4)


@pytest.mark.parametrize("auth", ["password", "oauth-device", "certificate"])
def test_no_memory_left(auth, run_jobs, search):
    """A heap that ends somewhere in the middle of a sign-in."""
    sign_in = "oauth" if auth == "oauth-device" else "password"
    evil = mail_server({"password": reply(535, [ACCESS if sign_in == "oauth" else PASSWORD])}, sign_in)
    with serve(evil, token_server(then=GRANTED)) as (server, token):
        jobs = [
            {
                "mail": mail(server.port, auth, oauth=oauth(token.port)),
                "rounds": 1,
                "limit_s": LIMIT_S,
                "free_bytes": free,
            }
            for free in range(3000, 60000, 3000)
        ]
        outcomes = run_jobs("micropython", jobs)
    assert outcomes
    search.assert_clean(at_least=len(jobs) * 4)
