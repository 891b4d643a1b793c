"""Several commands together: a verdict for each, once for its key, on fresh state when others were faster."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from eventkit.commands.aggregate import Decision, StreamEvent
from eventkit.commands.batch import Item, Refused
from eventkit.commands.loading import Load
from eventkit.errors import Rejected
from eventkit.log import Appended, Origin, StreamId, Together, Write
from nhip.people.v1.events_pb2 import UnitCreated, UnitHeadAppointed
from tests.integration.eventkit.test_commands import UNIT, Office, appoint, asked, create, office

__all__ = ["office"]


def appointing(unit: str, head: str, key: str = "", *, body: bytes = b"", together: bool = True) -> Item:
    """Appoints a head of a unit that is there, unless they are it already."""

    async def decide(load: Load) -> Decision:
        heads = await load(UNIT, unit)
        if heads is None:
            raise Rejected("UNIT_UNKNOWN", "there is no such unit", field="unit_id", parameters={"unit": unit})
        if heads and heads[-1] == head:
            return []
        return [StreamEvent(UNIT(unit), UnitHeadAppointed(unit_id=unit, after=head))]

    return Item(asked(key, body=body or head.encode()), UNIT(unit), decide, unit, [(UNIT, unit)] if together else [])


async def found(office: Office, *units: str) -> None:
    for unit in units:
        await office.commands.execute(asked(), UNIT(unit), create(unit))


async def test_each_is_decided_on_what_those_before_it_leave_and_what_is_refused_hinders_no_other(office: Office):
    await found(office, "sales", "ops")
    wanted = [("sales", "an"), ("none", "an"), ("sales", "an"), ("sales", "binh"), ("ops", "chi")]
    done = await office.commands.batch([appointing(unit, head) for unit, head in wanted])
    assert [(v.id, v.unchanged, v.refused.reason) for v in done.verdicts] == [
        ("sales", False, ""),
        ("", False, "UNIT_UNKNOWN"),
        ("sales", True, ""),
        ("sales", False, ""),
        ("ops", False, ""),
    ]
    refused = done.verdicts[1].refused
    assert (refused.field, refused.parameters) == ("unit_id", {"unit": "none"})
    assert (await office.heads("sales"), await office.heads("ops")) == (["an", "binh"], ["chi"])
    assert (done.position, await office.log.last_position()) == ("people=5", 5)


async def test_its_appends_share_one_commit(office: Office):
    await found(office, "sales", "ops")
    await office.commands.batch([appointing("sales", "an"), appointing("ops", "chi"), appointing("sales", "binh")])
    recorded = await office.log.read_together({StreamId("acme", "unit", unit): 1 for unit in ("sales", "ops")})
    assert (len(recorded), len({e.recorded_at for e in recorded})) == (3, 1)


async def test_a_key_is_known_again_in_another_batch_and_alone(office: Office):
    await found(office, "sales")
    await office.commands.batch([appointing("sales", "an", "k1"), appointing("sales", "binh", "k2")])
    await office.commands.batch([appointing("sales", "an")])
    for commands in (office.commands, office.open()):
        again = await commands.batch(
            [appointing("sales", "binh", "k2"), appointing("sales", "an", "k1"), appointing("sales", "an", body=b"x")]
        )
        assert [(v.repeated, v.unchanged) for v in again.verdicts] == [(True, False), (True, False), (False, True)]
        alone = await commands.execute(asked("k2", body=b"binh"), UNIT("sales"), appoint("sales", "binh"))
        assert alone.repeated
    assert await office.heads("sales") == ["an", "binh", "an"]


async def test_a_key_for_another_request_is_refused_to_that_one(office: Office):
    await found(office, "sales")
    await office.commands.batch([appointing("sales", "an", "k")])
    done = await office.commands.batch([appointing("sales", "binh", "k"), appointing("sales", "chi")])
    assert [v.refused.reason for v in done.verdicts] == ["IDEMPOTENCY_KEY_REUSED", ""]
    assert await office.heads("sales") == ["an", "chi"]


async def test_a_key_whose_command_was_refused_is_free(office: Office):
    assert (await office.commands.batch([appointing("later", "chi", "k")])).verdicts[0].HasField("refused")
    assert await office.log.last_position() == 0
    await found(office, "later")
    assert not (await office.commands.batch([appointing("later", "chi", "k")])).verdicts[0].HasField("refused")
    assert await office.heads("later") == ["chi"]


async def test_a_refusal_is_judged_again_when_what_it_rests_on_changed_meanwhile(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    await found(office, "sales")
    rival, append = office.open(), office.log.append

    async def overtaken(*writes: Write, origin: Origin) -> Appended:
        monkeypatch.undo()
        await rival.execute(asked(), UNIT("none"), create("none"))
        return await append(*writes, origin=origin)

    monkeypatch.setattr(office.log, "append", overtaken)
    done = await office.commands.batch([appointing("none", "an"), appointing("sales", "an")])
    assert [v.refused.reason for v in done.verdicts] == ["", ""]
    assert (await office.heads("none"), await office.heads("sales")) == (["an"], ["an"])


async def test_batches_of_several_processes_on_the_same_streams_all_come_through(office: Office):
    units = [f"unit-{n}" for n in range(6)]
    await found(office, *units)
    batches = [
        commands.batch([appointing(unit, f"head-{number}") for unit in (units if number % 2 else units[::-1])])
        for number, commands in enumerate([office.commands, office.open()] * 4)
    ]
    for done in await asyncio.gather(*batches):
        assert not any(v.HasField("refused") or v.unchanged for v in done.verdicts)
    for unit in units:
        assert sorted(await office.heads(unit)) == sorted(f"head-{number}" for number in range(8))


def creating(unit: str, key: str = "") -> Item:
    return Item(asked(key), UNIT(unit), create(unit), unit)


def copying(unit: str, to: str) -> Item:
    """Makes a unit's last head that of another one too, which nobody looked at before: it is new."""

    async def decide(load: Load) -> Decision:
        heads = await load(UNIT, unit)
        if not heads:
            raise Rejected("NOBODY_THERE", "nobody heads it")
        return [
            StreamEvent(UNIT(to), UnitCreated(unit_id=to)),
            StreamEvent(UNIT(to), UnitHeadAppointed(unit_id=to, after=heads[-1])),
        ]

    return Item(asked(), UNIT(to), decide, to)


async def test_one_may_rest_on_what_another_makes_whether_it_was_looked_at_or_not(office: Office):
    done = await office.commands.batch(
        [
            creating("sales"),
            creating("sales"),
            appointing("sales", "an", together=False),
            copying("sales", "ops"),
            appointing("ops", "binh", together=False),
            copying("none", "hr"),
        ]
    )
    assert [v.refused.reason for v in done.verdicts] == ["", "UNIT_EXISTS", "", "", "", "NOBODY_THERE"]
    assert (await office.heads("sales"), await office.heads("ops")) == (["an"], ["an", "binh"])
    assert done.position == "people=5"


async def test_what_rests_on_one_that_lost_is_decided_again_too(office: Office, monkeypatch: pytest.MonkeyPatch):
    await found(office, "sales")
    rival, append = office.open(), office.log.append

    async def overtaken(*writes: Write, origin: Origin) -> Appended:
        monkeypatch.undo()
        await rival.execute(asked(), UNIT("sales"), appoint("sales", "rival"))
        return await append(*writes, origin=origin)

    monkeypatch.setattr(office.log, "append", overtaken)
    done = await office.commands.batch([appointing("sales", "an"), copying("sales", "ops"), creating("hr")])
    assert not any(v.HasField("refused") for v in done.verdicts)
    assert (await office.heads("sales"), await office.heads("ops")) == (["rival", "an"], ["an"])


async def test_as_one_they_are_carried_out_all_or_none(office: Office):
    await found(office, "sales")
    wanted = [creating("hr", "k1"), appointing("hr", "an", "k2"), appointing("sales", "an", "k3")]
    with pytest.raises(Refused, match="UNIT_UNKNOWN") as refused:
        await office.commands.whole([*wanted, appointing("none", "an")])
    assert refused.value.number == 3
    assert await office.log.last_position() == 1
    done = await office.commands.whole([*wanted, appointing("sales", "an")])
    assert [(v.id, v.repeated, v.unchanged) for v in done.verdicts] == [
        ("hr", False, False),
        ("hr", False, False),
        ("sales", False, False),
        ("sales", False, True),
    ]
    recorded = await office.log.read_together({StreamId("acme", "unit", unit): 0 for unit in ("hr", "sales")})
    assert len({(e.recorded_at, e.append_id) for e in recorded if e.position > 1}) == 3  # one moment, three appends
    assert len({e.recorded_at for e in recorded if e.position > 1}) == 1
    again = await office.open().whole([*wanted, creating("ops", "k4")])
    assert [v.repeated for v in again.verdicts] == [True, True, True, False]
    with pytest.raises(Refused, match="IDEMPOTENCY_KEY_REUSED"):
        await office.commands.whole([creating("law", "k5"), appointing("hr", "binh", "k2", body=b"x")])
    assert await office.commands.whole([appointing("hr", "an"), appointing("sales", "an")])
    assert (await office.heads("hr"), await office.heads("law")) == (["an"], [])


async def test_as_one_they_are_all_decided_again_when_somebody_was_faster(
    office: Office, monkeypatch: pytest.MonkeyPatch
):
    await found(office, "sales")
    rival, append = office.open(), office.log.append_together

    async def overtaken(appends: Sequence[Together]) -> Appended:
        monkeypatch.undo()
        await rival.execute(asked(), UNIT("sales"), appoint("sales", "rival"))
        return await append(appends)

    monkeypatch.setattr(office.log, "append_together", overtaken)
    await office.commands.whole([creating("hr"), appointing("sales", "an"), copying("sales", "ops")])
    assert (await office.heads("sales"), await office.heads("ops")) == (["rival", "an"], ["an"])


async def test_as_one_they_are_checked_as_one(office: Office):
    checked = [
        i._replace(ctx=replace(i.ctx, check=True)) for i in (creating("hr"), appointing("hr", "an", together=False))
    ]
    assert not any(v.HasField("refused") for v in (await office.commands.whole(checked)).verdicts)
    with pytest.raises(Refused, match="UNIT_EXISTS"):
        await office.commands.whole([checked[0], checked[0]])
    assert await office.log.last_position() == 0


async def test_what_is_only_checked_is_judged_as_if_it_were_carried_out_and_leaves_nothing(office: Office):
    await found(office, "sales")
    await office.commands.batch([appointing("sales", "an", "first")])
    wanted = [appointing(unit, head, key) for unit, head, key in (
        ("sales", "an", "first"), ("sales", "binh", ""), ("sales", "binh", ""), ("none", "an", "")
    )]  # fmt: skip
    checked = [item._replace(ctx=replace(item.ctx, check=True)) for item in wanted]
    done = await office.commands.batch(checked)
    assert [(v.repeated, v.unchanged, v.refused.reason) for v in done.verdicts] == [
        (True, False, ""),
        (False, False, ""),
        (False, True, ""),
        (False, False, "UNIT_UNKNOWN"),
    ]
    alone = await office.commands.execute(replace(asked(), check=True), UNIT("ops"), create("ops"))
    assert (alone.id, alone.position) == ("ops", "")
    with pytest.raises(Rejected, match="UNIT_EXISTS"):
        await office.commands.execute(replace(asked(), check=True), UNIT("sales"), create("sales"))
    assert (await office.heads("sales"), done.position) == (["an"], "people=2")
    assert await office.log.last_position() == 2
