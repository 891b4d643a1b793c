"""Read models of rewards: its own core values, praise, wallets and gifts, and, from the topic of goals, which KPIs there are."""
