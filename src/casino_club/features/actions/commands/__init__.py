"""What can be done with actions: append them, take them in from senders, review what was refused."""
