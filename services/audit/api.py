"""gRPC of audit: request → query, and the record of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import asyncpg

from eventkit import contracts
from eventkit.context import Context
from eventkit.database import snapshot
from eventkit.errors import Kind, Rejected
from eventkit.process.service import Resources
from eventkit.rpc.access import AUDITOR, Allow, roles
from eventkit.rpc.paging import Page, asked
from eventkit.subscriptions.table import reading
from nhip.audit.v1 import audit_pb2 as pb
from nhip.audit.v1 import types_pb2 as t
from services.audit.domain.reading import READING, read
from services.audit.queries import search
from services.audit.queries.export import lines
from services.audit.queries.search import Reader, cursor_of

_READERS = roles("auditor", "executive", services=("operator",))
ACCESS: Mapping[str, Allow] = {
    "SearchLedger": _READERS,
    "GetSubjectHistory": _READERS,
    "ExportLedger": _READERS,
    "GetCompleteness": roles("auditor", "executive", "admin", services=("operator",)),
}
PAGE = 50
HISTORY_PAGE = 200
EXPORT_PAGE = 500
EXPORT_BYTES = 1 << 20
"""Where a page of an export ends, if it has not before: a reply has an end."""


@dataclass(frozen=True, slots=True)
class AuditApi:
    """Implements `nhip.audit.v1.Audit`."""

    resources: Resources

    async def search_ledger(self, request: pb.SearchLedger, ctx: Context) -> pb.Entries:
        page, reader = asked(request, ctx.tenant, *search.COLUMNS, size=PAGE), await self._reader(ctx)
        answer = await self._page(ctx, request.filter, reader, page, newest_first=True)
        await self._record(ctx, t.READING_KIND_SEARCH, request.filter)
        return answer

    async def get_subject_history(self, request: pb.GetSubjectHistory, ctx: Context) -> pb.Entries:
        page, reader = asked(request, ctx.tenant, *search.COLUMNS, size=HISTORY_PAGE), await self._reader(ctx)
        about = t.Filter(subject_kind=request.subject_kind, subject_id=request.subject_id)
        answer = await self._page(ctx, about, reader, page, newest_first=False)
        await self._record(ctx, t.READING_KIND_HISTORY, about)
        return answer

    async def export_ledger(self, request: pb.ExportLedger, ctx: Context) -> pb.Exported:
        page, format = (
            asked(request, ctx.tenant, *search.COLUMNS, size=EXPORT_PAGE),
            request.format or t.EXPORT_FORMAT_JSONL,
        )
        if format not in (t.EXPORT_FORMAT_JSONL, t.EXPORT_FORMAT_CSV):
            raise Rejected(
                "FORMAT_UNKNOWN", "give EXPORT_FORMAT_JSONL or EXPORT_FORMAT_CSV", kind=Kind.INVALID, field="format"
            )
        reader = await self._reader(ctx)
        async with reading(self.resources.pool, ctx.tenant) as con:
            rows = await search.entries(
                con, ctx.tenant, request.filter, reader, behind=page.after, limit=page.limit, newest_first=False
            )
            fitting = rows[: _fitting(rows[: page.size])]
            told = await search.told(con, ctx.tenant, fitting, reader, neighbours=0)  # a file has each append's id
        await self._record(ctx, t.READING_KIND_EXPORT, request.filter, format)
        answer = pb.Entries(entries=told)  # into a file: a reply's words are opened later, and these are none any more
        await self.resources.words.open(answer, tenant=ctx.tenant)
        content = lines(answer.entries, [row["data"] for row in fitting], format, first=page.after is None)
        return pb.Exported(
            content=content, next_page_token=page.token(*cursor_of(fitting[-1])) if len(rows) > len(fitting) else ""
        )

    async def get_completeness(self, request: pb.GetCompleteness, ctx: Context) -> pb.Completeness:
        async with snapshot(self.resources.pool) as con:
            return pb.Completeness(
                contexts=[await search.completeness(con, ctx.tenant, context) for context in contracts.contexts()]
            )

    async def _page(
        self, ctx: Context, filter: t.Filter, reader: Reader, page: Page, *, newest_first: bool
    ) -> pb.Entries:
        async with reading(self.resources.pool, ctx.tenant) as con:
            rows = await search.entries(
                con, ctx.tenant, filter, reader, behind=page.after, limit=page.limit, newest_first=newest_first
            )
            shown, token = page.cut(rows, cursor_of)
            entries = await search.told(con, ctx.tenant, shown, reader, neighbours=search.NEIGHBOURS)
            return pb.Entries(entries=entries, next_page_token=token)

    async def _reader(self, ctx: Context) -> Reader:
        """Auditors read all; so does the operator, whom the table lets in."""
        audits = ctx.actor.kind == "service" or (await self.resources.directory.org_chart(ctx.tenant)).has_role(
            ctx.actor.id, AUDITOR
        )
        return Reader(ctx.actor.id, audits)

    async def _record(
        self,
        ctx: Context,
        kind: t.ReadingKind.ValueType,
        filter: t.Filter,
        format: t.ExportFormat.ValueType = t.EXPORT_FORMAT_UNSPECIFIED,
    ) -> None:
        """A reading is recorded before it is answered: each page, for whoever makes up a page token has read as well;
        and each time, for the same idempotency key may read what is new."""

        once = replace(ctx, retryable=False)
        await self.resources.commands.on(once, READING, ctx.actor.id, lambda _: read(ctx.actor, kind, filter, format))


def _fitting(rows: list[asyncpg.Record]) -> int:
    """How many of the rows fit into a page of an export; at least one."""
    size = 0
    for number, row in enumerate(rows):
        size += 3 * len(row["data"]) + 1000
        if size > EXPORT_BYTES and number:
            return number
    return len(rows)
