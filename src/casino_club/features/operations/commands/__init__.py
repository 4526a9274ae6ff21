"""What staff do, and taking stock."""
