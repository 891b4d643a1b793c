"""The web console: one module per page, each a view-model made of the services' replies and a template that shows it.

Pages hold no rules: what is allowed, what adds up and how a KPI stands is asked of the services.
"""
