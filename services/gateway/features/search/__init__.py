"""Finding anything by its words: people, KPIs, strategic goals, success factors, cycles, units."""
