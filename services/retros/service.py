"""What the retros service is made of."""

from eventkit.directory import views as directory
from eventkit.process.service import Resources, Service
from eventkit.rpc.server import Api
from nhip.retros.v1 import retros_pb2
from services.retros.api import ACCESS, RetrosApi
from services.retros.reactors.revealing import all_are_done, leavers, time_is_up
from services.retros.reactors.rounds import beginning_rounds
from services.retros.views.cycle import KnownCycleView
from services.retros.views.retro import RetroView
from services.retros.views.round import RoundView
from services.retros.views.team_retro import DraftView, TeamRetroView, VoteView


def service(resources: Resources) -> Service:
    return Service(
        apis=[Api(retros_pb2.DESCRIPTOR.services_by_name["Retros"], RetrosApi(resources), ACCESS)],
        views=[
            RoundView(),
            RetroView(),
            TeamRetroView(),
            DraftView(),
            VoteView(),
            KnownCycleView(),
            *directory.views(),
        ],
        reactions=[all_are_done(resources), leavers(resources)],
        timers=[beginning_rounds(resources), time_is_up(resources)],
    )
