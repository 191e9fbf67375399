"""What the board runs for the doctor, in its raw REPL, with the firmware's own parts.

Each step becomes a line of JSON, [step, ok, found, key], that begins with MARK: log lines of the firmware
stand between. `step` is what has failed where an exception ends it; `error.text` is mailmote's own, without a
secret.
The first write after `upgrade` brings the TLS handshake. All of it ends before the watchdog of the agent that
was stopped would end the board.
"""

MARK = "\x1e"

PROGRAM = """\
import asyncio, json, socket
def say(step, ok, found, key=""):
 print("\\x1e" + json.dumps([step, ok, found, key]))
step = "firmware"
async def reply(stream, reader):
 while True:
  got = reader.take()
  if got: return got
  n = await stream.read_into(buffer, 30000)
  if not n: raise failure(MailmoteError, "connection-closed", "without a reply", step)
  reader.feed(buffer[:n])
async def opened(stream, mail, name, credentials, identity):
 global step
 talk = dialogue.Dialogue(name, mail["tls"], credentials)
 while talk.wants not in (dialogue.READY, dialogue.CLOSED):
  stage = talk.stage
  if talk.wants == dialogue.UPGRADE:
   step = "tls"
   await stream.upgrade(tls.context(identity), mail["host"], 60000)
   talk.upgraded()
  elif talk.wants == dialogue.SEND:
   if step != "tls": step = names.get(stage, stage)
   for chunk in talk.output(): await stream.write(chunk, 30000)
  else:
   if step != "tls": step = names.get(stage, stage)
   n = await stream.read_into(buffer, 30000)
   if talk.receive(buffer[:n]) and talk.wants != dialogue.UPGRADE:
    if step == "tls": say(step, "pass", "The board has verified the certificate of %s." % mail["host"])
    elif talk.stage != stage: say(step, "pass", "The server agreed.")
    step = ""
async def envelope(stream, mail, everyone):
 global step
 reader = ReplyReader()
 lines = [("mail", "MAIL FROM:<%s>" % mail["from"])] + [("rcpt", "RCPT TO:<%s>" % one) for one in everyone]
 for stage, line in lines:
  step = "sender" if stage == "mail" else "recipients"
  await stream.write(command(line), 30000)
  got = await reply(stream, reader)
  who = line[line.find("<") + 1:-1]
  if got.code < 300: say(step, "pass", "%s: %s" % (who, redacted(str(got))))
  else:
   error = refusal(got, stage)
   say(step, "fail", who + ": " + error.text, error.key)
   if stage == "mail": break
 await stream.write(b"QUIT\\r\\n", 30000)
async def through(mail, name, everyone, beat):
 global step
 step = "secrets"
 way = sign_in.of(mail)
 credentials, identity = await way.credentials(beat), way.identity()
 say(step, "pass", "The board has what auth = %s takes." % mail["auth"])
 step = "host"
 where = mail.get("connect_to") or mail["host"]
 found = socket.getaddrinfo(where, mail["port"], 0, socket.SOCK_STREAM)[0][-1]
 say(step, "pass", "%s is %s." % (where, found[0]) if isinstance(found, tuple) else "%s was found." % where)
 step = "port"
 stream = await connect(where, mail["port"])
 try:
  say(step, "pass", "%s port %d takes connections." % (where, mail["port"]))
  await opened(stream, mail, name, credentials, identity)
  await envelope(stream, mail, everyone)
 finally: stream.close()
def failed(error):
 text = "%s %s" % (type(error).__name__, getattr(error, "errno", ""))
 say(step, "fail", getattr(error, "text", text), getattr(error, "key", ""))
async def visit():
 global step
 step = "settings"
 with open("settings.json") as file: settings = stored_settings.load(json.load(file))
 mail = settings["mail"]
 say(step, "pass", "%s, by %s." % (settings["device"]["name"], mail["option"]))
 beat = Heartbeat("doctor")
 step = "wifi"
 wifi = settings.get("wifi")
 link = Link(wifi["ssid"], secrets.get(wifi["password"]).decode()) if wifi else Link(None, None)
 tasks = [asyncio.create_task(link.keep(beat))]
 try:
  for _ in range(30):
   if link.up: break
   await asyncio.sleep(1)
  else:
   return say(step, "fail", "No link to %r in 30 s." % wifi["ssid"])
  say(step, "pass", "Connected to %r, %s dBm." % (wifi["ssid"], link.rssi()) if wifi else "On a wire.")
  step = "clock"
  clock.begin(state.read(clock.FLOOR), settings["clock"]["ntp"])
  if not clock.is_set():
   tasks.append(asyncio.create_task(clock.keep(link, beat, lambda by_s: None)))
   for _ in range(20):
    if clock.is_set(): break
    await asyncio.sleep(1)
   else: return say(step, "fail", "", "clock-not-set")
  say(step, "pass", "%s UTC." % civil.stamp(clock.now_s()))
  ways = [mail] + settings["fallbacks"]
  everyone = mail["to"] + mail.get("cc", [])
  for alarm in settings["alarms"]: everyone += [one for one in alarm.get("to", ()) if one not in everyone]
  for mail in ways:
   if len(ways) > 1: say("route", "pass", "%s by %s." % (mail["option"], mail["host"]))
   try: await through(mail, client_name(settings, mail), everyone, beat)
   except Exception as error: failed(error)
 finally:
  for task in tasks: task.cancel()
try:
 from mailmote import civil, sign_in
 from mailmote.errors import MailmoteError
 from mailmote.explanations import failure
 from mailmote.letters import client_name
 from mailmote.net import clock, tls
 from mailmote.net.link import Link
 from mailmote.net.stream import connect
 from mailmote.policy import stored_settings
 from mailmote.redaction import redacted
 from mailmote.smtp import dialogue
 from mailmote.smtp.lines import ReplyReader, command
 from mailmote.smtp.refusal import refusal
 from mailmote.store import secrets, state
 from mailmote.supervisor import Heartbeat
 names = {"starttls": "tls", "auth": "sign-in"}
 buffer = memoryview(bytearray(512))
 asyncio.run(asyncio.wait_for(visit(), 120))
except ImportError as error:
 say("firmware", "fail", "")
except asyncio.TimeoutError:
 say(step, "fail", "Not done in time.", "timeout")
except Exception as error: failed(error)
"""
