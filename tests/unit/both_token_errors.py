"""What the sign-in service's refusals mean: as Microsoft Entra words them, and as nobody should."""

import gc
import json
import sys

from expect import equal

from mailmote import explanations
from mailmote.errors import FixSettings, RetryLater
from mailmote.policy import token_errors
from mailmote.smtp import replies

TRACE = (
    "\r\nTrace ID: 7c1a4c5a-0000-0000-0000-6a1b6d2d0b00"
    "\r\nCorrelation ID: 11111111-0000-0000-0000-222222222222"
    "\r\nTimestamp: 2026-08-28 19:45:50Z"
)

# AADSTS number, `error`, first sentence of the description
NUMBERS = (
    (50034, "invalid_grant", "The user account {EUII Hidden} does not exist in the contoso.test directory."),
    (50053, "invalid_grant", "The account is locked, you've tried to sign in too many times."),
    (50055, "invalid_grant", "The password is expired."),
    (50057, "invalid_grant", "The user account is disabled."),
    (50076, "invalid_grant", "Due to a configuration change you must use multi-factor authentication."),
    (50079, "invalid_grant", "You must enroll in multi-factor authentication to access the resource."),
    (65001, "invalid_grant", "The user or administrator has not consented to use the application."),
    (70008, "invalid_grant", "The provided refresh token has expired due to inactivity."),
    (700082, "invalid_grant", "The refresh token has expired due to inactivity."),
    (50173, "invalid_grant", "The provided grant has expired due to it being revoked."),
    (70011, "invalid_scope", "The provided value for the input parameter 'scope' is not valid."),
    (70018, "bad_verification_code", "Invalid verification code due to typing in wrong user code."),
    (70019, "expired_token", "Verification code expired."),
    (700016, "unauthorized_client", "Application with identifier 'x' was not found in the directory."),
    (7000215, "invalid_client", "Invalid client secret provided."),
    (7000222, "invalid_client", "The provided client secret keys for app 'x' are expired."),
    (7000218, "invalid_client", "The request body must contain: 'client_assertion' or 'client_secret'."),
    (90002, "invalid_request", "Tenant 'nowhere.test' not found."),
    (90094, "invalid_grant", "An administrator of Contoso has set a policy that prevents the permissions."),
    (530032, "invalid_grant", "Access has been blocked by Conditional Access policies."),
    (900144, "invalid_request", "The request body must contain the following parameter: 'client_id'."),
)

# `error`, class, key
NAMES = (
    ("invalid_grant", FixSettings, "invalid-grant"),
    ("invalid_client", FixSettings, "invalid-client"),
    ("unauthorized_client", FixSettings, "unauthorized-client"),
    ("invalid_scope", FixSettings, "invalid-scope"),
    ("invalid_resource", FixSettings, "invalid-scope"),
    ("invalid_request", FixSettings, "invalid-request"),
    ("unsupported_grant_type", FixSettings, "invalid-request"),
    ("interaction_required", FixSettings, "interaction-required"),
    ("login_required", FixSettings, "interaction-required"),
    ("consent_required", FixSettings, "interaction-required"),
    ("temporarily_unavailable", RetryLater, "temporarily-unavailable"),
    ("server_error", RetryLater, "server-error"),
    ("slow_down", RetryLater, "slow-down"),
    ("authorization_pending", RetryLater, "authorization-pending"),
    ("authorization_declined", FixSettings, "authorization-declined"),
    ("expired_token", FixSettings, "expired-token"),
    ("code_expired", FixSettings, "expired-token"),
    ("bad_verification_code", FixSettings, "bad-verification-code"),
    ("access_denied", FixSettings, "access-denied"),
)

# HTTP status, answer, class, key
STATUSES = (
    (429, None, RetryLater, "token-throttled"),
    (429, {}, RetryLater, "token-throttled"),
    (500, None, RetryLater, "token-service-down"),
    (503, {"message": "busy"}, RetryLater, "token-service-down"),
    (599, None, RetryLater, "token-service-down"),
    (200, None, RetryLater, "token-no-json"),
    (302, None, RetryLater, "token-no-json"),
    (400, None, RetryLater, "token-no-json"),
    (407, None, RetryLater, "token-no-json"),
    (200, {}, RetryLater, "token-missing"),
    (200, {"token_type": "Bearer"}, RetryLater, "token-missing"),
    (400, {}, FixSettings, "token-refused"),
    (401, {"error": "insufficient_scope"}, FixSettings, "token-refused"),
    (404, {"error": {"code": "NotFound"}}, FixSettings, "token-refused"),
)


def entra(number, name, sentence):
    return {
        "error": name,
        "error_description": "AADSTS%d: %s Send logs to support.%s" % (number, sentence, TRACE),
        "error_codes": [number],
        "timestamp": "2026-08-28 19:45:50Z",
        "trace_id": "7c1a4c5a-0000-0000-0000-6a1b6d2d0b00",
        "correlation_id": "11111111-0000-0000-0000-222222222222",
    }


def judged(status, answer):
    error = token_errors.refusal(status, answer)
    return type(error), error.key


def test_each_number_has_a_row_of_its_own():
    for number, name, sentence in NUMBERS:
        error = token_errors.refusal(400, entra(number, name, sentence))
        equal((number, type(error), error.key), (number, FixSettings, "aadsts-%d" % number))
        cause, fix = explanations.explain(error.key)
        told = 'The sign-in service answered "%s: AADSTS%d: %s". ' % (name, number, sentence[:-1])
        equal(error.text, told + cause + " " + fix)


def test_a_newer_number_of_a_blocking_policy_is_known_too():
    equal(judged(400, entra(53003, "invalid_grant", "Blocked.")), (FixSettings, "aadsts-530032"))


def test_each_name_has_its_class():
    for name, kind, key in NAMES:
        equal((name,) + judged(400, {"error": name}), (name, kind, key))


def test_without_a_name_the_status_tells():
    for status, answer, kind, key in STATUSES:
        equal((status, answer) + judged(status, answer), (status, answer, kind, key))


def test_a_number_that_microsoft_adds_is_judged_by_its_name():
    equal(judged(400, entra(7000999, "invalid_client", "New.")), (FixSettings, "invalid-client"))
    equal(judged(400, entra(7000999, "new_error", "New.")), (FixSettings, "token-refused"))


def test_the_description_tells_the_number_where_the_list_is_missing():
    answer = entra(7000215, "invalid_client", "Invalid client secret provided.")
    answer.pop("error_codes")
    equal(judged(401, answer), (FixSettings, "aadsts-7000215"))


def test_the_first_number_that_is_known_counts():
    answer = {"error": "invalid_grant", "error_codes": [1, 50076, 65001]}
    equal(judged(400, answer), (FixSettings, "aadsts-50076"))
    answer["error_codes"] = [65001, 50076]
    equal(judged(400, answer), (FixSettings, "aadsts-65001"))


def test_one_number_is_not_taken_for_another_that_begins_alike():
    for number in (7000, 5007, 500760, 70001, 7000):
        equal(judged(400, {"error": "x", "error_codes": [number]}), (FixSettings, "token-refused"))


def test_what_passes_passes_whatever_the_reason_given():
    for status in (429, 500, 503):
        for name in ("invalid_grant", "invalid_request", "unknown"):
            equal(judged(status, entra(70011, name, "x."))[0], RetryLater)
        equal(judged(status, {"error": "server_error"}), (RetryLater, "server-error"))


def test_hostile_answers_are_refusals_like_any_other():
    huge = 10**5000  # CPython refuses to make a text of it
    for codes in (
        None, "70011", 70011, {"70011": 1}, [None], [[70011]], [{"a": 1}], ["70011"], [0], [-70011], [huge],
        [1e300], [True], [1, 2, 3, 4, 70011], [70011.0], [],
    ):  # fmt: skip
        equal(judged(400, {"error_codes": codes}), (FixSettings, "token-refused"))
    for name in (None, 5, [], {}, ["invalid_grant"], "", "|", "invalid_grant ", "x" * 9999):
        equal((name,) + judged(400, {"error": name}), (name, FixSettings, "token-refused"))
    for description in (None, 5, ["AADSTS70011"], "", "AADSTS", "AADSTSx", "AADSTS" + "7" * 9999, "x" * 9999):
        equal(judged(400, {"error_description": description}), (FixSettings, "token-refused"))


def test_hostile_words_are_quoted_in_bounds_and_printable():
    for words in ("\x1b[2J\x07bell", "a\x00b", "caf\xe9 \u202e", "\x7f\x9b31m", json.loads('"\\ud800"')):
        for answer in ({"error": words}, {"error_description": words}):
            text = token_errors.refusal(400, answer).text
            equal([character for character in text if not " " <= character <= "~"], [])
    text = token_errors.refusal(400, {"error": "é" * 9999, "error_description": "y z " * 9999}).text
    quoted = text.split('"')[1]
    equal((len(quoted), quoted[:3]), (200, "???"))
    text = token_errors.refusal(
        400, {"error": "invalid_grant", "error_description": "One.\nTwo. Three."}
    ).text
    equal(text.startswith('The sign-in service answered "invalid_grant: One". The board'), True)


def test_an_answer_without_words_tells_its_status():
    text = token_errors.refusal(503, None).text
    cause, fix = explanations.explain("token-service-down")
    equal(text, "The sign-in service answered with HTTP status 503. %s %s" % (cause, fix))


def test_the_wait_that_the_service_asks_for_is_told():
    equal(" 429. It asks to wait 2 min. The sign-in" in token_errors.refusal(429, None, 120).text, True)
    equal("asks to wait" in token_errors.refusal(429, None).text, False)


def test_no_token_in_the_words_shows():
    token = "canary" + "0AXkAq" * 200
    for answer in ({"error": token}, {"error": "e", "error_description": "The token %s is bad." % token}):
        equal("canary" in token_errors.refusal(400, answer).text, False)


class NoRoom:
    """Stands where a part of the table is looked for, and fails as a full heap does."""

    @property
    def ROWS(self):
        raise MemoryError("no room")


def test_with_no_room_for_the_table_the_status_still_decides():
    path = "mailmote.explanations.entra"
    for status, answer, wanted in (
        (503, None, (RetryLater, "token-service-down")),
        (429, None, (RetryLater, "token-throttled")),
        (400, {"error": "invalid_grant"}, (FixSettings, "token-refused")),
    ):
        sys.modules[path] = NoRoom()
        equal(judged(status, answer), wanted)
        equal(path in sys.modules, False)


def test_look_ups_leave_the_heap_as_it_was():
    if not hasattr(gc, "mem_alloc"):
        return
    answer = entra(*NUMBERS[0])
    for _ in range(3):
        token_errors.refusal(400, answer)
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(10):
        token_errors.refusal(400, answer)
    gc.collect()
    equal(gc.mem_alloc() - before < 1000, True)  # a part has 8 to 10 kB
    equal([name for name in sys.modules if name.startswith("mailmote.explanations.")], [])


def token_rows():
    return [row for row in explanations.rows() if "t" in row[4]]


def test_only_the_rows_of_the_sign_in_service_have_its_stage_and_their_own_marks():
    count = 0
    marks = []
    for key, code_class, codes, fragments, stages, action, _, _ in token_rows():
        equal((key, code_class, fragments, stages), (key, 0, "", "t"))
        equal((key, action in ("retry-later", "fix-settings")), (key, True))
        marks += codes.split("|") if codes else []
        count += 1
    equal(count, len(NUMBERS) + len({row[2] for row in NAMES}) + len({row[3] for row in STATUSES}))
    equal(len(marks), len(set(marks)))
    equal([mark for mark in marks if "." in mark], [])
    letters = [stage[0] for stage in replies.STAGES]
    equal("t" in letters, False)


def test_no_reply_of_a_mail_server_is_taken_for_an_answer_of_the_sign_in_service():
    texts = (
        [name + ": " + sentence.lower() for _, name, sentence in NUMBERS] + [row[0] for row in NAMES] + [""]
    )
    rows = token_rows()
    for stage in replies.STAGES + ("",):
        for code in (250, 334, 400, 421, 432, 451, 500, 535, 550, 554):
            for enhanced in ("", "4.7.0", "5.7.3", "5.7.139", "5.3.3"):
                for row in rows:
                    for text in texts:
                        if replies._matches(row, code, enhanced, text, stage[:1]):
                            raise AssertionError((row[0], code, enhanced, text, stage))


def test_a_reply_that_names_the_error_is_still_judged_as_a_reply():
    text = "invalid_grant AADSTS7000215 invalid_client"
    equal(replies.classify(535, "5.7.8", text, "auth"), ("sign-in-refused", replies.FIX_SETTINGS))
    equal(replies.classify(550, "", text, ""), ("refused", replies.FIX_SETTINGS))
    equal(replies.classify(451, "", text, ""), ("deferred", replies.RETRY_LATER))
