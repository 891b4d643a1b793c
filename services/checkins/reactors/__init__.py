"""What the checkins service does when something happened elsewhere."""
