"""What the people service does when something happened."""
