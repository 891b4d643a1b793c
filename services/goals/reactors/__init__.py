"""What the goals service does when something happened elsewhere."""
