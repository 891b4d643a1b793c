"""What the checkins service is made of."""

from eventkit.directory import views as directory
from eventkit.process.service import Resources, Service
from eventkit.rpc.server import Api
from nhip.checkins.v1 import checkins_pb2
from services.checkins.api import ACCESS, CheckinsApi
from services.checkins.queries.known import KnownKpis
from services.checkins.reactors.closing import closing
from services.checkins.views.known import KnownCycleView, KnownKpiView
from services.checkins.views.progress import EntryView


def service(resources: Resources) -> Service:
    return Service(
        apis=[
            Api(
                checkins_pb2.DESCRIPTOR.services_by_name["Checkins"],
                CheckinsApi(resources, KnownKpis(resources)),
                ACCESS,
            )
        ],
        views=[EntryView(), KnownKpiView(), KnownCycleView(), *directory.views()],
        reactions=[closing(resources)],
    )
