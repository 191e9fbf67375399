"""A program written for uMail: one login, one recipient, one text."""

import umail

smtp = umail.SMTP("smtp.example.com", 587, username="mote@contoso.test", password="canary-password")
smtp.to("facilities@contoso.test")
smtp.send("From: mote@contoso.test\nSubject: Freezer\n\nIt is too warm.")
smtp.quit()
