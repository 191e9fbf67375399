"""Signing a board in with a device code (RFC 8628): a person types it in a browser, the board gets a token.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code. msal speaks the protocol and keeps
what it gets in memory only; the waiting is here, so that it can be seen.
"""

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msal
from rich.align import Align
from rich.console import Console, Group
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from mailmote import explanations
from mailmote.civil import duration

from ..errors import HostError
from .transport import PENDING, Passing, Transport

logging.getLogger("msal.token_cache").setLevel(logging.INFO)  # below that it tells the device code

_RESERVED_SCOPES = {
    "openid",
    "profile",
    "offline_access",
}  # msal asks for them itself, and refuses them as given
_MAX_INTERVAL_S = 60
_MAX_LIFETIME_S = 3600
_SLOWER_S = 5  # RFC 8628 section 3.5: after a failure of the network too
_STEP_S = 1.0
_MAX_SHOWN_CHARACTERS = 200
_MAX_TOKEN_CHARACTERS = 8192  # what a board takes

_UNREADABLE = (
    "The sign-in service gave an answer that cannot be read. Check host and port in [oauth]; if they are "
    "right, try again, or update mailmote."
)
_NOT_TO_LAST = (
    "The sign-in service gave no refresh token, without which the board cannot stay signed in. "
    "Administrator: entra.microsoft.com, App registrations, the application, API permissions: add "
    "offline_access of Microsoft Graph, then Grant admin consent."
)


def sign_in(
    oauth: Mapping[str, Any],
    expected_user: str,
    console: Console,
    *,
    bundle: str | Path | None = None,
    pause: Callable[[float], object] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> bytes:
    """The refresh token of `expected_user`, the mailbox, after a person has signed in. It is shown nowhere.

    `oauth` is that of the mail settings; `bundle` is a file of CA certificates as PEM, trusted beside the
    common authorities. A sign-in as someone else is warned of: it is right for a shared mailbox only.

    Raises HostError with the cause and the fix; KeyboardInterrupt passes, with the terminal as it was.
    """
    transport = Transport(oauth["host"], oauth.get("connect_to"), bundle)
    try:
        application = _ask(lambda: _application(oauth, transport))
        scopes = [scope for scope in oauth["scope"].split() if scope not in _RESERVED_SCOPES]
        flow = _ask(lambda: application.initiate_device_flow(scopes))
        wait = _Wait(flow, console, pause, now)
        _invite(console, flow, expected_user, wait.lifetime_s)
        result = wait.run(
            lambda: application.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
        )
    finally:
        transport.close()
    token = result.get("refresh_token")
    if not token:
        raise HostError(_NOT_TO_LAST)
    if not isinstance(token, str) or len(token) > _MAX_TOKEN_CHARACTERS or not _is_visible(token):
        raise HostError(_UNREADABLE)
    _tell_account(console, result.get("id_token_claims"), expected_user)
    return token.encode("ascii")


class _Wait:
    """Asks, at the pace that the service wants, until the person has signed in or the code has expired."""

    def __init__(
        self,
        flow: dict[str, Any],
        console: Console,
        pause: Callable[[float], object],
        now: Callable[[], float],
    ) -> None:
        self._flow = flow
        self._console = console
        self._pause = pause
        self._now = now
        self._told: set[str] = set()
        self.lifetime_s = _within(flow.get("expires_in"), _MAX_LIFETIME_S)
        flow["interval"] = self._interval_s()  # msal never stops asking where it is 0 or less

    def run(self, ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The good answer. Raises HostError."""
        columns = (TextColumn("Waiting for the sign-in"), BarColumn(), TextColumn("{task.fields[left]} left"))
        with Progress(
            *columns, console=self._console, transient=True, disable=not self._console.is_terminal
        ) as progress:
            task = progress.add_task("", total=self.lifetime_s, left=_minutes(self.lifetime_s))
            return self._poll(ask, progress, task)

    def _poll(self, ask: Callable[[], dict[str, Any]], progress: Progress, task: TaskID) -> dict[str, Any]:
        deadline_s = self._now() + self.lifetime_s
        slower_s = 0
        while True:
            interval_s = self._interval_s() + slower_s
            self._rest(min(self._now() + interval_s, deadline_s), deadline_s, progress, task)
            failure = None
            try:
                result = _ask(ask)
                if result.get("error") not in PENDING:
                    return result
            except Passing as error:
                failure = error
                slower_s = max(slower_s + _SLOWER_S, error.retry_after_s)
                self._tell_once(str(error))
            if self._now() >= deadline_s:
                raise failure or HostError(" ".join(explanations.explain("expired-token")))

    def _interval_s(self) -> int:
        return _within(self._flow.get("interval"), _MAX_INTERVAL_S)

    def _rest(self, until_s: float, deadline_s: float, progress: Progress, task: TaskID) -> None:
        while (rest_s := until_s - self._now()) > 0:
            self._pause(min(rest_s, _STEP_S))
            left_s = max(deadline_s - self._now(), 0)
            progress.update(task, completed=self.lifetime_s - left_s, left=_minutes(left_s))

    def _tell_once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            _say(self._console, f"Still waiting. {text}", "yellow")


def _application(oauth: Mapping[str, Any], transport: Transport) -> Any:
    """msal's client; it looks the endpoints of the tenant up at once."""
    port = oauth.get("port", 443)
    where = oauth["host"] if port == 443 else f"{oauth['host']}:{port}"
    return msal.PublicClientApplication(
        oauth["client_id"],
        authority=f"https://{where}/{oauth['path'].split('/')[1]}",
        instance_discovery=False,  # the settings name the host: Microsoft need not vouch for it
        http_client=transport,
    )


def _ask(call: Callable[[], Any]) -> Any:
    """Call msal. For a malformed answer it may raise anything, with a token in its text."""
    try:
        return call()
    except HostError:
        raise
    except Exception:
        raise HostError(_UNREADABLE) from None


def _invite(console: Console, flow: Mapping[str, Any], expected_user: str, lifetime_s: int) -> None:
    """Say where to go, what to type and as whom to sign in."""
    address, code = flow.get("verification_uri"), flow.get("user_code")
    for shown in (address, code):
        if not isinstance(shown, str) or len(shown) > _MAX_SHOWN_CHARACTERS or not _is_visible(shown):
            raise HostError(_UNREADABLE)
    who = f"Sign in as {expected_user}, the mailbox that the board sends as, not as an administrator."
    when = f"Any browser will do, on a phone too. The code is good for {duration(lifetime_s)}."
    if not console.is_terminal:
        for line in (f"Open {address}", f"Type the code {code}", who, when):
            _say(console, line)
        return
    body = Group(
        Text("Open this address"),
        Align.center(Text(f"\n{address}\n", style=f"bold underline link {address}")),
        Text("and type this code"),
        Align.center(Panel(Text(f"{code}", style="bold"), padding=(1, 6), expand=False)),
        Text(f"{who}\n{when}"),
    )
    console.print(Panel(body, title="Sign the board in", padding=(1, 3), expand=False))


def _tell_account(console: Console, claims: object, expected_user: str) -> None:
    """Say who has signed in, and whether that is the mailbox (OpenID Connect Core 1.0 section 5.1)."""
    user = claims.get("preferred_username") if isinstance(claims, dict) else None
    if not isinstance(user, str) or len(user) > _MAX_SHOWN_CHARACTERS or not _is_visible(user):
        _say(console, f"Signed in; the service did not say as whom. It has to be {expected_user}.", "yellow")
    elif user.casefold() == expected_user.casefold():
        _say(console, f"Signed in as {user}.", "green")
    else:
        _say(
            console,
            f"Signed in as {user}, and the board sends as {expected_user}. That is right if {expected_user} "
            f"is a shared mailbox that {user} has Full Access to. If not, sign in again, as {expected_user}.",
            "yellow",
        )


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), soft_wrap=True)


def _within(seconds: object, most: int) -> int:
    """What the service says, from 1 to `most`."""
    return min(max(seconds if isinstance(seconds, int) else 1, 1), most)


def _is_visible(text: str) -> bool:
    """ASCII without blanks and control characters: what a terminal shows as it is."""
    return bool(text) and all("!" <= character <= "~" for character in text)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
