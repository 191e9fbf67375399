"""What the console answers. Each answer is a dictionary with `answer`, the word that asked for it.

Times are in seconds, before now (`_ago_s`, `age_s`), until then (`_in_s`) or since 1970 (`_s` alone). No
secret is in any of it: texts of errors and notes are redacted where they are made.
"""

from . import __version__, compat, log
from .crashes import text
from .errors import FixSettings, StorageError
from .event import RECOVERY, REMINDER, TEST, Event
from .explanations import explain
from .net import clock
from .recipients import recipients_of

_KINDS = {RECOVERY: "recovery", REMINDER: "reminder", TEST: "test"}
_MOST_ALERTS = 50  # of each folder: somebody reads them
_MOST_CHARACTERS = 400  # of a text: an error has its cause and fix, and the reply of a server


def compose(console, words):
    """The answers to a question, one after the other; none where its words make no question."""
    if words == ["status"]:
        yield _status(console)
    elif words == ["alerts"]:
        for answer in _alerts(console):
            yield answer
    elif words == ["test-mail"]:
        yield _test_mail(console)
    elif words[0] == "alert" and len(words) == 2 and len(words[1]) < 9 and words[1].isdigit():
        yield _alert(console, int(words[1]))


def _status(console):
    health = console.health
    mail = console.settings["mail"]
    return {
        "answer": "status",
        "version": __version__,
        "micropython": compat.VERSION,
        "name": console.settings["device"]["name"],
        "uptime_s": health.uptime_s(),
        "clock": {
            "now_s": clock.now_s(),
            "set": clock.is_set(),
            "utc_offset_s": console.settings["device"]["utc_offset_s"],
        },
        "link": {
            "up": console.link.up,
            "rssi_dbm": console.link.rssi(),
            "lost": console.link.lost_count,
            "down_s": console.link.down_s(),
        },
        "trouble": _trouble(console),
        "heap": {"free_bytes": compat.heap_free() or None, "peak_bytes": health.heap_peak_bytes or None},
        "mail": {"option": mail["option"], "host": mail["host"]},
        "outbox": {
            "waiting": len(console.outbox),
            "refused": len(console.outbox.refused()),
            "damaged": console.outbox.bad,
            "unstored": health.dropped,
        },
        "mails": {"sent": health.mails, "retries": health.retries, "refused_recipients": health.refused},
        "last_mail": _last_mail(health),
        "last_failure": _last_failure(health),
        "next_attempt_in_s": console.courier.next_try_s(),
        "sensors": [_sensor(watcher) for watcher in console.watchers],
        "safe_mode": _safe_mode(console.crashes),
        "alarms": [name for watcher in console.watchers for name in watcher.standing()],
        "notes": [note[:_MOST_CHARACTERS] for note in health.notes],
    }


def _safe_mode(crashes):
    """None, or when it ends and what is known of the last crash."""
    if crashes is None or not crashes.safe:
        return None
    return {"ends_in_s": max(0, crashes.safe_left_s()), "crash": text()[:_MOST_CHARACTERS]}


def _trouble(console):
    """What keeps mail from leaving, the link before the mail server, and what to do; None where nothing does.

    `fix` is a part of `text`, and None where it cannot be told apart.
    """
    error = console.link.trouble or console.courier.trouble
    return dict(_failure(error), fix=explain(error.key)[1] or None) if error else None


def _last_mail(health):
    if health.last_mail is None:
        return None
    at_s, title = health.last_mail
    return {"ago_s": health.uptime_s() - at_s, "alarm": title}


def _last_failure(health):
    if health.last_failure is None:
        return None
    at_s, error = health.last_failure
    return dict(_failure(error), ago_s=health.uptime_s() - at_s)


def _failure(error):
    return {
        "text": str(error)[:_MOST_CHARACTERS],
        "key": error.key,
        "needs_a_person": isinstance(error, FixSettings),
    }


def _sensor(watcher):
    """A recording has an age of None: it is read in no time."""
    answer = {
        "name": watcher.name,
        "unit": watcher.unit,
        "value": None,
        "age_s": None,
        "failing": watcher.failing,
    }
    if watcher.last:
        time_s, value = watcher.last
        # A driver may give anything, and JSON has neither NaN nor infinity.
        if isinstance(value, (int, float)) and -3.4e38 < value < 3.4e38:
            answer["value"] = value
        if watcher.live:
            answer["age_s"] = max(0, clock.now_s() - time_s)
    return answer


def _alerts(console):
    outbox = console.outbox
    listed = 0
    for state, numbers in (("waiting", outbox.waiting()), ("refused", outbox.refused())):
        for number in numbers[-_MOST_ALERTS:]:
            answer = _described(console, number, state)
            if answer:
                listed += 1
                yield answer
    yield {
        "answer": "alerts",
        "listed": listed,
        "waiting": len(outbox),
        "refused": len(outbox.refused()),
        "damaged": outbox.bad,
        "next_attempt_in_s": console.courier.next_try_s(),
    }


def _described(console, number, state):
    record = console.outbox.peek(number)
    if record is None:
        return None
    event = record.event
    recipients = recipients_of(console.settings, event.alarm)
    return {
        "answer": "alert",
        "number": number,
        "state": state,
        "alarm": event.title,
        "kind": _KINDS.get(event.kind, "alarm"),
        "at_s": event.at_s,
        "pending": _chosen(recipients, record.pending),
        "refused": _chosen(recipients, record.refused),
    }


def _chosen(recipients, mask):
    return [address for index, address in enumerate(recipients) if mask & 1 << index]


def _alert(console, number):
    """One record, and what keeps it from delivery if it is followed."""
    state = console.outbox.state(number)
    answer = _described(console, number, state) if state in ("waiting", "refused") else None
    error = console.courier.failure_of(number)
    return dict(
        answer or {"answer": "alert", "number": number, "state": state},
        link_up=console.link.up,
        failure=_failure(error) if error else None,
        next_attempt_in_s=console.courier.next_try_s(),
    )


def _test_mail(console):
    """Put a test mail into the outbox, if none waits; its number."""
    now_s = clock.now_s()
    recipients = recipients_of(console.settings, "")
    number = console.outbox.newest(TEST)
    try:
        if number is None:
            number = console.outbox.enqueue(Event(TEST, 0, "", now_s, now_s), recipients)
            log.info("console", "A test mail is in the outbox.")
    except StorageError as error:
        return {"answer": "test-mail", "number": None, "failure": _failure(error)}
    console.courier.follow(number)
    return {"answer": "test-mail", "number": number, "to": recipients, "failure": None}
