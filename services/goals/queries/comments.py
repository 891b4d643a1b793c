"""What was said about a proposal."""

import asyncpg

from eventkit.directory.facts import OrgChart
from eventkit.errors import unknown
from eventkit.rpc.paging import asked
from eventkit.values import from_datetime
from nhip.common.v1.words_pb2 import PersonalText
from nhip.goals.v1 import goals_pb2 as pb
from services.goals.queries import proposals
from services.goals.queries.owners import actor
from services.goals.views.comment import COMMENTS

PAGE = 50


async def comments(
    con: asyncpg.Connection, tenant: str, request: pb.ListProposalComments, org: OrgChart
) -> pb.ProposalComments:
    """The newest first. Raises `Rejected` PROPOSAL_UNKNOWN."""
    page = asked(request, tenant, int, size=PAGE)
    if not await proposals.some(con, tenant, [request.proposal_id]):
        raise unknown("proposal", request.proposal_id, "proposal_id")
    rows = await con.fetch(
        f"select * from {COMMENTS} where tenant = $1 and proposal_id = $2 and ($3::int is null or version < $3) "
        "order by version desc limit $4",
        tenant,
        request.proposal_id,
        page.after[0] if page.after else None,
        page.limit,
    )
    shown, token = page.cut([COMMENTS.of(row) for row in rows], lambda row: (row.version,))
    return pb.ProposalComments(
        comments=[
            pb.ProposalComment(
                by=actor(org, row.by),
                at=from_datetime(row.at),
                words=PersonalText.FromString(row.words),
                asks=row.asks,
            )
            for row in shown
        ],
        next_page_token=token,
    )
