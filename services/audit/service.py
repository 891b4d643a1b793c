"""What the audit service is made of."""

from eventkit.directory import views as directory
from eventkit.process.service import Resources, Service
from eventkit.rpc.server import Api
from nhip.audit.v1 import audit_pb2
from services.audit.api import ACCESS, AuditApi
from services.audit.views import ledger


def service(resources: Resources) -> Service:
    return Service(
        apis=[Api(audit_pb2.DESCRIPTOR.services_by_name["Audit"], AuditApi(resources), ACCESS)],
        views=[*ledger.views(), *directory.views()],
    )
