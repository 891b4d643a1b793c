"""What waits for the viewer, where they stand, what is new; and what the company lacks to be whole."""
