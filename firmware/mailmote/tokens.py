"""OAuth 2.0 on the board: access tokens from the Microsoft identity platform, for SMTP's XOAUTH2.

`oauth-device` renews with a refresh token that a person's sign-in once gave; `oauth-app` shows the secret of
an application. https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code and
.../v2-oauth2-client-creds-grant-flow

A refresh token dies after 90 days without use. Each use brings a new one and leaves the old one valid, so a
power cut between the answer and the flash costs nothing.
"""

import asyncio
import json

from . import compat, log
from .compat import borrow, const
from .errors import MailmoteError, RetryLater, StorageError
from .explanations import failure
from .net import clock
from .redaction import hide
from .smtp.credentials import Bearer
from .store import secrets, state

_EARLY_S = const(300)  # a token is not begun to be used in its last minutes
_MAX_LIFETIME_S = const(86400)
_MAX_TOKEN_CHARACTERS = const(8192)
_RENEW_AFTER_S = 60 * 86400
_LOOK_S = const(3600)
_LOOK_FOR_CLOCK_S = const(10)
_SIGNED_IN = "signed-in"
_STORED_EVERY_S = const(86400)  # that the token was renewed is written down at most once a day
_TURN_S = const(600)  # another task may hold the connection, and then the flash
# What a server says of a token that ended early, or was revoked.
_STALE = ("bad-token", "sign-in-refused")


class Tokens:
    """The access token of one mailbox: made when it is asked for, kept in memory only."""

    def __init__(self, mail):
        self._username = mail["username"]
        self._oauth = mail["oauth"]
        self._delegated = mail["auth"] == "oauth-device"
        self._token = None
        self._good_until_s = 0
        self._renewed_after_refusal = False
        self._turn = asyncio.Lock()

    async def credentials(self, heartbeat):
        """A Bearer with a token that is still good for a while. Raises MailmoteError."""
        heartbeat.beat(_TURN_S)
        await self._turn.acquire()
        try:
            if self._token is None or clock.now_s() >= self._good_until_s:
                await self._renew(heartbeat)
            return Bearer(self._username, self._token)
        finally:
            self._turn.release()

    def identity(self):
        """No certificate is shown."""

    def accepted(self):
        """The server took the token."""
        self._renewed_after_refusal = False

    def refused(self, error):
        """True where a new token is worth another try: once, until one is accepted."""
        if error.key not in _STALE:
            return False
        self._token = None
        again, self._renewed_after_refusal = not self._renewed_after_refusal, True
        return again

    def renewal_s(self):
        """When a sign-in that no mail uses is to be renewed: in 1970, if it never was used, or lies ahead."""
        since_s = state.read(_SIGNED_IN) or 0
        if clock.is_set() and since_s > clock.now_s():
            since_s = 0
        return since_s + _RENEW_AFTER_S

    async def keep(self, heartbeat, link, warn, paused):
        """Renew a sign-in that no mail has used for 60 days; `warn(since_s, error)` hears of a failure, once.
        Not while it is `paused()`: its mail waits after a failure, which may be a lockout.

        One that was never used is tried at once, so that a mistake shows on the bench: on the console alone,
        since it cannot be mailed.
        """
        warned = False
        while True:
            since_s = state.read(_SIGNED_IN) or 0
            if clock.is_set() and not (0 <= clock.now_s() - since_s < _RENEW_AFTER_S or paused()):
                await link.wait_up(heartbeat)
                try:
                    self._token = None
                    await self.credentials(heartbeat)
                    warned = False
                except MailmoteError as error:
                    log.error("sign-in", "The sign-in was not renewed. %s", error)
                    if since_s and not warned:
                        warn(since_s, error)
                    warned = True
            await heartbeat.sleep(_LOOK_S if clock.is_set() else _LOOK_FOR_CLOCK_S)

    async def _renew(self, heartbeat):
        self._token = None
        compat.collect()
        https = borrow("mailmote.net.https")  # once an hour: its memory is the mail's in between
        status, body, retry_after_s = await https.post(self._oauth, self._request(https.form), heartbeat)
        answer = _parsed(body)
        token = answer.get("access_token") if answer and status == 200 else None
        if token is None:
            raise borrow("mailmote.policy.token_errors").refusal(status, answer, retry_after_s)
        if not _is_token(token):
            raise failure(RetryLater, "token-unusable")
        if self._delegated:
            self._keep_refresh_token(answer.get("refresh_token"))
        lifetime_s = answer.get("expires_in")
        if not isinstance(lifetime_s, int):
            lifetime_s = 0
        self._token = token.encode()
        self._good_until_s = clock.now_s() + min(lifetime_s, _MAX_LIFETIME_S) - _EARLY_S
        _note_success()
        compat.collect()

    def _request(self, form):
        """The body of the token request. It holds a secret: nobody keeps it."""
        secret = secrets.get(self._oauth["secret"])
        hide(secret)
        grant = "refresh_token" if self._delegated else "client_credentials"
        return form(
            (
                ("grant_type", grant),
                ("client_id", self._oauth["client_id"]),
                ("scope", self._oauth["scope"]),
                ("refresh_token" if self._delegated else "client_secret", secret),
            )
        )

    def _keep_refresh_token(self, token):
        """Store a new refresh token; the old one stays good where the flash does not take it."""
        if not _is_token(token):
            return
        try:
            secrets.put(self._oauth["secret"], token.encode())
        except StorageError as error:
            log.error("sign-in", "The new refresh token is not stored, and the old one is kept. %s", error)


def _parsed(body):
    """The JSON object in an answer, or None."""
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _is_token(token):
    """Letters, digits and marks, as RFC 6749 appendix A.12 has them, within bounds."""
    if not isinstance(token, str) or not 0 < len(token) <= _MAX_TOKEN_CHARACTERS:
        return False
    for character in token:
        if not "!" <= character <= "~":
            return False
    return True


def _note_success():
    now_s = clock.now_s()
    if 0 <= now_s - (state.read(_SIGNED_IN) or 0) < _STORED_EVERY_S:
        return
    try:
        state.write(_SIGNED_IN, now_s)
    except StorageError as error:
        log.error("sign-in", "The time of the sign-in is not stored. %s", error)
