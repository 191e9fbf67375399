"""What a board answers, in words: rows of a name and a text for its status, and for each of its alerts.

What it says is not trusted: a part that is missing is left out, and no text commands a terminal.
"""

from collections.abc import Iterator
from typing import Any

from mailmote.civil import duration, offset_text, stamp
from mailmote.mail.alert import quantity

from .console import Answer
from .log_lines import visible

Row = tuple[str, str]

_GOOD_DBM, _FAIR_DBM = -67, -75  # what Wi-Fi planners take for reliable, and for the edge


def rows(status: Answer) -> Iterator[Row]:
    """For people, the most urgent first where it is bad."""
    yield "Board", _board(status)
    if safe_mode := _dictionary(status.get("safe_mode")):
        yield "Safe mode", _safe_mode(safe_mode)
    yield from _trouble(_dictionary(status.get("trouble")))
    yield "Alarms", _joined(status.get("alarms")) or "none stands"
    for sensor in _dictionaries(status.get("sensors")):
        yield f"Sensor {_text(sensor.get('name'))}", _sensor(sensor)
    yield "Outbox", _outbox(status)
    yield "Mails", _mails(_dictionary(status.get("mails")))
    yield from _last(status)
    yield "Mail way", _way(_dictionary(status.get("mail")))
    yield "Link", _link(_dictionary(status.get("link")))
    yield "Clock", _clock(_dictionary(status.get("clock")))
    yield "Heap", _heap(_dictionary(status.get("heap")))
    for note in _list(status.get("notes")):
        yield "Note", _text(note)


def alert(answer: Answer, utc_offset_s: int) -> tuple[str, ...]:
    """Number, alarm, kind, local time, and who is still to get it or did not."""
    at_s = answer.get("at_s")
    pending, refused = _joined(answer.get("pending")), _joined(answer.get("refused"))
    whom = [f"waits for {pending}"] if pending and answer.get("state") == "waiting" else []
    whom += [f"refused for {refused}"] if refused else []
    return (
        str(_number(answer.get("number"))),
        _text(answer.get("alarm")),
        _text(answer.get("kind")),
        stamp(at_s, utc_offset_s) if isinstance(at_s, int) else "?",
        "; ".join(whom),
    )


def utc_offset_s(status: Answer) -> int:
    """How far the local time of the board is ahead of UTC."""
    return _number(_dictionary(status.get("clock")).get("utc_offset_s"))


def _board(status: Answer) -> str:
    runs = f"mailmote {_text(status.get('version'))}"
    if status.get("micropython"):
        runs += f", MicroPython {_text(status['micropython'])}"
    return f"{_text(status.get('name'))} ({runs}), up for {duration(_number(status.get('uptime_s')))}"


def _safe_mode(safe_mode: dict[str, Any]) -> str:
    crash = _text(str(safe_mode.get("crash", "")).partition("\n")[0])
    ends_in = duration(_number(safe_mode.get("ends_in_s")))
    return (
        f"no sensor is watched, as the board crashed again and again; it starts normally in {ends_in}. "
        f"{crash + '. ' if crash else ''}A mail tells all of it. Mend the cause and run `mailmote "
        "provision`, which starts the board normally at once"
    )


def _trouble(trouble: dict[str, Any]) -> Iterator[Row]:
    if trouble:
        yield "To do" if trouble.get("needs_a_person") is True else "Trouble", _text(trouble.get("text"))


def _sensor(sensor: dict[str, Any]) -> str:
    value, age_s = sensor.get("value"), sensor.get("age_s")
    if isinstance(value, (int, float)):
        text = quantity(value, _text(sensor.get("unit")))
        text += f", {duration(age_s)} ago" if isinstance(age_s, int) else ""
    else:
        text = "no reading yet"
    return f"{text}; it fails now: see `mailmote monitor`" if sensor.get("failing") else text


def _outbox(status: Answer) -> str:
    outbox = _dictionary(status.get("outbox"))
    waiting = _number(outbox.get("waiting"))
    parts = [f"{_alerts(waiting)} waiting" if waiting else "empty"]
    next_s = status.get("next_attempt_in_s")
    if waiting and isinstance(next_s, int):
        parts.append(f"next attempt in {duration(next_s)}")
    for key, words in (
        ("refused", "refused: see `mailmote alerts`"),
        ("damaged", "damaged on the flash"),
        ("unstored", "lost, as the flash refused them"),
    ):
        if count := _number(outbox.get(key)):
            parts.append(f"{_alerts(count)} {words}")
    return "; ".join(parts)


def _alerts(count: int) -> str:
    return "1 alert" if count == 1 else f"{count} alerts"


def _mails(mails: dict[str, Any]) -> str:
    sent, retries, refused = (_number(mails.get(key)) for key in ("sent", "retries", "refused_recipients"))
    return f"sent since the start: {sent}, tried again: {retries}, recipients refused: {refused}"


def _last(status: Answer) -> Iterator[Row]:
    if mail := _dictionary(status.get("last_mail")):
        yield "Last mail", f'"{_text(mail.get("alarm"))}", {duration(_number(mail.get("ago_s")))} ago'
    if failure := _dictionary(status.get("last_failure")):
        yield "Last failure", f"{duration(_number(failure.get('ago_s')))} ago: {_text(failure.get('text'))}"


def _way(mail: dict[str, Any]) -> str:
    return f"by {_text(mail.get('option'))} through {_text(mail.get('host'))}"


def _link(link: dict[str, Any]) -> str:
    lost, down_s = _number(link.get("lost")), link.get("down_s")
    if not link.get("up"):
        since = f" for {duration(down_s)}" if isinstance(down_s, int) else ""
        return f"down{since}. Check the Wi-Fi name and password, and that it is a 2.4 GHz network"
    return _signal(link.get("rssi_dbm")) + (f"; lost {_times(lost)} since the start" if lost else "")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _signal(rssi: Any) -> str:
    if not isinstance(rssi, int):
        return "up"
    grade = (
        "good" if rssi >= _GOOD_DBM else "fair" if rssi >= _FAIR_DBM else "weak: move the board or its aerial"
    )
    return f"up, {rssi} dBm ({grade})"


def _clock(clock: dict[str, Any]) -> str:
    if not clock.get("set"):
        return "not set. Let UDP port 123 out to an NTP server, or name one in mote.toml, [clock] ntp"
    offset_s = _number(clock.get("utc_offset_s"))
    return f"{stamp(_number(clock.get('now_s')), offset_s)} (UTC{offset_text(offset_s)})"


def _heap(heap: dict[str, Any]) -> str:
    free, peak = _number(heap.get("free_bytes")), _number(heap.get("peak_bytes"))
    if not free:
        return "of no fixed size"
    at_most = f", at most {peak // 1024} kB in use after a collection" if peak else ""
    return f"{free // 1024} kB free{at_most}"


def _joined(value: Any) -> str:
    return ", ".join(_text(one) for one in _list(value))


def _text(value: Any) -> str:
    return visible(str(value).encode(errors="replace")) if value is not None else "?"


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dictionary(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dictionaries(value: Any) -> list[dict[str, Any]]:
    return [_dictionary(one) for one in _list(value)]
