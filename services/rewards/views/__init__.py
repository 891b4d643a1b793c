"""Read models of rewards: its own core values, praise, wallets and gifts, and, from the topic of goals, which KPIs
there are."""

VERSION = 2
"""Of the views of rewards' own events: they share a subscription, so they take a new one together."""
