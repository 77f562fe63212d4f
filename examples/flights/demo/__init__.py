"""What the demo needs besides the commands that it shows."""
