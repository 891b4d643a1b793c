"""Read models of notifications: the inbox, mails that are due, preferences; and what notices tell of, from the topics
of other contexts."""
