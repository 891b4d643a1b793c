"""What retros does by itself: begin the round of a cycle, lay a board open, and forget who wrote what."""
