"""What the checkins service is made of."""

from eventkit.directory import views as directory
from eventkit.directory.past import past_views
from eventkit.process.service import Resources, Service
from eventkit.rpc.server import Api
from nhip.checkins.v1 import (
    cadence_pb2,
    calendar_feeds_pb2,
    check_ins_pb2,
    checkins_pb2,
    meetings_pb2,
    reviews_pb2,
    topics_pb2,
)
from services.checkins import (
    api,
    cadence_api,
    calendar_feeds_api,
    check_ins_api,
    meetings_api,
    reviews_api,
    topics_api,
)
from services.checkins.queries import polls
from services.checkins.queries.known import KnownKpis
from services.checkins.reactors.closing import closing
from services.checkins.reactors.due_actions import DueActions
from services.checkins.reactors.falling_due import FallingDue
from services.checkins.reactors.leavers import leavers
from services.checkins.reactors.polling import polling
from services.checkins.reactors.published import Reach
from services.checkins.reactors.reviewing import Reviewing
from services.checkins.reactors.unanswered import Unanswered
from services.checkins.recording import Recording
from services.checkins.views.action import ActionView
from services.checkins.views.cadence import AbsenceView, CadenceView, DueView, HolidayView
from services.checkins.views.calendar_feed import CalendarFeedView
from services.checkins.views.check_in import AnswerView, CheckInView
from services.checkins.views.joined import JoinedView
from services.checkins.views.known import KnownCycleView, KnownKpiView
from services.checkins.views.meeting import ItemView, MeetingView, SeatView
from services.checkins.views.owned import OwnedKpiView
from services.checkins.views.progress import EntryView
from services.checkins.views.review import CycleReviewsView, ReviewView, VerdictView
from services.checkins.views.topic import TopicReaderView, TopicStepView, TopicView


def service(resources: Resources) -> Service:
    known = KnownKpis(resources)
    progress = api.CheckinsApi(resources, known, Recording(resources))
    topics = topics_api.TopicsApi(resources, known)
    feeds = calendar_feeds_api.CalendarFeedsApi(resources)
    check_ins, cadence = check_ins_api.CheckInsApi(resources), cadence_api.CadenceApi(resources)
    return Service(
        apis=[
            Api(checkins_pb2.DESCRIPTOR.services_by_name["Checkins"], progress, api.ACCESS),
            Api(topics_pb2.DESCRIPTOR.services_by_name["Topics"], topics, topics_api.ACCESS),
            Api(check_ins_pb2.DESCRIPTOR.services_by_name["CheckIns"], check_ins, check_ins_api.ACCESS),
            Api(cadence_pb2.DESCRIPTOR.services_by_name["Cadence"], cadence, cadence_api.ACCESS),
            Api(calendar_feeds_pb2.DESCRIPTOR.services_by_name["CalendarFeeds"], feeds, calendar_feeds_api.ACCESS),
            Api(
                meetings_pb2.DESCRIPTOR.services_by_name["Meetings"],
                meetings_api.MeetingsApi(resources),
                meetings_api.ACCESS,
            ),
            Api(
                reviews_pb2.DESCRIPTOR.services_by_name["Reviews"],
                reviews_api.ReviewsApi(resources),
                reviews_api.ACCESS,
            ),
        ],
        views=[
            EntryView(),
            TopicView(),
            TopicReaderView(),
            TopicStepView(),
            CheckInView(),
            AnswerView(),
            CadenceView(),
            HolidayView(),
            AbsenceView(),
            DueView(),
            CalendarFeedView(),
            ActionView(),
            MeetingView(),
            SeatView(),
            ItemView(),
            ReviewView(),
            VerdictView(),
            CycleReviewsView(),
            KnownKpiView(),
            KnownCycleView(),
            OwnedKpiView(),
            JoinedView(),
            *directory.views(),
            *past_views(),
        ],
        reactions=[closing(resources), leavers(resources)],
        timers=[
            Unanswered(resources).timer,
            FallingDue(resources).timer,
            polling(resources, Reach(resources.settings.polled_hosts)),
            DueActions(resources).timer,
            Reviewing(resources).timer,
        ],
        feeds=feeds.holder,
        beside=[polls.SCHEMA],
    )
