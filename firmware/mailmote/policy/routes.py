"""The rules of the mail table: what its option asks for, and who can be reached.

As in `rules`, None stands for a value that has an error already.
"""

from ..addresses import domain_of, is_ip
from . import options, sign_in
from .fields import MAX_RECIPIENTS, RECIPIENTS_RULE
from .problems import listed, shown

_MAIL = ("mail",)


def fill_mail(mail, oauth, findings):
    """Host, port, TLS, sign-in and accepted domains from the option, then the rules of that option.

    `oauth`: the [oauth] table as the file has it, or None. A mail table whose option is not known cannot be
    judged further, and neither can [oauth].
    """
    if mail["option"] is None:
        return
    option = options.named(mail["option"])
    mail.setdefault("port", option.ports[0])
    _fill_host(mail, option, findings)
    sign_in.fill_auth(mail, option)
    certificate = mail["auth"] == options.CERTIFICATE
    mail.setdefault("tls", options.REQUIRED if certificate else option.tls[0])
    _check_host(mail, option, findings)
    _check_tls(mail, option, findings)
    sign_in.check_auth(mail, option, oauth, findings)
    if not option.signs_in or option.inside_only:
        _check_sender_domain(mail, option, findings)


def _fill_host(mail, option, findings):
    if "host" in mail:
        return
    mail["host"] = option.host
    if option.host is None and mail["from"] is not None:
        domain = domain_of(mail["from"])
        mail["host"] = options.mx_host(domain)
        if mail["host"] is None:
            findings.error(
                _MAIL + ("host",),
                "is missing: the MX endpoint of %s cannot be told from its name, since it has a hyphen. Copy "
                "the MX value from the Microsoft 365 admin center (Settings, Domains, DNS records), as in "
                'host = "contoso-com%s"' % (shown(domain), options.MX_SUFFIX),
            )


def _check_host(mail, option, findings):
    host = mail["host"]
    path = _MAIL + ("host",)
    if host is None:
        return
    if is_ip(host):
        if "ip" in option.rules:
            findings.error(path, "%s is an IP address: %s" % (shown(host), option.rules["ip"]))
        elif mail["tls"] == options.REQUIRED:
            findings.error(
                path,
                '%s is an IP address, and tls = "required" checks a certificate, which names a host. '
                "Write the name of the host here, and the address into connect_to" % shown(host),
            )
        return
    other = options.of_host(host)
    if other and other.suffix != option.suffix:
        findings.error(
            path,
            "%s is the server of option %s. Change option, or take the line out" % (shown(host), other.name),
        )
        return
    _check_port(mail, option, findings)


def _check_port(mail, option, findings):
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
        _MAIL + ("port",),
        "%d is refused: %s listens on %s only. Take the line out" % (port, shown(mail["host"]), ports),
    )


def _check_tls(mail, option, findings):
    tls = mail["tls"]
    path = _MAIL + ("tls",)
    if tls is not None and tls not in option.tls:
        findings.error(path, "%s is refused: %s" % (shown(tls), option.rules["tls"]))
    if tls == options.NO_TLS and mail.get("ca") is not None:
        findings.error(
            _MAIL + ("ca",),
            'is not used: with tls = "none" no certificate is checked. Take the line out, or change tls',
        )


def _check_sender_domain(mail, option, findings):
    sender = mail["from"]
    if option.inside_only and sender is not None:
        mail.setdefault("accepted_domains", [domain_of(sender)])
    domains = mail.get("accepted_domains")
    if domains and None not in domains and sender is not None and domain_of(sender) not in domains:
        findings.error(
            _MAIL + ("from",),
            "%s is outside accepted_domains (%s): %s takes mail from the tenant's own domains only. Use an "
            "address there, or add its domain to accepted_domains if the tenant has it"
            % (shown(sender), listed(domains), option.name),
        )


def check_recipients(mail, alarms, findings):
    """The recipients: inside the organisation for direct send, none twice, and no more than fit a record.

    An alarm's own recipients stand in place of those in the mail table, cc included.
    """
    to, cc = mail["to"] or [], mail.get("cc") or []
    _check_list(mail, to, _MAIL + ("to",), (), findings)
    _check_list(mail, cc, _MAIL + ("cc",), to, findings)
    if len(to) + len(cc) > MAX_RECIPIENTS >= max(len(to), len(cc)):
        findings.error(
            _MAIL + ("cc",),
            "to and cc make %d recipients; at most %d together, %s. Use a distribution group"
            % (len(to) + len(cc), MAX_RECIPIENTS, RECIPIENTS_RULE),
        )
    for index, alarm in enumerate(alarms):
        _check_list(mail, alarm.get("to") or [], ("alarm", index, "to"), (), findings)


def _check_list(mail, recipients, path, others, findings):
    domains = mail.get("accepted_domains")
    inside_only = (
        mail["option"] is not None
        and options.named(mail["option"]).inside_only
        and domains
        and None not in domains
    )
    seen = [other.lower() for other in others if other is not None]
    for index, recipient in enumerate(recipients):
        if recipient is None:
            continue
        here = path + (index,)
        if recipient.lower() in seen:
            findings.error(here, "%s is there twice: name each recipient once" % shown(recipient))
        elif inside_only and domain_of(recipient) not in domains:
            findings.error(
                here,
                "%s is outside accepted_domains (%s): %s reaches the own organisation only. Add the "
                "domain to accepted_domains if the tenant has it, or use option smtp-relay or "
                "client-submission" % (shown(recipient), listed(domains), mail["option"]),
            )
        seen.append(recipient.lower())
