"""How jobs get to the nodes of a SLURM cluster, and their outcomes back."""
