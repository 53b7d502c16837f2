"""What the field reports about many methods on many data sets: arrays and frames in, frames out."""
