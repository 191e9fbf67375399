"""How mail servers refuse, Exchange Online above all: what each reply means and what puts it right.

One table in four parts, since a board that has to load it from flash has room for one part at a time;
replies.py goes through them in order. Each part is a module with ROWS. A row: key; first digit of the reply
code, or 0; enhanced status codes; fragments of the text, in lower case; first letters of the stages;
action; cause; fix. Alternatives are parted by `|`; what is empty matches all. The first row that fits is
taken, so the more telling stand first. Rows with neither enhanced status code nor fragment are the classes
of replies.py; they are reached by key.

Cause and fix stand on a console and in a mail on a phone: at most 160 characters each. The long form is
that of `mailmote explain`. Sources: "Email non-delivery reports and SMTP errors in Exchange Online",
"Enable or disable SMTP AUTH", "How to set up a multifunction device" and "Exchange Online limits",
learn.microsoft.com; the Exchange team's blog for 5.7.30 and 5.7.68; RFC 3463 and RFC 5321.

replies.py loads a part and lets it go: a part imports nothing, and nothing else on a board refers to it.
"""
