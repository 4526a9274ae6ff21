"""What a person may ask of all stores at once: to be forgotten, and to be given what is kept of them."""
