"""The sign-in endpoint, login.microsoftonline.com, over HTTPS on a local port."""

import asyncio
import json
import re
import ssl
import uuid
import weakref
from collections import deque
from collections.abc import Callable, Iterable

from .aadsts import Refused
from .entra import Entra, Granted
from .faults import Close
from .http_wire import (
    MAX_HEAD_OCTETS,
    BadRequest,
    Request,
    answer_octets,
    hang_up,
    read_request,
    send,
)
from .model import Tenant
from .record import HIDDEN, Journal, SignInAttempt
from .sign_in_faults import Broken, HttpAnswer, SignInFault
from .sign_in_pages import device_answer, device_page

NAMES = ("login.microsoftonline.com", "login.microsoft.com", "login.windows.net")

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_PATH = re.compile(r"/(?P<directory>[^/]+)/(?P<endpoint>.+)")
_DEVICE_CODE = "oauth2/v2.0/devicecode"
_TOKEN = "oauth2/v2.0/token"  # noqa: S105 - a path
_CONFIGURATION = "v2.0/.well-known/openid-configuration"
_PAGE = "/devicelogin"
_GRANTS = {
    "urn:ietf:params:oauth:grant-type:device_code": "device_code",
    "client_credentials": "client_credentials",
    "refresh_token": "refresh_token",
}


class SignInServer:
    """Listens, answers, keeps the journal. `faults` may be added to while it runs.

    `on_failure` hears of failures that are the tenant's own.
    """

    def __init__(
        self,
        tenant: Tenant,
        journal: Journal,
        faults: Iterable[SignInFault],
        context: ssl.SSLContext,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self.faults = deque(faults)
        self._tenant = tenant
        self._entra = Entra(tenant)
        self._journal = journal
        self._context = context
        self._on_failure = on_failure
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: weakref.WeakSet[asyncio.StreamWriter] = weakref.WeakSet()
        self._verification_uri = ""

    async def listen(self, host: str, port: int) -> int:
        """Returns the port. Raises OSError and OverflowError as asyncio does."""
        self._server = await asyncio.start_server(
            self._serve, host, port, ssl=self._context, limit=MAX_HEAD_OCTETS
        )
        actual: int = self._server.sockets[0].getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self._verification_uri = f"https://{shown}:{actual}{_PAGE}"
        return actual

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            while await self._serve_request(reader, writer):
                pass
        except (OSError, asyncio.CancelledError):
            pass  # the client is gone, or the tenant stops
        except Exception as failure:
            self._on_failure(failure)
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _serve_request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; False where no other can follow."""
        try:
            request = await read_request(reader)
        except BadRequest as bad:
            await send(writer, answer_octets(bad.status, {"Connection": "close"}, b""))
            return False
        if request is None:
            return False
        path = _PATH.match(request.target)
        if request.method == "POST" and path is not None and path["endpoint"] in (_DEVICE_CODE, _TOKEN):
            return await self._scripted(request, path["directory"], path["endpoint"], reader, writer)
        await send(writer, self._other(request, path))
        return not request.closes

    async def _scripted(
        self,
        request: Request,
        directory: str,
        endpoint: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Answer at an endpoint that signs in, as the script has it."""
        fault = self.faults.popleft() if self.faults else None
        canned = fault.answer if isinstance(fault, Broken) else fault
        if canned is None:
            octets = self._judged(request, directory, endpoint, scripted=fault is not None)
        else:
            self._note(request, endpoint, None, scripted=True)
            octets = canned.raw or answer_octets(canned.status, _headers(canned), canned.body)
        if not isinstance(fault, Broken):
            await send(writer, octets)
            return not request.closes and canned is None
        await send(writer, octets[: fault.after])
        if isinstance(fault.close, Close):
            hang_up(writer, fault.close)
        else:
            while await reader.read(MAX_HEAD_OCTETS):
                pass
        return False

    def _judged(self, request: Request, directory: str, endpoint: str, scripted: bool) -> bytes:
        """The endpoint's own answer, which takes effect."""
        try:
            if endpoint == _DEVICE_CODE:
                outcome = self._entra.device_code(directory, request.form, self._verification_uri)
            else:
                outcome = self._entra.token(directory, request.form)
        except Refused as refused:
            outcome = refused
        self._note(request, endpoint, outcome, scripted)
        return self._answered(request, outcome)

    def _note(
        self, request: Request, endpoint: str, outcome: Granted | Refused | None, scripted: bool
    ) -> None:
        form = request.form
        grant = _GRANTS.get(form.get("grant_type", ""), "unknown")
        client_id = form.get("client_id", "")
        refused = outcome if isinstance(outcome, Refused) else None
        self._journal.sign_in(
            SignInAttempt(
                "devicecode" if endpoint == _DEVICE_CODE else grant,
                client_id if _GUID.match(client_id) else HIDDEN,
                outcome and outcome.user,
                refused and refused.error,
                refused and refused.code,
                scripted,
            )
        )

    def _other(self, request: Request, path: re.Match[str] | None) -> bytes:
        """What is asked of the service besides signing in."""
        if request.target == _PAGE and request.method in ("GET", "POST"):
            posted = request.method == "POST"
            page = device_answer(self._tenant, request.form) if posted else device_page(self._tenant)
            return answer_octets(200, _HEADERS | {"Content-Type": "text/html; charset=utf-8"}, page.encode())
        endpoint = path["endpoint"] if path else ""
        if path is not None and endpoint == _CONFIGURATION and request.method == "GET":
            base = f"https://{request.headers.get('host', NAMES[0])}"
            try:
                outcome = self._entra.configuration(path["directory"], base)
            except Refused as refused:
                outcome = refused
            return self._answered(request, outcome)
        if endpoint in (_DEVICE_CODE, _TOKEN):
            return self._answered(request, Refused(900561, method=request.method))
        return answer_octets(404, _HEADERS, b"")

    def _answered(self, request: Request, outcome: Granted | Refused) -> bytes:
        """The outcome as JSON, with the headers that Entra has."""
        correlation_id = request.headers.get("client-request-id", "")
        if not _GUID.match(correlation_id):
            correlation_id = str(uuid.uuid4())
        if isinstance(outcome, Refused):
            status, answer = outcome.status, outcome.answer(self._tenant.clock(), correlation_id)
        else:
            status, answer = 200, outcome.answer
        headers = _HEADERS | {
            "Content-Type": "application/json; charset=utf-8",
            "x-ms-request-id": str(uuid.uuid4()),
            "client-request-id": correlation_id,
        }
        return answer_octets(status, headers, json.dumps(answer, separators=(",", ":")).encode())


_HEADERS = {
    "Cache-Control": "no-store, no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "P3P": 'CP="DSP CUR OTPi IND OTRi ONL FIN"',
    "x-ms-ests-server": "2.1.22345.6 - SEC ProdSlices",
    "X-XSS-Protection": "0",
}


def _headers(canned: HttpAnswer) -> dict[str, str]:
    """A scripted answer ends its connection, as a server in trouble does."""
    return {"Content-Type": "application/json; charset=utf-8", "Connection": "close", **canned.headers}
