"""What tuning did: what a budget of trials buys, where settings lie in their spaces, whence the noise."""
