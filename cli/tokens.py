"""Tokens of the demo issuer, which the gateway serves to programs of its own machine."""

import httpx

from cli.running import Failed

TOKEN = "NHIP_TOKEN"
"""The environment variable that may hold a token, so that it need not stand in a command line."""


async def demo_token(gateway: str, subject: str, tenant: str, *, on_behalf_of: str = "") -> str:
    """A token for `subject`. Raises `Failed`, saying what to give instead."""
    if not gateway:
        raise Failed("no token: give --token (or NHIP_TOKEN), or --gateway where the demo issuer is")
    wanted = {"subject": subject, "tenant": tenant, "on_behalf_of": on_behalf_of}
    try:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as http:
            response = await http.post(f"{gateway}/demo/token", json=wanted)
    except httpx.HTTPError as error:
        raise Failed(
            f"the gateway at {gateway} does not answer ({type(error).__name__}): is it running? Else give --token"
        ) from None
    if response.status_code == 404:
        raise Failed(f"{gateway} has no demo issuer: give --token with one of your own issuer's tokens")
    try:
        return str(response.json()["token"])
    except (ValueError, KeyError, TypeError):
        raise Failed(f"{gateway} gave no token ({response.status_code}): {response.text[:200]}") from None
