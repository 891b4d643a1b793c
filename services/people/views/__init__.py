"""What the people service shows beside the directory."""
