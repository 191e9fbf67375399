"""The rules of the mail tables, each of which is a route: what its option asks for, and whom it reaches.

As in `rules`, None stands for a value that has an error already. `path` leads to the table: ("mail",), or
("mail", 1) where there are several.
"""

from ..addresses import domain_of, is_ip
from . import fields, options, sign_in
from .problems import listed, shown

FIRST_ONLY = ("to", "cc", "reply_to", "subject_prefix")

_FALLBACK_AFTER_S = 1800


def read_route(table, path, findings):
    """The values of a mail table. One after the first has a time to wait, and no recipients of its own."""
    is_first = path[-1] in ("mail", 0)
    rows = fields.MAIL
    fields.refuse_unknown(table, fields.keys(rows), path, findings)
    if is_first:
        mail = fields.read(table, rows, path, findings)
        if mail.get("fallback_after_s") is not None:
            findings.error(
                path + ("fallback_after",),
                "is not used: the first way to send is tried at once. Write it into a later [[mail]], or "
                "take the line out",
            )
        return mail
    for key in FIRST_ONLY:
        if key in table and not findings.is_unusable(path + (key,)):
            findings.error(
                path + (key,),
                "belongs into the first [[mail]]: whichever way a mail goes, it is the same. Take the "
                "line out",
            )
    mail = fields.read(table, [row for row in rows if row[0] not in FIRST_ONLY], path, findings)
    mail.setdefault("fallback_after_s", _FALLBACK_AFTER_S)
    return mail


def fill(mails, oauth, findings):
    """Fill in each route from its option, then check it, and that the board can have them all.

    `mails`: (path, values) of each. `oauth`: the [oauth] table as the file has it, or None.
    """
    before = []
    for path, mail in mails:
        _fill_mail(mail, path, before, oauth, findings)
        before.append((path, mail))
    sign_in.check_oauth_is_used([mail for _, mail in mails], oauth, findings)
    named = [path for path, mail in mails if "ca" in mail]
    for path in named[1:]:
        findings.error(
            path + ("ca",),
            "is the second file of CA certificates, and a board has one, which it trusts for every [[mail]]. "
            "Put all certificates into that of [[mail]] %d, and take the line out" % (named[0][-1] + 1),
        )


def _fill_mail(mail, path, before, oauth, findings):
    """Host, port, TLS, sign-in and accepted domains from the option, then the rules of that option.

    A mail table whose option is not known cannot be judged further, and neither can [oauth].
    """
    if mail["option"] is None:
        return
    option = options.named(mail["option"])
    mail.setdefault("port", option.ports[0])
    _fill_host(mail, path, option, findings)
    sign_in.fill_auth(mail, option)
    certificate = mail["auth"] == options.CERTIFICATE
    mail.setdefault("tls", options.REQUIRED if certificate else option.tls[0])
    _check_host(mail, path, option, findings)
    _check_tls(mail, path, option, findings)
    sign_in.check_auth(mail, path, option, before, oauth, findings)
    if not option.signs_in or option.inside_only:
        _check_sender_domain(mail, path, option, findings)


def _fill_host(mail, path, option, findings):
    if "host" in mail:
        return
    mail["host"] = option.host
    if option.host is None and mail["from"] is not None:
        domain = domain_of(mail["from"])
        mail["host"] = options.mx_host(domain)
        if mail["host"] is None:
            findings.error(
                path + ("host",),
                "is missing: the MX endpoint of %s cannot be told from its name, since it has a hyphen. Copy "
                "the MX value from the Microsoft 365 admin center (Settings, Domains, DNS records), as in "
                'host = "contoso-com%s"' % (shown(domain), options.MX_SUFFIX),
            )


def _check_host(mail, path, option, findings):
    host = mail["host"]
    here = path + ("host",)
    if host is None:
        return
    if is_ip(host):
        if "ip" in option.rules:
            findings.error(here, "%s is an IP address: %s" % (shown(host), option.rules["ip"]))
        elif mail["tls"] == options.REQUIRED:
            findings.error(
                here,
                '%s is an IP address, and tls = "required" checks a certificate, which names a host. '
                "Write the name of the host here, and the address into connect_to" % shown(host),
            )
        return
    other = options.of_host(host)
    if other and other.suffix != option.suffix:
        findings.error(
            here,
            "%s is the server of option %s. Change option, or take the line out" % (shown(host), other.name),
        )
        return
    _check_port(mail, path, option, findings)


def _check_port(mail, path, option, findings):
    port = mail["port"]
    if (
        port is None
        or port in option.ports
        or "connect_to" in mail
        or not mail["host"].endswith(option.suffix)
    ):
        return
    ports = " and ".join(str(one) for one in option.ports)
    findings.error(
        path + ("port",),
        "%d is refused: %s listens on %s only. Take the line out" % (port, shown(mail["host"]), ports),
    )


def _check_tls(mail, path, option, findings):
    tls = mail["tls"]
    if tls is not None and tls not in option.tls:
        findings.error(path + ("tls",), "%s is refused: %s" % (shown(tls), option.rules["tls"]))
    if tls == options.NO_TLS and mail.get("ca") is not None:
        findings.error(
            path + ("ca",),
            'is not used: with tls = "none" no certificate is checked. Take the line out, or change tls',
        )


def _check_sender_domain(mail, path, option, findings):
    sender = mail["from"]
    if option.inside_only and sender is not None:
        mail.setdefault("accepted_domains", [domain_of(sender)])
    domains = mail.get("accepted_domains")
    if domains and None not in domains and sender is not None and domain_of(sender) not in domains:
        findings.error(
            path + ("from",),
            "%s is outside accepted_domains (%s): %s takes mail from the tenant's own domains only. Use an "
            "address there, or add its domain to accepted_domains if the tenant has it"
            % (shown(sender), listed(domains), option.name),
        )


def check_recipients(mails, alarms, findings):
    """The recipients: each one is there once, each route reaches it, and no more than fit a record.

    An alarm's own recipients stand in place of those in the first mail table, cc included.
    """
    path, mail = mails[0]
    to, cc = mail["to"] or [], mail.get("cc") or []
    _check_list(mails, to, path + ("to",), (), findings)
    _check_list(mails, cc, path + ("cc",), to, findings)
    if len(to) + len(cc) > fields.MAX_RECIPIENTS >= max(len(to), len(cc)):
        findings.error(
            path + ("cc",),
            "to and cc make %d recipients; at most %d together, %s. Use a distribution group"
            % (len(to) + len(cc), fields.MAX_RECIPIENTS, fields.RECIPIENTS_RULE),
        )
    for index, alarm in enumerate(alarms):
        _check_list(mails, alarm.get("to") or [], ("alarm", index, "to"), (), findings)


def _check_list(mails, recipients, path, others, findings):
    seen = [other.lower() for other in others if other is not None]
    for index, recipient in enumerate(recipients):
        if recipient is None:
            continue
        here = path + (index,)
        if recipient.lower() in seen:
            findings.error(here, "%s is there twice: name each recipient once" % shown(recipient))
        else:
            for number, (_, mail) in enumerate(mails):
                _check_reach(recipient, mail, number, here, findings)
        seen.append(recipient.lower())


def _check_reach(recipient, mail, number, path, findings):
    """That a route, the `number`th after the first, reaches a recipient: it would refuse it for good."""
    domains = mail.get("accepted_domains")
    if mail["option"] is None or not domains or None in domains or domain_of(recipient) in domains:
        return
    if not options.named(mail["option"]).inside_only:
        return
    if number:
        text = (
            "%s cannot be reached by [[mail]] %d: it is outside accepted_domains (%s) there, and %s reaches "
            "the own organisation only, so that this recipient would get nothing. Add the domain there if "
            "the tenant has it, or use option smtp-relay or client-submission there"
        )
        findings.error(path, text % (shown(recipient), number + 1, listed(domains), mail["option"]))
    else:
        findings.error(
            path,
            "%s is outside accepted_domains (%s): %s reaches the own organisation only. Add the "
            "domain to accepted_domains if the tenant has it, or use option smtp-relay or "
            "client-submission" % (shown(recipient), listed(domains), mail["option"]),
        )
