"""The decisions about tenants, units and people.

Their states and how events fold into them are in `eventkit.directory.facts`, for every service keeps a directory. Pure.
"""
