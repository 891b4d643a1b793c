"""What the notifications service is made of."""

from eventkit.directory import views as directory
from eventkit.process.service import Resources, Service
from eventkit.rpc.server import Api
from nhip.notifications.v1 import notifications_pb2
from services.notifications.api import ACCESS, NotificationsApi
from services.notifications.reactors.checkins import TellOfCheckins
from services.notifications.reactors.due_mails import DueMails
from services.notifications.reactors.goals import TellOfGoals
from services.notifications.reactors.mailer import Mailer
from services.notifications.reactors.next_decider import NextDecider
from services.notifications.reactors.people import TellOfPeople
from services.notifications.reactors.retros import TellOfRetros
from services.notifications.reactors.rewards import TellOfRewards
from services.notifications.reactors.stale_progress import StaleProgress
from services.notifications.views.correction import HeardCorrectionView
from services.notifications.views.erasure_facts import HeardErasureView
from services.notifications.views.goals_change import GoalsChangeView
from services.notifications.views.goals_facts import KnownCycleView, KnownKpiView, KnownLinkView, KnownProposalView
from services.notifications.views.notice import MailView, NoticeView, ReadView
from services.notifications.views.preferences import PreferencesView
from services.notifications.views.retros_facts import HeardTeamRetroView
from services.notifications.views.rewards_facts import (
    HeardGiftView,
    HeardPraiseView,
    HeardRedemptionView,
    HeardValueView,
)
from services.notifications.views.standing_value import StandingValueView


def service(resources: Resources) -> Service:
    return Service(
        apis=[Api(notifications_pb2.DESCRIPTOR.services_by_name["Notifications"], NotificationsApi(resources), ACCESS)],
        views=[
            NoticeView(),
            ReadView(),
            MailView(),
            PreferencesView(),
            KnownKpiView(),
            KnownLinkView(),
            KnownCycleView(),
            KnownProposalView(),
            GoalsChangeView(),
            HeardPraiseView(),
            HeardValueView(),
            HeardGiftView(),
            HeardRedemptionView(),
            StandingValueView(),
            HeardCorrectionView(),
            HeardErasureView(),
            HeardTeamRetroView(),
            *directory.views(),
        ],
        reactions=[
            TellOfGoals(resources).reaction,
            TellOfCheckins(resources).reaction,
            TellOfRewards(resources).reaction,
            TellOfPeople(resources).reaction,
            TellOfRetros(resources).reaction,
        ],
        timers=[
            StaleProgress(resources).timer,
            NextDecider(resources).timer,
            DueMails(resources, Mailer.of(resources.settings)).timer,
        ],
    )
