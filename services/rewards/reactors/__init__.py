"""What rewards does by itself: let go what is over, when it is over."""
