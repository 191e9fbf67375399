"""How the board signs in: what each option takes for auth, username and the [oauth] table.

As in `rules`, None stands for a value that has an error already.
"""

from . import fields, options
from .kinds import SHARED_TENANTS
from .problems import shown

_OAUTH = ("oauth",)

# Microsoft's sign-in hosts, the global one first; each of the others is a cloud of its own.
# learn.microsoft.com/entra/identity-platform/authentication-national-cloud
_LOGIN_HOSTS = (fields.LOGIN_HOST, "login.microsoftonline.us", "login.partner.microsoftonline.cn")

# Under which names the board finds its secrets.
_PASSWORD = "mail.password"  # noqa: S105 - a name
_NEEDS = {
    options.OAUTH_DEVICE: "[oauth]",
    options.OAUTH_APP: "[oauth]",
    options.PASSWORD: "the secret " + _PASSWORD,
    options.CERTIFICATE: "the secrets relay.cert and relay.key",
}
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


def check_auth(mail, path, option, before, oauth, findings):
    """The rules of signing in, and what it takes: the username, and the names of secrets on the board.

    `path` leads to the mail table; `before` has (path, values) of those before it.
    """
    auth = mail["auth"]
    allowed = auth in option.auth
    if auth is not None and not allowed:
        findings.error(path + ("auth",), "%s is refused: %s" % (shown(auth), option.rules["auth"]))
    if option.signs_in:
        _check_username(mail, path, option, findings)
    elif "username" in mail:
        findings.error(path + ("username",), "is not used: %s" % option.rules["auth"])
    if allowed and _is_alone(auth, path, before, findings) and auth in options.OAUTH:
        _fill_oauth(mail, option, oauth, findings)
    if auth == options.PASSWORD:
        mail["password"] = _PASSWORD
        _warn_of_retirement(mail, path, option, findings)
    elif allowed and auth == options.CERTIFICATE:
        _fill_certificate(mail, path, findings)


def _is_alone(auth, path, before, findings):
    """Whether no table before needs the same secret; an error where one does."""
    needs = _NEEDS.get(auth)
    for other_path, other in before:
        if needs is not None and _NEEDS.get(other.get("auth")) == needs:
            findings.error(
                path + ("auth",),
                "%s needs %s, as [[mail]] %d does, and a board has one of it. Write another auth, or another "
                "option" % (shown(auth), needs, other_path[-1] + 1),
            )
            return False
    return True


def check_oauth_is_used(mails, oauth, findings):
    """An error about an [oauth] table that no route takes; none where the way of one is not known."""
    if oauth is None:
        return
    for mail in mails:
        if mail["option"] is None or mail["auth"] is None or mail["auth"] in options.OAUTH:
            return
        if mail["auth"] not in options.named(mail["option"]).auth:
            return
    if len(mails) > 1:
        findings.error(_OAUTH, "is not used: no [[mail]] signs in with OAuth. Take the table out")
    else:
        findings.error(_OAUTH, _not_used(mails[0]["auth"], options.named(mails[0]["option"])))


def _at_microsoft(mail, option):
    return mail["host"] is not None and mail["host"].endswith(option.suffix)


def _not_used(auth, option):
    text = 'is not used: with option %s, auth is "%s" here. Take the table out' % (option.name, auth)
    for way in option.auth:
        if way in options.OAUTH:
            return '%s, or set auth = "%s" in [mail]' % (text, way)
    return text


def _warn_of_retirement(mail, path, option, findings):
    if option.name == options.CLIENT_SUBMISSION and _at_microsoft(mail, option):
        findings.warning(
            path + ("auth",),
            "Microsoft turns password sign-in for SMTP off by default at the end of December 2026; an "
            'administrator can turn it on again for now. Plan for OAuth (auth = "oauth-device"), direct-send '
            "or smtp-relay",
        )


def _fill_certificate(mail, path, findings):
    mail["certificate"] = "relay.cert"
    mail["key"] = "relay.key"
    if mail["tls"] is not None and mail["tls"] != options.REQUIRED:
        findings.error(
            path + ("tls",),
            "%s is refused: the connector sees the certificate in TLS only (Microsoft 365 answers 550 5.7.64 "
            'Relay Access Denied otherwise). Take the line out, or set tls = "required"' % shown(mail["tls"]),
        )


def _check_username(mail, path, option, findings):
    here = path + ("username",)
    sender = mail["from"]
    if "username" in option.rules and "username" not in mail:
        findings.error(here, option.rules["username"])
        return
    mail.setdefault("username", sender)
    username = mail["username"]
    if username is None or sender is None or "from" not in option.rules:
        return
    if "@" not in username:
        if _at_microsoft(mail, option):
            findings.error(
                here,
                "%s is no mailbox: Microsoft 365 signs in with the full address, as in %s"
                % (shown(username), shown(sender)),
            )
    elif username.lower() != sender.lower():
        findings.warning(
            path + ("from",),
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
