"""The status LED: from across the room, whether somebody has to come."""

from . import log
from .errors import FixSettings

# Seconds on and off, over and over.
FINE = ((0.1, 4.9),)
WAITING = ((0.1, 0.9),)
FIX = ((0.1, 0.2), (0.1, 0.2), (0.1, 1.5))
SAFE = ((1.8, 0.2),)


def state_of(courier, outbox_len, safe_mode, link=None):
    """SAFE in safe mode, FIX where a person has to act, WAITING while mail waits or something is tried again.

    `courier` and `link` have `trouble`, a MailmoteError or None.
    """
    if safe_mode:
        return SAFE
    mail, wifi = courier.trouble, link and link.trouble
    if isinstance(mail, FixSettings) or isinstance(wifi, FixSettings):
        return FIX
    return WAITING if outbox_len or mail or wifi else FINE


class Led:
    """A plain LED on a pin; `inverted`: it is on while the pin is low."""

    def __init__(self, pin, inverted):
        self._number = pin
        self._inverted = inverted

    async def keep(self, heartbeat, state):
        """Blink what `state()` returns, for ever. A pin that cannot be used is logged; then this ends."""
        from machine import Pin

        off = 1 if self._inverted else 0
        try:
            pin = Pin(self._number, Pin.OUT, value=off)
        except (OSError, ValueError) as error:
            log.error(
                "led",
                "Pin %d cannot drive the LED (%s). Correct led in mote.toml, [device].",
                self._number,
                error,
            )
            return
        while True:
            for on_s, off_s in state():
                pin.value(1 - off)
                await heartbeat.sleep(on_s)
                pin.value(off)
                await heartbeat.sleep(off_s)
