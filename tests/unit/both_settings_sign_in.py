"""The validator on signing in, certificates, presets and the clock, on both runtimes."""

from expect import equal
from mote_toml import DIRECT, DRIVERS, GONE, RELAY, SUBMISSION, document, expect_one, told, where

from mailmote.policy import options, stored_settings
from mailmote.policy.settings import validate

HVE, ACS = "high-volume-email", "azure-communication-services"
CLIENT_ID = "0a1b2c3d-aaaa-4444-bbbb-5e6f7a8b9c0d"
TENANT_ID = "99998888-7777-6666-5555-444433332222"
OAUTH = ("oauth", {"tenant": "contoso.com", "client_id": CLIENT_ID})
DEVICE = (("mail.auth", "oauth-device"), OAUTH)
APP = (("mail.auth", "oauth-app"), OAUTH)
ACS_NAME = ("mail.username", "resource|%s|%s" % (CLIENT_ID, TENANT_ID))
CERTIFICATE = ("mail.auth", "certificate")


def good(option, *changes):
    """The mail table that the board gets; nothing is told but, of client submission, how passwords end."""
    settings, found = told(option, changes)
    told_of = [one for one in found if option != SUBMISSION or "December 2026" not in one.text]
    equal([(where(one), one.text) for one in told_of], [])
    return settings["mail"]


def errors(option, *changes):
    return sorted(where(one) for one in told(option, changes)[1] if one.level == "error")


def test_oauth_by_device_code_is_the_way_to_sign_in_at_microsoft():
    settings, found = told(SUBMISSION, (("mail.auth", GONE), OAUTH))
    equal(found, [])
    equal(
        settings["mail"],
        {
            "option": "client-submission",
            "from": "alerts@contoso.com",
            "to": ["ops@contoso.com"],
            "host": "smtp.office365.com",
            "port": 587,
            "tls": "required",
            "auth": "oauth-device",
            "username": "alerts@contoso.com",
            "oauth": {
                "host": "login.microsoftonline.com",
                "port": 443,
                "path": "/contoso.com/oauth2/v2.0/token",
                "client_id": CLIENT_ID,
                "scope": "https://outlook.office.com/SMTP.Send offline_access",
                "secret": "oauth.refresh",
            },
        },
    )
    equal("oauth" in settings, False)
    equal(stored_settings.load(settings) is settings, True)


def test_an_application_signs_in_with_its_secret():
    oauth = good(SUBMISSION, *APP)["oauth"]
    equal((oauth["scope"], oauth["secret"]), ("https://outlook.office365.com/.default", "oauth.secret"))


def test_a_password_is_the_way_to_sign_in_elsewhere():
    for host in ("mail.contoso.com", "smtp.office365.us", "office365.com.evil.example"):
        mail = good(SUBMISSION, ("mail.auth", GONE), ("mail.host", host))
        equal((mail["auth"], mail["password"]), ("password", "mail.password"))
    mail = good(SUBMISSION, *(DEVICE + (("mail.host", "mail.contoso.com"),)))
    equal((mail["auth"], "password" in mail), ("oauth-device", False))


def test_every_key_of_oauth_reaches_the_board():
    oauth = good(
        SUBMISSION,
        ("mail.auth", "oauth-device"),
        (
            "oauth",
            {
                "tenant": TENANT_ID.upper(),
                "client_id": CLIENT_ID.upper(),
                "scope": "https://outlook.office365.us/SMTP.Send offline_access",
                "host": "Login.MicrosoftOnline.us",
                "port": 8443,
                "connect_to": "127.0.0.1",
            },
        ),
    )["oauth"]
    equal(
        oauth,
        {
            "host": "login.microsoftonline.us",
            "port": 8443,
            "connect_to": "127.0.0.1",
            "path": "/%s/oauth2/v2.0/token" % TENANT_ID,
            "client_id": CLIENT_ID,
            "scope": "https://outlook.office365.us/SMTP.Send offline_access",
            "secret": "oauth.refresh",
        },
    )


def test_a_shared_mailbox_is_the_username():
    mail = good(SUBMISSION, *(DEVICE + (("mail.from", "shared@contoso.com"),)))
    equal((mail["username"], mail["from"]), ("shared@contoso.com", "shared@contoso.com"))
    for way in (DEVICE, APP):
        changes = way + (("mail.username", "shared@contoso.com"),)
        expect_one(SUBMISSION, changes, "mail.from", "5.2.252", "warning")
        expect_one(SUBMISSION, way + (("mail.username", "alerts"),), "mail.username", "the full address")


def test_without_the_oauth_table_the_registration_is_told():
    for auth, words in (
        (GONE, ("Allow public client flows", "delegated permission SMTP.Send")),
        ("oauth-device", ("Allow public client flows", "delegated permission SMTP.Send")),
        (
            "oauth-app",
            ("SMTP.SendAsApp", "admin consent", "New-ServicePrincipal", "Add-MailboxPermission (FullAccess)"),
        ),
    ):
        way = (("mail.auth", auth),)
        text = expect_one(SUBMISSION, way, "oauth", "is missing: add [oauth] with tenant and client_id")
        texts = [text]
        for key, example in (("tenant", '"contoso.onmicrosoft.com"'), ("client_id", '"00001111-aaaa-')):
            table = dict(OAUTH[1])
            del table[key]
            changes = way + (("oauth", table),)
            texts.append(expect_one(SUBMISSION, changes, "oauth." + key, "%s = %s" % (key, example)))
        for text in texts:
            for word in words + ('auth = "password" works while Microsoft allows it',):
                equal((word, word in text), (word, True))


def test_an_oauth_table_that_nobody_uses_is_told():
    for option, changes, hint in (
        (SUBMISSION, (), 'or set auth = "oauth-device" in [mail]'),
        (HVE, (), 'or set auth = "oauth-app" in [mail]'),
        (DIRECT, (), "Take the table out"),
        (RELAY, (CERTIFICATE,), "Take the table out"),
    ):
        text = expect_one(option, changes + (OAUTH,), "oauth", "is not used")
        equal(text.endswith(hint), True)
    equal(errors(RELAY, *DEVICE), ["mail.auth"])
    equal(errors(SUBMISSION, ("mail.auth", "oauth"), OAUTH), ["mail.auth"])
    equal(errors(SUBMISSION, ("mail.option", "pigeon"), OAUTH), ["mail.option"])
    equal(errors(SUBMISSION, ("mail.auth", GONE), ("mail.host", "smtp..com"), OAUTH), ["mail.host"])
    equal(errors(SUBMISSION, ("mail.auth", GONE), ("mail.host", "smtp..com")), ["mail.host"])


def test_an_oauth_table_of_another_shape_is_told_once():
    expect_one(SUBMISSION, (("mail.auth", "oauth-device"), ("oauth", 5)), "oauth", "must be one table")
    expect_one(SUBMISSION, (("mail.auth", "oauth-device"), ("oauth", [])), "oauth", "must be one table")


def test_values_of_the_oauth_table():
    for key, value, text in (
        ("tenant", 7, "it must be text in quotes"),
        ("tenant", "contoso", "it has no dot"),
        ("tenant", "https://contoso.com", "is no tenant"),
        ("tenant", "contoso.com/x", "is no tenant"),
        ("tenant", TENANT_ID[:-1], "is no tenant"),
        ("client_id", 7, "it must be text in quotes"),
        ("client_id", "mailmote", "the application (client) ID that Entra ID shows"),
        ("client_id", CLIENT_ID.replace("-", ""), "is no ID"),
        ("client_id", CLIENT_ID.replace("a", "g"), "is no ID"),
        ("client_id", CLIENT_ID + "-", "is no ID"),
        ("scope", 7, "it must be text in quotes"),
        ("scope", "", "is empty"),
        ("scope", "https://a.example/x  offline_access", "with one space between"),
        ("scope", " offline_access", "with one space between"),
        ("scope", 'https://a.example/"x" offline_access', "is no scope"),
        ("scope", "https://a.example/\\ offline_access", "is no scope"),
        ("scope", "https://ä.example/x offline_access", "is no scope"),
        ("scope", "x" * 236 + " offline_access", "at most 250"),
        ("scope", "https://outlook.office.com/SMTP.Send", "lacks offline_access"),
        ("scope", "https://outlook.office.com/SMTP.Send.offline_access", "lacks offline_access"),
        ("host", "https://login.microsoftonline.com", "no scheme"),
        ("host", "login.microsoftonline.com:443", "the port goes into oauth.port"),
        ("port", 0, "such as 443"),
        ("port", "443", "it must be a whole number"),
        ("connect_to", "256.1.1.1", "from 0 to 255"),
        ("clientid", CLIENT_ID, 'did you mean "client_id"?'),
    ):
        oauth = ("oauth", dict(OAUTH[1], **{key: value}))
        expect_one(SUBMISSION, (("mail.auth", "oauth-device"), oauth), "oauth." + key, text)
    for key, value in (
        ("port", 465),
        ("scope", "x" * 235 + " offline_access"),
        ("tenant", "contoso.onmicrosoft.com"),
        ("tenant", "organizations"),
    ):
        good(SUBMISSION, ("mail.auth", "oauth-device"), ("oauth", dict(OAUTH[1], **{key: value})))


def test_an_application_signs_in_to_one_tenant():
    for tenant in ("common", "Organizations", "consumers"):
        oauth = ("oauth", dict(OAUTH[1], tenant=tenant))
        expect_one(SUBMISSION, (("mail.auth", "oauth-app"), oauth), "oauth.tenant", "signs in to one tenant")


def test_the_scope_of_an_application_is_its_registration():
    for scope in (
        "https://outlook.office365.com/SMTP.SendAsApp",
        "https://outlook.office365.com/.default offline_access",
        "offline_access https://outlook.office365.com/.default",
    ):
        oauth = ("oauth", dict(OAUTH[1], scope=scope))
        expect_one(SUBMISSION, (("mail.auth", "oauth-app"), oauth), "oauth.scope", "ends in /.default")
    scope = "https://outlook.office365.us/.default"
    oauth = good(SUBMISSION, ("mail.auth", "oauth-app"), ("oauth", dict(OAUTH[1], scope=scope)))["oauth"]
    equal(oauth["scope"], scope)


def test_a_national_cloud_has_a_scope_of_its_own():
    for host in ("login.microsoftonline.us", "login.partner.microsoftonline.cn"):
        oauth = ("oauth", dict(OAUTH[1], host=host))
        expect_one(SUBMISSION, (("mail.auth", "oauth-app"), oauth), "oauth.scope", "global cloud")
        oauth = ("oauth", dict(oauth[1], scope="https://partner.outlook.cn/.default"))
        equal(good(SUBMISSION, ("mail.auth", "oauth-app"), oauth)["oauth"]["host"], host)


def test_a_sign_in_host_that_is_not_microsofts_is_a_warning():
    for host in ("login.microsoftonlin.com", "login.microsoftonline.com.evil.example", "192.0.2.7"):
        oauth = ("oauth", dict(OAUTH[1], host=host))
        changes = (("mail.auth", "oauth-device"), oauth)
        expect_one(SUBMISSION, changes, "oauth.host", "no sign-in host of Microsoft", "warning")


def test_secrets_of_oauth_are_refused_and_never_shown():
    for key in ("client_secret", "secret", "Client-Secret", "refresh_token", "access_token", "password"):
        oauth = ("oauth", dict(OAUTH[1], **{key: "hunter2"}))
        for way in ("oauth-device", "oauth-app", "password"):
            found = told(SUBMISSION, (("mail.auth", way), oauth))[1]
            texts = [one.text for one in found if where(one) == "oauth." + key]
            equal(len(texts), 1)
            equal("never live in mote.toml" in texts[0] and "client secrets" in texts[0], True)
            equal([one.text for one in found if "hunter2" in one.text], [])


def test_relay_by_certificate():
    mail = good(RELAY, CERTIFICATE)
    equal((mail["auth"], mail["tls"], mail["port"]), ("certificate", "required", 25))
    equal((mail["certificate"], mail["key"]), ("relay.cert", "relay.key"))
    equal(("username" in mail, "password" in mail), (False, False))
    equal(good(RELAY, CERTIFICATE, ("mail.tls", "required")), mail)
    for tls in ("none", "opportunistic"):
        expect_one(RELAY, (CERTIFICATE, ("mail.tls", tls)), "mail.tls", "550 5.7.64 Relay Access Denied")
    expect_one(RELAY, (CERTIFICATE, ("mail.host", "10.0.0.5")), "mail.host", "checks a certificate")
    expect_one(RELAY, (CERTIFICATE, ("mail.username", "x")), "mail.username", "asks for no password")
    equal(errors(RELAY, CERTIFICATE, ("mail.tls", "maybe")), ["mail.tls"])
    equal(errors(DIRECT, CERTIFICATE, ("mail.tls", "none")), ["mail.auth"])
    equal(errors(SUBMISSION, CERTIFICATE), ["mail.auth"])
    expect_one(RELAY, (("mail.auth", "oauth-app"),), "mail.auth", 'auth = "certificate"')
    plain = good(RELAY)
    equal((plain["auth"], plain["tls"]), ("none", "opportunistic"))
    equal(("certificate" in plain, "key" in plain), (False, False))


def test_a_ca_of_ones_own():
    for name in ("site-ca.pem", "certs/Site.CRT", "a..b.pem", ".pem"):
        equal(good(RELAY, ("mail.host", "relay.contoso.com"), ("mail.ca", name))["ca"], name)
    for name, text in (
        (7, "it must be text in quotes"),
        ("", "is empty"),
        ("/etc/ssl/ca.pem", "beside mote.toml"),
        ("../ca.pem", "beside mote.toml"),
        ("certs/../../ca.pem", "beside mote.toml"),
        ("..", "beside mote.toml"),
        ("C:/ca.pem", "beside mote.toml"),
        ("certs\\ca.pem", "beside mote.toml"),
        ("ca.der", "ends in .pem or .crt"),
        ("pem", "ends in .pem or .crt"),
        ("x" * 57 + ".pem", "at most 60"),
    ):
        expect_one(RELAY, (("mail.ca", name),), "mail.ca", text)
    expect_one(RELAY, (("mail.ca", "ca.pem"), ("mail.tls", "none")), "mail.ca", "no certificate is checked")
    equal(errors(RELAY, ("mail.ca", "ca.der"), ("mail.tls", "none")), ["mail.ca"])


def test_high_volume_email():
    mail = good(HVE)
    equal((mail["host"], mail["port"], mail["tls"]), ("smtp.hve.mx.microsoft", 587, "required"))
    equal((mail["auth"], mail["password"]), ("password", "mail.password"))
    equal((mail["username"], mail["accepted_domains"]), ("alerts@contoso.com", ["contoso.com"]))
    oauth = good(HVE, *APP)["oauth"]
    equal((oauth["scope"], oauth["secret"]), ("https://outlook.office.com/.default", "oauth.secret"))
    for changes, path, text in (
        ((("mail.to", ["x@fabrikam.com"]),), "mail.to.0", "high-volume-email reaches the own"),
        ((("mail.accepted_domains", ["fabrikam.com"]), ("mail.to", ["x@fabrikam.com"])), "mail.from",
         "takes mail from the tenant's own domains only"),
        ((("mail.tls", "none"),), "mail.tls", "always uses TLS"),
        ((("mail.auth", "none"),), "mail.auth", 'use auth = "password" or "oauth-app"'),
        (DEVICE, "mail.auth", 'use auth = "password" or "oauth-app"'),
        ((("mail.auth", "oauth-app"),), "oauth", "Add-HVEAppAccess"),
        ((("mail.host", "40.97.4.1"),), "mail.host", "smtp.hve.mx.microsoft, always by name"),
        ((("mail.host", "smtp.office365.com"),), "mail.host", "of option client-submission"),
        ((("mail.port", 25),), "mail.port", "listens on 587 only"),
        ((("mail.username", "alerts"),), "mail.username", "the full address"),
    ):  # fmt: skip
        expect_one(HVE, changes, path, text)
    changes = (("mail.username", "hve@contoso.com"),)
    expect_one(HVE, changes, "mail.from", 'from = "hve@contoso.com"', "warning")


def test_azure_communication_services():
    mail = good(ACS, ACS_NAME, ("mail.to", ["x@fabrikam.com"]))
    equal((mail["host"], mail["port"], mail["tls"]), ("smtp.azurecomm.net", 587, "required"))
    equal((mail["auth"], mail["password"]), ("password", "mail.password"))
    equal((mail["username"], "accepted_domains" in mail), (ACS_NAME[1], False))
    good(ACS, ("mail.username", "smtp-user"), ("mail.port", 25))
    good(ACS, ("mail.username", "other@contoso.com"))
    oauth = good(ACS, *(APP + (("mail.username", "smtp-user"),)))["oauth"]
    equal((oauth["scope"], oauth["secret"]), ("https://communication.azure.com/.default", "oauth.secret"))
    expect_one(ACS, (), "mail.username", '"<resource>|<application ID>|<tenant ID>"')
    for changes, path, text in (
        ((("mail.tls", "opportunistic"),), "mail.tls", "always uses TLS"),
        ((("mail.auth", "none"),), "mail.auth", "its client secret"),
        (DEVICE, "mail.auth", "its client secret"),
        ((("mail.auth", "oauth-app"),), "oauth", "Communication and Email Service Owner"),
        ((("mail.host", "40.97.4.1"),), "mail.host", "smtp.azurecomm.net, always by name"),
        ((("mail.port", 26),), "mail.port", "listens on 587 and 25 only"),
    ):
        expect_one(ACS, changes + (ACS_NAME,), path, text)


def test_the_options_are_whole():
    """Whatever an option allows has its default, its reason or its scope: no KeyError waits in a rule."""
    equal(options.NAMES[:3], ("client-submission", "direct-send", "smtp-relay"))
    for name in options.NAMES:
        option = options.named(name)
        changes = (ACS_NAME,) if name == ACS else ()
        for auth in options.AUTH:
            for tls in options.TLS:
                for host in ("10.0.0.5", "mail.example.com"):
                    told(name, changes + (("mail.auth", auth), ("mail.tls", tls), ("mail.host", host), OAUTH))
        for way in option.auth:
            equal((name, way, way in options.OAUTH), (name, way, way in option.scopes))
            if way in options.OAUTH:
                equal((name, way, len(option.rules[way]) < 260), (name, way, True))


def test_the_servers_of_the_time():
    for clock, path, text in (
        ({"ntp": []}, "clock.ntp", "is an empty list"),
        ({"ntp": "pool.ntp.org"}, "clock.ntp", 'such as ["pool.ntp.org"]'),
        ({"ntp": ["a", "b", "c", "d", "e"]}, "clock.ntp", "has 5 entries; at most 4"),
        ({"ntp": ["pool.ntp.org", "ntp://b"]}, "clock.ntp.1", "NTP has no port but 123"),
        ({"ntp": ["pool.ntp.org:123"]}, "clock.ntp.0", "NTP has no port but 123"),
        ({"ntp": ["pool..org"]}, "clock.ntp.0", 'Write it as in "pool.ntp.org"'),
        ({"ntpp": ["pool.ntp.org"]}, "clock.ntpp", 'did you mean "ntp"?'),
        ([], "clock", "must be one table"),
    ):
        expect_one(RELAY, (("clock", clock),), path, text)
    for clock, wanted in (
        ({}, ["pool.ntp.org", "time.windows.com", "time.cloudflare.com"]),
        ({"ntp": ["a", "b", "c", "d"]}, ["a", "b", "c", "d"]),
    ):
        settings, found = told(RELAY, (("clock", clock),))
        equal((found, settings["clock"]), ([], {"ntp": wanted}))


def test_the_default_servers_are_not_shared():
    told(RELAY, ())[0]["clock"]["ntp"].append("evil.example")
    equal(len(told(RELAY, ())[0]["clock"]["ntp"]), 3)


def test_the_document_is_left_as_it_was():
    given, kept = [
        document(SUBMISSION, DEVICE[:1] + (("oauth", dict(OAUTH[1])), ("clock", {"ntp": ["a"]})))
        for _ in range(2)
    ]
    validate(given, DRIVERS)
    equal(given, kept)
