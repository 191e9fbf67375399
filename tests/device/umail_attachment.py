"""A program written for uMail: TLS from the first octet, and an attachment in pieces."""

import binascii

import umail

PIECE = 57 * 4

smtp = umail.SMTP("smtp.example.com", 465, ssl=True)
print(smtp.login("mote@contoso.test", "canary-password"))
smtp.to("facilities@contoso.test")
smtp.write("From: mote@contoso.test\nTo: facilities@contoso.test\nSubject: Readings\n")
smtp.write("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=parts\n\n")
smtp.write("--parts\nContent-Type: text/plain\n\n.All readings of today.\n")
smtp.write("--parts\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n")
with open("readings.bin", "rb") as file:
    piece = file.read(PIECE)
    while piece:
        smtp.write(binascii.b2a_base64(piece))
        piece = file.read(PIECE)
smtp.write("--parts--\n")
print(smtp.send())
smtp.quit()
