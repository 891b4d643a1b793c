"""What the checkins service is made of."""

from eventkit.directory import views as directory
from eventkit.process.service import Resources, Service
from eventkit.rpc.server import Api
from nhip.checkins.v1 import checkins_pb2, topics_pb2
from services.checkins import api, topics_api
from services.checkins.queries.known import KnownKpis
from services.checkins.reactors.closing import closing
from services.checkins.reactors.unanswered import Unanswered
from services.checkins.views.known import KnownCycleView, KnownKpiView
from services.checkins.views.progress import EntryView
from services.checkins.views.topic import TopicReaderView, TopicStepView, TopicView


def service(resources: Resources) -> Service:
    known = KnownKpis(resources)
    progress, topics = api.CheckinsApi(resources, known), topics_api.TopicsApi(resources, known)
    return Service(
        apis=[
            Api(checkins_pb2.DESCRIPTOR.services_by_name["Checkins"], progress, api.ACCESS),
            Api(topics_pb2.DESCRIPTOR.services_by_name["Topics"], topics, topics_api.ACCESS),
        ],
        views=[
            EntryView(),
            TopicView(),
            TopicReaderView(),
            TopicStepView(),
            KnownKpiView(),
            KnownCycleView(),
            *directory.views(),
        ],
        reactions=[closing(resources)],
        timers=[Unanswered(resources).timer],
    )
