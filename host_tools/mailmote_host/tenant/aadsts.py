"""The refusals of Microsoft's sign-in service, by their AADSTS numbers, as public traces show them.

The answer is JSON: `error` is the name of RFC 6749 section 5.2 or RFC 8628 section 3.5, `error_codes` has the
number, `error_description` the text with the ids that Microsoft's support asks for.
"""

import datetime
import uuid
from typing import NamedTuple


class Row(NamedTuple):
    """One refusal: HTTP status, `error`, `suberror` or nothing, and the text with its fields open."""

    status: int
    error: str
    suberror: str
    template: str


_EXPIRED = (
    "The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive "
    "for {inactive}."
)
_MISSING_SECRET = (
    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."  # noqa: S105
)
_MFA = (
    "Due to a configuration change made by your administrator, or because you moved to a new location, you "
    "must {what} multi-factor authentication to access '{resource}'."
)
_REVOKED = (
    "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might "
    "have changed or reset their password. The grant was issued on '{issued}' and the TokensValidFrom date "
    "(before which tokens are not valid) for this user is '{valid_from}'."
)

# fmt: off
ROWS = {
    # The person
    50034: Row(400, "invalid_grant", "",
        "The user account {{EmailHidden}} does not exist in the {domain} directory. To sign into this "
        "application, the account must be added to the directory."),
    50053: Row(400, "invalid_grant", "",
        "The account is locked, you've tried to sign in too many times with an incorrect user ID or "
        "password."),
    50055: Row(400, "invalid_grant", "user_password_expired", "The password is expired."),
    50057: Row(400, "invalid_grant", "", "The user account is disabled."),
    50076: Row(400, "invalid_grant", "basic_action", _MFA.replace("{what}", "use")),
    50079: Row(400, "invalid_grant", "basic_action", _MFA.replace("{what}", "enroll in")),
    50173: Row(400, "invalid_grant", "", _REVOKED),
    530032: Row(400, "invalid_grant", "",
        "The tenant admin has configured a security policy that blocks this request. Check the security "
        "policies that are defined on the tenant level to determine if your request meets the policy "
        "requirements."),

    # Consent
    65001: Row(400, "invalid_grant", "consent_required",
        "The user or administrator has not consented to use the application with ID '{client_id}' named "
        "'{name}'. Send an interactive authorization request for this user and resource."),
    65004: Row(400, "authorization_declined", "", "User declined to consent to access the app."),
    90094: Row(400, "invalid_grant", "consent_required",
        "{name} needs permission to access resources in your organization that only an admin can grant. "
        "Request an admin to grant permission to this app before you can use it."),

    # The device code
    70016: Row(400, "authorization_pending", "",
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling."),
    70018: Row(400, "bad_verification_code", "",
        "Invalid verification code due to User typing in wrong user code for device code flow. Authorization "
        "isn't approved."),
    70019: Row(400, "expired_token", "", "Verification code expired. Have the user retry the sign-in."),
    70020: Row(400, "expired_token", "",
        "The provided value for the input parameter 'device_code' is not valid. This device code has "
        "expired."),

    # The refresh token
    70000: Row(400, "invalid_grant", "", "Provided grant is invalid or malformed."),
    70008: Row(400, "invalid_grant", "",
        "The provided authorization code or refresh token has expired due to inactivity. Send a new "
        "interactive authorization request for this user and resource."),
    700082: Row(400, "invalid_grant", "bad_token", _EXPIRED),

    # The application
    50059: Row(400, "invalid_request", "",
        "No tenant-identifying information found in either the request or implied by any provided "
        "credentials."),
    700016: Row(400, "unauthorized_client", "",
        "Application with identifier '{client_id}' was not found in the directory '{domain}'. This can "
        "happen if the application has not been installed by the administrator of the tenant or consented to "
        "by any user in the tenant. You may have sent your authentication request to the wrong tenant."),
    700027: Row(401, "invalid_client", "",
        "The certificate with identifier used to sign the client assertion is not registered on "
        "application."),
    7000215: Row(401, "invalid_client", "",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
        "value, not the client secret ID, for a secret added to app '{client_id}'."),
    7000216: Row(401, "invalid_client", "",
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant "
        "type."),
    7000218: Row(401, "invalid_client", "", _MISSING_SECRET),
    7000222: Row(401, "invalid_client", "",
        "The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create "
        "new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials "
        "for added security: https://aka.ms/certCreds."),
    90002: Row(400, "invalid_request", "",
        "Tenant '{directory}' not found. Check to make sure you have the correct tenant ID and are signing "
        "into the correct cloud. Check with your subscription administrator, this may happen if there are no "
        "active subscriptions for the tenant."),

    # The request
    70003: Row(400, "unsupported_grant_type", "",
        "The app requested an unsupported grant type '{grant_type}'."),
    70011: Row(400, "invalid_scope", "",
        "The provided request must include a 'scope' input parameter. The provided value for the input "
        "parameter 'scope' is not valid. The scope {scope} is not valid."),
    500011: Row(400, "invalid_resource", "",
        "The resource principal named {resource} was not found in the tenant. This can happen if the "
        "application has not been installed by the administrator of the tenant or consented to by any user "
        "in the tenant. You might have sent your authentication request to the wrong tenant."),
    1002012: Row(400, "invalid_scope", "",
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value "
        "with /.default suffixed to the resource identifier (application ID URI)."),
    900144: Row(400, "invalid_request", "",
        "The request body must contain the following parameter: '{parameter}'."),
    900561: Row(400, "invalid_request", "",
        "The endpoint only accepts POST requests. Received a {method} request."),
}
# fmt: on


class Refused(Exception):
    """The sign-in service refuses. `error` takes the place of the row's where one number has two names.

    `user` is the account that it was about, for the journal.
    """

    def __init__(self, code: int, *, error: str = "", **fields: str) -> None:
        row = ROWS[code]
        self.code = code
        self.status = row.status
        self.error = error or row.error
        self.suberror = row.suberror
        self.text = f"AADSTS{code}: {row.template.format_map(fields)}"
        self.user: str | None = None
        super().__init__(self.text)

    def answer(self, now_s: float, correlation_id: str) -> dict[str, object]:
        """The JSON object of the answer."""
        trace_id = str(uuid.uuid4())
        timestamp = moment(now_s, "%Y-%m-%d %H:%M:%SZ")
        answer: dict[str, object] = {
            "error": self.error,
            "error_description": f"{self.text} Trace ID: {trace_id} Correlation ID: {correlation_id} "
            f"Timestamp: {timestamp}",
            "error_codes": [self.code],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }
        return answer | ({"suberror": self.suberror} if self.suberror else {})


def moment(seconds: float, form: str = "%Y-%m-%dT%H:%M:%S.%f0Z") -> str:
    """A time in words, UTC; by default as Entra puts it into its texts."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime(form)


def span(seconds: float) -> str:
    """So many seconds as Entra writes them: `90.00:00:00` or `12:00:00`."""
    days, rest = divmod(round(seconds), 24 * 3600)
    hours, rest = divmod(rest, 3600)
    clock = f"{hours:02}:{rest // 60:02}:{rest % 60:02}"
    return f"{days}.{clock}" if days else clock
