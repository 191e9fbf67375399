"""The pages that the explanations lead to."""

LEARN = "https://learn.microsoft.com/"
EXCHANGE = LEARN + "exchange/"
CMDLET = LEARN + "powershell/module/exchange/"
RFC = "https://www.rfc-editor.org/rfc/"

THREE_WAYS = (
    EXCHANGE + "mail-flow-best-practices/how-to-set-up-a-multifunction-device-or-application-to-send-email-"
    "using-microsoft-365-or-office-365"
)
DEVICES_FAIL = (
    EXCHANGE
    + "mail-flow-best-practices/fix-issues-with-printers-scanners-and-lob-applications-that-send-email-"
    "using-off"
)
SMTP_AUTH = EXCHANGE + "clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission"
BASIC_AUTH = (
    EXCHANGE + "clients-and-mobile-in-exchange-online/deprecation-of-basic-authentication-exchange-online"
)
OAUTH = (
    EXCHANGE
    + "client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth"
)
CONNECTORS = (
    EXCHANGE
    + "mail-flow-best-practices/use-connectors-to-configure-mail-flow/set-up-connectors-to-route-mail"
)
ACCEPTED_DOMAINS = EXCHANGE + "mail-flow-best-practices/manage-accepted-domains/manage-accepted-domains"
REFUSALS = LEARN + "troubleshoot/exchange/email-delivery/ndr/non-delivery-reports-in-exchange-online"
WRONG_REGION = LEARN + "exchange/troubleshoot/email-delivery/wrong-office-365-region-exo"
LIMITS = LEARN + "office365/servicedescriptions/exchange-online-service-description/exchange-online-limits"
DIRECT_SEND = (
    "https://techcommunity.microsoft.com/blog/exchange/"
    "introducing-more-control-over-direct-send-in-exchange-online/4408790"
)
SECURITY_DEFAULTS = LEARN + "entra/fundamentals/security-defaults"
LEGACY_AUTH = LEARN + "entra/identity/conditional-access/policy-block-legacy-authentication"
LOCKOUT = LEARN + "entra/identity/authentication/howto-password-smart-lockout"
RESTRICTED = LEARN + "defender-office-365/outbound-spam-restore-restricted-users"
SPF = LEARN + "defender-office-365/email-authentication-spf-configure"
DMARC = LEARN + "defender-office-365/email-authentication-dmarc-configure"
IPV6 = LEARN + "defender-office-365/mail-flow-inbound-ipv6-support-about"

ENTRA = LEARN + "entra/"
ENTRA_ERRORS = ENTRA + "identity-platform/reference-error-codes"
DEVICE_CODE = ENTRA + "identity-platform/v2-oauth2-device-code"
CLIENT_CREDENTIALS = ENTRA + "identity-platform/v2-oauth2-client-creds-grant-flow"
REFRESH_TOKENS = ENTRA + "identity-platform/refresh-tokens"
REGISTRATION = ENTRA + "identity-platform/quickstart-register-app"
APP_CREDENTIALS = ENTRA + "identity-platform/how-to-add-credentials"
CONSENT = ENTRA + "identity/enterprise-apps/grant-admin-consent"
SIGN_IN_LOGS = ENTRA + "identity/monitoring-health/concept-sign-ins"
AUTHENTICATION_FLOWS = ENTRA + "identity/conditional-access/concept-authentication-flows"
TENANT_ID = ENTRA + "fundamentals/how-to-find-tenant"
PASSWORD_EXPIRY = LEARN + "microsoft-365/admin/add-users/set-password-to-never-expire"
SERVICE_STATUS = "https://status.cloud.microsoft"
