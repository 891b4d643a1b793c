"""What the people service is made of."""

from eventkit.directory import views as directory
from eventkit.directory.past import Past, past_views
from eventkit.process.service import Resources, Service
from eventkit.rpc.server import Api
from nhip.people.v1 import identities_pb2, people_pb2, sync_pb2
from services.people import identity_api, sync_api
from services.people.access import ACCESS
from services.people.api import PeopleApi
from services.people.deciding import Deciding
from services.people.identity_api import IdentityApi
from services.people.kept import KeptPeople
from services.people.names import Names
from services.people.reactors.deletion import deleted_before, deleting
from services.people.reactors.erasure import erasing
from services.people.reactors.planned import planned_changes
from services.people.sync_api import SyncApi
from services.people.views.deletion import DeletionView
from services.people.views.employment import EmploymentView
from services.people.views.erasure import ErasureView
from services.people.views.logo import LogoView
from services.people.views.planned import PlannedView
from services.people.views.position import PositionHolderView, PositionView
from services.people.views.role_change import RoleChangeView
from services.people.views.synced import SyncedView
from services.people.views.table_mapping import TableMappingView


def service(resources: Resources) -> Service:
    deciding = Deciding(resources)
    api = PeopleApi(resources, Names(resources.words), deciding, Past(resources.pool))
    return Service(
        apis=[
            Api(people_pb2.DESCRIPTOR.services_by_name["People"], api, ACCESS),
            Api(
                identities_pb2.DESCRIPTOR.services_by_name["Identities"],
                IdentityApi(resources),
                identity_api.ACCESS,
            ),
            Api(
                sync_pb2.DESCRIPTOR.services_by_name["Sync"],
                SyncApi(resources, deciding, KeptPeople(resources.words)),
                sync_api.ACCESS,
            ),
        ],
        views=[
            DeletionView(),
            ErasureView(),
            EmploymentView(),
            RoleChangeView(),
            PlannedView(),
            LogoView(),
            PositionHolderView(),
            PositionView(),
            SyncedView(),
            TableMappingView(),
            *directory.views(),
            *past_views(),
        ],
        reactions=[erasing(resources)],
        timers=[planned_changes(resources, deciding), deleting(resources), deleted_before(resources)],
    )
