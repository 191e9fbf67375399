"""A program written for uMail: the sender is not the user, and who is refused does not stop the others."""

import umail

smtp = umail.SMTP("smtp.example.com", 587, username="mote@contoso.test", password="canary-password")
smtp.to(["a@contoso.test", "nobody@contoso.test", "b@contoso.test"], mail_from="alerts@contoso.test")
smtp.write("From: alerts@contoso.test\r\n")
smtp.write("Subject: Freezer\r\n\r\n")
print(smtp.send("It is too warm.\r\n"))
smtp.quit()
