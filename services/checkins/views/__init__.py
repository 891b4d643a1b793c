"""Read models of checkins: its own progress, and, from the topic of goals, which KPIs and cycles there are."""

VERSION = 8
"""Of the views of checkins' own events: they share a subscription, so they take a new one together."""
