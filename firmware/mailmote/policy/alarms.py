"""Readings of one sensor become the events that people are told: alarm, reminder, recovery.

Two things can be wrong at once, each told on its own:

The level. A reading beyond `above` or `below` begins a hold; when every reading for `for_s` was beyond it,
the alarm is raised, since the first of them. It stands until a reading is back at `clear` or past it.
Readings alone decide: time that passes without one confirms nothing, so one wild reading of a slow sensor is
no alarm. A failed reading between two bad ones does not end the hold.

The absence of readings. With `no_reading_for_s`, it is told once that long has passed since the last good
reading: as SENSOR_ERROR if the sensor has said that it fails, else as NO_READING. Without it, a sensor that
does nothing but fail is told as SENSOR_ERROR after `for_s`, and not before a minute. The next good reading is
the recovery. A gap that nobody noticed before the reading that ended it is not told.

Time comes in, in whole seconds, all of it from one clock. A clock can be set while readings are held against
it, so durations survive that:
- A call up to a minute older than the one before is a late one: it is taken as happening at the same time.
- A larger step back, or one of more than a week ahead (a board's first seconds are those of 1970 or 2000), is
  the clock being set: the held times move along, and no time has passed.
- A smaller step ahead cannot be told from waiting. Who sets the clock says so by `clock_moved`.

The quiet path allocates nothing. (On a 32-bit port, times above 2**30 are long integers: they are compared
and stored without allocation there, and subtracted only when a condition holds, in `tick`, and once a week.)
"""

from array import array

from ..event import (
    ABOVE,
    ALARM,
    BELOW,
    NO_READING,
    READINGS_KEPT,
    RECOVERY,
    REMINDER,
    SENSOR_ERROR,
    Event,
)

_NOTHING = ()
# Made once: an expression that makes them allocates.
_NUMBERS = (int, float)
_LEAST = -3.4e38  # what the 32-bit floats of a board hold; infinities and NaN are not between these
_LARGEST = 3.4e38

_LEAST_FAILING_S = 60
_LATE_S = 60
_CLOCK_STEP_S = 7 * 86400  # no sensor is asked more rarely


class _Condition:
    """Since when something is wrong (None: it is not), and when that was last told (None: not yet)."""

    def __init__(self, cause):
        self.cause = cause
        self.since_s = None
        self.told_s = None
        self.extreme = None

    def end(self):
        self.since_s = None
        self.told_s = None
        self.extreme = None

    def move(self, by_s):
        if self.since_s is not None:
            self.since_s += by_s
        if self.told_s is not None:
            self.told_s += by_s


class Alarm:
    """One entry of `alarms` in the settings.

    `reading`, `failed` and `tick` return a tuple of Event, mostly empty. They raise nothing but
    MemoryError, and what it kept from being told is told by a later call. `failure` is the
    text of the sensor's last failure, "" when its last reading was good.
    """

    def __init__(self, entry):
        self.name = entry["name"]
        self.failure = ""
        above = "above" in entry
        self._threshold = entry.get("above" if above else "below")
        self._clear = entry.get("clear", self._threshold)
        self._above = above
        self._hold_s = entry.get("for_s", 0)
        self._silence_s = entry.get("no_reading_for_s", 0)
        self._repeat_s = entry.get("repeat_every_s", 0)
        self._level = _Condition(ABOVE if above else BELOW)
        self._absence = _Condition(NO_READING)
        self._now_s = None
        self._far_s = 0  # no later than _now_s + _CLOCK_STEP_S: a time up to here needs no look at the step
        self._good_s = 0  # the last good reading, or the first call
        self._failing_s = None  # the first failure since then
        self._value = None
        self._times = array("q", [0] * READINGS_KEPT)
        self._values = array("f", [0.0] * READINGS_KEPT)
        self._next = 0
        self._count = 0

    @property
    def stands(self):
        """Whether it is told and not over."""
        return self._level.told_s is not None or self._is_absent()

    def reading(self, time_s, value):
        """A reading: a number. None, NaN and infinity count as failed."""
        if not isinstance(value, _NUMBERS) or not _LEAST < value < _LARGEST:
            return self.failed(time_s, "the sensor gave %r, which is no reading" % (value,))
        time_s = self._settle(time_s)
        self._keep(time_s, value)
        self._good_s = time_s
        self._failing_s = None
        self.failure = ""
        events = _NOTHING
        if self._absence.told_s is not None:
            events = (self._recovery(self._absence, time_s),)
        if self._threshold is None:
            return events
        try:
            level = self._judge(time_s, value)
        except MemoryError:
            if not events:
                raise
            return events  # the next call tells of the level
        return events + level if events and level else events or level

    def failed(self, time_s, text):
        """The sensor could not be read; `text` says why."""
        time_s = self._settle(time_s)
        self.failure = text
        if self._failing_s is None:
            self._failing_s = time_s
        failing_s = time_s - self._failing_s
        if not self._silence_s and failing_s >= max(self._hold_s, _LEAST_FAILING_S) and not self._is_absent():
            return (self._raise(self._absence, SENSOR_ERROR, self._failing_s, time_s),)
        return self.tick(time_s)

    def tick(self, time_s):
        """Nothing but time passed. Call it at least once a minute."""
        time_s = self._settle(time_s)
        events = _NOTHING
        if self._is_absent():
            events = self._remind(self._absence, time_s)
        elif self._silence_s and time_s - self._good_s >= self._silence_s:
            if self._failing_s is None:
                events = (self._raise(self._absence, NO_READING, self._good_s, time_s),)
            else:
                events = (self._raise(self._absence, SENSOR_ERROR, self._failing_s, time_s),)
        if self._level.told_s is not None:
            events += self._remind(self._level, time_s)
        return events

    def clock_moved(self, by_s):
        """The clock that gives the times was set: what was t is t + by_s now."""
        if self._now_s is None:
            return
        self._now_s += by_s
        self._far_s += by_s
        self._good_s += by_s
        if self._failing_s is not None:
            self._failing_s += by_s
        self._level.move(by_s)
        self._absence.move(by_s)
        for slot in range(self._count):
            self._times[slot] += by_s

    def _settle(self, time_s):
        """The time to reckon with: never before that of an earlier call."""
        last_s = self._now_s
        if last_s is None:
            self._good_s = time_s
            self._far_s = time_s
        elif time_s < last_s:
            if last_s - time_s <= _LATE_S:
                return last_s
            self.clock_moved(time_s - last_s)
        elif time_s > self._far_s:
            if time_s - last_s > _CLOCK_STEP_S:
                self.clock_moved(time_s - last_s)
            self._far_s = time_s + _CLOCK_STEP_S
        self._now_s = time_s
        return time_s

    def _keep(self, time_s, value):
        self._value = value
        self._times[self._next] = time_s
        self._values[self._next] = value
        self._next = (self._next + 1) % READINGS_KEPT
        if self._count < READINGS_KEPT:
            self._count += 1

    def _judge(self, time_s, value):
        """What a good reading means for the level."""
        level = self._level
        if self._is_beyond(value, self._threshold):
            if level.since_s is None:
                level.since_s = time_s
            if level.extreme is None or self._is_beyond(value, level.extreme):
                level.extreme = value
            if level.told_s is None and time_s - level.since_s >= self._hold_s:
                return (self._raise(level, level.cause, level.since_s, time_s),)
        elif level.told_s is None:
            level.end()
        elif not self._is_beyond(value, self._clear):
            return (self._recovery(level, time_s),)
        return _NOTHING if level.told_s is None else self._remind(level, time_s)

    def _is_beyond(self, value, limit):
        return value > limit if self._above else value < limit

    def _is_absent(self):
        return self._absence.told_s is not None

    def _raise(self, condition, cause, since_s, time_s):
        condition.cause = cause
        condition.since_s = since_s
        event = self._event(ALARM, condition, time_s)
        condition.told_s = time_s  # last: an event that finds no memory is not told yet
        return event

    def _remind(self, condition, time_s):
        if not self._repeat_s or time_s - condition.told_s < self._repeat_s:
            return _NOTHING
        event = self._event(REMINDER, condition, time_s)
        condition.told_s = time_s
        return (event,)

    def _recovery(self, condition, time_s):
        event = self._event(RECOVERY, condition, time_s)
        event.value = self._value
        condition.end()
        return event

    def _event(self, kind, condition, time_s):
        of_level = condition is self._level
        return Event(
            kind,
            condition.cause,
            self.name,
            condition.since_s,
            time_s,
            self._value if of_level else None,
            self._threshold if of_level else None,
            condition.extreme,
            self._readings(time_s),
        )

    def _readings(self, time_s):
        """The kept readings as Event has them: (age in seconds, value), oldest first."""
        kept = []
        for back in range(self._count, 0, -1):
            slot = (self._next - back) % READINGS_KEPT
            kept.append((time_s - self._times[slot], self._values[slot]))
        return tuple(kept)
