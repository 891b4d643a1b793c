"""People: tenants, units, people, managers, roles.

Owns their log and answers who is who. Listens to nobody; every other service keeps its own directory from what happens
here. Knows nothing of KPIs.
"""
