"""The addresses of check-ins."""

from services.gateway.console.routes import Routes
from services.gateway.features.checkin import feed, own, reading, rhythm, topics, trend

# One's own pages before those that name a person.
routes = Routes(trend.routes, own.routes, reading.routes, topics.routes, rhythm.routes, feed.routes)
