"""What the pages of the console share: a visit, forms, language, refusals, and how KPIs, people, points and events are
shown. The pages themselves are features (`services.gateway.features`).

Pages hold no rules: what is allowed, what adds up and how a KPI stands is asked of the services.
"""
