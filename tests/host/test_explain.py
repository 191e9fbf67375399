"""`mailmote explain`, by the command and its parts."""

import io
import json
import re

import pytest

from mailmote import explanations
from mailmote.policy import token_errors
from mailmote.smtp import replies
from mailmote_host import cli
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


def test_several_lines_come_from_standard_input(capsys, monkeypatch):
    pasted = "<- 550-5.7.68 TenantInboundAttribution; Direct Send\r\n<- 550 5.7.68 not allowed\r\n-> QUIT\r\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(pasted))
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
    monkeypatch.setattr("sys.stdin", io.StringIO(text.replace("invalid_grant", "x")))
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
