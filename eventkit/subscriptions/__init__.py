"""What reads a log or a topic: views and reactions, their checkpoints, and the events that were parked."""
