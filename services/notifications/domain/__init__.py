"""Who hears of what, by which channel and when; a notice, and a person's preferences. Pure."""
