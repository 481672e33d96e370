"""What must hold, and the engines that find out whether it does."""
