"""Hands e-mails to the mail server, over SMTP."""

import asyncio
from dataclasses import dataclass, field
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib

from eventkit.settings import Settings, is_loopback

SECONDS = 20.0
"""How long the server may take for a mail: a timer that waited longer would look stuck."""
FOR_GOOD = 500
"""SMTP codes from here on are refusals for good."""


class RefusedForGood(Exception):
    """The server will never take this mail: its address, or the mail itself."""


class MailServerAway(OSError):
    """The server is away, wants its password, or cannot take this mail now. Says which step, and nobody's address."""


@dataclass(frozen=True, slots=True)
class Mailer:
    """The mail server that an operator named."""

    url: str = field(repr=False)
    """It may hold a password."""
    sender: str

    @classmethod
    def of(cls, settings: Settings) -> "Mailer | None":
        """None: no e-mail is sent here."""
        return cls(settings.smtp, settings.mail_from) if settings.smtp else None

    async def send(self, message: EmailMessage, to: str) -> None:
        """Returns when the server has taken the mail. Raises `RefusedForGood`, or `MailServerAway`: try again.

        What the server says to the receiver or to the mail is about them; what it says before, as to a password, is the
        operator's to mend.
        """
        server = urlsplit(self.url)
        host = server.hostname or "localhost"
        secret = server.scheme == "smtp" and server.username is not None and not is_loopback(host)
        try:
            async with asyncio.timeout(SECONDS):
                await aiosmtplib.send(
                    message,
                    sender=self.sender,
                    recipients=[to],
                    hostname=host,
                    port=server.port,
                    username=unquote(server.username) if server.username else None,
                    password=unquote(server.password) if server.password else None,
                    use_tls=server.scheme == "smtps",
                    start_tls=True
                    if secret
                    else None,  # no password leaves the machine in the clear; else where the server has it
                )
        except aiosmtplib.SMTPRecipientsRefused as refusal:
            codes = [recipient.code for recipient in refusal.recipients]
            raise _told(min(codes), "RCPT") from None  # not chained: the server's words quote the address
        except aiosmtplib.SMTPDataError as refusal:
            raise _told(refusal.code, "DATA") from None
        except aiosmtplib.SMTPNotSupported:
            if not to.isascii():
                raise RefusedForGood("SMTPUTF8") from None
            raise MailServerAway("a feature is missing") from None
        except aiosmtplib.SMTPResponseException as refusal:
            raise MailServerAway(f"{type(refusal).__name__} {refusal.code}") from None
        except (aiosmtplib.SMTPException, OSError) as away:
            raise MailServerAway(type(away).__name__) from None


def _told(code: int, step: str) -> Exception:
    return RefusedForGood(f"{step} {code}") if code >= FOR_GOOD else MailServerAway(f"{step} {code}")
