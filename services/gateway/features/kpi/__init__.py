"""One KPI: near or far, since when, why, and all that ever happened to it."""
