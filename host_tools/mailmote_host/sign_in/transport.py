"""HTTPS for msal: verified, in bounds, without redirects; whatever goes wrong becomes words with a fix.

msal would put an answer that is no JSON into its log, tokens and all, and leaves the exceptions of requests
to its caller.
"""

import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3.util.ssl_ import create_urllib3_context

from mailmote import explanations
from mailmote.errors import RetryLater
from mailmote.policy import token_errors

from .. import http_body
from ..errors import HostError, UsageError

# What a person's sign-in is awaited by (RFC 8628 section 3.5): no failures.
PENDING = ("authorization_pending", "slow_down")

_TIMEOUTS_S = (10, 30)  # to connect, for each read
_MAX_ANSWER_S = 60
_MAX_BODY_OCTETS = 262144  # tokens have up to 8 kB each


class Passing(HostError):
    """It may work a moment later, at the earliest in `retry_after_s`."""

    def __init__(self, text: str, retry_after_s: int = 0) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class Answer:
    """What msal reads of an answer."""

    status_code: int
    text: str = field(repr=False)
    headers: Mapping[str, str]


class Transport:
    """The HTTP client that msal is given. Raises HostError for an answer that is neither good nor pending.

    `connect_to` is dialled in place of the name `host`, and has to show the certificate of `host` all the
    same. `bundle` is a file of CA certificates as PEM, which are trusted beside the common authorities.
    """

    def __init__(self, host: str, connect_to: str | None = None, bundle: str | Path | None = None) -> None:
        self._host = host
        self._session = requests.Session()
        self._common = certifi.where() if bundle else True  # which the environment may name others for
        self._session.mount("https://", _Adapter(host, connect_to, _context(bundle)))
        if connect_to is not None:
            self._session.trust_env = False  # a proxy would dial the name

    def close(self) -> None:
        self._session.close()

    def get(self, url: str, **request: Any) -> Answer:
        return self._request("GET", url, request)

    def post(self, url: str, **request: Any) -> Answer:
        return self._request("POST", url, request)

    def _request(self, method: str, url: str, request: Mapping[str, Any]) -> Answer:
        if not url.startswith("https://"):  # the addresses of the endpoints come from an answer
            raise HostError(
                f"{self._host} names an address without TLS for the sign-in. Nothing was sent there. Check "
                "host in [oauth]."
            )
        parts = {name: request[name] for name in ("params", "data", "headers") if name in request}
        try:
            with self._session.request(
                method,
                url,
                timeout=_TIMEOUTS_S,
                allow_redirects=False,
                stream=True,
                verify=self._common,  # here, since for that of the session the environment has the last word
                **parts,
            ) as response:
                return self._judged(Answer(response.status_code, self._body(response), response.headers))
        except requests.RequestException as error:
            raise _explained(error, self._host) from error

    def _body(self, response: requests.Response) -> str:
        body = bytearray()
        try:
            for chunk in http_body.chunks(response, _MAX_ANSWER_S):
                body += chunk
                if len(body) > _MAX_BODY_OCTETS:
                    raise HostError(
                        f"{self._host} answered with more than {_MAX_BODY_OCTETS} octets: that is no sign-in "
                        "service. Check host and port in [oauth]."
                    )
        except http_body.TooSlowError:
            raise Passing(
                f"{self._host} did not answer in time. Check this computer's network, then try again."
            ) from None
        return body.decode("utf-8", "replace")

    def _judged(self, answer: Answer) -> Answer:
        try:
            parsed = json.loads(answer.text)
        except (ValueError, RecursionError):
            parsed = None
        known = parsed if isinstance(parsed, dict) else None
        if known is not None and known.get("error") in PENDING:
            return answer
        if known is not None and answer.status_code == 200 and "error" not in known:
            return answer
        wait = answer.headers.get("Retry-After", "")
        wait_s = int(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else 0
        refusal = token_errors.refusal(answer.status_code, known, wait_s)
        if not isinstance(refusal, RetryLater):
            raise HostError(refusal.text)
        _, fix_of_a_board = explanations.explain(refusal.key)
        raise Passing(
            f"{refusal.text.removesuffix(fix_of_a_board)}Try again in a few minutes; if it lasts, let this "
            f"computer reach {self._host} without a proxy or a log-in page in between.",
            wait_s,
        )


class _Adapter(HTTPAdapter):
    """Trusts what `context` trusts, and the common authorities.

    With an `address` it connects there for URLs of `host`; name and certificate stay those of `host`.
    """

    def __init__(self, host: str, address: str | None, context: ssl.SSLContext) -> None:
        self._host = host.lower()
        self._address = address
        self._context = context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        return super().proxy_manager_for(proxy, **options, ssl_context=self._context)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        where, how = super().build_connection_pool_key_attributes(request, verify, cert)
        if self._address is not None and where["host"] == self._host:
            request.headers["Host"] = f"{where['host']}:{where['port']}" if where["port"] else where["host"]
            where["host"] = self._address
            how["server_hostname"] = self._host
        return where, how


def _context(path: str | Path | None) -> ssl.SSLContext:
    """Trusts the certificates in the file. Raises UsageError."""
    context = create_urllib3_context()
    try:
        if path is not None:
            context.load_verify_locations(path)
    except (OSError, ValueError) as error:
        reason = (
            error.strerror if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) else None
        )
        raise UsageError(
            f"{path} cannot be used: {reason or 'it holds no CA certificate as PEM'}. Correct ca in [mail]."
        ) from error
    return context


def _explained(error: requests.RequestException, host: str) -> HostError:
    cause = _innermost(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return HostError(
            f"The certificate of {host} was refused: {cause.verify_message}. Nothing was sent. Check this "
            "computer's clock; where the network inspects TLS, name its CA certificate with ca in [mail]."
        )
    if isinstance(cause, ssl.SSLError):
        return HostError(f"TLS with {host} failed ({cause.reason}). Check host and port in [oauth].")
    reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else type(cause).__name__
    if isinstance(error, requests.exceptions.ProxyError):
        return Passing(
            f"The proxy of this computer did not let it reach {host} ({reason}). Check the environment "
            "variable HTTPS_PROXY, or unset it where no proxy is needed."
        )
    if isinstance(error, requests.Timeout):
        return Passing(f"{host} did not answer in time. Check this computer's network, then try again.")
    if isinstance(cause, socket.gaierror):
        return Passing(
            f"The name {host} was not found ({reason}). Check this computer's network and DNS, and host in "
            "[oauth]."
        )
    return Passing(
        f"{host} cannot be reached ({reason}). Check this computer's network, and host and port in [oauth]; "
        "where the network has a proxy, set HTTPS_PROXY."
    )


def _innermost(error: BaseException) -> BaseException:
    """What it all began with: requests and urllib3 wrap it several times."""
    for _ in range(10):
        inside = (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__)
        inner = next((part for part in inside if isinstance(part, BaseException)), None)
        if inner is None:
            break
        error = inner
    return error
