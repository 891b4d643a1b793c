"""What a form says about where a number is from."""

from nhip.checkins.v1 import types_pb2
from nhip.common.v1 import words_pb2
from services.gateway.console.forms import Form

FIELDS = {"evidence.links[0]": "link", "evidence.files[0]": "file"}


def evidence_of(filled: Form) -> types_pb2.Evidence | None:
    """None: nothing is shown."""
    link, name, digest = filled.text("link"), filled.text("file_name"), filled.text("file_sha256")
    if not link and not digest:
        return None
    file = types_pb2.EvidenceFile(name=words_pb2.PersonalText(plain=name), sha256=digest)
    return types_pb2.Evidence(links=[link] if link else [], files=[file] if digest else [])
