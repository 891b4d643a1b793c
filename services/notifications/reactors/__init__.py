"""What notifications does when something happened elsewhere, or fell due; never run by a rebuild."""
