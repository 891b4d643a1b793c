"""The machinery that every service shares: the event log, deciders, subscriptions, Kafka, gRPC, privacy, telemetry.

It knows nothing of KPIs; of the contracts it knows `nhip.common.v1` and, for the directory of who is who,
`nhip.people.v1`.
"""
