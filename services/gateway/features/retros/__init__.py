"""Looking back: one's starfish, the team's board. Reads nothing of goals, check-ins or rewards (C-45)."""
