"""The console of a board: which lines are questions, and what is answered."""

import asyncio
import json

from courier_parts import Box
from expect import equal
from flash_folder import on_flash

from mailmote import compat, console, crash_text, errors, event, explanations
from mailmote.courier import Courier
from mailmote.health import Health
from mailmote.store import outbox
from mailmote.watcher import Watcher

SETTINGS = {
    "device": {"name": "freezer-3", "utc_offset_s": 3600},
    "mail": {
        "option": "direct-send",
        "host": "mail.contoso.test",
        "from": "mote@contoso.test",
        "to": ["a@contoso.test"],
        "cc": ["b@contoso.test"],
    },
    "sensors": [{"name": "Cold room", "driver": "x", "unit": "C", "every_s": 60, "options": {}}],
    "alarms": [{"name": "Too cold", "sensor": "Cold room", "to": ["c@contoso.test"]}],
    "limits": {"mailbox_share": 1.0, "recipients_per_day": 10000, "digest_after_s": 900},
}


class Link:
    up = True
    trouble = None
    lost_count = 2

    def down_s(self):
        return None

    def rssi(self):
        return -61


class Driver:
    paced = True


def made(box):
    health = Health(Link())
    watcher = Watcher(SETTINGS["sensors"][0], [], None, health, 6)
    watcher._driver = Driver()
    courier = Courier(SETTINGS, box, Link(), health, None)
    return console.Console(SETTINGS, Link(), health, box, courier, [watcher])


def asked(one, line):
    answers = []
    one.obey(line, answers.append)
    for answer in answers:
        json.loads(json.dumps(answer))
    return answers


def with_console(test):
    on_flash(lambda: test(made(outbox.Outbox())))


def fed(octets):
    lines = console.Lines()
    return [line for line in (lines.feed(octet) for octet in octets) if line is not None]


def test_lines_end_with_either_end_and_junk_spoils_its_own_line_alone():
    equal(fed(b"status\r\nalerts\ntest"), ["status", "", "alerts"])
    equal(fed(b"\x01\x02\r\xffstatus\rstatus\r"), ["status"])
    equal(fed(b"x" * 41 + b"\r" + b"y" * 40 + b"\r"), ["y" * 40])


def test_what_is_no_question_is_not_answered():
    def check(one):
        for line in (
            "",
            " ",
            "Status",
            "status now",
            "alert",
            "alert x",
            "alert 123456789",
            "alert -1",
            "foo",
        ):
            equal(asked(one, line), [])
        equal(asked(one, "  status ")[0]["answer"], "status")

    with_console(check)


def test_the_echo_of_an_answer_is_no_question():
    def check(one):
        for line in fed(b"\x1e" + json.dumps(asked(one, "status")[0]).encode() + b"\n"):
            equal(asked(one, line), [])

    with_console(check)


def test_the_status_of_a_board_that_has_just_begun():
    def check(one):
        (told,) = asked(one, "status")
        link = {"up": True, "rssi_dbm": -61, "lost": 2, "down_s": None}
        equal((told["name"], told["link"], told["trouble"]), ("freezer-3", link, None))
        equal(told["outbox"], {"waiting": 0, "refused": 0, "damaged": 0, "unstored": 0})
        equal((told["last_mail"], told["last_failure"], told["next_attempt_in_s"]), (None, None, None))
        sensor = {"name": "Cold room", "unit": "C", "value": None, "age_s": None, "failing": False}
        equal(told["sensors"], [sensor])

    with_console(check)


def test_the_status_tells_the_last_results_and_what_no_json_holds_is_left_out():
    def check(one):
        one.health.failed(errors.FixSettings("The password is wrong. " + "x " * 400, "wrong-password"))
        one.health.delivered((), "Too cold")
        (watcher,) = one.watchers
        watcher._time_s = compat.unix_time()
        for value, told in ((-18.5, -18.5), (1, 1), (float("nan"), None), (float("inf"), None)):
            watcher._value = value
            equal(asked(one, "status")[0]["sensors"][0]["value"], told)
        watcher._value = [1]
        (told,) = asked(one, "status")
        equal((told["sensors"][0]["value"], told["last_mail"]["alarm"]), (None, "Too cold"))
        failure = told["last_failure"]
        equal(
            (failure["key"], failure["needs_a_person"], len(failure["text"])), ("wrong-password", True, 400)
        )
        equal((len(told["notes"]), len(told["notes"][0])), (1, 400))

    with_console(check)


class Safe:
    """Crashes of a board in safe mode, or not."""

    def __init__(self, safe):
        self.safe = safe

    def safe_left_s(self):
        return 1800


def test_the_status_tells_safe_mode_its_end_and_the_last_crash():
    def check(one):
        for crashes in (None, Safe(False)):
            one.crashes = crashes
            equal(asked(one, "status")[0]["safe_mode"], None)
        one.crashes = Safe(True)
        equal(asked(one, "status")[0]["safe_mode"], {"ends_in_s": 1800, "crash": ""})
        crash_text.write("The task courier failed: ValueError: planned", ("x" * 199,) * 3, ())
        crash = asked(one, "status")[0]["safe_mode"]["crash"]
        equal((len(crash), crash.split("\n")[0]), (400, "The task courier failed: ValueError: planned"))

    with_console(check)


def test_the_status_tells_what_keeps_mail_from_leaving_and_what_to_do():
    def check(one):
        refused = explanations.failure(errors.FixSettings, "recipient-count", 500, 501)
        one.courier.trouble = refused
        trouble = asked(one, "status")[0]["trouble"]
        equal((trouble["key"], trouble["needs_a_person"]), ("recipient-count", True))
        equal(trouble["fix"], "Write to a distribution group in place of so many addresses.")
        equal((trouble["text"], trouble["text"].endswith(trouble["fix"])), (str(refused), True))
        one.courier.trouble = errors.RetryLater("x " * 250, "planned")
        trouble = asked(one, "status")[0]["trouble"]
        equal((trouble["needs_a_person"], trouble["fix"], len(trouble["text"])), (False, None, 400))
        one.link.trouble = errors.FixSettings("No link. Check it.", "wifi-202")
        equal(asked(one, "status")[0]["trouble"]["key"], "wifi-202")

    with_console(check)


def test_alerts_come_one_by_one_with_whom_they_wait_for():
    def check(one):
        for name in ("Too cold", "Other"):
            number = one.outbox.enqueue(event.Event(event.ALARM, event.NO_READING, name, 0, 60), ["a"])
        record = one.outbox.load(number)
        record.pending, record.refused = 0, 0b10
        one.outbox.close(number, record)
        cold, other, totals = asked(one, "alerts")
        equal(
            (cold["number"], cold["state"], cold["alarm"], cold["kind"]), (1, "waiting", "Too cold", "alarm")
        )
        equal((cold["pending"], cold["refused"]), (["c@contoso.test"], []))
        equal((other["state"], other["pending"], other["refused"]), ("refused", [], ["b@contoso.test"]))
        equal((totals["answer"], totals["listed"], totals["waiting"], totals["refused"]), ("alerts", 2, 1, 1))

    with_console(check)


def test_of_many_alerts_the_newest_are_listed():
    def check(one):
        for _ in range(60):
            one.outbox.enqueue(event.Event(event.ALARM, event.NO_READING, "Too cold", 0, 60), ["a"])
        answers = asked(one, "alerts")
        equal((len(answers), answers[0]["number"], answers[-1]["waiting"]), (51, 11, 60))

    with_console(check)


def test_a_test_mail_goes_to_everyone_by_way_of_the_outbox_and_is_followed():
    def check(one):
        (told,) = asked(one, "test-mail")
        equal((told["number"], told["to"]), (1, ["a@contoso.test", "b@contoso.test"]))
        kept = one.outbox.load(1).event
        equal((kept.kind, kept.alarm, one.courier._asked.is_set()), (event.TEST, "", True))
        (told,) = asked(one, "alert 1")
        equal((told["state"], told["kind"], told["failure"]), ("waiting", "test", None))
        one.courier._followed_failure = errors.FixSettings("Wrong.", "wrong-password")
        (told,) = asked(one, "alert 1")
        equal(told["failure"], {"text": "Wrong.", "key": "wrong-password", "needs_a_person": True})
        one.outbox.close(1, one.outbox.load(1))
        equal([asked(one, "alert %d" % number)[0]["state"] for number in (1, 2)], ["delivered", "unknown"])

    with_console(check)


def test_while_a_test_mail_waits_another_is_the_same():
    def check(one):
        numbers = [asked(one, "test-mail")[0]["number"] for _ in range(3)]
        equal((numbers, len(one.outbox), one.courier._followed), ([1, 1, 1], 1, 1))

    with_console(check)


def test_a_test_mail_that_cannot_be_kept_says_why():
    class Full(outbox.Outbox):
        def enqueue(self, event, recipients):
            raise errors.StorageError("The outbox is full.", "outbox-full")

    def check():
        one = made(Full())
        (told,) = asked(one, "test-mail")
        equal((told["number"], told["failure"]["key"], one.courier._followed), (None, "outbox-full", None))

    on_flash(check)


def test_too_little_memory_for_an_answer_ends_nothing():
    def borrow(path):
        raise MemoryError

    before, compat.borrow = compat.borrow, borrow
    try:
        with_console(lambda one: equal(asked(one, "status"), []))
    finally:
        compat.borrow = before


class Heartbeat:
    resting = False

    def retire(self):
        self.resting = True


def run(typed):
    """Whether the console owes no sign of life, and which lines it was given, once it has ended."""
    one = made(Box())
    octets = list(typed or b"")
    obeyed = []
    one.obey = obeyed.append

    async def opened():
        return None if typed is None else "typed"

    async def read_into(pair, buffer):
        if not octets:
            return 0
        buffer[0] = octets.pop(0)
        return 1

    before, heartbeat = (compat.console, compat.read_into), Heartbeat()
    compat.console, compat.read_into = opened, read_into
    try:
        asyncio.run(one.run(heartbeat))
    finally:
        compat.console, compat.read_into = before
    return heartbeat.resting, obeyed


def test_without_a_console_and_at_its_end_it_ends_quietly():
    equal(run(None), (True, []))
    equal(run(b""), (True, []))
    equal(run(b"\r\nstatus\r\nnever ended"), (True, ["status"]))
