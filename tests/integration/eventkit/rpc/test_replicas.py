"""Channels to services by a name that stands for every replica, while replicas come and go; and over TLS."""

import asyncio
import struct
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest

from deploy.certificates import Authority
from deploy.engines.ports import claimed
from eventkit.rpc.client import channel
from eventkit.rpc.demo_issuer import DemoIssuer
from eventkit.rpc.tls import Tls
from nhip.goals.v1 import goals_pb2, goals_pb2_grpc
from tests.integration.eventkit.rpc.serving import Running, running
from tests.waiting import PATIENCE

CONNECTION = 1.0
"""Seconds for which a connection lives."""


class Names(asyncio.DatagramProtocol):
    """A name server for which any name stands for the addresses of now."""

    def __init__(self, addresses: Sequence[str]):
        self.addresses = list(addresses)

    def connection_made(self, transport):
        self._transport = transport

    def datagram_received(self, data, addr):
        end = data.index(0, 12)
        question, (kind,) = data[12 : end + 5], struct.unpack(">H", data[end + 1 : end + 3])
        found = self.addresses if kind == 1 else []  # only IPv4
        answers = b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + bytes(map(int, one.split("."))) for one in found
        )
        head = data[:2] + b"\x81\x80" + struct.pack(">HHHH", 1, len(found), 0, 0)
        self._transport.sendto(head + question + answers, addr)


@asynccontextmanager
async def name_server(addresses: Sequence[str]) -> AsyncGenerator[tuple[Names, str]]:
    with claimed(1) as ports:
        where = ("127.0.0.1", ports[0])
        loop = asyncio.get_running_loop()
        transport, names = await loop.create_datagram_endpoint(lambda: Names(addresses), local_addr=where)
        try:
            yield names, f"{where[0]}:{where[1]}"
        finally:
            transport.close()


@dataclass
class Calling:
    """Somebody who issues commands all the time, and remembers every one that failed."""

    stub: Any
    bearer: tuple[str, str]
    answered: int = 0
    failed: list[str] = field(default_factory=list)

    async def __call__(self) -> None:
        while True:
            try:
                await self.stub.AlignKpi(goals_pb2.AlignKpi(kpi_id="k1"), metadata=(self.bearer,), timeout=10)
                self.answered += 1
            except grpc.aio.AioRpcError as error:
                self.failed.append(f"{error.code().name}: {error.details()}")
            await asyncio.sleep(0.002)


async def asked(replica: Running, calling: Calling) -> None:
    """Until a replica was asked something."""
    deadline = time.monotonic() + PATIENCE
    while not replica.goals.asked:
        assert time.monotonic() < deadline, f"{calling.answered} answered by others, failed: {calling.failed[:20]}"
        await asyncio.sleep(0.02)


async def drained(replica: Running) -> None:
    """Until the connections of before its name was taken away have ended: a call that comes just when a server stops is
    refused, and nobody may repeat it."""
    async with asyncio.timeout(PATIENCE):
        before = -1
        while before != len(replica.goals.asked):
            before = len(replica.goals.asked)
            await asyncio.sleep(1.5 * CONNECTION)


async def test_every_replica_is_replaced_and_no_command_fails(issuer: DemoIssuer, tmp_path: Path):
    first, second, third, fourth = (f"127.3.{uuid4().int % 250}.{number}" for number in range(1, 5))
    async with name_server([first, second]) as (names, where), AsyncExitStack() as stack:
        with claimed(1) as ports:
            [port] = ports

            async def replica(host: str) -> tuple[Running, AsyncExitStack]:
                own = await stack.enter_async_context(AsyncExitStack())
                up = running(issuer, tmp_path / "jwks.json", host=host, port=port, connection_seconds=CONNECTION)
                return await own.enter_async_context(up), own

            old = [await replica(first), await replica(second)]
            to = await stack.enter_async_context(channel(f"dns://{where}/goals.test:{port}"))
            calling = Calling(goals_pb2_grpc.GoalsStub(to), old[0][0].bearer())
            calls = [asyncio.create_task(calling()) for _ in range(4)]
            await asyncio.gather(*(asked(up, calling) for up, _ in old))
            for address, (up, leaving), left in zip((third, fourth), old, (first, second), strict=True):
                new, _ = await replica(address)
                names.addresses.append(address)
                await asked(new, calling)  # while the others are all still there
                names.addresses.remove(left)
                await drained(up)
                await leaving.aclose()
            before = calling.answered
            while calling.answered < before + 50:
                await asyncio.sleep(0.02)
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
    assert calling.failed == []


@asynccontextmanager
async def slow_to_accept(port: int, seconds: float) -> AsyncGenerator[int]:
    """A port that leads to another one, where each connection hears nothing for a while, as of a busy machine."""

    async def led(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def carried(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while some := await source.read(65536):
                target.write(some)
                await target.drain()
            target.close()

        try:
            await asyncio.sleep(seconds)
            there = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(carried(reader, there[1]), carried(there[0], writer))
        except ConnectionError:  # the caller gave it up
            writer.close()

    server = await asyncio.start_server(led, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_who_takes_seconds_to_accept_a_connection_is_called_all_the_same(issuer: DemoIssuer, tmp_path: Path):
    async with (
        running(issuer, tmp_path / "jwks.json") as up,
        slow_to_accept(up.port, 3.0) as port,
        channel(f"127.0.0.1:{port}") as to,
    ):
        stub: Any = goals_pb2_grpc.GoalsStub(to)
        await stub.AlignKpi(goals_pb2.AlignKpi(kpi_id="k1"), metadata=(up.bearer(),), timeout=30)


async def test_both_sides_show_a_certificate_and_a_renewed_one_is_shown_without_a_restart(
    issuer: DemoIssuer, tmp_path: Path
):
    ours, strangers = Authority(tmp_path / "ours"), Authority(tmp_path / "strangers")

    def of(authority: Authority, name: str) -> Tls:
        pair = authority.pair(name, "localhost")
        return Tls(authority.file, pair.certificate, pair.key)

    server, gateway = of(ours, "goals"), of(ours, "gateway")
    async with running(issuer, tmp_path / "jwks.json", tls=server) as up:

        async def called(tls: Tls | None, host: str = "localhost") -> None:
            async with channel(f"{host}:{up.port}", tls) as to:
                stub: Any = goals_pb2_grpc.GoalsStub(to)
                await stub.AlignKpi(goals_pb2.AlignKpi(kpi_id="k1"), metadata=(up.bearer(),), timeout=2)

        async def refused(tls: Tls | None, host: str = "localhost") -> None:
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await called(tls, host)
            assert error.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

        await called(gateway)
        await refused(None)
        await refused(replace(gateway, ca_file=strangers.file))  # it does not believe the server
        await refused(replace(of(strangers, "gateway"), ca_file=ours.file))  # the server does not believe it
        await refused(gateway, "127.0.0.1")  # of which the certificate says nothing
        renewed = Authority(tmp_path / "ours", "renewed")
        pair = renewed.pair("goals-renewed", "localhost")
        for shown, by in ((server.certificate_file, pair.certificate), (server.key_file, pair.key)):
            shown.write_bytes(by.read_bytes())
        server.ca_file.write_bytes(ours.file.read_bytes() + renewed.file.read_bytes())
        await called(gateway)
        await refused(replace(gateway, ca_file=only(ours, tmp_path)))


def only(authority: Authority, folder: Path) -> Path:
    """The certificate of one authority alone, of the two that its file has by now."""
    file = folder / "only.pem"
    first, mark, _ = authority.file.read_text().partition("-----END CERTIFICATE-----\n")
    file.write_text(first + mark)
    return file
