"""What pages need beside figures: numbers, notebooks, the explorer, what they show of the logs. Free of torch."""
