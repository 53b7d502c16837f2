"""What the files of a bundle say of each other, held against each other; no code of the bundle is run."""
