"""What the rewards service is made of."""

from eventkit.directory import views as directory
from eventkit.process.service import Resources, Service
from eventkit.rpc.server import Api
from nhip.rewards.v1 import rewards_pb2
from services.rewards.api import ACCESS, RewardsApi
from services.rewards.reactors.expiring_points import expiring_points
from services.rewards.views.core_value import CoreValueView
from services.rewards.views.gift import GiftView
from services.rewards.views.known import KnownKpiView
from services.rewards.views.movement import MovementView
from services.rewards.views.praise import PraiseView
from services.rewards.views.redemption import RedemptionView
from services.rewards.views.wallet import WalletView


def service(resources: Resources) -> Service:
    return Service(
        apis=[Api(rewards_pb2.DESCRIPTOR.services_by_name["Rewards"], RewardsApi(resources), ACCESS)],
        views=[
            CoreValueView(),
            PraiseView(),
            WalletView(),
            MovementView(),
            GiftView(),
            RedemptionView(),
            KnownKpiView(),
            *directory.views(),
        ],
        timers=[expiring_points(resources)],
    )
