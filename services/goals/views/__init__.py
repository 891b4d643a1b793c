"""Read models of goals, one module each: row, fold, queries.

Two come from elsewhere: `progress` from checkins, the directory from people.

`goal_map`, `kpi_page` and `proposal_page` keep nothing: they join the others in what a page asks for.
"""

VERSION = 3
"""Of the views of goals' own events: they share a subscription, so they take a new one together."""
