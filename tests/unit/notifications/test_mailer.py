"""How the mail server is spoken to. What it answers, the integration tests ask a real one."""

from email.message import EmailMessage
from typing import Any

import aiosmtplib
import pytest

from eventkit.settings import load
from services.notifications.reactors.mailer import Mailer


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the client was told."""
    told: dict[str, Any] = {}

    async def send(message: EmailMessage, **how: Any) -> None:
        told.update(how)

    monkeypatch.setattr(aiosmtplib, "send", send)
    return told


@pytest.mark.parametrize(
    ("url", "start_tls", "use_tls"),
    [
        ("smtp://mail.company.test:25", None, False),
        ("smtp://nhip:secret@mail.company.test:587", True, False),
        ("smtp://nhip:secret@127.0.0.1:1025", None, False),
        ("smtps://nhip:secret@mail.company.test", None, True),
    ],
)
async def test_no_password_leaves_the_machine_in_the_clear(
    spoken: dict[str, Any], url: str, start_tls: bool | None, use_tls: bool
):
    await Mailer(url, "nhip@company.test").send(EmailMessage(), "nam@company.test")
    assert (spoken["start_tls"], spoken["use_tls"]) == (start_tls, use_tls)


async def test_a_user_and_a_password_are_written_as_in_any_url(spoken: dict[str, Any]):
    await Mailer("smtps://nh%40ip:p%3A%2F@mail.company.test:465", "nhip@company.test").send(
        EmailMessage(), "nam@company.test"
    )
    assert (spoken["username"], spoken["password"], spoken["hostname"], spoken["port"]) == (
        "nh@ip",
        "p:/",
        "mail.company.test",
        465,
    )


def test_without_a_server_there_is_no_post_and_with_one_it_keeps_its_password_to_itself():
    assert Mailer.of(load(smtp="", mail_from="")) is None
    mailer = Mailer.of(load(smtp="smtps://nhip:secret@mail.company.test", mail_from="nhip@company.test"))
    assert "secret" not in repr(mailer)
