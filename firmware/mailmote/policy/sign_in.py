"""How the board signs in: what each option takes for auth, username and the [oauth] table.

As in `rules`, None stands for a value that has an error already.
"""

from . import fields, options
from .kinds import SHARED_TENANTS
from .problems import shown

_AUTH = ("mail", "auth")
_OAUTH = ("oauth",)

# Microsoft's sign-in hosts, the global one first; each of the others is a cloud of its own.
# learn.microsoft.com/entra/identity-platform/authentication-national-cloud
_LOGIN_HOSTS = (fields.LOGIN_HOST, "login.microsoftonline.us", "login.partner.microsoftonline.cn")

# Under which names the board finds its secrets.
_PASSWORD = "mail.password"  # noqa: S105 - a name
_OAUTH_SECRETS = {options.OAUTH_DEVICE: "oauth.refresh", options.OAUTH_APP: "oauth.secret"}


def fill_auth(mail, option):
    """The way to sign in where none is set: that of the option, but a password at a server that is not
    Microsoft's. None where the host, which tells them apart, has an error.
    """
    if "auth" in mail:
        return
    if option.signs_in and not _at_microsoft(mail, option):
        mail["auth"] = None if mail["host"] is None else options.PASSWORD
    else:
        mail["auth"] = option.auth[0]


def check_auth(mail, option, oauth, findings):
    """The rules of signing in, and what it takes: the username, and the names of secrets on the board."""
    auth = mail["auth"]
    allowed = auth in option.auth
    if auth is not None and not allowed:
        findings.error(_AUTH, "%s is refused: %s" % (shown(auth), option.rules["auth"]))
    if option.signs_in:
        _check_username(mail, option, findings)
    elif "username" in mail:
        findings.error(("mail", "username"), "is not used: %s" % option.rules["auth"])
    if allowed and auth in options.OAUTH:
        _fill_oauth(mail, option, oauth, findings)
    elif allowed and oauth is not None:
        findings.error(_OAUTH, _not_used(auth, option))
    if auth == options.PASSWORD:
        mail["password"] = _PASSWORD
        _warn_of_retirement(mail, option, findings)
    elif allowed and auth == options.CERTIFICATE:
        _fill_certificate(mail, findings)


def _at_microsoft(mail, option):
    return mail["host"] is not None and mail["host"].endswith(option.suffix)


def _not_used(auth, option):
    text = 'is not used: with option %s, auth is "%s" here. Take the table out' % (option.name, auth)
    for way in option.auth:
        if way in options.OAUTH:
            return '%s, or set auth = "%s" in [mail]' % (text, way)
    return text


def _warn_of_retirement(mail, option, findings):
    if option.name == options.CLIENT_SUBMISSION and _at_microsoft(mail, option):
        findings.warning(
            _AUTH,
            "Microsoft turns password sign-in for SMTP off by default at the end of December 2026; an "
            'administrator can turn it on again for now. Plan for OAuth (auth = "oauth-device"), direct-send '
            "or smtp-relay",
        )


def _fill_certificate(mail, findings):
    mail["certificate"] = "relay.cert"
    mail["key"] = "relay.key"
    if mail["tls"] is not None and mail["tls"] != options.REQUIRED:
        findings.error(
            ("mail", "tls"),
            "%s is refused: the connector sees the certificate in TLS only (Microsoft 365 answers 550 5.7.64 "
            'Relay Access Denied otherwise). Take the line out, or set tls = "required"' % shown(mail["tls"]),
        )


def _check_username(mail, option, findings):
    path = ("mail", "username")
    sender = mail["from"]
    if "username" in option.rules and "username" not in mail:
        findings.error(path, option.rules["username"])
        return
    mail.setdefault("username", sender)
    username = mail["username"]
    if username is None or sender is None or "from" not in option.rules:
        return
    if "@" not in username:
        if _at_microsoft(mail, option):
            findings.error(
                path,
                "%s is no mailbox: Microsoft 365 signs in with the full address, as in %s"
                % (shown(username), shown(sender)),
            )
    elif username.lower() != sender.lower():
        findings.warning(
            ("mail", "from"),
            "%s is not the mailbox that signs in: %s"
            % (shown(sender), option.rules["from"] % (shown(username), shown(username))),
        )


def _fill_oauth(mail, option, table, findings):
    """mail["oauth"]: where the board gets tokens, for what, and the name of the secret it shows there."""
    auth = mail["auth"]
    words = option.rules[auth]
    if table is None:
        if not findings.is_unusable(_OAUTH):
            findings.error(_OAUTH, "is missing: add [oauth] with tenant and client_id. %s" % words)
        return
    fields.refuse_unknown(table, fields.keys(fields.OAUTH), _OAUTH, findings)
    oauth = fields.read(table, fields.OAUTH, _OAUTH, findings, ". " + words)
    tenant = oauth.pop("tenant")
    if auth == options.OAUTH_APP and tenant in SHARED_TENANTS:
        findings.error(
            _OAUTH + ("tenant",),
            "%s is refused: an application signs in to one tenant. Write a domain of it, or its directory ID"
            % shown(tenant),
        )
    _check_login_host(oauth["host"], "scope" in oauth, findings)
    oauth.setdefault("scope", option.scopes[auth])
    _check_scope(oauth["scope"], auth, findings)
    oauth["path"] = "/%s/oauth2/v2.0/token" % tenant
    oauth["secret"] = _OAUTH_SECRETS[auth]
    mail["oauth"] = oauth


def _check_login_host(host, has_scope, findings):
    if host is None or host == _LOGIN_HOSTS[0]:
        return
    if host not in _LOGIN_HOSTS:
        findings.warning(
            _OAUTH + ("host",),
            "%s is no sign-in host of Microsoft, and the board's sign-in is sent there. Take the line out, "
            "unless it is a test server of yours" % shown(host),
        )
    elif not has_scope:
        findings.error(
            _OAUTH + ("scope",),
            "is missing: the default is that of the global cloud, and %s is another. Write the scope that "
            "Microsoft documents for your cloud" % shown(host),
        )


def _check_scope(scope, auth, findings):
    if scope is None:
        return
    path = _OAUTH + ("scope",)
    if auth == options.OAUTH_DEVICE and "offline_access" not in scope.split(" "):
        findings.error(
            path,
            "%s lacks offline_access: without it Entra ID gives no refresh token, and the sign-in ends after "
            "an hour. Add it, with a space before" % shown(scope),
        )
    elif auth == options.OAUTH_APP and (" " in scope or not scope.endswith("/.default")):
        findings.error(
            path,
            "%s is refused: an application gets the permissions of its registration, so its scope ends in "
            "/.default. Take the line out" % shown(scope),
        )
