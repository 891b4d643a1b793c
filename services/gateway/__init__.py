"""The gateway: every service's RPCs as JSON, and the web console.

It owns no domain data and keeps no log: what it shows it asks of the services, as the caller and with the caller's
token. It alone may call services; it knows their contracts and nothing of how they work.
"""
