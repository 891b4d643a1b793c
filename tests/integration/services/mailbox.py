"""A real mail server that keeps what it takes, and refuses what it is told to."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Mailbox:
    """The mails by receiver, in the order they came.

    `answers` are given to a receiver's next mails instead of taking them.
    """

    url: str = ""
    mails: dict[str, list[EmailMessage]] = field(default_factory=dict[str, list[EmailMessage]])
    answers: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    unknown: set[str] = field(default_factory=set[str])
    """Receivers that there are none of."""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.unknown:
            return f"550 5.1.1 {address}: no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        (to,) = envelope.rcpt_tos
        if waiting := self.answers.get(to):
            return waiting.pop(0)
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.setdefault(to, []).append(mail)
        return "250 OK"

    def to(self, address: str) -> list[EmailMessage]:
        return self.mails.get(address, [])

    async def comes(self, address: str, count: int = 1, *, seconds: float = 20) -> list[EmailMessage]:
        """Waits until a receiver has that many mails."""
        async with asyncio.timeout(seconds):
            while len(self.to(address)) < count:
                await asyncio.sleep(0.05)
        return self.to(address)


@asynccontextmanager
async def mail_server() -> AsyncGenerator[Mailbox]:
    logging.getLogger("mail.log").setLevel(
        logging.WARNING
    )  # the server's own lines name receivers; they are none of Nhip's
    mailbox = Mailbox()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(mailbox, hostname="mail.test"), "127.0.0.1", 0)
    async with server:
        mailbox.url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield mailbox
