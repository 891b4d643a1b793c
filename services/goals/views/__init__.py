"""Read models of goals, one module each: row, fold, expected.

Two come from elsewhere: `progress` from checkins, the directory from people.
"""

VERSION = 10
"""Of the views of goals' own events: they share a subscription, so they take a new one together."""
