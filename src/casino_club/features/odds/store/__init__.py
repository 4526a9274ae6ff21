"""Every statement about odds, in files by topic."""
