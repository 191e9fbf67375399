"""`mailmote explain`, by the command and its parts."""

import io
import json
import re

import pytest

from mailmote import explanations
from mailmote.net import tls_errors
from mailmote.policy import token_errors
from mailmote.smtp import replies
from mailmote_host import cli
from mailmote_host.doctor import board_errors, log_reading
from mailmote_host.doctor.explain import Reply, parse
from mailmote_host.doctor.explanations import LONG_FORMS
from mailmote_host.tenant import texts

LOCKED = "535 5.7.139 Authentication unsuccessful, account locked. Contact your administrator. [HOST ts id]"
ROWS = {row[0]: row for row in explanations.rows()}
REFUSALS = [row for row in texts.ROWS if row.refuses]


def explain(capsys, *arguments):
    code = cli.main(["explain", *arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def as_json(capsys, *arguments):
    code, out, _ = explain(capsys, *arguments, "--json")
    assert code == 0
    return json.loads(out)


def test_board_and_host_explain_the_same_keys():
    assert set(LONG_FORMS) == set(ROWS)


@pytest.mark.parametrize("key", sorted(LONG_FORMS))
def test_each_long_form_is_whole(key):
    form = LONG_FORMS[key]
    assert form.meaning.endswith(".")
    assert form.steps
    assert all(len(step) > 4 and step.rstrip('"').endswith(".") for step in form.steps)
    assert all(re.match(r"[A-Z][a-z]+-[A-Z]\w+", command) for command in form.commands)
    assert all(link.startswith("https://") and " " not in link for link in form.links)
    assert len(set(form.links)) == len(form.links)


def test_a_reply_gives_the_boards_words_and_the_long_ones(capsys):
    code, out, err = explain(capsys, LOCKED)
    assert (code, err) == (0, "")
    assert out.startswith("account-locked: the board keeps every alert and waits for a person")
    words = " ".join(out.split())
    assert ROWS["account-locked"][6] in words
    assert ROWS["account-locked"][7] in words
    assert LONG_FORMS["account-locked"].meaning in words
    assert all(step in words for step in LONG_FORMS["account-locked"].steps)


def test_a_reply_may_be_many_arguments(capsys):
    assert as_json(capsys, *LOCKED.split())["key"] == "account-locked"


def test_a_key_is_explained(capsys):
    code, out, _ = explain(capsys, "relay-denied")
    assert code == 0
    command = "Set-InboundConnector -Identity <connector> -SenderIPAddresses <public address>"
    assert f"  {command}\n" in out


def test_the_json_has_every_part(capsys):
    form = LONG_FORMS["send-as-denied"]
    assert as_json(capsys, "send-as-denied") == {
        "key": "send-as-denied",
        "known": True,
        "action": "fix-settings",
        "cause": ROWS["send-as-denied"][6],
        "fix": ROWS["send-as-denied"][7],
        "meaning": form.meaning,
        "steps": list(form.steps),
        "commands": list(form.commands),
        "links": list(form.links),
    }


@pytest.mark.parametrize(
    ("stage", "key", "action"),
    [
        ("rcpt", "recipient-refused", "give-up"),
        ("content", "content-refused", "give-up"),
        ("mail", "sender-refused", "fix-settings"),
        (None, "refused", "fix-settings"),
    ],
)
def test_a_reply_without_a_row_is_told_by_its_class_and_says_so(capsys, stage, key, action):
    options = ["--stage", stage] if stage else []
    found = as_json(capsys, "550 5.9.9 No.", *options)
    assert (found["key"], found["action"], found["known"]) == (key, action, False)
    assert "no row for this reply" in explain(capsys, "550 5.9.9 No.", *options)[1]
    assert "no row for this reply" not in explain(capsys, LOCKED, *options)[1]


@pytest.mark.parametrize(
    "text", ["direct-sent-rejected", "hello", "", "5.7", "10.0.0.1", "port 58", "2013-12-16"]
)
def test_what_is_neither_reply_nor_key_is_said_to_be_so(capsys, text):
    code, out, err = explain(capsys, text)
    assert (code, out) == (1, "")
    assert "no reply of a mail server, no answer of a sign-in service and no key" in err
    assert "550 5.7.64" in err


def test_a_good_reply_is_no_refusal(capsys):
    code, out, err = explain(capsys, "250 2.1.5 Recipient OK")
    assert (code, out) == (1, "")
    assert err.startswith("250 is no refusal")


def typed(monkeypatch, octets):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(octets), "utf-8"))


@pytest.mark.parametrize("words", [("-",), ("--log", "-")])
@pytest.mark.parametrize(
    "octets",
    [
        b"\x80 noise\r\n<- 550 5.7.68 not allowed\r\n",
        "<- 550 5.7.68 nicht m\xf6glich\r\n".encode("latin-1"),
        "<- 550 5.7.68 not allowed\r\n".encode("utf-16"),
        "<- 550 5.7.68 not allowed\r\n".encode("utf-8-sig"),
    ],
    ids=["noise", "Latin-1", "as PowerShell writes it", "with a mark"],
)
def test_octets_that_are_no_utf_8_are_no_obstacle(capsys, monkeypatch, octets, words):
    typed(monkeypatch, octets)
    found = as_json(capsys, *words)
    assert (found["found"][0] if "found" in found else found)["key"] == "direct-send-rejected"


def test_several_lines_come_from_standard_input(capsys, monkeypatch):
    pasted = "<- 550-5.7.68 TenantInboundAttribution; Direct Send\r\n<- 550 5.7.68 not allowed\r\n-> QUIT\r\n"
    typed(monkeypatch, pasted.encode())
    assert as_json(capsys, "-")["key"] == "direct-send-rejected"


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("550 5.4.1 no", Reply(550, "5.4.1", "5.4.1 no")),
        ("550 no such user", Reply(550, "", "no such user")),
        ("550", Reply(550, "", "")),
        ("550-one\n550 two\n250 three", Reply(550, "", "one two")),
        ("550-one\nnoise", Reply(550, "", "one")),
        ("550-one\nnoise\n550 two", Reply(550, "", "one")),
        ("550 one\n550 two", Reply(550, "", "one")),
        ("<- [10.0.0.1] 450 4.7.1 later", Reply(450, "4.7.1", "4.7.1 later")),
        ("smtp.office365.com port 587 said 535 5.7.3 no", Reply(535, "5.7.3", "5.7.3 no")),
        ("2026-08-28 19:45:50 550 5.7.64 no", Reply(550, "5.7.64", "5.7.64 no")),
        ('The server answered "550 5.4.1 no". Correct it, as in "x".', Reply(550, "5.4.1", "5.4.1 no")),
        ("Remote server returned: 5.7.64 Relay  Access\nDenied", Reply(550, "5.7.64", "Relay Access Denied")),
        ("4.3.111 Temporary server error", Reply(450, "4.3.111", "Temporary server error")),
        ("nothing 1550 5.4 55", None),
    ],
)
def test_a_reply_is_found_in_what_people_paste(text, reply):
    assert parse(text) == reply


def test_the_boards_own_words_after_the_reply_are_not_taken_for_it():
    cause, fix = explanations.explain("relay-denied")
    reply = parse(f'courier: The server answered "550 5.9.9 Blah". {cause} account locked {fix}')
    assert replies.classify(reply.code, reply.enhanced, reply.text, "")[0] == "refused"


ANSWER = {
    "error": "invalid_client",
    "error_description": "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the "
    "request is the client secret value.\r\nTrace ID: 7c1a4c5a\r\nTimestamp: 2026-08-28 19:45:50Z",
    "error_codes": [7000215],
    "timestamp": "2026-08-28 19:45:50Z",
}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("AADSTS7000215: Invalid client secret provided.", "aadsts-7000215"),
        ("aadsts7000215", "aadsts-7000215"),
        ("aadsts-7000215", "aadsts-7000215"),
        (json.dumps(ANSWER), "aadsts-7000215"),
        (json.dumps(ANSWER, indent=2), "aadsts-7000215"),
        ("< HTTP/1.1 401 Unauthorized\n{not json}\n" + json.dumps(ANSWER), "aadsts-7000215"),
        (json.dumps({"error": {"code": "x"}, "inner": ANSWER}), "aadsts-7000215"),
        (json.dumps(ANSWER)[:100], "aadsts-7000215"),
        (str(ANSWER), "aadsts-7000215"),
        (json.dumps(ANSWER | {"error_codes": [1]}), "aadsts-7000215"),
        ("AADSTS65001 and AADSTS50076", "aadsts-65001"),
        ("AADSTS7999999: a number of tomorrow (invalid_client)", "invalid-client"),
        ("invalid_grant", "invalid-grant"),
        ('{"error": "invalid_grant"}', "invalid-grant"),
        ("HTTP 400: error=authorization_declined&x=1", "authorization-declined"),
        ('{"error": "server_error", "error_description": "AADSTS1: x"}', "server-error"),
    ],
)
def test_an_answer_of_the_sign_in_service_is_explained(capsys, text, key):
    found = as_json(capsys, text)
    assert (found["key"], found["known"]) == (key, True)


def test_what_the_board_logs_of_the_sign_in_service_is_explained(capsys):
    for status, answer in ((401, ANSWER), (400, {"error": "invalid_grant"})):
        error = token_errors.refusal(status, answer)
        assert as_json(capsys, f"2026-08-28 19:45:50 W courier: 3 alerts wait. {error}")["key"] == error.key


@pytest.mark.parametrize(
    "text",
    [
        "AADSTS7999999: a number of tomorrow.",
        '{"error": "new_error", "error_description": "Something else."}',
        '{"error": "new_error", "error_description": 5, "error_codes": "x"}',
    ],
)
def test_an_answer_without_a_row_says_so(capsys, text):
    found = as_json(capsys, text)
    assert (found["key"], found["known"]) == ("token-refused", False)
    assert "no row for this reply" in explain(capsys, text)[1]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("535 5.7.3 Authentication unsuccessful (invalid_grant)", "bad-token"),
        ('{"error": "550 5.7.64 TenantAttribution; Relay Access Denied"}', "relay-denied"),
    ],
)
def test_a_reply_of_a_mail_server_stays_one(capsys, text, key):
    assert as_json(capsys, text)["key"] == key


@pytest.mark.parametrize(
    "text", ["{" * 60000, '{"error":' * 5000, "[" * 60000, '{"error": ["invalid_grant"]']
)
def test_hostile_json_is_no_traceback(capsys, monkeypatch, text):
    typed(monkeypatch, text.replace("invalid_grant", "x").encode())
    code, out, err = explain(capsys, "-")
    assert (code, out) == (1, "")
    assert "no answer of a sign-in service" in err


def test_a_good_answer_is_not_said_back(capsys):
    code, out, err = explain(capsys, '{"access_token": "canary-token", "refresh_token": "canary-refresh"}')
    assert (code, out) == (1, "")
    assert "canary" not in err


def test_commands_name_the_module_that_they_need(capsys):
    assert "Commands (Microsoft Entra PowerShell):\n  Connect-Entra" in explain(capsys, "aadsts-7000218")[1]
    assert "Commands (Exchange Online PowerShell):\n  Set-CASMailbox" in explain(capsys, "bad-token")[1]


def test_commands_of_entra_begin_with_the_connection():
    for key, form in LONG_FORMS.items():
        entra = [command for command in form.commands if "-Entra" in command]
        assert entra in ([], list(form.commands)), key
        assert not entra or entra[0].startswith("Connect-Entra -Scopes "), key


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: row.key)
def test_each_refusal_of_the_fake_tenant_has_a_row_of_its_own(row, capsys):
    found = as_json(capsys, row.text, "--stage", row.stage)
    assert found["known"]
    # A tenant's row may be one of several texts of the same meaning: its key then says which.
    same = {
        "not-authenticated-after-failure": "wrong-password",
        "auth-temporary": "temporary-server-error",
        "content-temporary": "temporary-server-error",
    }
    assert row.key == found["key"] or row.key.startswith(found["key"] + "-") or same[row.key] == found["key"]


# Errors that MicroPython and the chip print bare


@pytest.mark.parametrize("key", sorted(board_errors.FAULTS))
def test_each_bare_error_is_whole_and_is_found_by_its_key(key, capsys):
    fault = board_errors.FAULTS[key]
    assert re.fullmatch(r"[a-z0-9-]+", key)
    assert key not in ROWS
    for text in (fault.cause, fault.fix, fault.long_form.meaning, *fault.long_form.steps):
        assert re.match(r"[A-Z0-9]|mailmote|mbedTLS", text)
        assert text.endswith((".", ".)"))
    assert fault.title.rstrip(".") == fault.title
    assert all(link.startswith("https://") for link in fault.long_form.links)
    assert as_json(capsys, key)["action"] is None
    assert explain(capsys, key)[1].startswith(f"{key}: {fault.title}.\n  Cause  ")


def test_no_two_bare_errors_have_one_key():
    parts = board_errors._PARTS
    assert len(board_errors.FAULTS) == sum(len(part.FAULTS) for part in parts) > 90


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("-29184", "mbedtls-ssl-invalid-record"),
        ("-0x7200", "mbedtls-ssl-invalid-record"),
        ("OSError: -29184", "mbedtls-ssl-invalid-record"),
        ("OSError: -116", "os-etimedout"),
        ("OSError: -0x7200", "mbedtls-ssl-invalid-record"),
        ("OSError: [Errno -29184]", "mbedtls-ssl-invalid-record"),
        ("MBEDTLS_ERR_SSL_INVALID_RECORD", "mbedtls-ssl-invalid-record"),
        ("(-30592, 'MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE')", "mbedtls-ssl-fatal-alert-message"),
        ("OSError: (-28928, 'MBEDTLS_ERR_SSL_BAD_INPUT_DATA')", "mbedtls-ssl-bad-input-data"),
        ("OSError: -30336", "mbedtls-ssl-ca-chain-required"),
        ("OSError: -31232", "mbedtls-ssl-bad-certificate"),
        ("OSError: -26112", "mbedtls-ssl-illegal-parameter"),
        ("OSError: -28160", "mbedtls-ssl-handshake-failure"),
        ("OSError: -28288", "mbedtls-ssl-bad-protocol-version"),
        ("OSError: -29312", "mbedtls-ssl-conn-eof"),
        ("-0x2700", "mbedtls-x509-cert-verify-failed"),
        ("OSError: -9984", "mbedtls-x509-cert-verify-failed"),
        ("OSError: -17040", "mbedtls-mpi-alloc-failed"),
        (
            "(-17040, 'MBEDTLS_ERR_RSA_PUBLIC_FAILED+MBEDTLS_ERR_MPI_ALLOC_FAILED')",
            "mbedtls-mpi-alloc-failed",
        ),
        ("MBEDTLS_ERR_MD_ALLOC_FAILED", "mbedtls-mpi-alloc-failed"),
        ("201", "wifi-201"),
        ("202", "wifi-202"),
        ("203", "wifi-203"),
        ("204", "wifi-204"),
        ("205", "wifi-205"),
        ("1000", "wifi-1000"),
        ("1001", "wifi-1001"),
        ("1010", "wifi-1010"),
        ("wlan.status() = 202", "wifi-202"),
        ("I (9023) wifi: STA_DISCONNECTED, reason:201", "wifi-201"),
        ("network.STAT_WRONG_PASSWORD", "wifi-202"),
        ("OSError: Wifi Internal Error", "wifi-0x3007"),
        ("OSError: Wifi Internal Error 0x3001", "wifi-0x3001"),
        ("OSError: Wifi Internal State Error", "wifi-0x3006"),
        ("RuntimeError: Wifi Unknown Error 0x0102", "wifi-0x0102"),
        ("  12.000 W wifi: The Wi-Fi driver reported Wifi Unknown Error 0x0101.", "wifi-0x0101"),
        ("  12.000 W wifi: No link to 'Plant'. Check the Wi-Fi name.", "wifi-no-link"),
        ("  12.000 W wifi: No link to 'Plant': it was lost again at once. Go nearer.", "wifi-no-link"),
        ("  12.000 W wifi: No link to 'Plant' (Wi-Fi status 202): the access point", "wifi-202"),
        ("  12.000 W wifi: No link to 'A plant with a rather long name' (Wi-Fi status 201): no", "wifi-201"),
        ("2", "os-enoent"),
        ("OSError: [Errno 2] ENOENT", "os-enoent"),
        ("OSError: 5", "os-eio"),
        ("OSError: [Errno 5] EIO", "os-eio"),
        ("12", "os-enomem"),
        ("OSError: [Errno 12] ENOMEM", "os-enomem"),
        ("OSError: 28", "os-enospc"),
        ("OSError: [Errno 104] ECONNRESET", "os-econnreset"),
        ("OSError: [Errno 113] ECONNABORTED", "os-econnaborted"),
        ("OSError: [Errno 103] ECONNABORTED", "os-econnaborted"),
        ("OSError: [Errno 113] EHOSTUNREACH", "os-ehostunreach"),
        ("OSError: [Errno 118] EHOSTUNREACH", "os-ehostunreach"),
        ("OSError: 113", "os-econnaborted"),
        ("OSError: 118", "os-ehostunreach"),
        ("OSError: [Errno 116] ETIMEDOUT", "os-etimedout"),
        ("OSError: [Errno 110] ETIMEDOUT", "os-etimedout"),
        ("ETIMEDOUT", "os-etimedout"),
        ("OSError: -202", "dns-failed"),
        ("-202", "dns-failed"),
        ("OSError: -2", "dns-failed"),
        ("-2", "dns-failed"),
        ("-6", "dns-failed"),
        ("OSError: (-257, 'ESP_ERR_NO_MEM')", "esp-err-no-mem"),
        ("OSError: -258", "esp-err-invalid-arg"),
        ("MemoryError: memory allocation failed, allocating 512 bytes", "memory-error"),
        ("Brownout detector was triggered", "brownout"),
        ("rst:0xf (RTCWDT_BROWN_OUT_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", "brownout"),
        ("rst:0x10 (RTCWDT_RTC_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", "watchdog-reset"),
        ("rst:0x10", "watchdog-reset"),
        ("rst:0x7 (TG0WDT_SYS_RST),boot:0x8 (SPI_FAST_FLASH_BOOT)", "watchdog-reset"),
        ("rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)", "reset-power-on"),
        ("rst:0x1 (POWERON),boot:0x8 (SPI_FAST_FLASH_BOOT)", "reset-power-on"),
        ("rst:0xc (SW_CPU_RESET),boot:0x13", "reset-by-program"),
        ("rst:0x15 (USB_UART_CHIP_RESET),boot:0x8", "reset-by-usb"),
        ("rst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))", "download-mode"),
        ("invalid header: 0xffffffff", "flash-empty"),
        ("invalid header: 0x3f000000", "flash-damaged"),
        ("Guru Meditation Error: Core  1 panic'ed (LoadProhibited). Exception was unhandled.", "crash"),
        ("E (593) quad_psram: PSRAM chip not found or not supported", "spiram-missing"),
        ("E (593) quad_psram: PSRAM ID read error: 0x00000000", "spiram-missing"),
        ("E (32) spi_flash: Detected size(4096k) smaller than the size in the binary image header(8192k).",
         "flash-size"),
        ("The filesystem appears to be corrupted. If you had important data", "filesystem-corrupted"),
        ("ValueError: The certificate validity has expired", "certificate-expired"),
    ],
)  # fmt: skip
def test_an_error_that_is_printed_bare_is_explained(capsys, text, key):
    assert as_json(capsys, text)["key"] == key


def test_a_reset_has_one_reason():
    for reason, key in (
        ("0xf (RTCWDT_BROWN_OUT_RESET)", "brownout"),
        ("0x8 (TG1WDT_SYS_RESET)", "watchdog-reset"),
    ):
        found = board_errors.find(f"rst:{reason},boot:0x13 (SPI_FAST_FLASH_BOOT)")
        assert [fault.key for fault in found] == [key]


def test_a_bare_error_may_be_many_arguments_and_is_no_option(capsys):
    assert as_json(capsys, "OSError:", "-29184")["key"] == "mbedtls-ssl-invalid-record"
    assert as_json(capsys, "-0x7200")["key"] == "mbedtls-ssl-invalid-record"
    code, _, err = explain(capsys, "--jsn", "550")
    assert code == 2
    assert "--jsn" in err


@pytest.mark.parametrize(
    "text",
    [
        "OSError: 77",
        "HTTP status 201",
        "12 eggs",
        "-1234 metres",
        "-1104",
        "1999",
        "-99999",
        "0x7200",
        "rst:0x99",
        "EVERY",
    ],
)
def test_other_numbers_are_not_taken_for_errors(capsys, text):
    assert explain(capsys, text)[0] == 1


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("451 4.4.2 Timeout ETIMEDOUT (OSError: 110)", "deferred"),
        ("550 5.7.64 TenantAttribution; Relay Access Denied MemoryError", "relay-denied"),
        ("535 5.7.3 Authentication unsuccessful -29184", "bad-token"),
    ],
)
def test_a_reply_that_comes_first_is_explained(capsys, text, key):
    assert as_json(capsys, text)["key"] == key


# Logs

LOG = """\
rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)
   0.120 I agent: Ready: mailmote 0.3, freezer-3, 1 sensors, 1 alarms, mail by direct-send through 550.
   1.120 W wifi: The Wi-Fi driver reported Wifi Internal Error.
  13.345 W courier: 1 alerts wait. %s %s Next try in 1 min.
  73.345 W courier: 2 alerts wait. The server answered "550 5.9.9 No." %s %s Next try in 5 min.
Traceback (most recent call last):
  File "main.py", line 404, in <module>
OSError: [Errno 113] ECONNABORTED
  80.000 I courier: "too warm" was accepted for 1 of 1 recipients.
<- 550-5.7.68 TenantInboundAttribution; Direct Send
<- 550 5.7.68 not allowed
<- 250 2.1.5 Recipient OK
OSError: (-30592, 'MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE')
OSError: (-30592, 'MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE')
The certificate is not correctly signed by the trusted CA
AADSTS7000215: Invalid client secret provided.
OSError: [Errno 113] ECONNABORTED, then [Errno 12] ENOMEM
rst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)
""" % (
    ROWS["no-answer"][6] % ("smtp.office365.com", 587),
    ROWS["no-answer"][7],
    ROWS["sender-refused"][6],
    ROWS["sender-refused"][7],
)
FOUND = [
    (3, "wifi-0x3007"),
    (4, "no-answer"),
    (5, "sender-refused"),
    (8, "os-econnaborted"),
    (10, "direct-send-rejected"),
    (13, "mbedtls-ssl-fatal-alert-message"),
    (15, "certificate-untrusted"),
    (16, "aadsts-7000215"),
    (17, "os-enomem"),
]


@pytest.mark.parametrize("where", ["file", "--log -", "-"])
def test_each_thing_in_a_log_is_explained_once_with_its_line(tmp_path, capsys, monkeypatch, where):
    path = tmp_path / "console.log"
    path.write_bytes(LOG.replace("\n", "\r\n").encode() + b"\xff\n")
    typed(monkeypatch, (LOG + "x\n").encode())
    words = ["--log", str(path)] if where == "file" else where.split()
    told = as_json(capsys, *words)
    assert told["lines"] == 19
    assert [(one["line"], one["key"]) for one in told["found"]] == FOUND
    assert set(told["found"][0]) == {"line", *as_json(capsys, "relay-denied")}
    typed(monkeypatch, LOG.encode())
    code, out, err = explain(capsys, *words)
    assert (code, err) == (0, "")
    twice = ("os-econnaborted", "mbedtls-ssl-fatal-alert-message")
    assert re.findall(r"^Line (\d+)(.*)\n([\w-]+): ", out, re.MULTILINE) == [
        (str(line), ", and on 1 more" if key in twice else "", key) for line, key in FOUND
    ]


def test_a_log_without_anything_says_so(tmp_path, capsys):
    path = tmp_path / "console.log"
    path.write_text("rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\nall is well\n")
    code, out, err = explain(capsys, "--log", str(path))
    assert (code, out, err) == (1, "", "There is nothing to explain in these 2 lines.\n")
    code, out, _ = explain(capsys, "--log", str(path), "--json")
    assert (code, json.loads(out)) == (1, {"lines": 2, "found": []})


def test_a_log_that_cannot_be_read_and_too_much_of_a_good_thing(tmp_path, capsys):
    for words in (["--log", str(tmp_path / "no.log")], ["--log", str(tmp_path)], [], ["--log", "x", "550"]):
        code, out, err = explain(capsys, *words)
        assert (code, out) == (2, "")
        assert "Traceback" not in err
    assert "cannot be read: No such file" in explain(capsys, "--log", str(tmp_path / "no.log"))[2]


@pytest.mark.parametrize("key", sorted(ROWS))
def test_what_the_board_logs_is_known_again(tmp_path, capsys, key):
    """Its cause, with values in its places; a class of replies may share its words with another."""
    places = re.sub("%[sr]", "some words", ROWS[key][6]).replace("%d", "25")
    path = tmp_path / "console.log"
    path.write_text(f"  12.345 W courier: 3 alerts wait. {places} {ROWS[key][7]} Next try in 1 min.\n")
    (found,) = as_json(capsys, "--log", str(path))["found"]
    assert found["cause"] == as_json(capsys, key)["cause"]


@pytest.mark.parametrize(("part", "key"), log_reading._CERTIFICATES)
def test_a_certificate_means_the_same_to_board_and_host(capsys, part, key):
    text = f"ValueError: The certificate {part} x"
    assert tls_errors.of_certificate(text, "smtp.office365.com").key == key
    assert as_json(capsys, text)["key"] == key


def test_hostile_logs_take_no_time(tmp_path, capsys):
    path = tmp_path / "console.log"
    path.write_text("550-" * 200000 + "\n" + "550-5.7.1 x\n" * 5000 + "wifi " * 100000 + "\n" + "{" * 60000)
    assert explain(capsys, "--log", str(path))[0] == 0


def test_nothing_of_a_log_is_said_again(tmp_path, capsys):
    path = tmp_path / "console.log"
    path.write_text("".join(f"canary {line}" for line in LOG.splitlines(keepends=True)))
    for words in ([], ["--json"]):
        _, out, err = explain(capsys, "--log", str(path), *words)
        assert "canary" not in out + err
