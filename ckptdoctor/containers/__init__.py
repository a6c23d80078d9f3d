"""What formats share: sorted string tables, HDF5, zip archives, protocol messages."""
