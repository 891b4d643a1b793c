"""What the goals service is made of."""

from eventkit.directory import views as directory
from eventkit.directory.past import Past, past_views
from eventkit.process.service import Resources, Service
from eventkit.rpc.server import Api
from nhip.goals.v1 import goals_pb2
from services.goals.api import ACCESS, GoalsApi
from services.goals.queries.outlines import Outlines
from services.goals.queries.overview import Overviews
from services.goals.reactors.closing import closing
from services.goals.reactors.expiring_proposals import expiring_proposals
from services.goals.views.comment import CommentView
from services.goals.views.cycle import CycleStepView, CycleView
from services.goals.views.follow_up import FollowUpView
from services.goals.views.further_link import FurtherLinkView
from services.goals.views.goal_value import GoalValueView
from services.goals.views.kpi import KpiView
from services.goals.views.kpi_words import KpiWordsView
from services.goals.views.link import LinkView
from services.goals.views.progress import DelegateView, ProgressView
from services.goals.views.proposal import ProposalView
from services.goals.views.strategy import CsfView, GoalView


def service(resources: Resources) -> Service:
    outlines = Outlines()
    api = GoalsApi(resources, outlines, Past(resources.pool), Overviews(resources, outlines))
    return Service(
        apis=[Api(goals_pb2.DESCRIPTOR.services_by_name["Goals"], api, ACCESS)],
        views=[
            CycleView(),
            CycleStepView(),
            FollowUpView(),
            GoalView(),
            CsfView(),
            KpiView(),
            KpiWordsView(),
            LinkView(),
            FurtherLinkView(),
            ProposalView(),
            CommentView(),
            ProgressView(),
            DelegateView(),
            GoalValueView(),
            *directory.views(),
            *past_views(),
        ],
        reactions=[closing(resources)],
        timers=[expiring_proposals(resources)],
    )
