"""What a battery board does with the network: mail, and the sign-in. Loaded on the wakes that need it."""

from . import compat, log
from .civil import duration
from .compat import const
from .courier import Courier
from .errors import MailmoteError, RetryLater
from .explanations import failure
from .net import clock
from .routes import Routes

_STAY_S = const(120)  # a turn of the mailbox's that is so near is waited for: deep sleep would miss it
_EARLY_S = const(60)  # so long before such a turn the board is awake again: to boot and to connect
_AGAIN_S = const(60)  # where nothing says when


class Errand:
    """`kept`: what the courier of an earlier one packed, or b"". `courier` is the one of this."""

    def __init__(self, settings, outbox, link, health, kept):
        self._outbox = outbox
        self._health = health
        self._host = settings["mail"]["host"]
        self._routes = Routes(settings)
        self.courier = Courier(settings, outbox, link, health, self._routes)
        if kept:
            self.courier.unpack(kept)

    async def deliver(self, heartbeat, within_s, hurry, asked=False):
        """Send what waits, for at most `within_s`, and with `hurry` although a pause lasts; `asked`: a person
        waits for it.

        Returns the seconds until the next try, 0 where nothing waits.
        """
        if hurry:
            self._routes.hurry(self._health.uptime_s(), asked)
        try:
            error = await compat.wait_ms(self._turns(heartbeat), within_s * 1000)
        except compat.Timeout:
            error = self._failed("timeout", self._host)
        return self._pause_s(error)

    def unreached_s(self):
        """Without a link. Seconds until the next try."""
        return self._pause_s(self._failed("unreachable", self._host, "there is no Wi-Fi"))

    def renewal_s(self):
        """When a sign-in is to be renewed, in seconds since 1970; 0 for never."""
        times = [route.sign_in.renewal_s() for route in self._routes.all]
        return min([time_s for time_s in times if time_s] or [0])

    async def renew(self, heartbeat):
        """Use each sign-in that is due, so that it lives on. The MailmoteError that it meets, or None."""
        for route in self._routes.all:
            if 0 < route.sign_in.renewal_s() <= clock.now_s():
                try:
                    await route.sign_in.credentials(heartbeat)
                except MailmoteError as error:
                    log.error("sign-in", "The sign-in was not renewed. %s", error)
                    return error
        return None

    async def _turns(self, heartbeat):
        """One after the other, as long as they send something. The error that is left, or None."""
        error = None
        fruitless = 0
        while fruitless < 2:  # the second, as a refused token is worth a new one
            wait_s = self.courier.due_in_s()
            if wait_s is None or wait_s > (0 if error else _STAY_S):
                break
            await heartbeat.sleep(wait_s)
            waiting = len(self._outbox)
            error = await self.courier.turn(heartbeat)
            fruitless = fruitless + 1 if len(self._outbox) >= waiting else 0
        return error

    def _failed(self, key, *values):
        error = failure(RetryLater, key, *values)
        now_s = self._health.uptime_s()
        for route in self._routes.due(now_s):
            route.failed(error, now_s, False)
        self._health.failed(error)
        return error

    def _pause_s(self, error):
        pause_s = self.courier.due_in_s()
        if pause_s is None:
            return 0
        if pause_s > _STAY_S and pause_s > self._routes.pause_s(self._health.uptime_s()):
            pause_s -= _EARLY_S
        pause_s = int(pause_s) + 1 if pause_s else _AGAIN_S
        text = "%d alerts wait. %s Next try in %s."
        log.warning("courier", text, len(self._outbox), error or "", duration(pause_s))
        return pause_s
