"""gRPC: what every call goes through, in one place – tokens, access, field rules, positions, errors, logs, metrics.

A service hands over its descriptor, the object that answers it and who may call what (`server.Api`); it gets checked
requests and a `Context`. Nothing here knows what the calls are about.
"""
