"""What the executors for clusters share and need: a node that holds workers, Ray's, SLURM's."""
