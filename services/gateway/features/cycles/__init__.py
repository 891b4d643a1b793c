"""Cycles: a calendar of them, one with what may be done with it, and its KPIs taken on into the next."""
