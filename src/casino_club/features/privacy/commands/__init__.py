"""What people ask for concerning their data, one file per topic."""
