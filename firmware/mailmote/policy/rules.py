"""The rules between keys: of the device, its pace and its alarms. Those of mail are in `routes`.

Each takes values that `fields.read` has normalised, where None stands for one that has an error already.
"""

from ..civil import duration as duration_words
from .problems import shown, suggestion

BATTERY = "battery"

_LEAST_WAKE_S = 10
# (driver, option or None for any, its value, why a board that sleeps between two readings cannot have it)
_NOT_ON_BATTERY = (
    ("replay", None, None, "a recording would begin anew at each wake"),
    ("system", "metric", "uptime", "it would count from each wake"),
    ("system", "metric", "rssi", "the radio is off at most wakes"),
)


def check_device(device, sensors, findings):
    """The LED and its pin, and what a board on a battery can do."""
    led = device.get("led")
    if "led" not in device and device["led_inverted"]:
        findings.error(
            ("device", "led_inverted"),
            "is not used: there is no led. Add led with the number of its pin, or take the line out",
        )
    for index, sensor in enumerate(sensors):
        if led is not None and sensor.get("options", {}).get("pin") == led:
            findings.error(
                ("device", "led"),
                "%d is the pin of sensor %d already: the LED would drive it. Take another pin, or take the "
                "line out" % (led, index + 1),
            )
        if device["power"] == BATTERY:
            _check_on_battery(sensor, ("sensor", index), findings)


def _check_on_battery(sensor, path, findings):
    every_s = sensor["every_s"]
    if every_s is not None and every_s < _LEAST_WAKE_S:
        findings.error(
            path + ("every",),
            '%s is too short for power = "battery": to wake takes seconds, so that the board would hardly '
            'sleep. Write "%ds" or more, better minutes, or set power = "mains"'
            % (duration_words(every_s), _LEAST_WAKE_S),
        )
    for driver, option, value, why in _NOT_ON_BATTERY:
        if sensor["driver"] != driver or (option and sensor.get("options", {}).get(option) != value):
            continue
        findings.error(
            path + (option or "driver",),
            '%s does not go with power = "battery": %s. Set power = "mains", or take the sensor out'
            % (shown(value or driver), why),
        )


def check_retry(retry, findings):
    first_s, cap_s = retry["first_s"], retry["cap_s"]
    if first_s is not None and cap_s is not None and cap_s < first_s:
        findings.error(
            ("retry", "cap"),
            "%s is shorter than the first pause, %s: the pauses grow from first to cap. Make it longer, or "
            "take the line out" % (duration_words(cap_s), duration_words(first_s)),
        )


def check_limits(limits, findings):
    """The slot of a board among those that share its mailbox."""
    share, slot = limits["mailbox_share"], limits.get("mailbox_slot")
    if share is None or slot is None:
        return
    slots = round(1 / share)
    if slot >= slots:
        findings.error(
            ("limits", "mailbox_slot"),
            "%d is no slot: mailbox_share = %s makes %s. Number the boards of the mailbox from 0, and give "
            "each the same share"
            % (slot, shown(share), "one slot, 0" if slots == 1 else "%d slots, 0 to %d" % (slots, slots - 1)),
        )


def check_alarm(alarm, path, sensors, findings):
    """One alarm: its sensor, its one condition, and a way back to normal.

    `sensors`: name to settings. A name of None is a sensor whose name has an error: any alarm may mean it.
    """
    name = alarm["sensor"]
    if sensors and None not in sensors and name is not None and name not in sensors:
        findings.error(
            path + ("sensor",),
            "%s is no sensor of this file: %s" % (shown(name), suggestion(name, sorted(sensors))),
        )
    _check_condition(alarm, path, findings)
    silence_s = alarm.get("no_reading_for_s")
    every_s = sensors.get(name, {}).get("every_s")
    if silence_s is not None and every_s is not None and silence_s <= every_s:
        findings.error(
            path + ("no_reading_for",),
            "%s is no longer than the %s between two readings: it would alarm without cause. Make it several "
            "times as long" % (duration_words(silence_s), duration_words(every_s)),
        )


def _check_condition(alarm, path, findings):
    if "above" in alarm and "below" in alarm:
        findings.error(path, "has both above and below: an alarm has one threshold. Make two alarms of it")
        return
    side = "above" if "above" in alarm else "below"
    if side not in alarm:
        for key, name in (("for", "for_s"), ("clear", "clear")):
            if name in alarm:
                findings.error(
                    path + (key,), "belongs to a threshold: add above or below, or take the line out"
                )
        if "no_reading_for_s" not in alarm:
            findings.error(
                path,
                "has no condition, so it can never alarm: add above or below with a number, or "
                "no_reading_for with a duration",
            )
        return
    alarm.setdefault("for_s", 0)
    threshold = alarm[side]
    alarm.setdefault("clear", threshold)
    clear = alarm["clear"]
    if threshold is None or clear is None:
        return
    if (clear > threshold) if side == "above" else (clear < threshold):
        findings.error(
            path + ("clear",),
            "%s is on the wrong side: an alarm %s %s clears at that value or %s it"
            % (shown(clear), side, shown(threshold), "below" if side == "above" else "above"),
        )


def check_unique(entries, table, findings):
    """No two sensors, and no two alarms, of one name."""
    seen = {}
    for index, entry in enumerate(entries):
        name = entry["name"]
        if name is None:
            continue
        if name in seen:
            findings.error(
                (table, index, "name"),
                "%s is the name of %s %d already: give each a name of its own"
                % (shown(name), table, seen[name] + 1),
            )
        else:
            seen[name] = index
