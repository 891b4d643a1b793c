"""What the people service is made of."""

from eventkit.directory import views as directory
from eventkit.process.service import Resources, Service
from eventkit.rpc.server import Api
from nhip.people.v1 import people_pb2
from services.people.api import ACCESS, PeopleApi
from services.people.names import Names
from services.people.reactors.erasure import erasing
from services.people.views.employment import EmploymentView
from services.people.views.erasure import ErasureView
from services.people.views.logo import LogoView
from services.people.views.role_change import RoleChangeView


def service(resources: Resources) -> Service:
    return Service(
        apis=[
            Api(people_pb2.DESCRIPTOR.services_by_name["People"], PeopleApi(resources, Names(resources.words)), ACCESS)
        ],
        views=[ErasureView(), EmploymentView(), RoleChangeView(), LogoView(), *directory.views()],
        reactions=[erasing(resources)],
    )
