"""Access tokens: when one is asked for, what is kept, and what each answer means."""

import asyncio
import json

from expect import equal

from mailmote import compat, log, redaction, tokens
from mailmote.errors import FixSettings, MailmoteError, RetryLater, StorageError

NOW_S = 1800000000
DAY_S = 86400
DEVICE = {
    "auth": "oauth-device",
    "username": "mote@contoso.test",
    "oauth": {
        "host": "login.microsoftonline.com",
        "port": 443,
        "path": "/contoso.test/oauth2/v2.0/token",
        "client_id": "11111111-2222-3333-4444-555555555555",
        "scope": "https://outlook.office.com/SMTP.Send offline_access",
        "secret": "oauth.refresh",
    },
}
APP = {
    "auth": "oauth-app",
    "username": "mote@contoso.test",
    "oauth": {
        "host": "login.microsoftonline.com",
        "port": 443,
        "path": "/contoso.test/oauth2/v2.0/token",
        "client_id": "11111111-2222-3333-4444-555555555555",
        "scope": "https://outlook.office365.com/.default",
        "secret": "oauth.secret",
    },
}
BAD_TOKEN = FixSettings("535 5.7.3", "bad-token")


class Entra:
    """Stands for the token endpoint, the secret store, the small state, and the clock."""

    FLOOR = "clock-floor"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []
        self.stored = {"oauth.refresh": b"canary-refresh", "oauth.secret": b"canary-secret"}
        self.numbers = {}
        self.flash_fails = False
        self.now = NOW_S
        self.set = True

    async def post(self, endpoint, body, heartbeat):
        self.asked.append(bytes(body).decode())
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, answer = answer
        return status, answer if isinstance(answer, bytes) else json.dumps(answer).encode(), 0

    @staticmethod
    def form(pairs):
        return "&".join(
            "%s=%s" % (name, value.decode() if isinstance(value, bytes) else value) for name, value in pairs
        ).encode()

    def get(self, name):
        return self.stored[name]

    def put(self, name, value):
        if self.flash_fails:
            raise StorageError("planned")
        self.stored[name] = bytes(value)

    def read(self, name):
        return self.numbers.get(name)

    def write(self, name, number):
        if self.flash_fails:
            raise StorageError("planned")
        self.numbers[name] = number

    def now_s(self):
        return self.now

    def is_set(self):
        return self.set


class Heartbeat:
    """`on_sleep` is called for each rest, and ends the test by an exception."""

    def __init__(self, on_sleep=None):
        self.rests = []
        self._on_sleep = on_sleep

    def beat(self, within_s=0):
        pass

    async def sleep(self, seconds, unless=None):
        self.rests.append(seconds)
        self._on_sleep(len(self.rests))


def good(token="access-1", refresh=None, lifetime_s=3599):
    answer = {"token_type": "Bearer", "access_token": token, "expires_in": lifetime_s}
    if refresh:
        answer["refresh_token"] = refresh
    return 200, answer


def with_entra(test, entra, mail=DEVICE):
    """`test(tokens, entra)`, with all that lies around replaced."""
    before = tokens.borrow, tokens.secrets, tokens.state, tokens.clock, log.level
    tokens.borrow = lambda path: entra if path.endswith(".https") else compat.borrow(path)
    tokens.secrets = tokens.state = tokens.clock = entra
    log.level = 100
    try:
        return test(tokens.Tokens(mail), entra)
    finally:
        tokens.borrow, tokens.secrets, tokens.state, tokens.clock, log.level = before


def token_of(one):
    """The access token that a sign-in would show now."""
    return asyncio.run(one.credentials(Heartbeat())).pieces()[1]


def fault(one):
    try:
        asyncio.run(one.credentials(Heartbeat()))
    except MailmoteError as error:
        return error
    raise AssertionError("a token was given")


def test_each_grant_asks_as_entra_wants_it():
    for mail, asked in (
        (
            DEVICE,
            "grant_type=refresh_token&client_id=11111111-2222-3333-4444-555555555555"
            "&scope=https://outlook.office.com/SMTP.Send offline_access&refresh_token=canary-refresh",
        ),
        (
            APP,
            "grant_type=client_credentials&client_id=11111111-2222-3333-4444-555555555555"
            "&scope=https://outlook.office365.com/.default&client_secret=canary-secret",
        ),
    ):

        def check(one, entra, asked=asked):
            equal(token_of(one), b"access-1")
            equal(entra.asked, [asked])

        with_entra(check, Entra(good()), mail)


def test_a_token_is_used_until_five_minutes_before_its_end():
    def check(one, entra):
        equal(token_of(one), b"access-1")
        entra.now += 3599 - 301
        equal(token_of(one), b"access-1")
        entra.now += 1
        equal((token_of(one), len(entra.asked)), (b"access-2", 2))

    with_entra(check, Entra(good("access-1"), good("access-2")))


def test_a_lifetime_that_makes_no_sense_is_no_reason_to_keep_a_token():
    for lifetime_s in ("3599", None, -5, 0, 200, [], {}):

        def check(one, entra):
            equal((token_of(one), token_of(one)), (b"access-1", b"access-2"))

        with_entra(check, Entra(good("access-1", None, lifetime_s), good("access-2")))

    def most(one, entra):
        token_of(one)
        entra.now += DAY_S - 300
        equal(token_of(one), b"access-2")

    with_entra(most, Entra(good("access-1", None, 10**9), good("access-2")))


def test_each_new_refresh_token_is_stored_and_the_next_renewal_shows_it():
    def check(one, entra):
        token_of(one)
        equal(entra.stored["oauth.refresh"], b"refresh-2")
        entra.now += 3600
        token_of(one)
        equal(
            (entra.asked[1].endswith("&refresh_token=refresh-2"), entra.stored["oauth.refresh"]),
            (True, b"refresh-2"),
        )

    with_entra(check, Entra(good(refresh="refresh-2"), good()))


def test_a_refresh_token_that_is_none_leaves_the_old_one():
    for refresh in (7, "two words", "x" * 8193, ["a"], "caf\u00e9", "line\nbreak"):

        def check(one, entra):
            equal((token_of(one), entra.stored["oauth.refresh"]), (b"access-1", b"canary-refresh"))

        with_entra(check, Entra(good(refresh=refresh)))


def test_a_flash_that_fails_does_not_stop_the_mail():
    def check(one, entra):
        entra.flash_fails = True
        equal((token_of(one), entra.stored["oauth.refresh"]), (b"access-1", b"canary-refresh"))

    with_entra(check, Entra(good(refresh="refresh-2")))


def test_the_secret_is_hidden_before_it_is_sent():
    hidden = list(redaction._secrets)

    def check(one, entra):
        redaction._secrets[:] = []
        token_of(one)
        equal(redaction.redacted("it said canary-secret"), "it said ***")

    try:
        with_entra(check, Entra(good()), APP)
    finally:
        redaction._secrets[:] = hidden


def test_an_application_stores_no_refresh_token():
    def check(one, entra):
        token_of(one)
        equal(entra.stored["oauth.secret"], b"canary-secret")

    with_entra(check, Entra(good(refresh="refresh-2")), APP)


def test_an_answer_without_a_token_is_explained():
    refused = {"error": "invalid_grant", "error_description": "AADSTS700082: ...", "error_codes": [700082]}
    for status, answer, kind in (
        (400, refused, FixSettings),
        (401, good()[1], MailmoteError),
        (503, b"", RetryLater),
        (200, b"<html>Please sign in to the hotel's network</html>", MailmoteError),
        (200, b"[1]", MailmoteError),
        (200, {}, MailmoteError),
        (200, b"", MailmoteError),
    ):

        def check(one, entra, kind=kind):
            error = fault(one)
            equal((isinstance(error, kind), "canary" in str(error)), (True, False))
            equal((entra.numbers, entra.stored["oauth.refresh"]), ({}, b"canary-refresh"))

        with_entra(check, Entra((status, answer)))


def test_what_cannot_be_a_token_is_not_shown_to_the_server():
    for token in (7, "", "two words", "x" * 8193, ["a"], "line\r\nbreak", "caf\u00e9"):
        with_entra(lambda one, entra: equal(fault(one).key, "token-unusable"), Entra(good(token)))


def test_a_refused_token_is_renewed_once_until_one_is_accepted():
    def check(one, entra):
        equal(token_of(one), b"access-1")
        equal((one.refused(BAD_TOKEN), token_of(one)), (True, b"access-2"))
        equal((one.refused(BAD_TOKEN), token_of(one)), (False, b"access-3"))
        one.accepted()
        equal((one.refused(BAD_TOKEN), token_of(one)), (True, b"access-4"))

    with_entra(check, Entra(*[good("access-%d" % number) for number in (1, 2, 3, 4)]))


def test_what_no_new_token_mends_is_not_tried_again():
    def check(one, entra):
        token_of(one)
        for key in ("smtp-auth-disabled-tenant", "conditional-access", "service-closing"):
            equal(one.refused(FixSettings("no", key)), False)
        equal((token_of(one), len(entra.asked)), (b"access-1", 1))

    with_entra(check, Entra(good()))


def test_when_it_signed_in_is_written_at_most_once_a_day():
    def check(one, entra):
        token_of(one)
        equal(entra.numbers, {"signed-in": NOW_S})
        entra.now += DAY_S - 1
        token_of(one)
        equal(entra.numbers, {"signed-in": NOW_S})
        entra.now += 3600
        token_of(one)
        equal(entra.numbers, {"signed-in": NOW_S + DAY_S - 1 + 3600})

    with_entra(check, Entra(good(), good(), good()))


class End(Exception):
    pass


class Link:
    def __init__(self):
        self.waited = 0

    async def wait_up(self, heartbeat):
        self.waited += 1


def kept(entra, rests, mail=DEVICE, each_hour=None, paused=False):
    """Run `keep` for so many rests of an hour; (what was warned of, the link)."""
    warned, link = [], Link()

    def on_sleep(count):
        equal(heartbeat.rests[-1], 3600 if entra.set else 10)
        entra.now += 3600
        if each_hour:
            each_hour(count)
        if count == rests:
            raise End

    heartbeat = Heartbeat(on_sleep)

    def check(one, entra):
        try:
            warn = lambda since_s, error: warned.append((since_s, error.key))  # noqa: E731
            asyncio.run(one.keep(heartbeat, link, warn, lambda: paused))
        except End:
            pass

    with_entra(check, entra, mail)
    return warned, link


def test_a_sign_in_is_left_in_peace_while_its_mail_waits_after_a_failure():
    entra = Entra(good())
    kept(entra, 3, paused=True)
    equal(entra.asked, [])


def test_a_board_that_never_signed_in_does_so_at_once_and_then_rests_for_60_days():
    entra = Entra(good(), good())
    equal(kept(entra, 1)[0], [])
    equal((len(entra.asked), entra.numbers["signed-in"]), (1, NOW_S))
    kept(entra, 60 * 24 - 2)
    equal(len(entra.asked), 1)
    kept(entra, 2)
    equal(len(entra.asked), 2)


def test_when_a_renewal_is_due_can_be_asked():
    def check(one, entra):
        equal(one.renewal_s(), 60 * DAY_S)
        token_of(one)
        equal(one.renewal_s(), NOW_S + 60 * DAY_S)
        entra.now -= 1
        equal(one.renewal_s(), 60 * DAY_S)
        entra.set = False
        equal(one.renewal_s(), NOW_S + 60 * DAY_S)

    with_entra(check, Entra(good()))


def test_a_failed_renewal_is_told_once_and_tried_each_hour():
    busy = RetryLater("busy", "server-busy")
    entra = Entra(busy, busy, busy, busy, good(), busy)
    entra.numbers["signed-in"] = NOW_S - 61 * DAY_S

    def each_hour(count):
        if count == 5:
            entra.numbers["signed-in"] -= 70 * DAY_S

    warned, link = kept(entra, 6, each_hour=each_hour)
    equal([key for _, key in warned], ["server-busy", "server-busy"])
    equal((warned[0][0], len(entra.asked), link.waited), (NOW_S - 61 * DAY_S, 6, 6))


def test_a_first_sign_in_that_fails_is_no_reason_for_a_mail():
    entra = Entra(RetryLater("busy", "server-busy"), good())
    equal((kept(entra, 2)[0], len(entra.asked)), ([], 2))


def test_a_time_of_the_future_is_no_reason_to_rest():
    entra = Entra(good())
    entra.numbers["signed-in"] = NOW_S + 10 * DAY_S
    kept(entra, 1)
    equal((len(entra.asked), entra.numbers["signed-in"]), (1, NOW_S))


def test_nothing_is_renewed_before_the_clock_is_set():
    entra = Entra()
    entra.set = False
    equal((kept(entra, 3)[0], entra.asked), ([], []))


def test_a_clock_that_is_set_later_is_noticed_soon():
    entra = Entra(good())
    entra.set = False

    def each_time(count):
        entra.set = count == 2

    kept(entra, 3, each_hour=each_time)
    equal(len(entra.asked), 1)


def test_two_tasks_that_want_a_token_ask_for_one():
    class Slow(Entra):
        async def post(self, endpoint, body, heartbeat):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return await Entra.post(self, endpoint, body, heartbeat)

    def check(one, entra):
        async def both():
            return await asyncio.gather(one.credentials(Heartbeat()), one.credentials(Heartbeat()))

        equal([bearer.pieces()[1] for bearer in asyncio.run(both())], [b"access-1"] * 2)
        equal(len(entra.asked), 1)

    with_entra(check, Slow(good()))


def test_a_renewal_that_is_cancelled_leaves_the_turn_to_the_next():
    class Hanging(Entra):
        async def post(self, endpoint, body, heartbeat):
            if not self.asked:
                self.asked.append("")
                await asyncio.sleep(60)
            return await Entra.post(self, endpoint, body, heartbeat)

    def check(one, entra):
        async def cancelled():
            try:
                await compat.wait_ms(one.credentials(Heartbeat()), 10)
            except compat.Timeout:
                pass
            return await one.credentials(Heartbeat())

        equal(asyncio.run(cancelled()).pieces()[1], b"access-1")

    with_entra(check, Hanging(good()))
