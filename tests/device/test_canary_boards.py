"""No secret shows on a board that runs its own main.py: refused, crashed, stopped, without room or memory.

Searched are its console, its flash as files and as octets, whatever else the host made for it, the command
lines of all processes, the mails, and all that the tenant tells of what it saw. See test_canary.py.
"""

import json
import threading
from pathlib import Path

import pytest
from canary import Search
from canary_servers import mail_server, reply
from certificates import HOST, root_der
from hostile_server import serve as serve_hostile
from sessions import RUNTIMES
from test_agent import HERE, RECORDING, run_until, settings
from test_canary import CLIENT_SECRET, HANDED, PASSWORD, SECRETS
from test_oauth import CLIENT_ID, OAUTH
from umail_server import Server

from mailmote_host.tenant.ca import process_authority
from mailmote_host.tenant.directory import DELEGATED_SCOPE, Application, ClientSecret
from mailmote_host.tenant.faults import Fault, Reply, Stage
from mailmote_host.tenant.model import Mailbox, Tenant
from mailmote_host.tenant.service import serve
from mailmote_host.tenant.sign_in_faults import HttpAnswer
from mailmote_host.virtual.board import VirtualBoard

MAILBOX = "mote@contoso.test"
TIMEOUT_S = 60
WITH_PASSWORD = 'username = "mote@contoso.test"\nauth = "password"'
RUNS_ON = '[[sensor]]\nname = "Heap"\ndriver = "system"\nmetric = "uptime"\nevery = "1h"\n'


@pytest.fixture(params=RUNTIMES)
def runtime(request):
    return request.param


@pytest.fixture
def search(record_property):
    made = Search({name: secret.encode() for name, secret in SECRETS.items()})
    yield made
    record_property("canary", [made.places, made.octets, len(made.finds)])


def tenant():
    application = Application(CLIENT_ID, secrets=[ClientSecret(CLIENT_SECRET)])
    application.grant_full_access(MAILBOX)
    mailboxes = [Mailbox(MAILBOX, PASSWORD)]
    return Tenant(("contoso.test",), mailboxes, contacts={HERE}, applications=[application])


def board_of(folder, service, runtime, auth="password", secrets=None, files=None, extra="", **more):
    """A board with all secrets, and for OAuth a refresh token of this tenant."""
    oauth = OAUTH.format(username=MAILBOX, auth=auth, client_id=CLIENT_ID, port=service.sign_in.port)
    text = oauth if auth.startswith("oauth") else WITH_PASSWORD
    wanted = settings(service, "client-submission", more=text, extra=extra)
    kept = {name: secret.encode() for name, secret in HANDED.items() if name != "access"}
    if auth == "oauth-device":
        issued = service.tenant.issue(MAILBOX, service.tenant.applications[0], DELEGATED_SCOPE)
        kept["oauth.refresh"] = issued.refresh.encode()
    content = {"recording.csv": RECORDING, "ca/0.der": service.ca_der} | (files or {})
    return VirtualBoard(folder, wanted, kept | (secrets or {}), content, runtime=runtime, **more)


def look_at_processes(search):
    """The command lines of all that runs on this computer."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            search.look("command line", path.read_bytes())
        except OSError:
            continue  # it has ended


def look_at_board(search, board, at_least=20):
    """A board that does not run: its console, its flash, its files."""
    search.look("console", board.console)
    search.look_at_repr("board", board)
    search.look_in_folder(board.folder, but=["nvs.json"])
    if (board.folder / "flash.img").exists():
        look_at_flash(search, board, "/")
    assert PASSWORD.encode() == board.read_secret("mail.password")
    search.assert_clean(at_least)


def look_at_flash(search, board, folder):
    for name in board.list_files(folder):
        path = f"{folder}{name}"
        search.look("name on the flash", path)
        try:
            search.look(f"{path} on the flash", board.read_file(path))
        except IsADirectoryError:
            look_at_flash(search, board, path + "/")


def look_at_tenant(search, service):
    """Mails, transcripts and objects; first all that it has issued is added to what is looked for."""
    vault = service.tenant.vault
    for kind, texts in (("an access token", vault.access), ("a refresh token", vault.refresh)):
        for text in list(texts):
            search.add(kind, text.encode())
    search.look("account of the tenant", service.account())
    for message in service.messages:
        search.look("mail", message.data)
    for things in (service.messages, service.sessions, service.sign_ins):
        search.look_at_repr("what the tenant noted", things)
    for name in ("tenant", "authority"):
        search.look_at_repr(name, getattr(service, name))
    search.look_at_repr("service", service)
    search.look_at_repr("tokens", [*vault.access.values(), *vault.refresh.values(), vault])


def run_and_look(search, service, board, words):
    """Run until the console has these words, then again with the faults gone, if it is to mail at last."""
    with board:
        board.start()
        look_at_processes(search)
        run_until(board, words)
        search.look("console", board.console)
        service.sign_in_faults.clear()
        board.start()
        assert board.wait(TIMEOUT_S) == 0, board.console
        look_at_tenant(search, service)
        look_at_board(search, board)


def test_a_password_that_is_said_back(tmp_path, runtime, search):
    said = Reply(f'535 5.7.139 Authentication unsuccessful, "{PASSWORD}" is no password [SRV]')
    with serve(tenant(), faults=[Fault(Stage("auth"), said, times=1)]) as service:
        run_and_look(search, service, board_of(tmp_path, service, runtime), "alerts wait")
        assert service.messages
        assert "***" in service.account()


@pytest.mark.parametrize("auth", ["oauth-device", "oauth-app"])
def test_a_token_request_that_is_said_back(tmp_path, runtime, auth, search):
    with serve(tenant()) as service:
        board = board_of(tmp_path, service, runtime, auth)
        secret = board.read_secret("oauth.refresh" if auth == "oauth-device" else "oauth.secret").decode()
        text = f"AADSTS70000: The value {secret} is not valid. Trace ID: 1"
        body = json.dumps({"error": "invalid_grant", "error_description": text, "error_codes": [70000]})
        service.sign_in_faults.extend([HttpAnswer(400, body.encode())] * 3)
        run_and_look(search, service, board, "alerts wait")
        assert service.messages


# So much that another refresh token of that size has no room in the NVS.
FULL = {f"filler.{number}": bytes(octets) for number, octets in enumerate([2000] * 6 + [500])}


def test_a_refresh_token_that_the_flash_does_not_take(tmp_path, runtime, search):
    with serve(tenant()) as service:
        board = board_of(tmp_path, service, runtime, "oauth-device", FULL)
        before = board.read_secret("oauth.refresh")
        run_and_look(search, service, board, "The new refresh token is not stored")
        assert board.read_secret("oauth.refresh") == before


# In place of the session: it fails with all that it was given in reach, and in its text.
SESSION = b"""
class Session:
    def __init__(self, name, mail, credentials, heartbeat, identity=None):
        secret = credentials.password()
        raise RuntimeError("cannot use %r, %r, %s" % (credentials, secret, secret.decode()))
"""


def test_a_crash_with_the_password_in_reach(tmp_path, runtime, search):
    with serve(tenant()) as service:
        files = {"lib/mailmote/net/session.py": SESSION}
        with board_of(tmp_path, service, runtime, files=files, compiled=False) as board:
            board.start()
            run_until(board, "RuntimeError: cannot use Credentials(")
            assert "Traceback" in board.console
            look_at_board(search, board)


def test_ctrl_c_in_the_middle_of_a_sign_in(tmp_path, runtime, search):
    reached = threading.Event()

    def say_nothing(peer):
        reached.set()
        peer.listen()

    with serve(tenant()) as service, serve_hostile(mail_server({"password": say_nothing})) as (server,):
        board = board_of(tmp_path, service, runtime, extra=RUNS_ON, files={"ca/0.der": root_der()})
        wanted = json.loads(board.read_file("settings.json"))
        wanted["mail"] |= {"host": HOST, "port": server.port}
        files = {"ca/0.der": root_der(), "settings.json": json.dumps(wanted).encode()}
        with board_of(tmp_path, service, runtime, extra=RUNS_ON, files=files) as board:
            board.start()
            assert reached.wait(TIMEOUT_S), board.console
            look_at_processes(search)
            board.stop()
            assert "Stopped by Ctrl-C" in board.console
            look_at_board(search, board)


@pytest.mark.parametrize("heapsize", ["84K", "100K", "116K"])
def test_a_heap_that_is_too_small(tmp_path, heapsize, search):
    """The board fails at another place with each: to start, to load what a mail needs, in the handshake."""
    said = Reply(f"535 5.7.3 {PASSWORD}")
    with (
        serve(tenant(), faults=[Fault(Stage("auth"), said)]) as service,
        board_of(tmp_path, service, "micropython", heapsize=heapsize) as board,
    ):
        board.start()
        run_until(board, "memory")
        look_at_board(search, board)


# A program of one's own, that keeps its password in the store.
UMAIL = """
import umail
from mailmote.store import secrets
password, token = secrets.get("mail.password").decode(), secrets.get("oauth.refresh").decode()
for more in ({"password": password}, {"token": token}):
    try:
        smtp = umail.SMTP("localhost", PORT, ssl=True)
        print(smtp.login("mote@contoso.test", **more))
        smtp.to("facilities@contoso.test")
    except (AssertionError, OSError) as error:
        print(repr(error), error, error.args, smtp)
    smtp.quit()
smtp = umail.SMTP("localhost", PORT, ssl=True)
smtp.login("mote@contoso.test", token=token)
smtp.to("facilities@contoso.test")
"""


@pytest.mark.parametrize("stage", ["AUTH", "MAIL", "RCPT"])
def test_a_program_for_umail(tmp_path, runtime, stage, search):
    both = ["", PASSWORD, HANDED["oauth.refresh"], PASSWORD[:15], PASSWORD[15:]]
    said = {stage: reply(535, both)}
    context = process_authority().server_context(["localhost", "127.0.0.1"])
    with serve(tenant()) as service, Server(context, said) as server:
        main = UMAIL.replace("PORT", str(server.port)).encode()
        if runtime == "cpython":
            main = b"import umail\numail.CA_FILE = 'ca.pem'\n" + main
        files = {"main.py": main, "ca.pem": process_authority().root_pem.encode()}
        with board_of(tmp_path, service, runtime, files=files) as board:
            board.start()
            assert board.wait(TIMEOUT_S) == 1
            assert "Traceback" in board.console
            assert "535 5.7.3" in board.console
            look_at_board(search, board)
