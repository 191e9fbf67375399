"""The validator on several ways to send, in order of preference, on both runtimes."""

from expect import equal
from mote_toml import DIRECT, GONE, RELAY, SUBMISSION, document, told, where

from mailmote.policy import stored_settings

CLIENT_ID = "0a1b2c3d-aaaa-4444-bbbb-5e6f7a8b9c0d"
OAUTH = ("oauth", {"tenant": "contoso.com", "client_id": CLIENT_ID})


def first(option, **more):
    """The mail table of `mote_toml.document`, with more keys."""
    return dict(document(option)["mail"], **more)


def later(option, **more):
    return dict({"option": option, "from": "mote-1@contoso.com"}, **more)


def problems(mails, *changes):
    """(path, text) of the errors, with these mail tables."""
    settings, found = told(RELAY, (("mail", mails),) + changes)
    errors = [(where(one), one.text) for one in found if one.level == "error"]
    equal(settings is None, bool(errors))
    return errors


def good(mails, *changes):
    equal(problems(mails, *changes), [])
    return told(RELAY, (("mail", mails),) + changes)[0]


def test_one_table_in_double_brackets_is_as_in_single_ones():
    for option in (SUBMISSION, DIRECT, RELAY):
        equal(good([first(option)]), told(option, ())[0])


def test_three_ways_reach_the_board_in_their_order():
    mails = [
        first(SUBMISSION, cc=["boss@contoso.com"]),
        later(DIRECT, fallback_after="1h"),
        later(RELAY, auth="certificate", host="Relay.contoso.com", port=2525),
    ]
    settings = good(mails)
    equal(settings["mail"]["cc"], ["boss@contoso.com"])
    equal("fallback_after_s" in settings["mail"], False)
    equal(
        settings["fallbacks"],
        [
            {
                "option": "direct-send",
                "from": "mote-1@contoso.com",
                "host": "contoso-com.mail.protection.outlook.com",
                "port": 25,
                "tls": "opportunistic",
                "auth": "none",
                "accepted_domains": ["contoso.com"],
                "fallback_after_s": 3600,
            },
            {
                "option": "smtp-relay",
                "from": "mote-1@contoso.com",
                "host": "relay.contoso.com",
                "port": 2525,
                "tls": "required",
                "auth": "certificate",
                "certificate": "relay.cert",
                "key": "relay.key",
                "fallback_after_s": 1800,
            },
        ],
    )
    equal(stored_settings.load(settings) is settings, True)
    equal([where(one) for one in told(RELAY, (("mail", mails),))[1]], ["mail.0.auth"])  # passwords end


def test_a_later_way_signs_in_with_oauth():
    settings = good([first(DIRECT), later(SUBMISSION)], OAUTH)
    (route,) = settings["fallbacks"]
    equal((route["auth"], route["username"]), ("oauth-device", "mote-1@contoso.com"))
    equal((route["oauth"]["client_id"], route["oauth"]["secret"]), (CLIENT_ID, "oauth.refresh"))


def test_each_way_is_checked_by_its_own_option():
    for mails, path, text in (
        ([first(SUBMISSION), later(DIRECT, auth="password")], "mail.1.auth", "direct send never signs in"),
        ([first(SUBMISSION), later(DIRECT, host="40.97.4.1")], "mail.1.host", "451 4.4.62"),
        ([first(SUBMISSION), later(DIRECT, port=587)], "mail.1.port", "listens on 25 only"),
        ([first(SUBMISSION), later(DIRECT, username="x")], "mail.1.username", "is not used: direct send"),
        ([first(DIRECT), later(SUBMISSION, auth="password", tls="none")], "mail.1.tls", "always uses TLS"),
        ([first(DIRECT), later(SUBMISSION, auth="password", username="x")], "mail.1.username", "no mailbox"),
        ([first(DIRECT), later(RELAY, auth="certificate", tls="none")], "mail.1.tls", "in TLS only"),
        ([first(DIRECT), later(RELAY, tls="none", ca="ca.pem")], "mail.1.ca", 'with tls = "none"'),
        ([first(RELAY), later(DIRECT, accepted_domains=["fabrikam.com"])], "mail.1.from", "outside accepted"),
        ([first(RELAY), later(RELAY, accepted_domains=["fabrikam.com"])], "mail.1.from", "outside accepted"),
        ([first(RELAY), dict(later(DIRECT), **{"from": "a@x-y.com"})], "mail.1.host", "has a hyphen"),
        ([first(RELAY), dict(later(DIRECT), option="pigeon")], "mail.1.option", "is not known"),
        ([first(RELAY), {"option": DIRECT}], "mail.1.from", "is missing"),
        ([first(RELAY), {"from": "mote-1@contoso.com"}], "mail.1.option", "is missing"),
        ([first(RELAY), later(DIRECT, hsot="x")], "mail.1.hsot", 'did you mean "host"?'),
        ([first(RELAY), later(DIRECT, password="x")], "mail.1.password", "never live in mote.toml"),
        ([dict(first(DIRECT), tls="x"), later(RELAY)], "mail.0.tls", "is not known"),
    ):
        found = [one for one in problems(mails) if one[0] != "mail.0.to.0"]  # whom it does not reach then
        equal([one[0] for one in found], [path])
        if text not in found[0][1]:
            raise AssertionError("%r is not in %r" % (text, found[0][1]))


def test_what_is_the_same_whichever_way_a_mail_goes():
    text = "belongs into the first [[mail]]: whichever way a mail goes, it is the same. Take the line out"
    for key, value in (
        ("to", ["ops@contoso.com"]),
        ("cc", ["ops@contoso.com"]),
        ("reply_to", "ops@contoso.com"),
        ("subject_prefix", "[x]"),
        ("to", 7),
    ):
        equal(problems([first(RELAY), later(DIRECT, **{key: value})]), [("mail.1." + key, text)])


def test_the_first_way_is_tried_at_once():
    text = (
        "is not used: the first way to send is tried at once. Write it into a later [[mail]], or take the "
        "line out"
    )
    equal(problems([first(RELAY, fallback_after="1h"), later(DIRECT)]), [("mail.0.fallback_after", text)])
    equal(problems(first(RELAY, fallback_after="1h")), [("mail.fallback_after", text)])
    equal([path for path, _ in problems(first(RELAY, fallback_after=7))], ["mail.fallback_after"])


def test_how_long_the_ways_before_have_failed():
    path = "mail.1.fallback_after"
    for value, text in (
        ("59s", '"59s" is too short: at least 1 min, so that a server has the time for a second try'),
        ("7d1s", '"7d1s" is too long: at most 7 d'),
    ):
        equal(problems([first(RELAY), later(DIRECT, fallback_after=value)]), [(path, text)])
    for value, seconds in (("1min", 60), ("7d", 604800)):
        settings = good([first(RELAY), later(DIRECT, fallback_after=value)])
        equal(settings["fallbacks"][0]["fallback_after_s"], seconds)


def test_how_many_ways_there_are():
    four = [first(SUBMISSION)] + [later(RELAY)] * 3
    equal(problems(four), [("mail", "there are 4; at most 3, so that all fit the memory")])
    equal(len(good(four[:3])["fallbacks"]), 2)


def test_every_way_reaches_every_recipient():
    text = (
        '"x@fabrikam.com" cannot be reached by [[mail]] %d: it is outside accepted_domains (contoso.com) '
        "there, and %s reaches the own organisation only, so that this recipient would get nothing. Add the "
        "domain there if the tenant has it, or use option smtp-relay or client-submission there"
    )
    stranger = ["ops@contoso.com", "x@fabrikam.com"]
    direct, hve = later(DIRECT), later("high-volume-email", auth="password")
    equal(problems([first(RELAY, to=stranger), direct]), [("mail.0.to.1", text % (2, DIRECT))])
    equal(
        problems([first(RELAY, cc=stranger[1:]), hve]),
        [("mail.0.cc.0", text % (2, "high-volume-email"))],
    )
    equal(
        problems([first(RELAY), later(RELAY), direct], ("alarm.0.to", stranger)),
        [("alarm.0.to.1", text % (3, DIRECT))],
    )
    equal(
        problems([first(RELAY, to=stranger), direct, hve]),
        [("mail.0.to.1", text % (2, DIRECT)), ("mail.0.to.1", text % (3, "high-volume-email"))],
    )
    found = problems([first(DIRECT, to=stranger), later(RELAY)])
    equal([path for path, _ in found], ["mail.0.to.1"])
    equal(found[0][1].startswith('"x@fabrikam.com" is outside accepted_domains (contoso.com): dir'), True)
    good([first(RELAY, to=stranger), later(DIRECT, accepted_domains=["contoso.com", "fabrikam.com"])])
    good([first(RELAY, to=stranger), later(SUBMISSION, auth="password"), later(RELAY)])


def test_recipients_are_judged_once_however_many_ways_there_are():
    twice = ["ops@contoso.com", "Ops@contoso.com"]
    text = '"Ops@contoso.com" is there twice: name each recipient once'
    equal(problems([first(DIRECT, to=twice), later(RELAY)]), [("mail.0.to.1", text)])


def test_no_two_ways_need_the_same_secret():
    text = (
        '"%s" needs %s, as [[mail]] %d does, and a board has one of it. Write another auth, or another option'
    )
    hve = later("high-volume-email", auth="password")
    certificate = later(RELAY, auth="certificate")
    device, app = later(SUBMISSION), later("high-volume-email", auth="oauth-app")
    for mails, path, wanted in (
        ([first(SUBMISSION), hve], "mail.1.auth", text % ("password", "the secret mail.password", 1)),
        ([first(RELAY), hve, later(SUBMISSION, auth="password")], "mail.2.auth",
         text % ("password", "the secret mail.password", 2)),
        ([first(RELAY, auth="certificate"), certificate], "mail.1.auth",
         text % ("certificate", "the secrets relay.cert and relay.key", 1)),
    ):  # fmt: skip
        equal(problems(mails), [(path, wanted)])
    equal(
        problems([first(DIRECT), device, app], OAUTH),
        [("mail.2.auth", text % ("oauth-app", "[oauth]", 2))],
    )
    equal(
        problems([first(SUBMISSION, auth="oauth-app"), device], OAUTH),
        [("mail.1.auth", text % ("oauth-device", "[oauth]", 1))],
    )
    half = ("oauth", {"tenant": "contoso.com"})
    paths = [path for path, _ in problems([first(SUBMISSION, auth="oauth-app"), device], half)]
    equal(paths, ["oauth.client_id", "mail.1.auth"])
    good([first(SUBMISSION, auth="oauth-app"), hve, certificate], OAUTH)
    good([first(DIRECT), later(RELAY), later(RELAY, port=2525, host="relay.contoso.com")])


def test_a_way_that_cannot_sign_in_so_takes_no_secret():
    mails = [dict(first(DIRECT), auth="password"), later(SUBMISSION, auth="password")]
    equal([path for path, _ in problems(mails)], ["mail.0.auth", "mail.1.auth"])
    mails = [dict(first(RELAY), option="pigeon"), later(SUBMISSION, auth="password")]
    equal([path for path, _ in problems(mails)], ["mail.0.option"])


def test_an_oauth_table_is_used_by_one_of_the_ways():
    text = "is not used: no [[mail]] signs in with OAuth. Take the table out"
    equal(problems([first(DIRECT), later(RELAY)], OAUTH), [("oauth", text)])
    good([first(DIRECT), later(RELAY), later(SUBMISSION)], OAUTH)
    (problem,) = problems([first(DIRECT), later(SUBMISSION)])
    equal((problem[0], problem[1][:17]), ("oauth", "is missing: add ["))
    for mails in ([first(DIRECT), later("pigeon")], [first(DIRECT), later(RELAY, auth="password")]):
        equal(
            [path for path, _ in problems(mails, OAUTH)],
            ["mail.1." + ("auth" if "auth" in mails[1] else "option")],
        )


def test_one_file_of_certificates():
    text = (
        "is the second file of CA certificates, and a board has one, which it trusts for every [[mail]]. Put "
        "all certificates into that of [[mail]] 2, and take the line out"
    )
    mails = [first(SUBMISSION), later(RELAY, ca="a.pem"), later(DIRECT, ca="b.pem")]
    equal(problems(mails), [("mail.2.ca", text)])
    equal(good(mails[:2])["fallbacks"][0]["ca"], "a.pem")


def test_a_first_way_without_recipients():
    equal([path for path, _ in problems([later(RELAY), later(DIRECT)])], ["mail.0.to"])
    mail = first(RELAY)
    del mail["to"]
    equal([path for path, _ in problems([mail])], ["mail.0.to"])
    equal([where(one) for one in told(RELAY, (("mail", GONE),))[1]], ["mail"])


def test_the_document_is_left_as_it_was():
    mails = [first(SUBMISSION), later(DIRECT)]
    good(mails)
    equal(mails, [first(SUBMISSION), later(DIRECT)])
