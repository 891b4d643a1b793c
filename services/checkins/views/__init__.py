"""Read models of checkins: its own progress, and, from the topic of goals, which KPIs and cycles there are."""
