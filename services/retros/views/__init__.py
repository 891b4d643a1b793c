"""Read models of retros: its own starfish and boards, and, from the topic of goals, which cycles there are."""

VERSION = 1
"""Of the views of retros' own events: they share a subscription, so they take a new one together."""
