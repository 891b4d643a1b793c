"""How a table with the same headings was read last time: asked of people, and kept there for the next file."""

from dataclasses import replace

from importing.sheets import kept as sheets
from nhip.people.v1 import settings_pb2 as pb
from services.gateway.console.visit import Visit
from services.gateway.features.imports.received import Received
from services.gateway.features.imports.sending import Sending


async def as_kept(visit: Visit, it: Received) -> tuple[Received, pb.TableMapping | None]:
    """With the columns as they were, where something is kept of such a table."""
    header = it.reading.header
    asked = sheets.to_ask(it.table, it.grid, header)
    if it.said or not asked.headings or not visit.may("people.GetTableMapping"):
        return it, None
    kept = await visit.caller.query("people", "GetTableMapping", asked, pb.TableMapping)
    reading = sheets.as_kept(kept, it.table, it.grid, header)
    return (it, None) if reading is None else (replace(it, reading=reading), kept)


async def keep(visit: Visit, services: Sending, it: Received) -> bool:
    """Whether it is kept for the next file; who may not keep it imports all the same. Raises `Rejected`."""
    if not visit.may("people.KeepTableMapping"):
        return False
    await services.command(sheets.to_keep(it.table, it.grid, it.reading), key=f"{it.run}:mapping")
    return True
