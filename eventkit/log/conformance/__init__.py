"""What every adapter of the event log must show, a user's own too. Needs pytest with pytest-asyncio.

class TestMyLog(LogConformance):
    @pytest.fixture
    async def make_log(self):
        async with AsyncExitStack() as stack:
            async def make():
                return await stack.enter_async_context(MyLog(...))      # each time another adapter, on the same storage
            yield make
"""

from eventkit.log.conformance.asking import Asking
from eventkit.log.conformance.deciding import Deciding
from eventkit.log.conformance.given import ORIGIN, MakeLog, events, everything, read, stream, taken, verdict
from eventkit.log.conformance.reading import Reading

__all__ = ["ORIGIN", "LogConformance", "MakeLog", "events", "everything", "read", "stream", "taken", "verdict"]


class LogConformance(Reading, Deciding, Asking):
    """Inherit from it, and give it `make_log`."""
